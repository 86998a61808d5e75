use tenantry_identity::User;
use tenantry_kernel::{Cursor, SortKey};
use tenantry_tenancy::Organization;

/// Which accounts or organisations to list; what is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DirectoryFilter {
    /// Those that are active, or those that are not.
    pub is_active: Option<bool>,
    /// Words that all occur in the names of each.
    pub words: Vec<String>,
}

/// An organisation, with its size.
#[derive(Debug, Clone, PartialEq)]
pub struct ListedOrganization {
    /// The organisation.
    pub organization: Organization,
    /// How many members it has, inactive ones included.
    pub members: u64,
}

/// An account, with the number of its memberships.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedUser {
    /// The account.
    pub user: User,
    /// How many organisations it belongs to.
    pub organizations: u64,
}

/// How much there is of everything; what is deleted is not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlatformStats {
    /// Accounts.
    pub users: u64,
    /// Accounts that may sign in.
    pub active_users: u64,
    /// Accounts that signed in within the last 30 days.
    pub recent_users: u64,
    /// Organisations.
    pub organizations: u64,
    /// Organisations whose members may work in them.
    pub active_organizations: u64,
    /// Live login sessions.
    pub sessions: u64,
    /// API keys that have not expired.
    pub api_keys: u64,
    /// Projects.
    pub projects: u64,
    /// Tasks.
    pub tasks: u64,
    /// Mails that wait to be sent.
    pub waiting_mails: u64,
}

impl ListedOrganization {
    /// The place of the organisation in a list of the newest first.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor { key: SortKey::Time(self.organization.created_at), id: self.organization.id.as_uuid() }
    }
}

impl ListedUser {
    /// The place of the account in a list of the newest first.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor { key: SortKey::Time(self.user.created_at), id: self.user.id.as_uuid() }
    }
}
