//! Lists in many tasks beside lists in few.

use std::time::Duration;

use super::requests::{Side, side};
use super::{Bench, seed};
use crate::arguments::Kind;
use crate::databases::Database;
use crate::error::Result;
use crate::load::{Load, Request};
use crate::node::{Member, Node, page_path};
use crate::process::Process;
use crate::report::{Aim, Report, Row};
use crate::statistics::median;

const MANY: u32 = 1_000;
const FEW: u32 = 10;

/// The last page but one of an organisation's thousand tasks.
const DEEP_PAGE: u32 = seed::TASKS_EACH / 50 - 2;

/// A server whose database was filled.
struct Filled {
    node: Node,
    first: Request,
    second: Request,
    deep: Request,
    _database: Database,
}

/// Compares the first page, the second by cursor and one deep in the list, in 1,000,000 tasks and in 10,000.
pub(super) fn measure(bench: &Bench<'_>, kind: Kind, report: &mut Report) -> Result<()> {
    let open = |organizations| bench.runtime.block_on(Filled::open(bench, kind, organizations));
    let (Some(many), Some(few)) = (open(MANY)?, open(FEW)?) else { return Ok(()) };
    let within = |measure: &str, one: (&Filled, &Request), other: (&Filled, &Request)| {
        let sides = sides(bench, (&one.0.node.process, one.1), (&other.0.node.process, other.1))?;
        Ok::<_, crate::error::Error>(row(kind, measure, &sides))
    };
    report.add(within("1,000,000 tasks: deep cursor / page 1", (&many, &many.deep), (&many, &many.first))?);
    report.add(within("1,000,000 tasks: deep cursor / first cursor", (&many, &many.deep), (&many, &many.second))?);
    report.add(within("page 1: 1,000,000 tasks / 10,000", (&many, &many.first), (&few, &few.first))?);
    report.add(within("deep cursor: 1,000,000 tasks / 10,000", (&many, &many.deep), (&few, &few.deep))?);
    Ok(())
}

impl Filled {
    async fn open(bench: &Bench<'_>, kind: Kind, organizations: u32) -> Result<Option<Self>> {
        let Some(database) = Database::create(kind).await? else { return Ok(None) };
        Node::migrate(&bench.server, &database).await?;
        let node = Node::start(&bench.server, &database).await?;
        let member: Member = node.sign_up().await?;
        eprintln!("{:<10}  filling a database with {} tasks", kind.name(), organizations * seed::TASKS_EACH);
        seed::fill(&database, &member, organizations).await?;
        let get = |path: &str| node.get(&member, path);
        let first = get(&page_path(1));
        let second = get(&node.path_after(&member, 1).await?);
        let deep = get(&node.path_after(&member, DEEP_PAGE).await?);
        Ok(Some(Self { node, first, second, deep, _database: database }))
    }
}

fn sides(bench: &Bench<'_>, one: (&Process, &Request), other: (&Process, &Request)) -> Result<Vec<(Side, Side)>> {
    let load = |duration: Duration| Load { connections: bench.options.connections, duration, interval: None };
    let round = || {
        let duration = bench.options.round();
        Ok((side(load(duration), one.1, one.0)?, side(load(duration), other.1, other.0)?))
    };
    // The first round warms the caches.
    (0..=bench.options.rounds).map(|_| round()).skip(1).collect()
}

/// The result is how many times as long the first takes: the rates the other way round.
fn row(kind: Kind, measure: &str, sides: &[(Side, Side)]) -> Row {
    Row {
        database: kind.name(),
        measure: format!("{measure}, time"),
        measured: Side::median(sides, |(one, _)| *one).to_string(),
        beside: Side::median(sides, |(_, other)| *other).to_string(),
        result: median(sides.iter().map(|(one, other)| other.rate / one.rate)).unwrap_or_default(),
        aim: Aim::AtMost(1.5),
    }
}
