use std::time::Duration;

use super::{Bench, Site};
use crate::error::Result;
use crate::node::Node;
use crate::report::{Aim, Report, Row};
use crate::statistics::median_seconds;

const STARTS: usize = 9;

/// How long an idle server is left alone before its memory is looked at.
const SETTLING: Duration = Duration::from_secs(3);

/// Starts the server again and again on the database that it has.
pub(super) fn measure(bench: &Bench<'_>, site: Site, report: &mut Report) -> Result<Site> {
    let Site { node, member, database } = site;
    drop(node);
    let mut times = Vec::with_capacity(STARTS);
    for _ in 0..STARTS {
        times.push(bench.runtime.block_on(Node::start(&bench.server, &database))?.started_in);
    }
    let node = bench.runtime.block_on(Node::start(&bench.server, &database))?;
    let site = Site { node, member, database };
    report.add(Row {
        database: site.name(),
        measure: "start to first healthy answer, ms".to_owned(),
        measured: format!("median of {STARTS}"),
        beside: String::new(),
        result: median_seconds(&times).unwrap_or_default() * 1_000.0,
        aim: Aim::AtMost(100.0),
    });
    std::thread::sleep(SETTLING);
    report.add(memory(&site, "idle memory, MiB", site.node.process.memory()?, 30.0));
    Ok(site)
}

/// A line about memory.
pub(super) fn memory(site: &Site, measure: &str, mebibytes: f64, aim: f64) -> Row {
    Row {
        database: site.name(),
        measure: measure.to_owned(),
        measured: "resident".to_owned(),
        beside: String::new(),
        result: mebibytes,
        aim: Aim::AtMost(aim),
    }
}
