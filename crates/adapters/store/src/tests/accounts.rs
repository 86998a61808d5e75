use tenantry_application::{
    IdempotencyKey, StoredRequest,
    ports::{
        AdministratorLookup, Housekeeping, IdempotencyTransaction, MembersTransaction, PurgeLimits, PurgeReport,
        SignInTransaction,
    },
};
use tenantry_identity::{
    Actor, Client, LoginIdentifier, Revocation, RevocationId, RevokedSubject, Session, SessionId,
    ports::{CredentialLookup, IdentityTransaction, RevocationFeed},
};
use tenantry_kernel::{Store, UserId};
use tenantry_tenancy::{Membership, Role, TenantContext, ports::OtherMembers};

use super::fixture::{Ids, Newcomer, at, sign_up, stores};
use crate::Database;

fn session(of: &Newcomer, seconds: i64) -> Session {
    Session {
        id: SessionId::generate(&Ids),
        user_id: of.user.id,
        organization_id: of.organization.id,
        generation: 0,
        recent_rotations: vec![at(seconds)],
        client: Client { user_agent: Some("test".to_owned()), ..Client::default() },
        created_at: at(seconds),
        last_seen_at: at(seconds),
        expires_at: at(seconds + 100),
        revoked_at: None,
    }
}

fn limits(seconds: i64) -> PurgeLimits {
    PurgeLimits::expired_by(at(seconds))
}

