use sqlx::database::Database;
use sqlx::pool::{Pool, PoolConnection};
use sqlx::{Error, SqlStr};
use sqlx_core::transaction::TransactionManager;

/// An open transaction on a pooled connection. Dropped before its commit, it rolls back.
///
/// Unlike `sqlx::Transaction` it survives being dropped while it begins, as happens when a client hangs up: the server
/// may have begun then without the driver knowing, and the next user of the connection would find itself in that
/// transaction. Such a connection is closed.
pub(crate) struct OpenTransaction<DB: Database> {
    connection: PoolConnection<DB>,
    state: State,
}

#[derive(PartialEq, Eq)]
enum State {
    Beginning,
    Open,
    /// Committing: when that fails, neither side knows where the other stands.
    Ending,
    /// Committed, or never begun.
    None,
}

impl<DB: Database> OpenTransaction<DB> {
    /// Takes a connection from the pool and begins with `statement`, in one round trip.
    pub(crate) async fn begin(pool: &Pool<DB>, statement: SqlStr) -> Result<Self, Error> {
        let connection = pool.acquire().await?;
        let mut beginning = Self { connection, state: State::Beginning };
        DB::TransactionManager::begin(&mut beginning.connection, Some(statement)).await?;
        beginning.state = State::Open;
        Ok(beginning)
    }

    /// Takes a connection from the pool and begins nothing: each statement stands for itself.
    pub(crate) async fn without_begin(pool: &Pool<DB>) -> Result<Self, Error> {
        Ok(Self { connection: pool.acquire().await?, state: State::None })
    }

    /// The connection, within the transaction.
    pub(crate) fn connection(&mut self) -> &mut DB::Connection {
        &mut self.connection
    }

    /// Makes the work durable.
    pub(crate) async fn commit(mut self) -> Result<(), Error> {
        if self.state == State::Open {
            self.state = State::Ending;
            DB::TransactionManager::commit(&mut self.connection).await?;
            self.state = State::None;
        }
        Ok(())
    }
}

impl<DB: Database> Drop for OpenTransaction<DB> {
    fn drop(&mut self) {
        match self.state {
            State::Beginning | State::Ending => self.connection.close_on_drop(),
            // Queued; the pool sends it before it lends the connection again.
            State::Open => DB::TransactionManager::start_rollback(&mut self.connection),
            State::None => {}
        }
    }
}
