use std::io::{Write as _, stderr, stdout};
use std::path::Path;

use tenantry_application::{AuditReport, KeptEnd};

use crate::cli::VerifyAudit;
use crate::failure::Failure;
use crate::node::Node;
use crate::settings::Settings;

/// Compares the audit log with its chains. The ends of the chains go to stdout, all else to stderr.
pub(super) async fn verify(settings: Settings, arguments: VerifyAudit) -> Result<(), Failure> {
    let kept = arguments.against.as_deref().map_or(Ok(Vec::new()), read_ends)?;
    let node = Node::open(settings).await?;
    let keeper = node.audit_keeper();
    while keeper.seal().await.map_err(Failure::because)? > 0 {}
    let report = node.audit_verifier().verify(&kept).await.map_err(Failure::because)?;
    node.database.close().await;
    tell(&report).map_err(Failure::because)?;
    match report.flaws.len() {
        0 => Ok(()),
        flaws => Err(Failure::because(format!("the audit log was tampered with: {flaws} findings"))),
    }
}

fn tell(report: &AuditReport) -> std::io::Result<()> {
    let (mut out, mut err) = (stdout().lock(), stderr().lock());
    report.ends.iter().try_for_each(|end| writeln!(out, "{end}"))?;
    out.flush()?;
    report.flaws.iter().try_for_each(|flaw| writeln!(err, "{flaw}"))?;
    writeln!(err, "{} entries in {} chains checked", report.entries, report.ends.len())
}

fn read_ends(file: &Path) -> Result<Vec<KeptEnd>, Failure> {
    let text =
        std::fs::read_to_string(file).map_err(|error| Failure::because(format!("{}: {error}", file.display())))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let parse = |(index, line): (usize, &str)| {
        let refused = |error| Failure::because(format!("{}, line {}: {error}", file.display(), index + 1));
        line.parse().map_err(refused)
    };
    lines.map(parse).collect()
}
