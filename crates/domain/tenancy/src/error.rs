use tenantry_kernel::StorageError;

/// An organisation could not be stored.
#[derive(Debug, thiserror::Error)]
pub enum InsertOrganizationError {
    /// Another organisation has the same slug; the transaction goes on.
    #[error("the slug is taken")]
    SlugTaken,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

/// A use case of an organisation failed.
#[derive(Debug, thiserror::Error)]
pub enum TenancyError {
    /// It is absent, or the actor can't see it.
    #[error("not found")]
    NotFound,
    /// The actor's role does not allow it.
    #[error("the role does not allow this")]
    Forbidden,
    /// Another organisation has the same slug.
    #[error("the slug is taken")]
    SlugTaken,
    /// The user belongs to the organisation already.
    #[error("the user is a member already")]
    AlreadyMember,
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl From<InsertOrganizationError> for TenancyError {
    fn from(error: InsertOrganizationError) -> Self {
        match error {
            InsertOrganizationError::SlugTaken => Self::SlugTaken,
            InsertOrganizationError::Storage(error) => Self::Storage(error),
        }
    }
}
