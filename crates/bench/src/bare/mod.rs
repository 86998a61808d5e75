//! Bare handlers: no authentication, no tenants, no layers; the limit that the server is compared with.
//!
//! They run in a process of their own, so that they share the machine with the load generator as the server does.

mod handlers;
pub mod postgres;
pub mod sqlite;

use std::io::Write as _;
use std::net::TcpListener;
use std::thread;

use crate::arguments::{Bare, Kind};
use crate::error::Result;

/// Answers with a constant.
pub const CONSTANT: &str = "/constant";
/// Reads one row.
pub const ONE: &str = "/one";
/// Reads the rows of a page.
pub const PAGE: &str = "/page";
/// Counts rows, and reads those of a page.
pub const COUNTED_PAGE: &str = "/counted-page";
/// Inserts a row.
pub const INSERT: &str = "/insert";

/// Serves until it is killed, as many threads as there are cores. Prints the port first.
pub fn serve(bare: &Bare) -> Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let mut output = std::io::stdout();
    writeln!(output, "{}", listener.local_addr()?.port())?;
    output.flush()?;
    let workers = thread::available_parallelism()?.get();
    let serving = async move {
        match bare.kind {
            Kind::Sqlite => handlers::serve(listener, workers, sqlite::Shared::open(&bare.place)?).await,
            Kind::Postgres => handlers::serve(listener, workers, postgres::Place(bare.place.clone())).await,
        }
    };
    actix_web::rt::System::new().block_on(serving)
}
