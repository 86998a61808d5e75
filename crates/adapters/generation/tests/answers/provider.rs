//! A provider that does what a test says, and remembers what was asked of it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tenantry_readings::{
    Answer, AnswerEvent, ModelName, NanoUsd, Prompt, Provider, ProviderError, Providers, Route, Usage,
};
use tokio::time::sleep;

/// A moment of an answer.
#[derive(Debug, Clone)]
pub enum Beat {
    /// More of it.
    Say(&'static str),
    /// The same, made up.
    Tell(String),
    /// What it costs.
    Charge(NanoUsd),
    /// Nothing for a while.
    Pause(Duration),
    /// It fails.
    Fail(ProviderError),
    /// Nothing for ever.
    Hang,
}

type Script = dyn Fn(&str) -> Vec<Beat> + Send + Sync;

/// Answers questions by a script.
pub struct Actor {
    script: Box<Script>,
    calls: AtomicUsize,
    open: Arc<AtomicUsize>,
    most_open: AtomicUsize,
    dropped: Arc<Mutex<Vec<Instant>>>,
}

impl Actor {
    pub fn new(script: impl Fn(&str) -> Vec<Beat> + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            script: Box::new(script),
            calls: AtomicUsize::new(0),
            open: Arc::default(),
            most_open: AtomicUsize::new(0),
            dropped: Arc::default(),
        })
    }

    /// How often anything was asked.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// How many calls were under way at the same time, at most.
    pub fn most_open(&self) -> usize {
        self.most_open.load(Ordering::SeqCst)
    }

    /// When calls were ended before their end.
    pub fn dropped(&self) -> Vec<Instant> {
        self.dropped.lock().unwrap().clone()
    }
}

impl Providers for Actor {
    fn of(&self, _route: &Route) -> Option<&dyn Provider> {
        Some(self)
    }
}

struct Play {
    beats: VecDeque<Beat>,
    open: Arc<AtomicUsize>,
    is_over: bool,
    dropped: Arc<Mutex<Vec<Instant>>>,
}

impl Drop for Play {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::SeqCst);
        if !self.is_over {
            self.dropped.lock().unwrap().push(Instant::now());
        }
    }
}

#[async_trait]
impl Answer for Play {
    async fn next(&mut self) -> Result<Option<AnswerEvent>, ProviderError> {
        loop {
            match self.beats.pop_front() {
                Some(Beat::Say(text)) => return Ok(Some(AnswerEvent::Text(text.to_owned()))),
                Some(Beat::Tell(text)) => return Ok(Some(AnswerEvent::Text(text))),
                Some(Beat::Charge(cost)) => {
                    let usage = Usage { prompt_tokens: 10, completion_tokens: 20, cost: Some(cost) };
                    return Ok(Some(AnswerEvent::Usage(usage)));
                }
                Some(Beat::Pause(pause)) => sleep(pause).await,
                Some(Beat::Fail(error)) => {
                    self.is_over = true;
                    return Err(error);
                }
                Some(Beat::Hang) => std::future::pending().await,
                None => {
                    self.is_over = true;
                    return Ok(None);
                }
            }
        }
    }
}

#[async_trait]
impl Provider for Actor {
    async fn ask(&self, _model: &ModelName, prompt: &Prompt) -> Result<Box<dyn Answer>, ProviderError> {
        let question = prompt.question.as_str();
        self.calls.fetch_add(1, Ordering::SeqCst);
        let open = self.open.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_open.fetch_max(open, Ordering::SeqCst);
        let (open, dropped) = (self.open.clone(), self.dropped.clone());
        Ok(Box::new(Play { beats: (self.script)(question).into(), open, is_over: false, dropped }))
    }
}
