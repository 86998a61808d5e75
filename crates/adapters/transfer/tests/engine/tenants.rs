//! Organisations beside one another.

use tenantry_sync::objects::ObjectStore as _;
use tenantry_sync::{RunState, StartRun, SyncError};
use tenantry_tenancy::Role;

use super::fixture::{noise, sites};

#[tokio::test(flavor = "multi_thread")]
async fn u8_no_key_of_one_organisation_is_below_the_prefix_of_another() {
    for site in sites().await {
        let memory = site.memory();
        for tenant in [&site.ada, &site.bob] {
            tenant.write("same name", noise(10));
            tenant.write("large", noise(200_000));
        }
        let _worker = site.worker(memory.clone());
        for (tenant, other) in [(&site.ada, &site.bob), (&site.bob, &site.ada)] {
            let session = site.session(tenant, |_| {}).await;
            site.complete(tenant, &session).await;
            let run = site.find(tenant, &session).await.last_run.unwrap().id;
            assert!(matches!(site.uploads.status(&other.context, run).await, Err(SyncError::NotFound)));
            assert!(matches!(site.uploads.cancel(&other.context, run).await, Err(SyncError::NotFound)));
            assert!(matches!(site.uploads.retry(&other.context, run).await, Err(SyncError::NotFound)));
        }
        for tenant in [&site.ada, &site.bob] {
            assert_eq!(tenant.stored(memory.objects()), tenant.expected());
            assert_eq!(memory.list(&tenant.prefix(), None, 10).await.unwrap().len(), 2);
            let organization = format!("{}/", tenant.context.organization_id());
            assert_eq!(memory.list(&organization, None, 10).await.unwrap().len(), 2);
        }
        assert_eq!(memory.objects().len(), 4);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn u8_a_run_of_somebody_who_is_no_member_any_more_fails() {
    for site in sites().await {
        let (memory, ada) = (site.memory(), &site.ada);
        ada.write("file", b"bytes");
        let session = site.session(ada, |_| {}).await;
        let guest = site.world.join(&ada.context, &site.bob.person, Role::Member).await;
        let start = StartRun { id: None, session_id: session.id, dry_run: false, confirmed_deletions: 0 };
        let run = site.uploads.start(&guest, start).await.unwrap();
        let mut transaction = site.world.ports.tenancy.begin(&ada.context).await.unwrap();
        let bob = site.bob.person.user.id;
        let membership = transaction.memberships().find(bob).await.unwrap().unwrap();
        assert!(transaction.memberships().delete(bob, membership.revision).await.unwrap());
        transaction.commit().await.unwrap();
        let _worker = site.worker(memory.clone());
        let run = site.ended(ada, run.id).await;
        assert_eq!(run.state, RunState::Failed);
        assert_eq!(run.error.as_deref(), Some("whoever started it is no member any more"));
        assert_eq!(memory.objects(), []);
        site.complete(ada, &session).await;
    }
}
