//! How many sessions a second can be refreshed.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::json;

use super::{Bench, Site};
use crate::error::Result;
use crate::load::{Connection, Request, exchange};
use crate::node::{EMAIL, PASSWORD};
use crate::report::{Aim, Report, Row};
use crate::statistics::float;

/// Devices that refresh, each its own session, one refresh after the other.
const SESSIONS: usize = 16;

#[derive(Deserialize)]
struct Tokens {
    refresh_token: String,
}

/// Lets many sessions refresh as fast as they can, each with the token of its last answer.
pub(super) fn measure(bench: &Bench<'_>, site: &Site, report: &mut Report) -> Result<()> {
    let tokens = bench.runtime.block_on(sign_in(site))?;
    let before = site.node.process.cpu_time()?;
    let start = Instant::now();
    let refreshed = bench.runtime.block_on(refresh(site.node.port, tokens, bench.options.duration()))?;
    let elapsed = start.elapsed().as_secs_f64();
    let cpu = site.node.process.cpu_time()?.saturating_sub(before).as_secs_f64();
    let refreshed = float(refreshed);
    report.add(Row {
        database: site.name(),
        measure: format!("refreshes a second of the server's CPU, {SESSIONS} sessions"),
        measured: format!("{:>7.0}/s {:>6.1} µs", refreshed / elapsed, cpu * 1e6 / refreshed.max(1.0)),
        beside: String::new(),
        result: refreshed / cpu,
        aim: Aim::AtLeast(1_000.0),
    });
    Ok(())
}

async fn sign_in(site: &Site) -> Result<Vec<String>> {
    let login = site.node.sign_in(EMAIL, PASSWORD)?;
    let mut connection = Connection::open(site.node.port).await?;
    let mut tokens = Vec::with_capacity(SESSIONS);
    for _ in 0..SESSIONS {
        let answer: Tokens = serde_json::from_slice(exchange(&mut connection, &login).await?)?;
        tokens.push(answer.refresh_token);
    }
    Ok(tokens)
}

/// How many refreshes there were.
async fn refresh(port: u16, tokens: Vec<String>, duration: Duration) -> Result<usize> {
    let end = Instant::now() + duration;
    let sessions = tokens.into_iter().map(|token| tokio::spawn(refresh_until(end, port, token)));
    let mut refreshed = 0;
    for session in sessions.collect::<Vec<_>>() {
        refreshed += session.await??;
    }
    Ok(refreshed)
}

async fn refresh_until(end: Instant, port: u16, mut token: String) -> Result<usize> {
    let mut connection = Connection::open(port).await?;
    let mut refreshed = 0;
    while Instant::now() < end {
        let request = Request::post(port, "/api/v1/auth/refresh", None, &json!({"refresh_token": token}))?;
        let answer: Tokens = serde_json::from_slice(exchange(&mut connection, &request).await?)?;
        token = answer.refresh_token;
        refreshed += 1;
    }
    Ok(refreshed)
}