async fn join(database: &Database, user_id: UserId, host: &Newcomer, role: Role) {
    let store: &dyn Store<TenantContext, dyn MembersTransaction> = database;
    let mut transaction = store.begin(&host.context).await.unwrap();
    let found = transaction.memberships().find(host.user.id).await.unwrap().unwrap();
    transaction.memberships().insert(&Membership { user_id, role, ..found }).await.unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn a_credential_is_found_by_either_identifier() {
    for test in stores().await {
        let ada = sign_up(&test.database, "ada").await;
        sign_up(&test.database, "bob").await;
        for identifier in ["ADA@example.com", "ada", " Ada "] {
            let (user, hash) =
                CredentialLookup::find(&test.database, &LoginIdentifier::new(identifier)).await.unwrap().unwrap();
            assert_eq!((user, hash.as_str()), (ada.user.clone(), "hash of ada"));
        }
        let nobody = CredentialLookup::find(&test.database, &LoginIdentifier::new("eve")).await.unwrap();
        assert!(nobody.is_none());
        assert!(!test.database.any_exists().await.unwrap());
    }
}

#[tokio::test]
async fn only_ones_own_hash_is_handed_out() {
    for test in stores().await {
        let ada = sign_up(&test.database, "ada").await;
        let bob = sign_up(&test.database, "bob").await;
        let store: &dyn Store<Actor, dyn IdentityTransaction> = &test.database;
        let mut transaction = store.read(&ada.actor).await.unwrap();
        let own = transaction.credentials().find(ada.user.id).await.unwrap();
        assert_eq!(own.unwrap().as_str(), "hash of ada");
        assert!(transaction.credentials().find(bob.user.id).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn sessions_rotate_once_and_end() {
    for test in stores().await {
        let ada = sign_up(&test.database, "ada").await;
        let store: &dyn Store<Actor, dyn IdentityTransaction> = &test.database;
        let [first, second] = [session(&ada, 1), session(&ada, 2)];
        let mut transaction = store.begin(&ada.actor).await.unwrap();
        transaction.sessions().insert(&first).await.unwrap();
        transaction.sessions().insert(&second).await.unwrap();
        let mut rotated = first.clone();
        rotated.generation = 1;
        rotated.recent_rotations.push(at(3));
        assert!(transaction.sessions().rotate(&rotated, 0).await.unwrap());
        assert!(!transaction.sessions().rotate(&rotated, 0).await.unwrap());
        assert_eq!(transaction.sessions().find(first.id).await.unwrap(), Some(rotated.clone()));
        assert_eq!(transaction.sessions().list_live(at(4)).await.unwrap(), [second.clone(), rotated]);
        assert_eq!(transaction.sessions().revoke_all(Some(first.id), at(5)).await.unwrap(), [second.id]);
        assert!(transaction.sessions().revoke(first.id, at(5)).await.unwrap());
        assert!(!transaction.sessions().revoke(first.id, at(6)).await.unwrap());
        transaction.commit().await.unwrap();
        let bob = sign_up(&test.database, "bob").await;
        assert_eq!(store.read(&bob.actor).await.unwrap().sessions().find(first.id).await.unwrap(), None);
    }
}

#[tokio::test]
async fn the_feed_has_everybodys_revocations_and_the_purge_ends_them() {
    for test in stores().await {
        let ada = sign_up(&test.database, "ada").await;
        let store: &dyn Store<Actor, dyn IdentityTransaction> = &test.database;
        let subjects = [
            RevokedSubject::Session(SessionId::generate(&Ids)),
            RevokedSubject::User(ada.user.id),
            RevokedSubject::Membership(ada.organization.id, ada.user.id),
        ];
        let revocations: Vec<_> = (1..)
            .zip(subjects)
            .map(|(second, subject)| Revocation {
                id: RevocationId::generate(&Ids),
                user_id: ada.user.id,
                subject,
                epoch: second,
                occurred_at: at(second),
                expires_at: at(second + 10),
            })
            .collect();
        let mut transaction = store.begin(&ada.actor).await.unwrap();
        transaction.revocations().insert(&revocations).await.unwrap();
        transaction.revocations().insert(&[]).await.unwrap();
        transaction.sessions().insert(&session(&ada, 1)).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(test.database.since(None).await.unwrap(), revocations);
        assert_eq!(test.database.since(Some(at(2))).await.unwrap(), revocations[1..]);
        let purged = test.database.purge(limits(12)).await.unwrap();
        assert_eq!(purged, PurgeReport { revocations: 2, ..PurgeReport::default() });
        assert_eq!(test.database.purge(limits(101)).await.unwrap().sessions, 1);
        assert_eq!(test.database.since(None).await.unwrap(), []);
    }
}

#[tokio::test]
async fn leaving_counts_the_others_and_ends_only_ones_own() {
    for test in stores().await {
        let ada = sign_up(&test.database, "ada").await;
        let bob = sign_up(&test.database, "bob").await;
        join(&test.database, bob.user.id, &ada, Role::Member).await;
        let store: &dyn Store<Actor, dyn SignInTransaction> = &test.database;

        let mut transaction = store.begin(&bob.actor).await.unwrap();
        assert!(transaction.own_memberships().count_others(ada.organization.id).await.is_err());
        assert!(transaction.own_memberships().delete_organization(ada.organization.id, at(9)).await.is_err());
        drop(transaction);

        let mut transaction = store.begin(&ada.actor).await.unwrap();
        let others = transaction.own_memberships().count_others(ada.organization.id).await.unwrap();
        assert_eq!(others, OtherMembers { members: 1, owners: 0 });
        drop(transaction);

        let mut transaction = store.begin(&bob.actor).await.unwrap();
        let others = transaction.own_memberships().count_others(bob.organization.id).await.unwrap();
        assert_eq!(others, OtherMembers::default());
        transaction.own_memberships().delete_organization(bob.organization.id, at(9)).await.unwrap();
        let deleted = transaction.own_memberships().find(bob.organization.id).await.unwrap().unwrap();
        assert_eq!(deleted.organization.deleted_at, Some(at(9)));
        assert_eq!(deleted.organization.revision, bob.organization.revision.next());
        assert_eq!(transaction.own_memberships().list().await.unwrap().len(), 1);
        transaction.own_memberships().delete_all().await.unwrap();
        transaction.commit().await.unwrap();

        assert!(store.read(&bob.actor).await.unwrap().own_memberships().list().await.unwrap().is_empty());
        assert_eq!(store.read(&ada.actor).await.unwrap().own_memberships().list().await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn an_idempotent_request_is_kept_by_user_and_key() {
    for test in stores().await {
        let [ada, bob] = [sign_up(&test.database, "ada").await, sign_up(&test.database, "bob").await];
        let store: &dyn Store<Actor, dyn IdempotencyTransaction> = &test.database;
        let key = IdempotencyKey::parse("order-1").unwrap();
        let mut request = StoredRequest {
            user_id: ada.user.id,
            key: key.clone(),
            fingerprint: "f".to_owned(),
            resource_id: ada.user.id.as_uuid(),
            locked_until: at(1),
            sealed_answer: None,
            created_at: at(0),
            expires_at: at(9),
        };
        let mut transaction = store.begin(&ada.actor).await.unwrap();
        assert!(transaction.requests().insert(&request).await.unwrap());
        assert!(!transaction.requests().insert(&request).await.unwrap());
        request.sealed_answer = Some(vec![0, 1, 255]);
        transaction.requests().update(&request).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(store.read(&bob.actor).await.unwrap().requests().find(&key).await.unwrap(), None);
        let mut transaction = store.begin(&bob.actor).await.unwrap();
        transaction.requests().delete(&key).await.unwrap();
        assert!(transaction.requests().insert(&request).await.is_err());
        drop(transaction);
        assert_eq!(store.read(&ada.actor).await.unwrap().requests().find(&key).await.unwrap(), Some(request));
        assert_eq!(test.database.purge(limits(9)).await.unwrap().requests, 1);
    }
}
