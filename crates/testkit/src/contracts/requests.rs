use chrono::Duration;
use tenantry_application::{IdempotencyKey, StoredRequest};
use tenantry_kernel::{Clock as _, IdGenerator as _, SystemIds};

use crate::{Person, World, contract::contract};

fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey::parse(text).expect("a key")
}

impl World {
    pub(super) fn request(&self, person: &Person, name: &str) -> StoredRequest {
        let now = self.clock.now();
        StoredRequest {
            user_id: person.user.id,
            key: key(name),
            fingerprint: "f".repeat(64),
            resource_id: SystemIds.next_id(),
            locked_until: now + Duration::seconds(30),
            sealed_answer: None,
            created_at: now,
            expires_at: now + Duration::days(1),
        }
    }

    pub(super) async fn store_request(&self, person: &Person, request: &StoredRequest) -> bool {
        let mut transaction = self.ports.requests.begin(&person.actor).await.expect("a transaction");
        let is_new = transaction.requests().insert(request).await.expect("an answer");
        transaction.commit().await.expect("a commit");
        is_new
    }

    pub(super) async fn find_request(&self, person: &Person, name: &str) -> Option<StoredRequest> {
        let mut transaction = self.ports.requests.read(&person.actor).await.expect("a transaction");
        transaction.requests().find(&key(name)).await.expect("an answer")
    }
}

contract! {
    /// What every adapter of the port of idempotent requests promises.
    REQUESTS(world: World)

    async fn a_request_comes_back_as_it_was_stored() {
        let person = world.person().await;
        let running = world.request(&person, "one");
        assert!(world.store_request(&person, &running).await);
        assert_eq!(world.find_request(&person, "one").await, Some(running.clone()));
        let done = StoredRequest { sealed_answer: Some(vec![0, 255, 10]), ..running };
        let mut transaction = world.ports.requests.begin(&person.actor).await.unwrap();
        transaction.requests().update(&done).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(world.find_request(&person, "one").await, Some(done));
        assert_eq!(world.find_request(&person, "two").await, None);
    }

    async fn of_many_at_once_one_is_the_first() {
        let person = world.person().await;
        let requests: Vec<_> = (0..8).map(|_| world.request(&person, "contested")).collect();
        let tries = requests.iter().map(|request| world.store_request(&person, request));
        let first = futures_util::future::join_all(tries).await;
        assert_eq!(first.iter().filter(|is_new| **is_new).count(), 1, "{first:?}");
    }

    async fn a_forgotten_request_is_new_again() {
        let person = world.person().await;
        assert!(world.store_request(&person, &world.request(&person, "again")).await);
        let mut transaction = world.ports.requests.begin(&person.actor).await.unwrap();
        transaction.requests().delete(&key("again")).await.unwrap();
        transaction.commit().await.unwrap();
        assert!(world.store_request(&person, &world.request(&person, "again")).await);
    }

    async fn c6_people_do_not_share_their_keys() {
        let (one, other) = (world.person().await, world.person().await);
        let request = world.request(&one, "shared");
        assert!(world.store_request(&one, &request).await);
        assert_eq!(world.find_request(&other, "shared").await, None);
        assert!(world.store_request(&other, &world.request(&other, "shared")).await);
        let mut transaction = world.ports.requests.begin(&other.actor).await.unwrap();
        transaction.requests().delete(&key("shared")).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(world.find_request(&one, "shared").await, Some(request));
    }

    async fn expired_requests_are_purged() {
        let person = world.person().await;
        let request = world.request(&person, "old");
        assert!(world.store_request(&person, &request).await);
        world.purge(request.expires_at - Duration::seconds(1)).await;
        assert!(world.find_request(&person, "old").await.is_some());
        world.purge(request.expires_at).await;
        assert_eq!(world.find_request(&person, "old").await, None);
    }
}
