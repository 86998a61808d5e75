use chrono::{DateTime, Duration, Utc};
use tenantry_kernel::{OrganizationId, UserId, typed_id};

typed_id! {
    /// Names a login session.
    SessionId
}

/// Where a request comes from, as far as it tells.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Client {
    /// The `User-Agent` header, cut to 500 characters.
    pub user_agent: Option<String>,
    /// The client's address.
    pub ip_address: Option<String>,
    /// What names the request in logs. Sessions don't keep it.
    pub request_id: Option<String>,
}

/// A login session: one signed-in device, and the family of refresh tokens that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Names the session; access and refresh tokens carry it.
    pub id: SessionId,
    /// Whose session it is.
    pub user_id: UserId,
    /// The organisation that its access tokens name.
    pub organization_id: OrganizationId,
    /// Which refresh token is the current one, from 0; no token is stored.
    pub generation: i64,
    /// When the latest rotations happened, the newest last; only those that the grace period still covers.
    pub recent_rotations: Vec<DateTime<Utc>>,
    /// Where it was opened.
    pub client: Client,
    /// When the person signed in.
    pub created_at: DateTime<Utc>,
    /// When the session was last refreshed.
    pub last_seen_at: DateTime<Utc>,
    /// When it ends unless it is refreshed before.
    pub expires_at: DateTime<Utc>,
    /// When it was ended early.
    pub revoked_at: Option<DateTime<Utc>>,
}

/// How long a refresh token that was already exchanged may be presented again, so that a lost answer or a second
/// browser tab does not look like theft.
#[derive(Debug, Clone, Copy)]
pub struct RefreshGrace(pub Duration);

/// What presenting a refresh token means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presentation {
    /// The token is current: exchange it for the next generation.
    Rotate,
    /// A retry: hand out this generation again.
    Repeat {
        /// The successor that the token already has.
        successor: i64,
    },
    /// The token was replaced too long ago: somebody else has it, so the session must end.
    Reused,
    /// The session has ended, or never issued this token.
    Ended,
}

impl Session {
    /// How many rotations are remembered at most; more within one grace period are no honest client's.
    const REMEMBERED_ROTATIONS: usize = 64;

    /// Whether the session still counts at `now`.
    #[must_use]
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }

    /// Judges the refresh token of `generation`, presented at `now`.
    ///
    /// The immediate predecessor of a token stays good until that token is first used or the grace period has
    /// passed, whichever is later (RFC 9700, section 4.14.2, with the tolerance that FAPI 2.0 asks for).
    #[must_use]
    pub fn present(&self, generation: i64, now: DateTime<Utc>, grace: RefreshGrace) -> Presentation {
        if !self.is_live(now) || generation < 0 || generation > self.generation {
            return Presentation::Ended;
        }
        let successor = generation.saturating_add(1);
        match self.generation - generation {
            0 => Presentation::Rotate,
            1 => Presentation::Repeat { successor },
            age if self.replaced_within(age, now, grace) => Presentation::Repeat { successor },
            _ => Presentation::Reused,
        }
    }

    /// Whether the token that is `age` generations old was replaced no longer ago than the grace period.
    fn replaced_within(&self, age: i64, now: DateTime<Utc>, grace: RefreshGrace) -> bool {
        usize::try_from(age)
            .ok()
            .and_then(|age| self.recent_rotations.iter().rev().nth(age - 1))
            .is_some_and(|rotated_at| now - *rotated_at <= grace.0)
    }

    /// The session after its current refresh token was exchanged at `now`; it lasts for `lifetime` from then.
    #[must_use]
    pub fn rotated(mut self, now: DateTime<Utc>, lifetime: Duration, grace: RefreshGrace) -> Self {
        self.generation = self.generation.saturating_add(1);
        self.recent_rotations.retain(|rotated_at| now - *rotated_at <= grace.0);
        self.recent_rotations.push(now);
        let forgotten = self.recent_rotations.len().saturating_sub(Self::REMEMBERED_ROTATIONS);
        self.recent_rotations.drain(..forgotten);
        self.last_seen_at = now;
        self.expires_at = now + lifetime;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    const GRACE: RefreshGrace = RefreshGrace(Duration::seconds(10));
    const WEEK: Duration = Duration::days(7);

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + seconds, 0).unwrap()
    }

    fn session() -> Session {
        Session {
            id: SessionId::from_uuid(Uuid::nil()),
            user_id: UserId::from_uuid(Uuid::nil()),
            organization_id: OrganizationId::from_uuid(Uuid::nil()),
            generation: 0,
            recent_rotations: Vec::new(),
            client: Client::default(),
            created_at: at(0),
            last_seen_at: at(0),
            expires_at: at(0) + WEEK,
            revoked_at: None,
        }
    }

    #[test]
    fn the_predecessor_is_good_until_its_successor_is_used() {
        let rotated = session().rotated(at(0), WEEK, GRACE);
        assert_eq!(rotated.present(1, at(3600), GRACE), Presentation::Rotate);
        assert_eq!(rotated.present(0, at(3600), GRACE), Presentation::Repeat { successor: 1 });
        let used = rotated.rotated(at(3600), WEEK, GRACE);
        assert_eq!(used.present(0, at(3601), GRACE), Presentation::Reused);
    }

    #[test]
    fn the_predecessor_is_good_for_the_grace_period_even_when_its_successor_was_used() {
        let used = session().rotated(at(0), WEEK, GRACE).rotated(at(1), WEEK, GRACE).rotated(at(2), WEEK, GRACE);
        assert_eq!(used.present(0, at(10), GRACE), Presentation::Repeat { successor: 1 });
        assert_eq!(used.present(1, at(11), GRACE), Presentation::Repeat { successor: 2 });
        assert_eq!(used.present(0, at(11), GRACE), Presentation::Reused);
        assert_eq!(used.present(2, at(500), GRACE), Presentation::Repeat { successor: 3 });
    }

    #[test]
    fn an_ended_session_and_an_unknown_generation_are_not_theft() {
        let mut ended = session();
        assert_eq!(ended.present(1, at(0), GRACE), Presentation::Ended);
        assert_eq!(ended.present(0, at(0) + WEEK, GRACE), Presentation::Ended);
        ended.revoked_at = Some(at(1));
        assert_eq!(ended.present(0, at(2), GRACE), Presentation::Ended);
    }

    proptest! {
        /// Tabs that share one token store, lose answers and retry within the grace period are never taken for
        /// thieves, and whoever presents a token later than that, after its successor was used, always is.
        #[test]
        fn honest_tabs_are_never_logged_out(steps in proptest::collection::vec((0_i64..4, any::<bool>()), 1..200)) {
            let mut session = session();
            let mut stored = 0;
            let mut now = 0;
            for (wait, answer_lost) in steps {
                now += wait;
                match session.present(stored, at(now), GRACE) {
                    Presentation::Rotate => {
                        session = session.rotated(at(now), WEEK, GRACE);
                        if !answer_lost {
                            stored = session.generation;
                        }
                    }
                    Presentation::Repeat { successor } => {
                        if !answer_lost {
                            stored = successor;
                        }
                    }
                    other => prop_assert!(false, "logged out: {other:?}"),
                }
                for stale in 0..session.generation - 1 {
                    prop_assert_eq!(
                        session.present(stale, at(now + 3600), GRACE),
                        Presentation::Reused
                    );
                }
            }
        }
    }
}
