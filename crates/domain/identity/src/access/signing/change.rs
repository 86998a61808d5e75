use chrono::{DateTime, Utc};

use super::{KeyId, SigningKey, SigningKeyRules, SigningKeyState};

/// What becomes of the signing keys, all of it or nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningKeyChanges {
    /// When.
    pub at: DateTime<Utc>,
    /// Keys that go, whatever they are.
    pub removed: Vec<KeyId>,
    /// The active key, which only verifies from now on.
    pub retired: Option<KeyId>,
    /// The next key, which signs from now on.
    pub activated: Option<KeyId>,
    /// Keys whose parts were encrypted anew.
    pub resealed: Vec<SigningKey>,
    /// New keys.
    pub inserted: Vec<SigningKey>,
}

/// What has to become of the keys, with new keys still to be made.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) removed: Vec<KeyId>,
    pub(super) retired: Option<KeyId>,
    pub(super) activated: Option<KeyId>,
    pub(super) missing: Vec<SigningKeyState>,
}

impl Plan {
    /// What is due at `now`.
    pub(super) fn due(keys: &[SigningKey], rules: &SigningKeyRules, now: DateTime<Utc>) -> Self {
        let is_over = |key: &&SigningKey| key.state == SigningKeyState::Retired && key.since + rules.keep_for <= now;
        let removed = keys.iter().filter(is_over).map(|key| key.id.clone()).collect();
        let rotation = match (in_state(keys, SigningKeyState::Active), in_state(keys, SigningKeyState::Next)) {
            (Some(active), Some(next)) if active.since + rules.rotate_after <= now && published_long(next, now) => {
                Self::rotation(active, next)
            }
            (Some(_), Some(_)) => Self::default(),
            (Some(_), None) => Self { missing: vec![SigningKeyState::Next], ..Self::default() },
            (None, next) => Self::succession(next),
        };
        Self { removed, ..rotation }
    }

    /// The next key takes over from the active one.
    pub(super) fn rotation(active: &SigningKey, next: &SigningKey) -> Self {
        Self { retired: Some(active.id.clone()), ..Self::succession(Some(next)) }
    }

    /// The key goes at once. Where it signed, the next one takes over, however short it was published; `is_usable` tells
    /// whether it can.
    pub(super) fn revocation(keys: &[SigningKey], key: &SigningKey, is_usable: impl Fn(&SigningKey) -> bool) -> Self {
        let mut removed = vec![key.id.clone()];
        let plan = match key.state {
            SigningKeyState::Retired => Self::default(),
            SigningKeyState::Next => Self { missing: vec![SigningKeyState::Next], ..Self::default() },
            SigningKeyState::Active => {
                let next = in_state(keys, SigningKeyState::Next);
                removed.extend(next.filter(|next| !is_usable(next)).map(|next| next.id.clone()));
                Self::succession(next.filter(|next| is_usable(next)))
            }
        };
        Self { removed, ..plan }
    }

    /// Something has to sign, at once.
    fn succession(next: Option<&SigningKey>) -> Self {
        let missing = match next {
            Some(_) => vec![SigningKeyState::Next],
            None => vec![SigningKeyState::Active, SigningKeyState::Next],
        };
        Self { activated: next.map(|next| next.id.clone()), missing, ..Self::default() }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Whether everybody who follows the rules knows the key.
pub(super) fn published_long(key: &SigningKey, now: DateTime<Utc>) -> bool {
    key.created_at + SigningKeyRules::PUBLISHED_FOR <= now
}

pub(super) fn in_state(keys: &[SigningKey], state: SigningKeyState) -> Option<&SigningKey> {
    keys.iter().find(|key| key.state == state)
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::super::NewSigningKey;
    use super::*;
    use SigningKeyState::{Active, Next, Retired};

    const DAY: Duration = Duration::days(1);

    fn at(time: Duration) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000, 0).unwrap() + time
    }

    fn key(name: &str, state: SigningKeyState, since: Duration) -> SigningKey {
        let new = NewSigningKey { id: KeyId::new(name), sealed_private: Vec::new(), sealed_public: Vec::new() };
        new.starting(state, at(since))
    }

    fn due(keys: &[SigningKey], now: Duration) -> Plan {
        Plan::due(keys, &SigningKeyRules::new(DAY * 30, Duration::minutes(15)), at(now))
    }

    fn id(name: &str) -> KeyId {
        KeyId::new(name)
    }

    #[test]
    fn l9_without_keys_one_signs_at_once_and_one_is_published() {
        assert_eq!(due(&[], DAY).missing, [Active, Next]);
        assert_eq!(due(&[key("a", Active, DAY)], DAY), Plan { missing: vec![Next], ..Plan::default() });
        let widowed = due(&[key("n", Next, DAY)], DAY);
        assert_eq!(widowed, Plan { activated: Some(id("n")), missing: vec![Next], ..Plan::default() });
    }

    #[test]
    fn l9_a_key_signs_for_its_days_and_its_successor_was_published_before() {
        let moment = Duration::microseconds(1);
        let keys = [key("a", Active, Duration::zero()), key("n", Next, Duration::zero())];
        assert!(due(&keys, DAY * 30 - moment).is_empty());
        let rotation =
            Plan { retired: Some(id("a")), activated: Some(id("n")), missing: vec![Next], ..Plan::default() };
        assert_eq!(due(&keys, DAY * 30), rotation);
        let keys = [key("a", Active, Duration::zero()), key("n", Next, DAY * 30)];
        let published = DAY * 30 + SigningKeyRules::PUBLISHED_FOR;
        assert!(due(&keys, published - moment).is_empty());
        assert_eq!(due(&keys, published), rotation);
        assert!(SigningKeyRules::PUBLISHED_FOR > SigningKeyRules::SET_MAX_AGE);
    }

    #[test]
    fn l9_a_retired_key_is_kept_until_its_last_token_has_expired() {
        let keys = [key("a", Active, DAY), key("n", Next, DAY), key("r", Retired, DAY)];
        let last = DAY + Duration::minutes(15);
        assert!(due(&keys, last).is_empty());
        assert_eq!(due(&keys, last + Duration::minutes(10)), Plan { removed: vec![id("r")], ..Plan::default() });
    }

    #[test]
    fn l9_a_revoked_key_is_replaced_at_once() {
        let keys = [key("a", Active, DAY), key("n", Next, DAY), key("r", Retired, DAY)];
        let revoke = |index: usize, usable: bool| Plan::revocation(&keys, &keys[index], |_| usable);
        let removed = |names: &[&str]| names.iter().map(|name| id(name)).collect::<Vec<_>>();
        let plan = Plan { removed: removed(&["a"]), activated: Some(id("n")), missing: vec![Next], ..Plan::default() };
        assert_eq!(revoke(0, true), plan);
        let plan = Plan { removed: removed(&["a", "n"]), missing: vec![Active, Next], ..Plan::default() };
        assert_eq!(revoke(0, false), plan);
        assert_eq!(revoke(1, true), Plan { removed: removed(&["n"]), missing: vec![Next], ..Plan::default() });
        assert_eq!(revoke(2, true), Plan { removed: removed(&["r"]), ..Plan::default() });
    }
}
