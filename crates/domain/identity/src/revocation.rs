use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use chrono::{DateTime, Duration, Utc};
use tenantry_kernel::{Clock, OrganizationId, StorageError, UserId, typed_id};

use crate::{AccessClaims, KnownApiKey, SessionId, ports::RevocationFeed};

typed_id! {
    /// Names a revocation.
    RevocationId
}

/// What was revoked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RevokedSubject {
    /// Every access token of one session.
    Session(SessionId),
    /// Every access token of a user with a lower user epoch.
    User(UserId),
    /// Every access token of a user for one organisation with a lower membership epoch.
    Membership(OrganizationId, UserId),
}

/// Access tokens that died before they expired. Kept until the last of them would have expired anyway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revocation {
    /// Names it.
    pub id: RevocationId,
    /// Whose tokens: the owner of the session, or the user named by the subject.
    pub user_id: UserId,
    /// Which tokens.
    pub subject: RevokedSubject,
    /// Tokens with a lower epoch are dead; without meaning for a session.
    pub epoch: i64,
    /// When.
    pub occurred_at: DateTime<Utc>,
    /// When no token can be left that it matters to.
    pub expires_at: DateTime<Utc>,
}

/// Whether an access token still counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Liveness {
    /// It does.
    Live,
    /// Its session ended, or its account was signed out everywhere, deactivated or deleted.
    SessionRevoked,
    /// The role or the membership that it speaks of has changed; a refresh brings a new one.
    MembershipChanged,
}

#[derive(Debug, Default)]
struct Entries {
    /// The epoch below which tokens are dead, and when the entry may be forgotten.
    dead_below: HashMap<RevokedSubject, (i64, DateTime<Utc>)>,
    synced_at: Option<DateTime<Utc>>,
}

/// The recent revocations, in memory, so that a request is authenticated without asking the database.
///
/// This process's own revocations are applied at once; those of others arrive through the [`RevocationFollower`].
#[derive(Debug, Default)]
pub struct RevocationList {
    entries: RwLock<Entries>,
}

impl RevocationList {
    /// How old the last synchronisation may be before the list no longer counts as complete.
    pub const MAX_AGE: Duration = Duration::seconds(5);

    /// Adds revocations. Adding one twice changes nothing.
    pub fn apply(&self, revocations: &[Revocation]) {
        if revocations.is_empty() {
            return;
        }
        let mut entries = self.write();
        for revocation in revocations {
            let entry =
                entries.dead_below.entry(revocation.subject).or_insert((revocation.epoch, revocation.expires_at));
            entry.0 = entry.0.max(revocation.epoch);
            entry.1 = entry.1.max(revocation.expires_at);
        }
    }

    /// Judges a token at `now`. `None` when the list is too old to tell.
    #[must_use]
    pub fn judge(&self, claims: &AccessClaims, now: DateTime<Utc>) -> Option<Liveness> {
        let entries = self.read();
        let synced_at = entries.synced_at?;
        if now - synced_at > Self::MAX_AGE {
            return None;
        }
        let dead = |subject: RevokedSubject, epoch: i64| {
            entries.dead_below.get(&subject).is_some_and(|(dead_below, _)| epoch < *dead_below)
        };
        if entries.dead_below.is_empty() {
            return Some(Liveness::Live);
        }
        let session_ended = entries.dead_below.contains_key(&RevokedSubject::Session(claims.session_id))
            || dead(RevokedSubject::User(claims.user_id), claims.user_epoch);
        let membership = RevokedSubject::Membership(claims.organization_id, claims.user_id);
        Some(if session_ended {
            Liveness::SessionRevoked
        } else if dead(membership, claims.membership_epoch) {
            Liveness::MembershipChanged
        } else {
            Liveness::Live
        })
    }

    /// Whether what was known of the key's owner is known to be true still. `false` also when the list is too old to tell.
    pub(crate) fn vouches_for(&self, key: &KnownApiKey, now: DateTime<Utc>) -> bool {
        let entries = self.read();
        if entries.synced_at.is_none_or(|synced_at| now - synced_at > Self::MAX_AGE) {
            return false;
        }
        let is_current = |subject: RevokedSubject, epoch: i64| {
            entries.dead_below.get(&subject).is_none_or(|(dead_below, _)| *dead_below <= epoch)
        };
        is_current(RevokedSubject::User(key.user_id), key.user_epoch)
            && is_current(RevokedSubject::Membership(key.organization_id, key.user_id), key.membership_epoch)
    }

