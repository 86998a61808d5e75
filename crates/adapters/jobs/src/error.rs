use sqlx::migrate::MigrateError;

/// The queue failed.
#[derive(Debug, thiserror::Error)]
pub enum JobsError {
    /// Its tables could not be made.
    #[error("the tables of the job queue could not be made")]
    Migrate(#[from] MigrateError),
    /// The database could not be reached, or refused.
    #[error("the job queue is unavailable")]
    Database(#[from] sqlx::Error),
    /// A task could not be written or read.
    #[error("the job queue failed")]
    Queue(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<apalis_sqlite::Error> for JobsError {
    fn from(error: apalis_sqlite::Error) -> Self {
        match error {
            apalis_sqlite::Error::Database(error) => Self::Database(error),
            other => Self::Queue(other.into()),
        }
    }
}

impl From<apalis_postgres::Error> for JobsError {
    fn from(error: apalis_postgres::Error) -> Self {
        match error {
            apalis_postgres::Error::Database(error) => Self::Database(error),
            other => Self::Queue(other.into()),
        }
    }
}
