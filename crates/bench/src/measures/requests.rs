//! Requests a second, beside bare handlers over the same rows.

use std::process::Command;
use std::time::Duration;

use super::{Bench, Site, start};
use crate::bare;
use crate::error::Result;
use crate::load::{self, Load, Request};
use crate::node::page_path;
use crate::process::Process;
use crate::report::{Aim, Report, Row};
use crate::statistics::{float, median};
use crate::task::NewTask;

/// Before the first round, so that both sides have their caches and connections.
const WARM_UP: Duration = Duration::from_millis(500);

/// A request to the server and the bare one that it is compared with.
struct Comparison {
    name: &'static str,
    server: Request,
    bare: Request,
    aim: Aim,
}

/// What one side of a comparison did.
#[derive(Debug, Clone, Copy)]
pub(super) struct Side {
    /// Answers a second, the median of the rounds.
    pub rate: f64,
    /// The CPU time that its process used for an answer, in µs.
    pub cpu: f64,
}

/// Bare handlers beside a server.
struct Bare {
    process: Process,
    port: u16,
}

/// Compares all requests.
pub(super) fn measure(bench: &Bench<'_>, site: &Site, report: &mut Report) -> Result<()> {
    let bare = bench.runtime.block_on(Bare::start(site))?;
    let comparisons = bench.runtime.block_on(comparisons(site, bare.port))?;
    layers(bench, site, report)?;
    for comparison in comparisons {
        report.add(compare(bench, site, &bare, &comparison)?);
    }
    report.add(start::memory(site, "most memory under load, MiB", site.node.process.peak_memory()?, 120.0));
    Ok(())
}

impl Bare {
    /// Copies the tasks of `site`, and starts handlers on the copy.
    async fn start(site: &Site) -> Result<Self> {
        let tasks = site.node.all_tasks(&site.member).await?;
        let place = site.database.fill_bare(&tasks).await?;
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["bare", site.database.kind.argument(), &place]);
        let (process, port) = Process::start_and_read_line(&mut command)?;
        Ok(Self { process, port: port.parse()? })
    }
}

/// Creating comes last, since the others would read what it made.
async fn comparisons(site: &Site, bare: u16) -> Result<Vec<Comparison>> {
    let Site { node, member, .. } = site;
    let get = |path: &str| node.get(member, path);
    let bare_get = |path: &str| Request::get(bare, path, None);
    let compare = |name, server, bare, aim| Comparison { name, server, bare, aim: Aim::AtLeast(aim) };
    let insert = Request::post(bare, bare::INSERT, None, &NewTask::example(1))?.expecting(201);
    Ok(vec![
        compare("authentication only / constant", get(NO_DATA).expecting(404), bare_get(bare::CONSTANT), 0.35),
        compare("GET /auth/me / one row", get(ME), bare_get(bare::ONE), 0.35),
        compare("list of 50, cursor / rows", get(&node.path_after(member, 1).await?), bare_get(bare::PAGE), 0.45),
        compare("list of 50, page / COUNT + rows", get(&page_path(2)), bare_get(bare::COUNTED_PAGE), 0.6),
        compare("POST /tasks / INSERT", node.create(member, 1)?, insert, 0.4),
    ])
}

/// An authenticated request that needs no data: a path that no id has is refused after the token was checked.
const NO_DATA: &str = "/api/v1/tasks/none";
const ME: &str = "/api/v1/auth/me";
/// A task that nobody has: a transaction with one query that finds nothing.
const ABSENT: &str = "/api/v1/tasks/00000000-0000-7000-8000-000000000000";

fn compare(bench: &Bench<'_>, site: &Site, bare: &Bare, comparison: &Comparison) -> Result<Row> {
    let load = |duration| Load { connections: bench.options.connections, duration, interval: None };
    load::run(load(WARM_UP), &comparison.server)?;
    load::run(load(WARM_UP), &comparison.bare)?;
    let mut rounds = Vec::new();
    for _ in 0..bench.options.rounds {
        let server = side(load(bench.options.round()), &comparison.server, &site.node.process)?;
        let bare = side(load(bench.options.round()), &comparison.bare, &bare.process)?;
        rounds.push((server, bare));
    }
    Ok(Row {
        database: site.name(),
        measure: comparison.name.to_owned(),
        measured: Side::median(&rounds, |(server, _)| *server).to_string(),
        beside: Side::median(&rounds, |(_, bare)| *bare).to_string(),
        result: median(rounds.iter().map(|(server, bare)| server.rate / bare.rate)).unwrap_or_default(),
        aim: comparison.aim,
    })
}

/// Sends `request` to `process`.
pub(super) fn side(load: Load, request: &Request, process: &Process) -> Result<Side> {
    let before = process.cpu_time()?;
    let outcome = load::run(load, request)?;
    let cpu = process.cpu_time()?.saturating_sub(before);
    let answers = float(outcome.latencies.len()).max(1.0);
    Ok(Side { rate: outcome.rate(), cpu: cpu.as_secs_f64() * 1e6 / answers })
}

impl Side {
    /// What one of the two sides of some rounds did.
    pub(super) fn median(rounds: &[(Self, Self)], which: fn(&(Self, Self)) -> Self) -> Self {
        let of = |field: fn(Self) -> f64| median(rounds.iter().map(which).map(field)).unwrap_or_default();
        Self { rate: of(|side| side.rate), cpu: of(|side| side.cpu) }
    }
}

impl std::fmt::Display for Side {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:>7.0}/s {:>6.1} µs", self.rate, self.cpu)
    }
}

/// What each layer adds to the CPU time that the server's process uses for an answer. A database server's own time
/// is not in it.
fn layers(bench: &Bench<'_>, site: &Site, report: &mut Report) -> Result<()> {
    let Site { node, member, .. } = site;
    let cursor = bench.runtime.block_on(node.path_after(member, 1))?;
    let steps = [
        ("frame (health)", Request::get(node.port, "/health", None)),
        ("+ authentication (no data)", node.get(member, NO_DATA).expecting(404)),
        ("+ transaction and a query (absent task)", node.get(member, ABSENT).expecting(404)),
        ("+ ORM and JSON of 50 rows (cursor)", node.get(member, &cursor)),
        ("+ COUNT (page)", node.get(member, &page_path(2))),
    ];
    let mut before = 0.0;
    for (name, request) in steps {
        let load = |duration| Load { connections: bench.options.connections, duration, interval: None };
        load::run(load(WARM_UP), &request)?;
        let measured = side(load(bench.options.duration().min(MOST_A_LAYER)), &request, &node.process)?;
        report.add(Row {
            database: site.name(),
            measure: format!("layer: {name}, µs"),
            measured: measured.to_string(),
            beside: format!("{before:.1} µs before"),
            result: measured.cpu - before,
            aim: Aim::None,
        });
        before = measured.cpu;
    }
    Ok(())
}

/// A layer is for information, and needs no rounds.
const MOST_A_LAYER: Duration = Duration::from_secs(2);
