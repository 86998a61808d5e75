use std::error::Error;

use async_trait::async_trait;

/// What can go wrong with a store, whichever it is. Adapters translate their own errors into these.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The store can't be reached, or is too busy: nothing was changed, and the same call may succeed later.
    #[error("the store is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// Two transactions got in each other's way: nothing was changed, and the same transaction may succeed if run again.
    #[error("the transaction conflicted with another")]
    Serialization(#[source] Box<dyn Error + Send + Sync>),
    /// A stored value breaks a rule of the domain; the text names table, column and row.
    #[error("stored data is corrupt: {0}")]
    Corrupt(String),
    /// Anything else: a fault of the adapter or of the schema.
    #[error("the store failed")]
    Internal(#[source] Box<dyn Error + Send + Sync>),
}

/// A unit of work: everything done through it happens together, or not at all.
///
/// Dropping it without [`Transaction::commit`] undoes everything.
#[async_trait]
pub trait Transaction: Send {
    /// Makes the work durable and visible to others.
    ///
    /// # Errors
    /// [`StorageError`]; after `Unavailable` it is unknown whether the work was kept.
    async fn commit(self: Box<Self>) -> Result<(), StorageError>;
}

/// Begins units of work of the kind `Tx` on behalf of a context of the kind `C`.
///
/// The context (an actor, a tenant) binds the whole transaction: the repositories it lends see and change only what
/// that context may see, and no call can name another.
#[async_trait]
pub trait Store<C: ?Sized, Tx: ?Sized>: Send + Sync {
    /// Begins a transaction that only reads; each of its reads sees what was committed before it. Dropping it is enough.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when no connection could be had in time.
    async fn read(&self, context: &C) -> Result<Box<Tx>, StorageError>;

    /// Begins a transaction that may write.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] when no connection could be had in time.
    async fn begin(&self, context: &C) -> Result<Box<Tx>, StorageError>;
}
