/// A benchmark has nobody to tell errors apart for; it prints them and ends.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// What may fail with any error.
pub type Result<T> = std::result::Result<T, Error>;