    fn synced(&self, now: DateTime<Utc>) {
        let mut entries = self.write();
        entries.synced_at = Some(now);
        entries.dead_below.retain(|_, (_, expires_at)| now < *expires_at);
    }

    fn synced_at(&self) -> Option<DateTime<Utc>> {
        self.read().synced_at
    }

    // A panic elsewhere can't leave the map half changed, so a poisoned lock is still good.
    fn read(&self) -> RwLockReadGuard<'_, Entries> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Entries> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Brings the revocations of other nodes into the [`RevocationList`]. Call [`RevocationFollower::poll`] every half
/// second.
pub struct RevocationFollower {
    list: Arc<RevocationList>,
    feed: Arc<dyn RevocationFeed>,
    clock: Arc<dyn Clock>,
}

impl RevocationFollower {
    /// Every poll reads this far back again, so that neither a transaction that commits late nor a clock that is a
    /// little slow hides a revocation. Statements are limited to less than this.
    const OVERLAP: Duration = Duration::seconds(60);

    /// A follower that fills `list` from `feed`.
    #[must_use]
    pub fn new(list: Arc<RevocationList>, feed: Arc<dyn RevocationFeed>, clock: Arc<dyn Clock>) -> Self {
        Self { list, feed, clock }
    }

    /// Reads what is new. The first call reads everything that still matters.
    ///
    /// # Errors
    /// [`StorageError`]; the list grows old then, and tokens are checked against the database.
    pub async fn poll(&self) -> Result<(), StorageError> {
        let now = self.clock.now();
        let since = self.list.synced_at().map(|synced_at| synced_at - Self::OVERLAP);
        let revocations = self.feed.since(since).await?;
        self.list.apply(&revocations);
        self.list.synced(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn id(value: u128) -> Uuid {
        Uuid::from_u128(value)
    }

    fn claims() -> AccessClaims {
        AccessClaims {
            token_id: id(0),
            user_id: UserId::from_uuid(id(1)),
            email: "ada@example.com".to_owned(),
            organization_id: OrganizationId::from_uuid(id(2)),
            role: "OWNER".to_owned(),
            session_id: SessionId::from_uuid(id(3)),
            user_epoch: 4,
            membership_epoch: 7,
            password_change_due: false,
            issued_at: at(0),
            expires_at: at(900),
        }
    }

    fn revocation(subject: RevokedSubject, epoch: i64) -> Revocation {
        Revocation {
            id: RevocationId::from_uuid(id(9)),
            user_id: UserId::from_uuid(id(1)),
            subject,
            epoch,
            occurred_at: at(0),
            expires_at: at(900),
        }
    }

    #[test]
    fn an_old_or_empty_list_does_not_tell() {
        let list = RevocationList::default();
        assert_eq!(list.judge(&claims(), at(0)), None);
        list.synced(at(0));
        assert_eq!(list.judge(&claims(), at(5)), Some(Liveness::Live));
        assert_eq!(list.judge(&claims(), at(6)), None);
    }

    #[test]
    fn each_subject_kills_its_own_tokens_only() {
        let user = UserId::from_uuid(id(1));
        let organization = OrganizationId::from_uuid(id(2));
        for (subject, epoch, expected) in [
            (RevokedSubject::Session(SessionId::from_uuid(id(3))), 0, Liveness::SessionRevoked),
            (RevokedSubject::Session(SessionId::from_uuid(id(99))), 0, Liveness::Live),
            (RevokedSubject::User(user), 5, Liveness::SessionRevoked),
            (RevokedSubject::User(user), 4, Liveness::Live),
            (RevokedSubject::Membership(organization, user), 8, Liveness::MembershipChanged),
            (RevokedSubject::Membership(organization, user), 7, Liveness::Live),
        ] {
            let list = RevocationList::default();
            list.apply(&[revocation(subject, epoch)]);
            list.synced(at(1));
            assert_eq!(list.judge(&claims(), at(1)), Some(expected), "{subject:?} {epoch}");
        }
    }

    #[test]
    fn entries_are_forgotten_when_no_token_is_left() {
        let list = RevocationList::default();
        list.apply(&[revocation(RevokedSubject::User(UserId::from_uuid(id(1))), 5)]);
        list.synced(at(901));
        assert_eq!(list.judge(&claims(), at(901)), Some(Liveness::Live));
    }
}
