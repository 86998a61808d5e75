//! Accounts from elsewhere.

mod lines;
mod row;
pub mod rows;
mod table;

use std::io::{BufWriter, Write, stdout};

use tenantry_application::{ImportError, ImportMode, SignUp, SignUpError};
use tenantry_identity::UserKey;

use self::rows::NumberedRow;
use crate::cli::ImportUsers;
use crate::failure::Failure;
use crate::node::Node;
use crate::settings::Settings;

/// What became of the rows of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ImportReport {
    /// Accounts that were made, or would be.
    pub created: u64,
    /// Rows whose e-mail address has an account already.
    pub skipped: u64,
    /// Rows that describe no account.
    pub failed: u64,
}

/// Runs `tenantry users import`.
pub(super) async fn import(settings: Settings, arguments: ImportUsers) -> Result<(), Failure> {
    let rows = rows::open(&arguments.file).map_err(Failure::because)?;
    let mode = if arguments.dry_run { ImportMode::Try } else { ImportMode::Keep };
    let node = Node::open(settings).await?;
    let mut out = BufWriter::new(stdout());
    let report = import_rows(&node.services.sign_up, rows, mode, &mut out).await;
    node.database.close().await;
    let report = report?;
    let created = if arguments.dry_run { "would create" } else { "created" };
    writeln!(out, "{created} {}, skipped {}, failed {}", report.created, report.skipped, report.failed)
        .and_then(|()| out.flush())
        .map_err(Failure::because)?;
    match report.failed {
        0 => Ok(()),
        failed => Err(Failure::because(format!("{failed} of the rows describe no account that can be made"))),
    }
}

/// Makes an account of each row, and says in `out` which rows became none. A bad row loses no other.
///
/// # Errors
/// When the store fails; what was made until then stays, and is skipped by the next try.
pub async fn import_rows(
    sign_up: &SignUp,
    rows: impl Iterator<Item = NumberedRow>,
    mode: ImportMode,
    out: &mut impl Write,
) -> Result<ImportReport, Failure> {
    let mut report = ImportReport::default();
    for NumberedRow { line, row } in rows {
        let outcome = match row.map_err(|error| error.to_string()).and_then(row::Row::parse) {
            Ok(account) => sign_up.import(account, mode).await,
            Err(problem) => {
                report.failed += 1;
                writeln!(out, "line {line}: {problem}").map_err(Failure::because)?;
                continue;
            }
        };
        let remark = match outcome {
            Ok(()) => {
                report.created += 1;
                continue;
            }
            Err(ImportError::SignUp(SignUpError::Taken(UserKey::Email))) => {
                report.skipped += 1;
                "skipped: the e-mail address has an account".to_owned()
            }
            Err(ImportError::SignUp(SignUpError::Taken(UserKey::Username))) => {
                report.failed += 1;
                "username is taken".to_owned()
            }
            Err(ImportError::Adoption(error)) => {
                report.failed += 1;
                error.to_string()
            }
            Err(error) => return Err(Failure::because(error)),
        };
        writeln!(out, "line {line}: {remark}").map_err(Failure::because)?;
    }
    Ok(report)
}
