use std::sync::Arc;

use chrono::Duration;
use futures_util::future::join_all;
use tenantry_identity::{
    Actor, AuditAction, AuditEntry, KeyId, NewSigningKey, SigningKey, SigningKeyChanges, SigningKeyError,
    SigningKeyRules, SigningKeyState, SigningKeys, ports::SigningKeyForge,
};
use tenantry_kernel::{Clock as _, IdGenerator as _, SystemIds};

use crate::{World, contract::contract};

/// Keys in clear, which everybody can open.
struct ClearForge;

impl SigningKeyForge for ClearForge {
    fn generate(&self) -> NewSigningKey {
        let id = KeyId::new(SystemIds.next_id().to_string());
        NewSigningKey { id, sealed_private: b"private".to_vec(), sealed_public: b"public".to_vec() }
    }

    fn can_open(&self, _: &SigningKey) -> bool {
        true
    }

    fn reseal(&self, _: &SigningKey) -> Option<SigningKey> {
        None
    }
}

impl World {
    /// No changes yet.
    fn changes(&self) -> SigningKeyChanges {
        SigningKeyChanges {
            at: self.clock.now(),
            removed: Vec::new(),
            retired: None,
            activated: None,
            resealed: Vec::new(),
            inserted: Vec::new(),
        }
    }

    fn signing_key(&self, state: SigningKeyState) -> SigningKey {
        ClearForge.generate().starting(state, self.clock.now())
    }

    async fn signing_keys(&self) -> Vec<SigningKey> {
        self.ports.signing_keys.list().await.expect("the keys")
    }

    async fn apply(&self, changes: &SigningKeyChanges) -> bool {
        self.ports.signing_keys.apply(changes, &[]).await.expect("an answer")
    }

    /// Removes all keys, and adds one that signs and one that is next.
    async fn fresh_pair(&self) -> [SigningKey; 2] {
        self.clear().await;
        let pair = [SigningKeyState::Active, SigningKeyState::Next].map(|state| self.signing_key(state));
        assert!(self.apply(&SigningKeyChanges { inserted: pair.to_vec(), ..self.changes() }).await);
        pair
    }

    async fn clear(&self) {
        let removed = self.signing_keys().await.into_iter().map(|key| key.id).collect();
        assert!(self.apply(&SigningKeyChanges { removed, ..self.changes() }).await);
    }

    fn keeper(&self) -> SigningKeys {
        let rules = SigningKeyRules::new(Duration::days(30), Duration::minutes(15));
        let store = self.ports.signing_keys.clone();
        SigningKeys::new(store, Arc::new(ClearForge), rules, self.clock.clone(), Arc::new(SystemIds))
    }
}

fn states(keys: &[SigningKey]) -> Vec<SigningKeyState> {
    keys.iter().map(|key| key.state).collect()
}

