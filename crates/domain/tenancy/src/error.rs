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

/// A membership could not be stored.
#[derive(Debug, thiserror::Error)]
pub enum InsertMembershipError {
    /// The user is a member already; the transaction goes on.
    #[error("the user is a member already")]
    AlreadyMember,
    /// The account or the organisation is deleted, or was never there.
    #[error("the account or the organisation is gone")]
    Gone,
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
    /// The invitation was accepted already.
    #[error("the invitation was accepted already")]
    InvitationUsed,
    /// The organisation would be left without an owner.
    #[error("the organisation would be left without an owner")]
    LastOwner,
    /// People delete their own account elsewhere.
    #[error("nobody deletes themself as a user of the organisation")]
    SelfDeletion,
    /// It is not at the revision that the caller saw.
    #[error("it was changed meanwhile")]
    RevisionMismatch,
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

impl From<InsertMembershipError> for TenancyError {
    fn from(error: InsertMembershipError) -> Self {
        match error {
            InsertMembershipError::AlreadyMember => Self::AlreadyMember,
            InsertMembershipError::Gone => Self::NotFound,
            InsertMembershipError::Storage(error) => Self::Storage(error),
        }
    }
}
