use std::sync::Arc;

use tenantry_application::{
    Acceptance, AccountExporter, ApiKeys, Hiring, IdempotentRequests, Invitations, Jobs, Members, OrganizationDeletion,
    PlatformAdministration, Profile, ProjectDeletion, SignIn, SignUp,
};
use tenantry_identity::{Accounts, ApiKeyGate, Authenticator, MailedLinks, SecondFactors};
use tenantry_readings::{Advisors, Budgets, Readings};
use tenantry_sync::{Cycles, DirectUploads, SyncSessions, Uploads};
use tenantry_tasks::Tasks;
use tenantry_tenancy::{AuditLog, Entrance, Organizations, Projects};

/// The use cases that the operations call.
#[derive(Clone)]
pub struct Services {
    /// Finds out who sends a request.
    pub authenticator: Arc<Authenticator>,
    /// Lets API keys in.
    pub api_key_gate: Arc<ApiKeyGate>,
    /// The caller's API keys.
    pub api_keys: Arc<ApiKeys>,
    /// Lets callers into the organisations that they belong to.
    pub entrance: Arc<Entrance>,
    /// Makes accounts.
    pub sign_up: Arc<SignUp>,
    /// Opens and continues sessions.
    pub sign_in: Arc<SignIn>,
    /// What mailed links are good for.
    pub mailed_links: Arc<MailedLinks>,
    /// The caller's own account.
    pub accounts: Arc<Accounts>,
    /// The caller's second factor.
    pub second_factors: Arc<SecondFactors>,
    /// The caller's own account, where it concerns organisations.
    pub profile: Arc<Profile>,
    /// Putting together what is kept about the caller.
    pub exporter: Arc<AccountExporter>,
    /// The users of an organisation.
    pub members: Arc<Members>,
    /// Accounts for new users of an organisation.
    pub hiring: Arc<Hiring>,
    /// Asking people to join an organisation.
    pub invitations: Arc<Invitations>,
    /// Joining one that one was asked to.
    pub acceptance: Arc<Acceptance>,
    /// Organisations.
    pub organizations: Arc<Organizations>,
    /// Deleting organisations, which ends what their members can do there.
    pub organization_deletion: Arc<OrganizationDeletion>,
    /// Projects.
    pub projects: Arc<Projects>,
    /// Deleting projects, which concerns tasks too.
    pub project_deletion: Arc<ProjectDeletion>,
    /// Rounds of a project's work.
    pub cycles: Arc<Cycles>,
    /// Which folders are brought into an object store.
    pub sync_sessions: Arc<SyncSessions>,
    /// The runs of sync sessions.
    pub uploads: Arc<Uploads>,
    /// Runs to which clients send files of their own.
    pub direct_uploads: Arc<DirectUploads>,
    /// What was done and refused in organisations.
    pub audit_log: Arc<AuditLog>,
    /// Tasks.
    pub tasks: Arc<Tasks>,
    /// Questions to advisors, and their answers.
    pub readings: Arc<Readings>,
    /// Whom to ask.
    pub advisors: Arc<Advisors>,
    /// What that may cost.
    pub budgets: Arc<Budgets>,
    /// Administering the platform.
    pub platform: Arc<PlatformAdministration>,
    /// Background jobs, for those who administer the platform.
    pub jobs: Arc<Jobs>,
    /// Requests that may be sent twice.
    pub requests: Arc<IdempotentRequests>,
}
