use chrono::Duration;
use serde_json::json;
use tenantry_identity::{Actor, AuditAction, AuditEntry, AuditFilter, AuditOutcome, AuditTarget, Client};
use tenantry_kernel::{Clock as _, PageLimit, PageRequest, SystemIds};
use tenantry_tenancy::TenantContext;

use crate::{World, contract::contract};

const RENAMED: AuditAction = AuditAction::of("organization.update");

fn everything() -> PageRequest {
    PageRequest::Number { page: 1, limit: PageLimit::default() }
}

/// An entry of `context`'s, so many seconds after the clock's time.
fn entry(world: &World, context: &TenantContext, seconds: i64) -> AuditEntry {
    let time = world.clock.now() + Duration::seconds(seconds);
    context.audit_entry(&SystemIds, time, RENAMED).about(AuditTarget::one("organization", context.organization_id()))
}

async fn append(world: &World, context: &TenantContext, entry: &AuditEntry) {
    let mut transaction = world.ports.tenancy.begin(context).await.unwrap();
    transaction.audit().append(entry).await.unwrap();
    transaction.commit().await.unwrap();
}

async fn list(world: &World, context: &TenantContext, filter: &AuditFilter) -> Vec<AuditEntry> {
    let mut transaction = world.ports.tenancy.read(context).await.unwrap();
    transaction.audit().list(filter, &everything()).await.unwrap().items
}

