//! What administrators of the platform find and change, on both databases.

use tenantry_application::DirectoryFilter;
use tenantry_application::ports::{PlatformTransaction, SignInTransaction};
use tenantry_identity::{Actor, PlatformContext};
use tenantry_kernel::{PageRequest, Revision, Store};

use super::fixture::{Newcomer, at, sign_up, stores};
use crate::Database;

async fn begin(database: &Database) -> Box<dyn PlatformTransaction> {
    let store: &dyn Store<PlatformContext, dyn PlatformTransaction> = database;
    store.begin(&PlatformContext::system()).await.unwrap()
}

async fn epoch(database: &Database, person: &Newcomer) -> i64 {
    let store: &dyn Store<Actor, dyn SignInTransaction> = database;
    let mut transaction = store.read(&person.actor).await.unwrap();
    transaction.own_memberships().list().await.unwrap()[0].membership.epoch
}

#[tokio::test]
async fn epochs_grow_in_the_organisation_named_alone() {
    for test in stores().await {
        let (ada, bob) = (sign_up(&test.database, "ada").await, sign_up(&test.database, "bob").await);
        let before = (epoch(&test.database, &ada).await, epoch(&test.database, &bob).await);
        let mut transaction = begin(&test.database).await;
        let renewed = transaction.directory().renew_epochs(ada.organization.id, at(1)).await.unwrap();
        let users: Vec<_> = renewed.iter().map(|membership| membership.user_id).collect();
        assert_eq!(users, [ada.user.id]);
        transaction.commit().await.unwrap();
        let after = (epoch(&test.database, &ada).await, epoch(&test.database, &bob).await);
        assert_eq!(after, (before.0 + 1, before.1));
    }
}

#[tokio::test]
async fn a_stale_revision_changes_nothing() {
    for test in stores().await {
        let ada = sign_up(&test.database, "ada").await;
        let stale = Revision::from_stored(99);
        let mut transaction = begin(&test.database).await;
        let directory = transaction.directory();
        let user = ada.user.clone().with_activity(false, at(1));
        let organization = ada.organization.clone().with_activity(false, at(1));
        assert!(!directory.update_user(&user, stale).await.unwrap());
        assert!(!directory.update_organization(&organization, stale).await.unwrap());
        assert_eq!(directory.find_user(ada.user.id).await.unwrap(), Some(ada.user.clone()));
        assert!(directory.update_user(&user, ada.user.revision).await.unwrap());
        assert!(directory.update_organization(&organization, ada.organization.revision).await.unwrap());
        assert_eq!(directory.find_user(ada.user.id).await.unwrap(), Some(user));
        assert_eq!(directory.find_organization(ada.organization.id).await.unwrap(), Some(organization));
    }
}

#[tokio::test]
async fn what_is_deleted_is_absent_and_homes_are_told_apart() {
    for test in stores().await {
        let (ada, bob) = (sign_up(&test.database, "ada").await, sign_up(&test.database, "bob").await);
        let mut transaction = begin(&test.database).await;
        let directory = transaction.directory();
        assert!(!directory.is_at_home_elsewhere(ada.user.id, ada.organization.id).await.unwrap());
        assert!(directory.is_at_home_elsewhere(ada.user.id, bob.organization.id).await.unwrap());
        let (user, organization) = (ada.user.clone().deleted(at(1)), ada.organization.clone().deleted(at(1)));
        assert!(directory.update_user(&user, ada.user.revision).await.unwrap());
        assert!(directory.update_organization(&organization, ada.organization.revision).await.unwrap());
        assert_eq!(directory.find_user(ada.user.id).await.unwrap(), None);
        assert_eq!(directory.find_organization(ada.organization.id).await.unwrap(), None);
        assert!(!directory.is_at_home_elsewhere(ada.user.id, bob.organization.id).await.unwrap());
        let (filter, page) = (DirectoryFilter::default(), PageRequest::default());
        let users = directory.list_users(&filter, &page).await.unwrap();
        let organizations = directory.list_organizations(&filter, &page).await.unwrap();
        assert_eq!((users.total, organizations.total), (Some(1), Some(1)));
        assert_eq!((&users.items[0].user, users.items[0].organizations), (&bob.user, 1));
        assert_eq!((&organizations.items[0].organization, organizations.items[0].members), (&bob.organization, 1));
    }
}
