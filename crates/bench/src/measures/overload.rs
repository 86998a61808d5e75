//! Ten times as many logins as the machine can hash, and what that does to everybody.

use std::num::NonZeroUsize;
use std::thread;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::{Bench, Site, hashing, logins};
use crate::error::Result;
use crate::load::{self, Connection, Load, Request};
use crate::node::PASSWORD;
use crate::report::{Aim, Report, Row};
use crate::statistics::{float, percentile};

/// People who try to sign in, each to an account of their own: more than may queue for hashing.
const PEOPLE: usize = 160;

/// How many of them there are for one login that the machine can do in a second.
const TIMES: f64 = 10.0;

/// Long enough for the queue to be full most of the time.
const DURATION: Duration = Duration::from_secs(20);

/// Accounts that are made at a time.
const SIGN_UPS_AT_ONCE: usize = 8;

/// What became of a login.
struct Attempt {
    status: u16,
    took: Duration,
}

/// Offers logins at a fixed rate, whatever becomes of them, and other requests beside them.
pub(super) fn measure(bench: &Bench<'_>, site: &Site, report: &mut Report) -> Result<()> {
    let one = bench.runtime.block_on(hashing::cpu_time_of_one())?.as_secs_f64();
    let capacity = float(thread::available_parallelism()?.get()) / one;
    let people = bench.runtime.block_on(sign_up(site))?;
    let me = site.node.get(&site.member, "/api/v1/auth/me");
    let light =
        Load { connections: logins::LIGHT_CONNECTIONS, duration: DURATION, interval: Some(logins::LIGHT_INTERVAL) };
    let mut quiet = load::run(light, &me)?;
    // Whoever waits in the queue offers nothing meanwhile, so the others have to do it.
    let interval = Duration::from_secs_f64(float(PEOPLE / 2) / (capacity * TIMES));
    let (attempts, mut busy) = thread::scope(|scope| {
        let attempts = scope.spawn(|| bench.runtime.block_on(attempt(site.node.port, people, interval)));
        let busy = load::run(light, &me)?;
        let attempts = attempts.join().map_err(|_panic| "a thread of the load generator panicked")??;
        Ok::<_, crate::error::Error>((attempts, busy))
    })?;
    let measure = "p99 of 200 /auth/me a second, 10 × too many logins / quiet";
    report.add(logins::p99(site, measure, &mut busy, &mut quiet, Aim::AtMost(3.0)));

    let offered = float(attempts.len()) / DURATION.as_secs_f64();
    let admitted = attempts.iter().filter(|attempt| attempt.status == 200).count();
    let refused = attempts.iter().filter(|attempt| attempt.status == 503);
    let mut refusals: Vec<Duration> = refused.map(|attempt| attempt.took).collect();
    if refusals.is_empty() {
        return Err("no login was refused: there were not too many".into());
    }
    report.add(Row {
        database: site.name(),
        measure: "logins offered, times what cores ÷ bcrypt can do".to_owned(),
        measured: format!("{offered:>7.1}/s, {:.1}/s of them let in", float(admitted) / DURATION.as_secs_f64()),
        beside: format!("{capacity:>7.2}/s"),
        result: offered / capacity,
        aim: Aim::AtLeast(TIMES),
    });
    report.add(Row {
        database: site.name(),
        measure: "p99 of refused logins (503 with Retry-After), ms".to_owned(),
        measured: format!("{} refused", refusals.len()),
        beside: String::new(),
        result: percentile(&mut refusals, 99).unwrap_or_default().as_secs_f64() * 1_000.0,
        aim: Aim::AtMost(50.0),
    });
    Ok(())
}

/// The requests with which each of [`PEOPLE`] signs in.
async fn sign_up(site: &Site) -> Result<Vec<Request>> {
    let mut requests = Vec::with_capacity(PEOPLE);
    let mut running: JoinSet<Result<()>> = JoinSet::new();
    for number in 0..PEOPLE {
        let email = format!("person{number}@localhost.test");
        let body = serde_json::json!({"email": email, "password": PASSWORD});
        let request = Request::post(site.node.port, "/api/v1/auth/signup", None, &body)?.expecting(201);
        if running.len() >= SIGN_UPS_AT_ONCE {
            running.join_next().await.transpose()?.transpose()?;
        }
        running.spawn(async move {
            let mut connection = Connection::open(request.port).await?;
            load::exchange(&mut connection, &request).await.map(|_| ())
        });
        requests.push(site.node.sign_in(&email, PASSWORD)?);
    }
    while let Some(done) = running.join_next().await {
        done??;
    }
    Ok(requests)
}

/// Lets everybody try to sign in, once each `interval` unless their last attempt still waits.
async fn attempt(port: u16, people: Vec<Request>, interval: Duration) -> Result<Vec<Attempt>> {
    let start = Instant::now();
    let mut running: JoinSet<Result<Vec<Attempt>>> = JoinSet::new();
    let each = interval / u32::try_from(people.len().max(NonZeroUsize::MIN.get()))?;
    for (number, login) in (0_u32..).zip(people) {
        running.spawn(async move {
            let mut connection = Connection::open(port).await?;
            let mut attempts = Vec::new();
            // Not all at the same moment.
            tokio::time::sleep(each * number).await;
            let mut ticks = tokio::time::interval(interval);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
            while start.elapsed() < DURATION {
                ticks.tick().await;
                let sent = Instant::now();
                let answer = connection.exchange(&login.bytes).await?;
                let is_as_expected = answer.status == 200 || (answer.status == 503 && answer.has_retry_after);
                if !is_as_expected {
                    return Err(format!("a login was answered with {}", answer.status).into());
                }
                attempts.push(Attempt { status: answer.status, took: sent.elapsed() });
            }
            Ok(attempts)
        });
    }
    let mut attempts = Vec::new();
    while let Some(done) = running.join_next().await {
        attempts.extend(done??);
    }
    Ok(attempts)
}