contract! {
    /// What every adapter promises about the audit log.
    AUDIT(world: World)

    async fn an_entry_is_kept_as_it_was_written() {
        let person = world.person().await;
        let client = Client { ip_address: Some("192.0.2.7".to_owned()), request_id: Some("r-1".to_owned()), ..Client::default() };
        let actor = person.actor.clone().at(client.into());
        let written = AuditEntry::success(&SystemIds, world.clock.now(), &actor, AuditAction::USER_LOGIN)
            .within(person.owner.organization_id())
            .ending(AuditOutcome::Failure)
            .about(AuditTarget::one("user", person.user.id))
            .with("reason", "nested")
            .with("more", json!({ "list": [1, null, "ü"] }));
        assert_eq!(written.request_id.as_deref(), Some("r-1"));
        append(world, &person.owner, &written).await;
        assert_eq!(list(world, &person.owner, &AuditFilter::default()).await, [written]);
    }

    async fn entries_are_listed_newest_first_and_filtered() {
        let person = world.person().await;
        let [first, second, third] = [0, 1, 2].map(|seconds| entry(world, &person.owner, seconds));
        let second = AuditEntry { action: AuditAction::USER_UPDATE, actor_id: None, ..second };
        let third = third.ending(AuditOutcome::Denied);
        for entry in [&second, &first, &third] {
            append(world, &person.owner, entry).await;
        }
        let all = AuditFilter::default();
        let cases = [
            (all.clone(), vec![&third, &second, &first]),
            (AuditFilter { action: Some("user.update".to_owned()), ..all.clone() }, vec![&second]),
            (AuditFilter { actor_id: Some(person.user.id.as_uuid()), ..all.clone() }, vec![&third, &first]),
            (AuditFilter { outcome: Some(AuditOutcome::Denied), ..all.clone() }, vec![&third]),
            (AuditFilter { from: Some(second.occurred_at), ..all.clone() }, vec![&third, &second]),
            (AuditFilter { to: Some(second.occurred_at), ..all }, vec![&first]),
        ];
        for (filter, wanted) in cases {
            let found = list(world, &person.owner, &filter).await;
            assert_eq!(found.iter().collect::<Vec<_>>(), wanted, "{filter:?}");
        }
    }

    async fn pages_and_cursors_reach_every_entry_once() {
        let person = world.person().await;
        for seconds in 0..5 {
            append(world, &person.owner, &entry(world, &person.owner, seconds)).await;
        }
        let limit = PageLimit::new(2).unwrap();
        let mut request = PageRequest::Number { page: 1, limit };
        let mut seen = Vec::new();
        for _ in 0..3 {
            let mut transaction = world.ports.tenancy.read(&person.owner).await.unwrap();
            let page = transaction.audit().list(&AuditFilter::default(), &request).await.unwrap();
            seen.extend(page.items.iter().map(|entry| entry.occurred_at));
            let Some(cursor) = page.next else { break };
            request = PageRequest::After { cursor, limit };
        }
        let wanted: Vec<_> = (0..5).rev().map(|seconds| world.clock.now() + Duration::seconds(seconds)).collect();
        assert_eq!(seen, wanted);
    }

    async fn an_entry_goes_with_its_transaction() {
        let person = world.person().await;
        let mut transaction = world.ports.tenancy.begin(&person.owner).await.unwrap();
        transaction.audit().append(&entry(world, &person.owner, 0)).await.unwrap();
        drop(transaction);
        assert_eq!(list(world, &person.owner, &AuditFilter::default()).await, []);
    }

    async fn what_nobody_in_particular_tried_is_in_no_organisations_log() {
        let person = world.person().await;
        let actor = Actor::anonymous();
        let entry = AuditEntry::success(&SystemIds, world.clock.now(), &actor, AuditAction::USER_LOGIN);
        let mut transaction = world.ports.sign_in.begin(&actor).await.unwrap();
        transaction.audit().append(&entry).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(list(world, &person.owner, &AuditFilter::default()).await, []);
    }

    async fn people_read_what_concerns_their_own_account_alone() {
        let [ada, eve] = [world.person().await, world.person().await];
        let mut written = Vec::new();
        for person in [&ada, &eve] {
            let entry = AuditEntry::success(&SystemIds, world.clock.now(), &person.actor, AuditAction::USER_LOGIN);
            let mut transaction = world.ports.sign_in.begin(&person.actor).await.unwrap();
            transaction.audit().append(&entry).await.unwrap();
            transaction.commit().await.unwrap();
            append(world, &person.owner, &self::entry(world, &person.owner, 0)).await;
            written.push(entry);
        }
        for (person, entry) in [&ada, &eve].into_iter().zip(written) {
            let mut transaction = world.ports.sign_in.read(&person.actor).await.unwrap();
            let found = transaction.audit().list(&AuditFilter::default(), &everything()).await.unwrap().items;
            assert_eq!(found, [entry]);
        }
    }

    async fn a_user_writes_into_the_log_of_an_organisation_of_theirs() {
        let person = world.person().await;
        let written = entry(world, &person.owner, 0);
        let mut transaction = world.ports.sign_in.begin(&person.actor).await.unwrap();
        transaction.audit().append(&written).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(list(world, &person.owner, &AuditFilter::default()).await, [written]);
    }

    async fn c6_nobody_sees_the_log_of_another_organisation() {
        let (person, other) = (world.person().await, world.person().await);
        append(world, &person.owner, &entry(world, &person.owner, 0)).await;
        assert_eq!(list(world, &other.owner, &AuditFilter::default()).await, []);
    }

    async fn c6_nobody_writes_into_the_log_of_another_organisation() {
        let (person, other) = (world.person().await, world.person().await);
        let smuggled = entry(world, &other.owner, 0).within(person.owner.organization_id());
        let mut transaction = world.ports.tenancy.begin(&other.owner).await.unwrap();
        assert!(transaction.audit().append(&smuggled).await.is_err());
    }

    async fn c6_nobody_writes_in_the_name_of_another() {
        let (person, other) = (world.person().await, world.person().await);
        let forged = AuditEntry { actor_id: Some(person.user.id.as_uuid()), ..entry(world, &other.owner, 0) };
        let mut transaction = world.ports.tenancy.begin(&other.owner).await.unwrap();
        assert!(transaction.audit().append(&forged).await.is_err());
    }
}
