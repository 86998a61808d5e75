//! Whether the time of a failing login tells if the account exists.

use std::time::{Duration, Instant};

use super::{Bench, Site};
use crate::error::Result;
use crate::load::{Connection, Request, exchange};
use crate::node::EMAIL;
use crate::report::{Aim, Report, Row};
use crate::statistics::median_seconds;

/// Sends pairs of failing logins, one login at a time, and compares their times.
pub(super) fn measure(bench: &Bench<'_>, site: &Site, report: &mut Report) -> Result<()> {
    let unknown = site.node.sign_in("nobody@localhost.test", "not the password")?.expecting(401);
    let wrong = site.node.sign_in(EMAIL, "not the password")?.expecting(401);
    let times = bench.runtime.block_on(pairs(bench.options.pairs, &unknown, &wrong))?;
    let [unknown, wrong] = times.map(|times| median_seconds(&times).unwrap_or_default() * 1_000.0);
    report.add(Row {
        database: site.name(),
        measure: format!("failing login: unknown account / wrong password, off by, %, {} pairs", bench.options.pairs),
        measured: format!("{unknown:>7.2} ms"),
        beside: format!("{wrong:>7.2} ms"),
        result: (unknown / wrong - 1.0).abs() * 100.0,
        aim: Aim::AtMost(2.0),
    });
    Ok(())
}

/// The times of `one` and `other`; they take turns in being first.
async fn pairs(count: u32, one: &Request, other: &Request) -> Result<[Vec<Duration>; 2]> {
    let mut connection = Connection::open(one.port).await?;
    let (mut ones, mut others) = (Vec::new(), Vec::new());
    for number in 0..count {
        if number % 2 == 0 {
            ones.push(time(&mut connection, one).await?);
            others.push(time(&mut connection, other).await?);
        } else {
            others.push(time(&mut connection, other).await?);
            ones.push(time(&mut connection, one).await?);
        }
    }
    Ok([ones, others])
}

async fn time(connection: &mut Connection, request: &Request) -> Result<Duration> {
    let start = Instant::now();
    exchange(connection, request).await?;
    Ok(start.elapsed())
}
