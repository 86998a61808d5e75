//! Logins a second, and what they do to other requests.

use std::num::NonZeroUsize;
use std::thread;
use std::time::Duration;

use super::{Bench, Site, hashing};
use crate::error::Result;
use crate::load::{self, Load, Outcome, Request};
use crate::node::{EMAIL, PASSWORD};
use crate::report::{Aim, Report, Row};
use crate::statistics::{float, percentile};

/// Fewer than may queue for hashing: none is refused.
const LOGIN_CONNECTIONS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(15);

/// Other people's requests while somebody signs in: so few that the machine has time for logins.
pub(super) const LIGHT_CONNECTIONS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(3);
pub(super) const LIGHT_INTERVAL: Duration = Duration::from_millis(20);

/// A login takes a core for a quarter of a second, so that counting them takes a while.
const LEAST_DURATION: Duration = Duration::from_secs(15);

pub(super) fn measure(bench: &Bench<'_>, site: &Site, report: &mut Report) -> Result<()> {
    let one = bench.runtime.block_on(hashing::cpu_time_of_one())?.as_secs_f64();
    let limit = float(thread::available_parallelism()?.get()) / one;
    let duration = bench.options.duration().max(LEAST_DURATION);
    let logins = Load { connections: LOGIN_CONNECTIONS, duration, interval: None };
    let login = site.node.sign_in(EMAIL, PASSWORD)?;
    let me = site.node.get(&site.member, "/api/v1/auth/me");
    let rate = |measure: &str, outcome: &Outcome, aim| Row {
        database: site.name(),
        measure: measure.to_owned(),
        measured: format!("{:>7.2}/s", outcome.steady_rate()),
        beside: format!("{limit:>7.2}/s {:>6.0} ms each", one * 1_000.0),
        result: outcome.steady_rate() / limit,
        aim,
    };

    report.add(rate("logins / cores ÷ bcrypt", &load::run(logins, &login)?, Aim::AtLeast(0.9)));

    let light = Load { connections: LIGHT_CONNECTIONS, duration, interval: Some(LIGHT_INTERVAL) };
    let mut quiet = load::run(light, &me)?;
    let (meanwhile, mut busy) = together((logins, &login), (light, &me))?;
    report.add(p99(site, "p99 of 200 /auth/me a second, logins / quiet", &mut busy, &mut quiet, Aim::AtMost(3.0)));
    report.add(rate("logins meanwhile / cores ÷ bcrypt", &meanwhile, Aim::AtLeast(0.9)));

    let heavy = Load { connections: bench.options.connections, duration, interval: None };
    let mut quiet = load::run(heavy, &me)?;
    let (meanwhile, mut busy) = together((logins, &login), (heavy, &me))?;
    report.add(p99(site, "p99 of all /auth/me it can do, logins / quiet", &mut busy, &mut quiet, Aim::AtMost(3.0)));
    report.add(rate("logins meanwhile / cores ÷ bcrypt", &meanwhile, Aim::None));
    Ok(())
}

/// Sends both at the same time.
fn together(one: (Load, &Request), other: (Load, &Request)) -> Result<(Outcome, Outcome)> {
    thread::scope(|scope| {
        let one = scope.spawn(|| load::run(one.0, one.1));
        let other = load::run(other.0, other.1)?;
        Ok((one.join().map_err(|_panic| "a thread of the load generator panicked")??, other))
    })
}

pub(super) fn p99(site: &Site, measure: &str, busy: &mut Outcome, quiet: &mut Outcome, aim: Aim) -> Row {
    let show = |outcome: &Outcome, p99: f64| format!("{p99:>7.2} ms at {:.0}/s", outcome.rate());
    let milliseconds =
        |outcome: &mut Outcome| percentile(&mut outcome.latencies, 99).unwrap_or_default().as_secs_f64() * 1_000.0;
    let (during, before) = (milliseconds(busy), milliseconds(quiet));
    Row {
        database: site.name(),
        measure: measure.to_owned(),
        measured: show(busy, during),
        beside: show(quiet, before),
        result: during / before,
        aim,
    }
}
