use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tenantry_application::{DirectoryFilter, Job, ListedOrganization, ListedUser};
use tenantry_identity::{FullName, User};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{
    fields::{Fields, Patch, search_words},
    organizations::OrganizationView,
    problem::Problem,
};

/// Which accounts or organizations.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListDirectory {
    /// Whether they are active.
    is_active: Option<bool>,
    /// Words that all occur in name, e-mail address, and username or slug.
    #[param(max_length = 200)]
    q: Option<String>,
}

impl ListDirectory {
    pub(crate) fn parse(&self) -> Result<DirectoryFilter, Problem> {
        let mut fields = Fields::new();
        let words = fields.optional("q", self.q.as_deref(), search_words);
        let words = fields.finish(words)?;
        Ok(DirectoryFilter { is_active: self.is_active, words: words.unwrap_or_default() })
    }
}

/// Whether it is active from now on.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateActivity {
    #[serde(default)]
    #[schema(value_type = bool, required)]
    is_active: Patch<bool>,
}

impl UpdateActivity {
    pub(crate) fn parse(self) -> Result<bool, Problem> {
        let mut fields = Fields::new();
        let is_active = fields.change_value("is_active", self.is_active, Ok::<_, Problem>);
        fields.finish(is_active)?.ok_or_else(|| Problem::validation("is_active", "is required"))
    }
}

/// An account, as administrators of the platform see it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AccountView {
    id: Uuid,
    email: String,
    username: String,
    #[schema(required)]
    full_name: Option<String>,
    /// Whether the account may sign in.
    is_active: bool,
    is_platform_admin: bool,
    #[schema(required)]
    email_verified_at: Option<DateTime<Utc>>,
    #[schema(required)]
    last_login_at: Option<DateTime<Utc>>,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl From<User> for AccountView {
    fn from(user: User) -> Self {
        Self {
            id: user.id.as_uuid(),
            email: user.email.as_str().to_owned(),
            username: user.username.as_str().to_owned(),
            full_name: user.full_name.as_ref().map(FullName::as_str).map(str::to_owned),
            is_active: user.is_active,
            is_platform_admin: user.is_platform_admin,
            email_verified_at: user.email_verified_at,
            last_login_at: user.last_login_at,
            created_at: user.created_at,
            updated_at: user.updated_at,
        }
    }
}

/// An account in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListedAccountView {
    #[serde(flatten)]
    account: AccountView,
    /// How many organizations it belongs to.
    organizations: u64,
}

impl From<ListedUser> for ListedAccountView {
    fn from(listed: ListedUser) -> Self {
        Self { account: AccountView::from(listed.user), organizations: listed.organizations }
    }
}

/// An organization in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ListedOrganizationView {
    #[serde(flatten)]
    organization: OrganizationView,
    /// How many members it has, inactive ones included.
    members: u64,
}

impl From<ListedOrganization> for ListedOrganizationView {
    fn from(listed: ListedOrganization) -> Self {
        Self { organization: OrganizationView::from(&listed.organization), members: listed.members }
    }
}

/// A piece of background work.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Job)]
pub(crate) struct JobView {
    /// Later jobs sort behind earlier ones.
    id: Uuid,
    /// What kind of work it is.
    #[schema(example = "tenantry.purge")]
    kind: String,
    /// `pending`, `running`, `done`, `failed` or `cancelled`.
    state: &'static str,
    /// How often it was tried.
    attempts: u32,
    max_attempts: u32,
    /// Not to be done before.
    run_at: DateTime<Utc>,
    /// When a worker last took it.
    #[schema(required)]
    started_at: Option<DateTime<Utc>>,
    #[schema(required)]
    finished_at: Option<DateTime<Utc>>,
    /// The worker that last took it.
    #[schema(required)]
    worker: Option<String>,
    /// Why the last attempt failed.
    #[schema(required)]
    last_error: Option<String>,
}

impl From<Job> for JobView {
    fn from(job: Job) -> Self {
        Self {
            id: job.id.as_uuid(),
            kind: job.kind,
            state: job.state.as_str(),
            attempts: job.attempts,
            max_attempts: job.max_attempts,
            run_at: job.run_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
            worker: job.worker,
            last_error: job.last_error,
        }
    }
}
