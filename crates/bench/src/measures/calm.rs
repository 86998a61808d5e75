//! Whether the machine is busy with something else, which would make every number worthless.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use super::Site;
use crate::error::Result;
use crate::report::{Aim, Report, Row};

const WATCHED: Duration = Duration::from_secs(2);

/// Watches the machine while neither the server nor the load generator has anything to do.
pub(super) fn measure(site: &Site, report: &mut Report) -> Result<()> {
    let before = Ticks::read()?;
    sleep(WATCHED);
    let after = Ticks::read()?;
    let idle = (after.idle - before.idle) / (after.all - before.all).max(1.0);
    report.add(Row {
        database: site.name(),
        measure: "what else the machine does, % of its CPU".to_owned(),
        measured: String::new(),
        beside: String::new(),
        result: (1.0 - idle) * 100.0,
        aim: Aim::AtMost(5.0),
    });
    Ok(())
}

/// What all cores did since the machine was started.
struct Ticks {
    idle: f64,
    all: f64,
}

impl Ticks {
    fn read() -> Result<Self> {
        let stat = fs::read_to_string("/proc/stat")?;
        let line = stat.lines().next().unwrap_or_default();
        // user, nice, system, idle, iowait, irq, softirq, steal
        let fields: Vec<f64> =
            line.split_whitespace().skip(1).take(8).map(str::parse).collect::<std::result::Result<_, _>>()?;
        Ok(Self { idle: fields.iter().skip(3).take(2).sum(), all: fields.iter().sum() })
    }
}
