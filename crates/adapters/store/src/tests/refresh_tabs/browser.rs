//! Tabs that share one place for their refresh token. Times are tenths of a second, small enough for every request that
//! began with a token to arrive within the grace period of the token's replacement.

use chrono::Duration;

use super::family::Family;

pub const TABS: usize = 8;

/// A request's way, and how long its tab waits for the answer when that is lost.
#[derive(Debug, Clone)]
pub struct Trip {
    pub there: i64,
    pub back: i64,
    pub pause: i64,
}

/// A refresh. The answers of all trips but the last are lost.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// How long the tab waits before it.
    pub wait: i64,
    pub trips: Vec<Trip>,
}

/// What goes on after a pause, in seconds.
#[derive(Debug, Clone)]
pub struct Burst {
    pub pause: i64,
    /// Whether the browser first loses an answer, and then the network for as long again.
    pub is_cut_off: bool,
    pub tabs: Vec<Vec<Exchange>>,
}

/// Who shares the token.
pub struct Browser {
    /// All that it has had, the newest last.
    tokens: Vec<String>,
}

/// What a tab does next, and when.
enum Next {
    Read,
    Arrive { token: String, trip: usize },
    Receive { token: String, trip: usize, successor: Option<String> },
}

struct Tab {
    exchanges: std::vec::IntoIter<Exchange>,
    current: Exchange,
    due: i64,
    next: Next,
}

impl Tab {
    /// None where the tab sleeps on.
    fn wake(exchanges: Vec<Exchange>) -> Option<Self> {
        let mut exchanges = exchanges.into_iter();
        let current = exchanges.next()?;
        Some(Self { exchanges, due: current.wait, current, next: Next::Read })
    }

    /// Whether this trip's answer is lost.
    fn tries_again_after(&mut self, trip: usize) -> bool {
        let is_lost = trip + 1 < self.current.trips.len();
        if is_lost {
            self.due += self.current.trips[trip].pause;
        }
        is_lost
    }

    /// Whether there is another refresh to come.
    fn goes_on(&mut self) -> bool {
        let Some(exchange) = self.exchanges.next() else { return false };
        self.due += exchange.wait;
        self.current = exchange;
        self.next = Next::Read;
        true
    }

    fn send(&mut self, token: String, trip: usize) {
        self.due += self.current.trips[trip].there;
        self.next = Next::Arrive { token, trip };
    }
}

impl Browser {
    pub fn new(token: String) -> Self {
        Self { tokens: vec![token] }
    }

    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }

    fn token(&self) -> String {
        self.tokens.last().unwrap().clone()
    }

    /// One refresh while nothing else goes on.
    pub async fn exchange(&mut self, family: &mut Family<'_>) {
        let token = self.token();
        let successor = family.present(&token).await;
        self.store(&token, successor);
    }

    /// Keeps what came, unless another tab was faster.
    fn store(&mut self, sent: &str, successor: Option<String>) {
        if let Some(successor) = successor.filter(|_| self.token() == sent) {
            self.tokens.push(successor);
        }
    }

    pub async fn live_through(&mut self, burst: Burst, family: &mut Family<'_>) {
        family.wait(Duration::seconds(burst.pause));
        if burst.is_cut_off {
            family.present(&self.token()).await;
            family.wait(Duration::seconds(burst.pause));
            self.exchange(family).await;
        }
        let mut tabs: Vec<Tab> = burst.tabs.into_iter().filter_map(Tab::wake).collect();
        let mut now = 0;
        while let Some(due) = tabs.iter().map(|tab| tab.due).min() {
            family.wait(Duration::milliseconds((due - now) * 100));
            now = due;
            self.step(&mut tabs, due, family).await;
        }
    }

    /// Lets the first tab that is due do what it does next; with it those whose requests arrive with the same token.
    async fn step(&mut self, tabs: &mut Vec<Tab>, due: i64, family: &mut Family<'_>) {
        let index = tabs.iter().position(|tab| tab.due == due).unwrap();
        match &tabs[index].next {
            Next::Read => {
                let token = self.token();
                tabs[index].send(token, 0);
            }
            Next::Arrive { token, .. } => {
                let token = token.clone();
                arrive(tabs, due, &token, family).await;
            }
            Next::Receive { token, trip, successor } => {
                let (token, trip, successor) = (token.clone(), *trip, successor.clone());
                if tabs[index].tries_again_after(trip) {
                    tabs[index].send(token, trip + 1);
                    return;
                }
                self.store(&token, successor);
                if !tabs[index].goes_on() {
                    tabs.remove(index);
                }
            }
        }
    }
}

async fn arrive(tabs: &mut [Tab], due: i64, presented: &str, family: &mut Family<'_>) {
    let mut together = Vec::new();
    for tab in tabs.iter_mut().filter(|tab| tab.due == due) {
        match &tab.next {
            Next::Arrive { token, trip } if token == presented => together.push((*trip, tab)),
            _ => {}
        }
    }
    let successor = family.present_at_once(presented, together.len()).await;
    for (trip, tab) in together {
        tab.due += tab.current.trips[trip].back;
        tab.next = Next::Receive { token: presented.to_owned(), trip, successor: successor.clone() };
    }
}
