//! A store that fails, and whose answers are lost.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use tenantry_kernel::{SystemClock, SystemIds};
use tenantry_sync::objects::{Crc64, ObjectKey, ObjectStore as _};
use tenantry_sync::{DirectOptions, DirectUploads};
use tenantry_testkit::objects::{Failure, Fault, FaultyStore, MemoryStore, Operation};

use super::Client;
use crate::on_both_databases;
use crate::site::Site;
use crate::sync::direct::{OneBucket, OwnBucketOnly};

on_both_databases!(
    u8_a_lost_answer_is_made_up_for,
    u8_a_file_that_has_arrived_is_recorded_when_its_client_asks,
    u8_an_upload_that_is_lost_begins_anew,
);

/// What is to happen to the next calls of an operation.
type Plan = Arc<Mutex<VecDeque<(Operation, Fault)>>>;

/// A node beside `site` whose store fails as it is told to.
async fn failing(site: &Site) -> (Site, Arc<MemoryStore>, Plan) {
    let (memory, plan) = (Arc::new(MemoryStore::new(Arc::new(SystemClock))), Plan::default());
    let planned = plan.clone();
    let store = FaultyStore::new(memory.clone(), move |call| {
        let mut planned = planned.lock().unwrap();
        let is_next = planned.front().is_some_and(|(operation, _)| *operation == call.operation);
        if is_next { planned.pop_front().unwrap().1 } else { Fault::None }
    });
    let replace = |node: &mut tenantry_app::node::Node| {
        let (database, clock, ids) = (Arc::new(node.database.clone()), Arc::new(SystemClock), Arc::new(SystemIds));
        let (policy, stores) = (Arc::new(OwnBucketOnly), Arc::new(OneBucket(Arc::new(store))));
        let uploads = DirectUploads::new(database, policy, stores, clock, ids, DirectOptions::default());
        node.services.direct_uploads = Arc::new(uploads);
    };
    (site.another_with(&[], replace).await, memory, plan)
}

async fn checksum(memory: &MemoryStore, client: &Client<'_>, path: &str) -> Option<Crc64> {
    let key = ObjectKey::parse(&format!("{}/{path}", client.prefix)).unwrap();
    memory.head(&key).await.unwrap().and_then(|object| object.checksum)
}

async fn u8_a_lost_answer_is_made_up_for(site: &Site) {
    let (site, memory, plan) = failing(site).await;
    let ada = site.newcomer().await;
    let client = Client::open(&ada).await;
    let whole = Crc64::of(b"onetwo");
    for (path, operation) in [("append", Operation::Append), ("complete", Operation::CompleteAppended)] {
        let upload = client.create(path, 6, Some(whole)).await;
        let (lost, sent) = if operation == Operation::Append { (0, 3) } else { (3, 6) };
        if lost > 0 {
            upload.send(0, b"one").await;
        }
        plan.lock().unwrap().push_back((operation, Fault::After(Failure::Unavailable)));
        upload.append(lost, &b"onetwo"[lost..sent]).send().await.refused(503, "UNAVAILABLE");
        assert_eq!(upload.offset().await, sent, "{path}");
        upload.send(sent, &b"onetwo"[sent..]).await;
        assert_eq!(checksum(&memory, &client, path).await, Some(whole));
    }
    assert_eq!(client.counts().await, [2, 2, 0, 0, 12, 12]);
    assert_eq!(memory.open_uploads(), 0);
    // A small file is not known to have come: it is sent again.
    let upload = client.create("put", 3, None).await;
    plan.lock().unwrap().push_back((Operation::Put, Fault::After(Failure::Unavailable)));
    upload.append(0, b"one").send().await.refused(503, "UNAVAILABLE");
    assert_eq!((upload.offset().await, upload.send(0, b"one").await), (0, 3));
    assert_eq!(client.counts().await, [3, 3, 0, 0, 15, 15]);
    site.stop().await;
}

async fn u8_a_file_that_has_arrived_is_recorded_when_its_client_asks(site: &Site) {
    let (site, memory, plan) = failing(site).await;
    let ada = site.newcomer().await;
    let client = Client::open(&ada).await;
    let upload = client.create("a", 6, None).await;
    upload.send(0, b"one").await;
    plan.lock().unwrap().push_back((Operation::CompleteAppended, Fault::Before(Failure::Unavailable)));
    upload.append(3, b"two").send().await.refused(503, "UNAVAILABLE");
    assert_eq!((client.counts().await, checksum(&memory, &client, "a").await), ([1, 0, 0, 0, 6, 0], None));
    assert_eq!(upload.offset().await, 6);
    assert_eq!(client.counts().await, [1, 1, 0, 0, 6, 6]);
    assert_eq!(checksum(&memory, &client, "a").await, Some(Crc64::of(b"onetwo")));
    site.stop().await;
}

async fn u8_an_upload_that_is_lost_begins_anew(site: &Site) {
    let (site, memory, plan) = failing(site).await;
    let ada = site.newcomer().await;
    let client = Client::open(&ada).await;
    let upload = client.create("a", 6, None).await;
    upload.send(0, b"one").await;
    let lost = memory.list_uploads("").await.unwrap().remove(0);
    memory.abort_upload(&lost.key, &lost.upload_id).await.unwrap();
    upload.append(3, b"two").send().await.refused(409, "CONFLICT");
    assert_eq!(upload.offset().await, 0);
    upload.send(0, b"one").await;
    plan.lock().unwrap().push_back((Operation::Append, Fault::Before(Failure::Full)));
    let full = upload.append(3, b"two").send().await;
    full.refused(503, "UNAVAILABLE");
    assert_eq!((full.header("retry-after"), upload.offset().await), ("60", 3), "nothing is lost");
    assert_eq!(upload.send(3, b"two").await, 6);
    assert_eq!(checksum(&memory, &client, "a").await, Some(Crc64::of(b"onetwo")));
    site.stop().await;
}
