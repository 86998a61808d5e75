use chrono::Duration;
use tenantry_identity::{ApiKey, ApiKeyDigest, ApiKeyId, ApiKeyName, ApiKeyScopes, ApiKeyUse, KnownApiKey};
use tenantry_kernel::{Clock as _, IdGenerator as _, SystemIds};
use tenantry_tenancy::{Role, TenantContext};

use crate::{World, contract::contract};

impl World {
    /// A key of the context's user that is not stored yet, with a digest of its own.
    fn api_key(&self, context: &TenantContext) -> (ApiKey, ApiKeyDigest) {
        let key = ApiKey {
            id: ApiKeyId::generate(&SystemIds),
            organization_id: context.organization_id(),
            user_id: context.user_id().expect("a user"),
            name: ApiKeyName::parse("deployment").expect("a name"),
            prefix: "tnt_12345678".to_owned(),
            scopes: ApiKeyScopes::parse(["tasks:write", "users:read"]).expect("scopes"),
            created_at: self.clock.now(),
            expires_at: None,
            last_used_at: None,
        };
        let mut digest = [0; 32];
        digest[..16].copy_from_slice(SystemIds.next_id().as_bytes());
        (key, ApiKeyDigest(digest))
    }

    async fn store_api_key(&self, context: &TenantContext, key: &ApiKey, digest: &ApiKeyDigest) -> bool {
        let mut transaction = self.ports.api_keys.begin(context).await.expect("a transaction");
        if transaction.api_keys().insert(key, digest).await.is_err() {
            return false;
        }
        transaction.commit().await.is_ok()
    }

    /// A stored key of the context's user.
    async fn stored_api_key(&self, context: &TenantContext) -> (ApiKey, ApiKeyDigest) {
        let (key, digest) = self.api_key(context);
        assert!(self.store_api_key(context, &key, &digest).await);
        (key, digest)
    }

    async fn api_keys(&self, context: &TenantContext) -> Vec<ApiKey> {
        self.ports.api_keys.read(context).await.expect("a transaction").api_keys().list().await.expect("the keys")
    }

    async fn delete_api_key(&self, context: &TenantContext, id: ApiKeyId) -> bool {
        let mut transaction = self.ports.api_keys.begin(context).await.expect("a transaction");
        let deleted = transaction.api_keys().delete(id).await.expect("an answer");
        transaction.commit().await.expect("a commit");
        deleted
    }

    async fn find_api_key(&self, digest: &ApiKeyDigest) -> Option<KnownApiKey> {
        self.ports.api_key_lookup.find(digest).await.expect("an answer")
    }
}

contract! {
    /// What every adapter of the store of API keys promises.
    API_KEYS(world: World)

    async fn c13_a_key_is_listed_and_found_as_it_was_stored() {
        let person = world.person().await;
        let (first, _) = world.stored_api_key(&person.owner).await;
        world.clock.advance(Duration::seconds(1));
        let (key, digest) = world.api_key(&person.owner);
        let key = ApiKey { expires_at: Some(key.created_at + Duration::days(1)), ..key };
        assert!(world.store_api_key(&person.owner, &key, &digest).await);
        assert_eq!(world.api_keys(&person.owner).await, [key.clone(), first]);
        let mut transaction = world.ports.tenancy.read(&person.owner).await.unwrap();
        let membership = transaction.memberships().find(person.user.id).await.unwrap().unwrap();
        let known = KnownApiKey {
            id: key.id,
            organization_id: key.organization_id,
            user_id: key.user_id,
            role: "OWNER".to_owned(),
            scopes: key.scopes,
            expires_at: key.expires_at,
            last_used_at: None,
            user_epoch: person.user.epoch,
            membership_epoch: membership.epoch,
        };
        assert_eq!(world.find_api_key(&digest).await, Some(known));
        assert_eq!(world.find_api_key(&world.api_key(&person.owner).1).await, None);
    }

    async fn c13_a_deleted_key_is_not_found() {
        let person = world.person().await;
        let (key, digest) = world.stored_api_key(&person.owner).await;
        assert!(world.delete_api_key(&person.owner, key.id).await);
        assert!(!world.delete_api_key(&person.owner, key.id).await);
        assert_eq!(world.find_api_key(&digest).await, None);
        assert_eq!(world.api_keys(&person.owner).await, []);
    }

    async fn c13_a_key_is_found_as_long_as_its_owner_may_act() {
        let person = world.person().await;
        let guest = world.person().await;
        let within = world.join(&person.owner, &guest, Role::Guest).await;
        let (_, digest) = world.stored_api_key(&within).await;
        assert_eq!(world.find_api_key(&digest).await.unwrap().role, "GUEST");
        let deleted = guest.user.clone().deleted(world.clock.now());
        let mut transaction = world.ports.sign_in.begin(&guest.actor).await.unwrap();
        assert!(transaction.users().update(&deleted, guest.user.revision).await.unwrap());
        transaction.commit().await.unwrap();
        assert_eq!(world.find_api_key(&digest).await, None);
    }

    async fn c13_uses_are_stored_as_exactly_as_is_asked_for() {
        let person = world.person().await;
        let (key, digest) = world.stored_api_key(&person.owner).await;
        let (stranger, _) = world.api_key(&person.owner);
        let start = world.clock.now();
        let used = async |key: &ApiKey, seconds: i64| {
            let noted = ApiKeyUse { organization_id: key.organization_id, id: key.id, at: start + Duration::seconds(seconds) };
            world.ports.api_key_uses.store(&[noted], Duration::minutes(1)).await.unwrap();
            world.find_api_key(&digest).await.unwrap().last_used_at.map(|last| (last - start).num_seconds())
        };
        assert_eq!(used(&stranger, 1).await, None);
        assert_eq!(used(&key, 10).await, Some(10));
        assert_eq!(used(&key, 69).await, Some(10));
        assert_eq!(used(&key, 70).await, Some(70));
        assert_eq!(used(&key, 5).await, Some(70));
        assert!(world.api_keys(&person.owner).await[0].last_used_at.is_some());
    }

    async fn c6_nobody_sees_or_ends_the_keys_of_somebody_else() {
        let (person, colleague) = (world.person().await, world.person().await);
        let within = world.join(&person.owner, &colleague, Role::Admin).await;
        let (key, digest) = world.stored_api_key(&person.owner).await;
        for other in [&within, &colleague.owner] {
            assert_eq!(world.api_keys(other).await, []);
            assert!(!world.delete_api_key(other, key.id).await);
        }
        // Nor one's own of another organisation.
        let (own, _) = world.stored_api_key(&colleague.owner).await;
        assert_eq!(world.api_keys(&within).await, []);
        assert!(!world.delete_api_key(&within, own.id).await);
        assert!(world.find_api_key(&digest).await.is_some());
    }

    async fn c6_nobody_makes_a_key_for_somebody_else() {
        let (person, colleague) = (world.person().await, world.person().await);
        let within = world.join(&person.owner, &colleague, Role::Owner).await;
        for (context, of) in [(&within, &person.owner), (&person.owner, &within), (&colleague.owner, &within)] {
            let (key, digest) = world.api_key(of);
            assert!(!world.store_api_key(context, &key, &digest).await);
            assert_eq!(world.find_api_key(&digest).await, None);
        }
    }
}
