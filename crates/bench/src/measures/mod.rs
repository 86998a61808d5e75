//! Everything that is measured.

mod calm;
mod hashing;
mod jobs;
mod large;
mod logins;
mod overload;
mod readings;
mod refreshes;
mod requests;
mod seed;
mod start;
mod timing;

use std::path::{Path, PathBuf};

use tokio::runtime::Runtime;

use crate::arguments::{Kind, Options, Part};
use crate::databases::Database;
use crate::error::Result;
use crate::node::{Member, Node};
use crate::process::build_server;
use crate::report::Report;

/// Tasks of the member whose lists are read.
const TASKS: usize = 200;

/// What measuring needs.
struct Bench<'a> {
    options: &'a Options,
    server: PathBuf,
    /// For whatever is no load.
    runtime: Runtime,
}

/// A server with a member who has tasks.
struct Site {
    node: Node,
    member: Member,
    database: Database,
}

/// Measures what `options` ask for, and prints it.
pub fn run(options: &Options) -> Result<()> {
    let bench = Bench { options, server: server(options)?, runtime: Runtime::new()? };
    let mut report = Report::default();
    for kind in [Kind::Sqlite, Kind::Postgres] {
        if options.only.is_none_or(|only| only == kind) {
            measure(&bench, kind, &mut report)?;
        }
    }
    report.print()?;
    options.json.as_deref().map_or(Ok(()), |path| report.write(path))
}

/// The binary to measure, which is built unless it is named.
fn server(options: &Options) -> Result<PathBuf> {
    if let Some(path) = &options.server {
        return Ok(path.canonicalize()?);
    }
    let path = std::env::current_exe()?.with_file_name("tenantry");
    build_server(&path)?;
    Ok(path)
}

fn measure(bench: &Bench<'_>, kind: Kind, report: &mut Report) -> Result<()> {
    let Some(database) = bench.runtime.block_on(Database::create(kind))? else { return Ok(()) };
    let small = [Part::Start, Part::Requests, Part::Refreshes, Part::Logins, Part::Overload, Part::Timing];
    if small.into_iter().any(|part| bench.options.wants(part)) {
        let mut site = bench.runtime.block_on(Site::open(&bench.server, database))?;
        calm::measure(&site, report)?;
        if bench.options.wants(Part::Start) {
            site = start::measure(bench, site, report)?;
        }
        if bench.options.wants(Part::Requests) {
            requests::measure(bench, &site, report)?;
        }
        if bench.options.wants(Part::Refreshes) {
            refreshes::measure(bench, &site, report)?;
        }
        if bench.options.wants(Part::Overload) {
            overload::measure(bench, &site, report)?;
        }
        if bench.options.wants(Part::Logins) {
            logins::measure(bench, &site, report)?;
        }
        if bench.options.wants(Part::Timing) {
            timing::measure(bench, &site, report)?;
        }
    }
    if bench.options.wants(Part::Jobs) {
        jobs::measure(bench, kind, report)?;
    }
    if bench.options.wants(Part::Readings) {
        readings::measure(bench, kind, report)?;
    }
    if bench.options.wants(Part::Large) { large::measure(bench, kind, report) } else { Ok(()) }
}

impl Site {
    /// A server on `database`, and a member with [`TASKS`] tasks.
    async fn open(server: &Path, database: Database) -> Result<Self> {
        Node::migrate(server, &database).await?;
        let node = Node::start(server, &database).await?;
        let member = node.sign_up().await?;
        node.create_tasks(&member, TASKS).await?;
        Ok(Self { node, member, database })
    }

    fn name(&self) -> &'static str {
        self.database.kind.name()
    }
}
