//! Nobody writes in another's name: the promises of isolation for what the ports add, where the row itself says whose
//! it is. Each row keeps all constraints, so that nothing but the tenant can be the reason to refuse it.

use crate::{Person, World, contract::contract};
use tenantry_application::{IdempotencyKey, StoredRequest};
use tenantry_identity::{Client, Session, SessionId};
use tenantry_kernel::{Clock as _, IdGenerator as _, SystemIds};
use tenantry_tenancy::{Membership, NewOrganization, OrganizationName, Project, ProjectId, Role, TenantContext};

fn request(world: &World, person: &Person) -> StoredRequest {
    let now = world.clock.now();
    StoredRequest {
        user_id: person.user.id,
        key: IdempotencyKey::parse(&SystemIds.next_id().to_string()).unwrap(),
        fingerprint: "f".to_owned(),
        resource_id: SystemIds.next_id(),
        locked_until: now,
        sealed_answer: None,
        created_at: now,
        expires_at: now + chrono::Duration::days(1),
    }
}

contract! {
    /// What every adapter promises about rows that say themselves whose they are.
    FOREIGN_ROWS(world: World)

    async fn c6_no_account_is_added_for_another() {
        let (other, (user, ..)) = (world.person().await, world.newcomer().await);
        let mut transaction = world.ports.sign_up.begin(&other.owner).await.unwrap();
        assert!(transaction.users().insert(&user).await.is_err());
    }

    async fn c6_no_password_is_set_for_another() {
        let (other, (user, hash, actor)) = (world.person().await, world.newcomer().await);
        let mut transaction = world.ports.sign_in.begin(&actor).await.unwrap();
        transaction.users().insert(&user).await.unwrap();
        transaction.commit().await.unwrap();
        let mut transaction = world.ports.sign_in.begin(&other.actor).await.unwrap();
        assert!(transaction.credentials().insert(user.id, &hash, world.clock.now()).await.is_err());
    }

    async fn c6_no_session_is_opened_for_another() {
        let (person, other) = (world.person().await, world.person().await);
        let now = world.clock.now();
        let session = Session {
            id: SessionId::generate(&SystemIds),
            user_id: person.user.id,
            organization_id: person.owner.organization_id(),
            generation: 0,
            recent_rotations: Vec::new(),
            client: Client::default(),
            created_at: now,
            last_seen_at: now,
            expires_at: now,
            revoked_at: None,
        };
        let mut transaction = world.ports.sign_in.begin(&other.actor).await.unwrap();
        assert!(transaction.sessions().insert(&session).await.is_err());
    }

    async fn c6_no_other_organisation_is_founded() {
        let (person, other) = (world.person().await, world.person().await);
        let name = OrganizationName::parse(&SystemIds.next_id().to_string()).unwrap();
        let new = NewOrganization::named(name);
        let foundation = TenantContext::found(person.actor, new, world.clock.now(), &SystemIds).unwrap();
        let mut transaction = world.ports.tenancy.begin(&other.owner).await.unwrap();
        assert!(transaction.organizations().insert(&foundation.organization).await.is_err());
    }

    async fn c6_nobody_joins_another_organisation() {
        let (person, other) = (world.person().await, world.person().await);
        let now = world.clock.now();
        let membership = Membership::joining(person.owner.organization_id(), other.user.id, Role::Owner, now);
        let mut transaction = world.ports.tenancy.begin(&other.owner).await.unwrap();
        assert!(transaction.memberships().insert(&membership).await.is_err());
    }

    async fn c6_no_project_is_put_into_another_organisation() {
        let (person, other) = (world.person().await, world.person().await);
        let smuggled = Project { id: ProjectId::generate(&SystemIds), ..world.project(&person.owner).await };
        let mut transaction = world.ports.tenancy.begin(&other.owner).await.unwrap();
        assert!(transaction.projects().insert(&smuggled).await.is_err());
    }

    async fn c6_no_request_is_kept_or_answered_for_another() {
        let (person, other) = (world.person().await, world.person().await);
        let own = request(world, &person);
        let mut transaction = world.ports.requests.begin(&person.actor).await.unwrap();
        assert!(transaction.requests().insert(&own).await.unwrap());
        transaction.commit().await.unwrap();

        let mut transaction = world.ports.requests.begin(&other.actor).await.unwrap();
        assert!(transaction.requests().insert(&request(world, &person)).await.is_err());
        drop(transaction);
        let mut transaction = world.ports.requests.begin(&other.actor).await.unwrap();
        // Whether it is refused or finds nothing to change, the answer must not be there afterwards.
        let answered = StoredRequest { sealed_answer: Some(vec![1]), ..own.clone() };
        let _ = transaction.requests().update(&answered).await;
        let _ = transaction.commit().await;

        let mut transaction = world.ports.requests.read(&person.actor).await.unwrap();
        assert_eq!(transaction.requests().find(&own.key).await.unwrap(), Some(own));
    }
}
