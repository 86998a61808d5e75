//! An account beside its memberships is what each of them is by itself.

use tenantry_application::ports::{ProfileTransaction, SignInTransaction};
use tenantry_identity::{Actor, User};
use tenantry_kernel::{Store, UserId};
use tenantry_tenancy::OwnMembership;

use super::fixture::{Newcomer, at, sign_up, stores};
use crate::Database;

async fn profile(database: &Database, actor: &Actor, id: UserId) -> Option<(User, Vec<OwnMembership>)> {
    let store: &dyn Store<Actor, dyn ProfileTransaction> = database;
    store.read(actor).await.unwrap().profiles().find(id).await.unwrap()
}

/// Ends all memberships of somebody.
async fn leave_all(database: &Database, person: &Newcomer) {
    let store: &dyn Store<Actor, dyn SignInTransaction> = database;
    let mut transaction = store.begin(&person.actor).await.unwrap();
    transaction.own_memberships().delete_all().await.unwrap();
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn an_account_and_its_memberships_are_found_together() {
    for test in stores().await {
        let database = &test.database;
        let (ada, eve) = (sign_up(database, "ada").await, sign_up(database, "eve").await);
        let (user, memberships) = profile(database, &ada.actor, ada.user.id).await.unwrap();
        assert_eq!(user, ada.user);
        let store: &dyn Store<Actor, dyn SignInTransaction> = database;
        let listed = store.read(&ada.actor).await.unwrap().own_memberships().list().await.unwrap();
        assert_eq!((memberships.len(), memberships), (1, listed));
        // Nobody finds somebody else's.
        assert!(profile(database, &ada.actor, eve.user.id).await.is_none());

        leave_all(database, &eve).await;
        assert_eq!(profile(database, &eve.actor, eve.user.id).await, Some((eve.user.clone(), Vec::new())));
        let mut transaction = store.begin(&eve.actor).await.unwrap();
        let deleted = eve.user.clone().deleted(at(1));
        assert!(transaction.users().update(&deleted, eve.user.revision).await.unwrap());
        transaction.commit().await.unwrap();
        assert!(profile(database, &eve.actor, eve.user.id).await.is_none());
    }
}
