use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde_json::{Map, Value};
use tenantry_kernel::{Cursor, IdGenerator, OrganizationId, SortKey, typed_id};
use uuid::Uuid;

use crate::{Actor, ActorType};

typed_id! {
    /// Names an entry of the audit log.
    AuditEntryId
}

/// What was done or tried, as `resource.verb`: `user.login`, `organization.update`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditAction(Cow<'static, str>);

impl AuditAction {
    /// Somebody made an account for themselves.
    pub const USER_SIGNUP: Self = Self::of("user.signup");
    /// Somebody signed in, or tried to.
    pub const USER_LOGIN: Self = Self::of("user.login");
    /// Somebody ended sessions of theirs.
    pub const USER_LOGOUT: Self = Self::of("user.logout");
    /// Somebody changed their own profile.
    pub const USER_UPDATE: Self = Self::of("user.update");
    /// Somebody replaced their password.
    pub const USER_PASSWORD_CHANGE: Self = Self::of("user.password_change");
    /// Somebody chose a new password by a mailed link.
    pub const USER_PASSWORD_RESET: Self = Self::of("user.password_reset");
    /// Somebody proved by a mailed link that the address is theirs.
    pub const USER_EMAIL_VERIFY: Self = Self::of("user.email_verify");
    /// Somebody turned a second factor on.
    pub const USER_SECOND_FACTOR_ENABLE: Self = Self::of("user.second_factor_enable");
    /// Somebody turned it off.
    pub const USER_SECOND_FACTOR_DISABLE: Self = Self::of("user.second_factor_disable");
    /// An account was deleted.
    pub const USER_DELETE: Self = Self::of("user.delete");
    /// Somebody founded an organisation.
    pub const ORGANIZATION_CREATE: Self = Self::of("organization.create");
    /// A login session was ended.
    pub const SESSION_REVOKE: Self = Self::of("session.revoke");
    /// A refresh token was presented that had been replaced long ago; its session was ended.
    pub const SESSION_REUSE: Self = Self::of("session.refresh_token_reuse");

    /// The action of this name.
    #[must_use]
    pub const fn of(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// A refused attempt on a kind of resource: `task.access_denied`.
    #[must_use]
    pub fn access_denied(kind: &str) -> Self {
        Self(Cow::Owned(format!("{kind}.access_denied")))
    }

    /// An action as it was stored.
    #[must_use]
    pub fn from_stored(name: String) -> Self {
        Self(Cow::Owned(name))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What something was done to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditTarget {
    /// The kind of thing: `user`, `task`.
    pub kind: Cow<'static, str>,
    /// Which one; absent where it is all of them, or none yet.
    pub id: Option<Uuid>,
}

impl AuditTarget {
    /// One thing of this kind.
    #[must_use]
    pub fn one(kind: &'static str, id: impl Into<Uuid>) -> Self {
        Self { kind: Cow::Borrowed(kind), id: Some(id.into()) }
    }
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditOutcome {
    /// It was done.
    Success,
    /// The actor had no right to do it.
    Denied,
    /// It was tried and failed, such as a sign-in with a wrong password.
    Failure,
}

impl AuditOutcome {
    /// The name that is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Denied => "denied",
            Self::Failure => "failure",
        }
    }
}

/// The name is of no outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be success, denied or failure")]
pub struct UnknownOutcome;

impl std::str::FromStr for AuditOutcome {
    type Err = UnknownOutcome;

    fn from_str(name: &str) -> Result<Self, UnknownOutcome> {
        [Self::Success, Self::Denied, Self::Failure]
            .into_iter()
            .find(|outcome| outcome.as_str() == name)
            .ok_or(UnknownOutcome)
    }
}

/// One entry of the audit log. It is written in the transaction of what it tells of, or, where that was refused, in one
/// of its own; it is never changed.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// Names the entry.
    pub id: AuditEntryId,
    /// When it happened.
    pub occurred_at: DateTime<Utc>,
    /// The organisation whose log it belongs to; none for what concerns an account alone.
    pub organization_id: Option<OrganizationId>,
    /// Who did it; none for somebody unknown.
    pub actor_id: Option<Uuid>,
    /// What kind of actor that is.
    pub actor_type: ActorType,
    /// What was done or tried.
    pub action: AuditAction,
    /// To what.
    pub target: Option<AuditTarget>,
    /// How it ended.
    pub outcome: AuditOutcome,
    /// The address it was done from.
    pub ip_address: Option<String>,
    /// The request that did it.
    pub request_id: Option<String>,
    /// More about it; never a secret, nor anything that a person would want erased.
    pub data: Map<String, Value>,
}

impl AuditEntry {
    /// That the actor did something.
    #[must_use]
    pub fn success(ids: &dyn IdGenerator, now: DateTime<Utc>, actor: &Actor, action: AuditAction) -> Self {
        let client = actor.client();
        Self {
            id: AuditEntryId::generate(ids),
            occurred_at: now,
            organization_id: None,
            actor_id: actor.id(),
            actor_type: actor.actor_type(),
            action,
            target: None,
            outcome: AuditOutcome::Success,
            ip_address: client.and_then(|client| client.ip_address.clone()),
            request_id: client.and_then(|client| client.request_id.clone()),
            data: Map::new(),
        }
    }

    /// The place of the entry in a list of the newest first.
    #[must_use]
    pub fn cursor(&self) -> Cursor {
        Cursor { key: SortKey::Time(self.occurred_at), id: self.id.as_uuid() }
    }

    /// The same with another outcome.
    #[must_use]
    pub fn ending(self, outcome: AuditOutcome) -> Self {
        Self { outcome, ..self }
    }

    /// The same in the log of an organisation.
    #[must_use]
    pub fn within(self, organization_id: OrganizationId) -> Self {
        Self { organization_id: Some(organization_id), ..self }
    }

    /// The same, about this.
    #[must_use]
    pub fn about(self, target: AuditTarget) -> Self {
        Self { target: Some(target), ..self }
    }

    /// The same with one more detail.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.data.insert(name.to_owned(), value.into());
        self
    }
}

/// Which entries of the audit log to list; what is `None` does not matter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// In whose log, where there are several to read.
    pub organization_id: Option<OrganizationId>,
    /// Who did it.
    pub actor_id: Option<Uuid>,
    /// What was done.
    pub action: Option<String>,
    /// How it ended.
    pub outcome: Option<AuditOutcome>,
    /// Not before.
    pub from: Option<DateTime<Utc>>,
    /// Before.
    pub to: Option<DateTime<Utc>>,
}
