//! What every adapter of the ports of readings promises.

mod advisors;
mod answering;
mod keeping;
mod ledger;
mod log;
mod reserving;
mod service;

use chrono::Duration;
use tenantry_identity::PlatformContext;
use tenantry_kernel::{Clock as _, SystemIds};
use tenantry_readings::ports::ReadingTransaction;
use tenantry_readings::{
    Advisor, AdvisorDescription, AdvisorId, AdvisorName, AdvisorTitle, Bill, Budget, Chunk, Citation, Failure,
    Instructions, Manner, ModelName, NanoUsd, NewReading, OnDisconnect, Outcome, Piece, ProviderName, Question,
    Reading, ReadingId, ReadingStatus, Reservation, Route, Sequence,
};

use crate::{Person, World};

pub use advisors::ADVISORS;
pub use answering::ANSWERS;
pub use keeping::READINGS;
pub use ledger::READING_LEDGER;
pub use log::READING_LOG;
pub use reserving::RESERVATIONS;

fn usd(text: &str) -> NanoUsd {
    text.parse().expect("an amount")
}

fn route(model: &str) -> Route {
    Route { provider: ProviderName::parse("house").expect("a name"), model: ModelName::parse(model).expect("a name") }
}

fn advisor(id: &str) -> Advisor {
    Advisor {
        id: AdvisorId::parse(id).expect("an id"),
        name: AdvisorName::parse("Papa Legba").expect("a name"),
        title: AdvisorTitle::parse("Keeper of the gate").expect("a title"),
        description: AdvisorDescription::parse("Opens ways").expect("a description"),
        manner: Manner {
            instructions: Instructions::parse("Be brief.").expect("instructions"),
            routes: vec![route("small"), route("large")],
            temperature: None,
            on_disconnect: OnDisconnect::Finish,
        },
    }
}

fn question(text: &str) -> NewReading {
    let question = Question::parse(text).expect("a question");
    NewReading { id: None, advisor: AdvisorId::parse("legba").expect("an id"), question }
}

fn citation(number: u32) -> Citation {
    Citation { url: format!("https://example.com/{number}"), title: Some("l'été \"ß\" 🦀".to_owned()) }
}

fn text(sequence: i64, text: &str) -> Chunk {
    Chunk { sequence: Sequence::from_number(sequence), piece: Piece::Text(text.to_owned()) }
}

fn completed(response: &str) -> Outcome {
    let bill =
        Bill { prompt_tokens: 12, completion_tokens: 34, cost: usd("0.5"), computed: usd("0.25"), is_estimated: true };
    Outcome {
        status: ReadingStatus::Completed,
        failure: None,
        response: Some(response.to_owned()),
        citations: vec![citation(1), Citation { url: "https://example.com".to_owned(), title: None }],
        last: Sequence::from_number(3),
        route: Some(route("small")),
        bill,
    }
}

fn failed() -> Outcome {
    Outcome::unanswered(ReadingStatus::Failed, Some(Failure::Provider))
}

impl World {
    /// A reading that has just been asked for and is not stored.
    fn new_reading(&self, person: &Person) -> Reading {
        self.asked(person, "When will it rain?", 0)
    }

    /// The same, of another question and some seconds later.
    fn asked(&self, person: &Person, text: &str, seconds: i64) -> Reading {
        let now = self.clock.now() + Duration::seconds(seconds);
        let owner = (person.owner.organization_id(), person.user.id);
        let times = (now, now + Duration::minutes(5));
        Reading::ask(question(text), ReadingId::generate(&SystemIds), owner, &advisor("legba"), times)
    }

    async fn in_tenant(&self, person: &Person) -> Box<dyn ReadingTransaction> {
        self.ports.readings.begin(&person.owner).await.expect("a transaction")
    }

    async fn at_desk(&self) -> Box<dyn ReadingTransaction> {
        self.ports.reading_desk.begin(&PlatformContext::system()).await.expect("a transaction")
    }

    /// Stores readings that cost nothing.
    async fn keep(&self, person: &Person, readings: &[&Reading]) {
        let mut transaction = self.in_tenant(person).await;
        for reading in readings {
            assert!(transaction.readings().insert(reading).await.expect("an insert"));
            let reservation = Reservation::of(reading, NanoUsd::ZERO);
            assert!(transaction.ledger().reserve(&reservation, &Budget::default()).await.expect("an answer"));
        }
        transaction.commit().await.expect("a commit");
    }

    async fn find_reading(&self, person: &Person, id: ReadingId) -> Option<Reading> {
        let mut transaction = self.ports.readings.read(&person.owner).await.expect("a transaction");
        transaction.readings().find(id).await.expect("an answer")
    }

    /// All pieces of a reading.
    async fn pieces(&self, person: &Person, id: ReadingId) -> Vec<Chunk> {
        let mut transaction = self.ports.readings.read(&person.owner).await.expect("a transaction");
        transaction.log().read(id, Sequence::ASKED, 10_000).await.expect("pieces")
    }

    /// Money for a reading that nobody stores, on the day of the clock.
    fn reservation(&self, person: &Person, amount: &str) -> Reservation {
        Reservation::of(&self.new_reading(person), usd(amount))
    }
}
