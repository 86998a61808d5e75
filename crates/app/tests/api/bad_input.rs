//! Whatever clients send: a problem that says what is wrong, or harmless text kept as it is; never a fault of the
//! server, and nothing stored of what was refused.

mod bodies;
mod headers;
mod members;
mod queries;

use crate::answer::Answer;
use crate::contract::Operation;
use crate::fixture::Fixture;
use crate::site::{Ask, Site};

/// What has to become of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// It must be refused.
    Refused,
    /// It must be refused as a value of the wrong type, and the member named.
    Misfit,
    /// It may be taken or refused.
    Either,
}

/// How many rows there are of what requests make.
async fn stored(site: &Site) -> [i64; 5] {
    let mut counts = [0; 5];
    let tables = ["users", "organizations", "projects", "tasks", "idempotency_keys"];
    for (count, table) in counts.iter_mut().zip(tables) {
        *count = site.rows(table).await;
    }
    counts
}

/// Sends the request and checks that it becomes of it what has to.
async fn judge(site: &Site, ask: Ask, verdict: Verdict, what: &str) -> Answer {
    let before = stored(site).await;
    let answer = ask.send().await;
    assert!(answer.status < 500, "{what}: {answer}");
    if answer.status >= 400 {
        answer.problem();
        assert_eq!(stored(site).await, before, "{what} was refused and stored: {answer}");
    } else {
        assert_eq!(verdict, Verdict::Either, "{what}: {answer}");
    }
    answer
}

/// The operation's request from whoever may send it; they are somebody new if the last request was the end of them.
async fn ask(fixture: &mut Fixture<'_>, operation: &Operation) -> Ask {
    if fixture.owner.get("/users/me").await.status != 200 {
        *fixture = Fixture::of(fixture.site).await;
    }
    let ask = fixture.ask(operation);
    if operation.public { ask } else { fixture.caller(operation).authorize(ask) }
}