contract! {
    /// What every adapter of the store of signing keys promises.
    SIGNING_KEYS(world: World)

    async fn l9_keys_come_back_as_they_were_stored_the_oldest_first() {
        let [active, next] = world.fresh_pair().await;
        world.clock.advance(Duration::hours(1));
        assert_eq!(world.signing_keys().await.len(), 2);
        let resealed = SigningKey { sealed_private: Some(b"anew".to_vec()), sealed_public: b"anew".to_vec(), ..active };
        let rotation = SigningKeyChanges {
            retired: Some(resealed.id.clone()),
            activated: Some(next.id.clone()),
            resealed: vec![resealed.clone()],
            inserted: vec![world.signing_key(SigningKeyState::Next)],
            ..world.changes()
        };
        assert!(world.apply(&rotation).await);
        let mut expected = vec![
            SigningKey { state: SigningKeyState::Retired, since: rotation.at, sealed_private: None, ..resealed },
            SigningKey { state: SigningKeyState::Active, since: rotation.at, ..next },
        ];
        let stored = world.signing_keys().await;
        // Made at the same time, they come in the order of their names.
        expected.sort_by(|one, other| one.id.as_str().cmp(other.id.as_str()));
        expected.extend(rotation.inserted);
        assert_eq!(stored, expected);
    }

    async fn l9_changes_are_made_as_a_whole_or_not_at_all() {
        let [active, next] = world.fresh_pair().await;
        let before = world.signing_keys().await;
        let stranger = KeyId::new("nobody's");
        let new = || world.signing_key(SigningKeyState::Next);
        for changes in [
            SigningKeyChanges { removed: vec![next.id.clone(), stranger.clone()], ..world.changes() },
            SigningKeyChanges { removed: vec![active.id.clone()], inserted: vec![new()], ..world.changes() },
            SigningKeyChanges { retired: Some(next.id.clone()), ..world.changes() },
            SigningKeyChanges { retired: Some(active.id.clone()), activated: Some(stranger), ..world.changes() },
            SigningKeyChanges { inserted: vec![new()], ..world.changes() },
            SigningKeyChanges { inserted: vec![SigningKey { sealed_private: None, state: SigningKeyState::Retired, ..active.clone() }], ..world.changes() },
            SigningKeyChanges { resealed: vec![SigningKey { state: SigningKeyState::Retired, sealed_private: None, ..active }], ..world.changes() },
        ] {
            assert!(!world.apply(&changes).await, "{changes:?}");
            assert_eq!(world.signing_keys().await, before, "{changes:?}");
        }
    }

    async fn l9_of_those_who_make_the_first_keys_at_once_one_does() {
        world.clear().await;
        let first = || {
            let inserted = [SigningKeyState::Active, SigningKeyState::Next].map(|state| world.signing_key(state)).to_vec();
            SigningKeyChanges { inserted, ..world.changes() }
        };
        let attempts: Vec<_> = (0..8).map(|_| first()).collect();
        let made = join_all(attempts.iter().map(|changes| world.apply(changes))).await;
        assert_eq!(made.iter().filter(|made| **made).count(), 1);
        assert_eq!(world.signing_keys().await.len(), 2);
    }

    async fn l9_of_those_who_rotate_at_once_one_does() {
        let [active, next] = world.fresh_pair().await;
        let rotation = || SigningKeyChanges {
            retired: Some(active.id.clone()),
            activated: Some(next.id.clone()),
            inserted: vec![world.signing_key(SigningKeyState::Next)],
            ..world.changes()
        };
        let attempts: Vec<_> = (0..8).map(|_| rotation()).collect();
        let made = join_all(attempts.iter().map(|changes| world.apply(changes))).await;
        assert_eq!(made.iter().filter(|made| **made).count(), 1);
        assert_eq!(world.signing_keys().await.len(), 3);
    }

    async fn l9_the_audit_log_is_told_with_the_change_or_not_at_all() {
        let [_, next] = world.fresh_pair().await;
        let entry = AuditEntry::success(&SystemIds, world.clock.now(), &Actor::system(), AuditAction::of("signing_key.remove"));
        let removal = SigningKeyChanges { removed: vec![next.id], ..world.changes() };
        // An entry that is there already can't be told again, and the change is undone.
        let entries = [entry.clone(), entry];
        assert!(world.ports.signing_keys.apply(&removal, &entries).await.is_err());
        assert_eq!(world.signing_keys().await.len(), 2);
        assert!(world.ports.signing_keys.apply(&removal, &entries[..1]).await.unwrap());
        assert!(world.ports.signing_keys.apply(&world.changes(), &entries[..1]).await.is_err());
    }

    async fn l9_a_key_is_published_signs_retires_and_goes() {
        use SigningKeyState::{Active, Next, Retired};
        world.clear().await;
        let keeper = world.keeper();
        let kept = join_all((0..6).map(|_| keeper.maintain())).await;
        assert!(kept.iter().all(Result::is_ok), "{kept:?}");
        let first = world.signing_keys().await;
        assert_eq!(first.len(), 2, "{first:?}");
        let early = keeper.rotate().await;
        assert!(matches!(early, Err(SigningKeyError::TooEarly(_))), "{early:?}");
        assert_eq!(world.signing_keys().await, first);

        world.clock.advance(Duration::days(30));
        let kept = join_all((0..6).map(|_| keeper.maintain())).await;
        assert!(kept.iter().all(Result::is_ok), "{kept:?}");
        let rotated = world.signing_keys().await;
        let state_of = |keys: &[SigningKey], id: &KeyId| keys.iter().find(|key| key.id == *id).map(|key| key.state);
        for key in &first {
            let expected = if key.state == Active { Retired } else { Active };
            assert_eq!(state_of(&rotated, &key.id), Some(expected));
        }
        assert_eq!(rotated.len(), 3);
        world.clock.advance(Duration::minutes(25));
        keeper.maintain().await.unwrap();
        let kept = world.signing_keys().await;
        assert_eq!(states(&kept), [Active, Next]);

        keeper.rotate().await.unwrap();
        assert_eq!(world.signing_keys().await.len(), 3);
        let signing = world.signing_keys().await.into_iter().find(|key| key.state == Active).unwrap().id;
        keeper.revoke(&signing).await.unwrap();
        let revoked = world.signing_keys().await;
        assert_eq!(states(&revoked).iter().filter(|state| **state == Active).count(), 1);
        assert_eq!((state_of(&revoked, &signing), revoked.len()), (None, 3));
        let again = keeper.revoke(&signing).await;
        assert!(matches!(again, Err(SigningKeyError::NotFound(_))), "{again:?}");
        world.clear().await;
    }
}
