//! Readings, advisors and providers that do as a test says.

use std::collections::{HashMap, VecDeque};
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use tenantry_kernel::{IdGenerator, OrganizationId, SystemIds, UserId};
use tenantry_readings::{
    Advisor, AdvisorDescription, AdvisorId, AdvisorName, AdvisorTitle, Answer, AnswerEvent, Commission, Instructions,
    Manner, ModelName, NewReading, OnDisconnect, Prompt, Provider, ProviderError, ProviderName, Providers, Question,
    Reading, ReadingId, Route,
};
use tokio::time::sleep;

/// What a provider does when it is asked, once.
pub(crate) enum Act {
    /// Answers so, each event after a while.
    Say(Duration, Vec<AnswerEvent>),
    /// Fails so.
    Fail(ProviderError),
    /// Says nothing for ever.
    Hang,
}

/// Acts in turn; the last act is repeated.
#[derive(Default)]
pub(crate) struct Actor {
    acts: Mutex<VecDeque<Act>>,
    calls: Mutex<Vec<tokio::time::Instant>>,
}

impl Actor {
    pub(crate) fn new(acts: Vec<Act>) -> Self {
        Self { acts: Mutex::new(acts.into()), calls: Mutex::default() }
    }

    pub(crate) fn calls(&self) -> Vec<tokio::time::Instant> {
        self.calls.lock().unwrap().clone()
    }
}

struct Script {
    pause: Duration,
    events: VecDeque<AnswerEvent>,
}

#[async_trait]
impl Answer for Script {
    async fn next(&mut self) -> Result<Option<AnswerEvent>, ProviderError> {
        sleep(self.pause).await;
        Ok(self.events.pop_front())
    }
}

#[async_trait]
impl Provider for Actor {
    async fn ask(&self, _model: &ModelName, _prompt: &Prompt) -> Result<Box<dyn Answer>, ProviderError> {
        self.calls.lock().unwrap().push(tokio::time::Instant::now());
        let act = self.acts.lock().unwrap().pop_front().unwrap();
        match act {
            Act::Say(pause, events) => Ok(Box::new(Script { pause, events: events.into() })),
            Act::Fail(error) => Err(error),
            Act::Hang => std::future::pending().await,
        }
    }
}

/// Providers by their names.
pub(crate) struct Stage(pub(crate) HashMap<ProviderName, Actor>);

impl Stage {
    pub(crate) fn of<const N: usize>(actors: [(&str, Vec<Act>); N]) -> Self {
        let named = |(name, acts): (&str, _)| (ProviderName::parse(name).unwrap(), Actor::new(acts));
        Self(actors.into_iter().map(named).collect())
    }

    pub(crate) fn calls(&self, name: &str) -> usize {
        self.0[&ProviderName::parse(name).unwrap()].calls().len()
    }
}

impl Providers for Stage {
    fn of(&self, route: &Route) -> Option<&dyn Provider> {
        self.0.get(&route.provider).map(|actor| -> &dyn Provider { actor })
    }
}

pub(crate) fn route(provider: &str) -> Route {
    Route { provider: ProviderName::parse(provider).unwrap(), model: ModelName::parse("m").unwrap() }
}

pub(crate) fn text(text: &str) -> AnswerEvent {
    AnswerEvent::Text(text.to_owned())
}

/// A question to an advisor who asks these providers.
pub(crate) fn commission(providers: &[&str]) -> Commission {
    let ids = SystemIds;
    let manner = Manner {
        instructions: Instructions::parse("Be brief.").unwrap(),
        routes: providers.iter().map(|provider| route(provider)).collect(),
        temperature: None,
        on_disconnect: OnDisconnect::Finish,
    };
    let advisor = Advisor {
        id: AdvisorId::parse("legba").unwrap(),
        name: AdvisorName::parse("Legba").unwrap(),
        title: AdvisorTitle::parse("Keeper").unwrap(),
        description: AdvisorDescription::parse("").unwrap(),
        manner: manner.clone(),
    };
    let question = Question::parse("Which way?").unwrap();
    let new = NewReading { id: None, advisor: advisor.id.clone(), question };
    let owner = (OrganizationId::generate(&ids), UserId::from_uuid(ids.next_id()));
    let now = DateTime::<Utc>::UNIX_EPOCH;
    let reading = Reading::ask(new, ReadingId::generate(&ids), owner, &advisor, (now, now + Duration::from_mins(2)));
    Commission { reading: reading.begun(), manner }
}
