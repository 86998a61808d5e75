use std::sync::Arc;

use tenantry_application::{IdempotentRequests, Members, Profile, SignIn, SignUp};
use tenantry_identity::{Accounts, Authenticator};
use tenantry_tasks::Tasks;
use tenantry_tenancy::{Entrance, Organizations};

/// The use cases that the operations call.
#[derive(Clone)]
pub struct Services {
    /// Finds out who sends a request.
    pub authenticator: Arc<Authenticator>,
    /// Lets callers into the organisations that they belong to.
    pub entrance: Arc<Entrance>,
    /// Makes accounts.
    pub sign_up: Arc<SignUp>,
    /// Opens and continues sessions.
    pub sign_in: Arc<SignIn>,
    /// The caller's own account.
    pub accounts: Arc<Accounts>,
    /// The caller's own account, where it concerns organisations.
    pub profile: Arc<Profile>,
    /// The users of an organisation.
    pub members: Arc<Members>,
    /// Organisations.
    pub organizations: Arc<Organizations>,
    /// Tasks.
    pub tasks: Arc<Tasks>,
    /// Requests that may be sent twice.
    pub requests: Arc<IdempotentRequests>,
}
