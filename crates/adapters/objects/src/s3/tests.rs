//! The contract, kept by way of servers in this process.

use std::sync::Arc;

use tenantry_testkit::contracts::{OBJECTS, ObjectWorld, UPLOADS};
use tenantry_testkit::objects::{
    ACCESS_KEY, BUCKET, MemoryStore, S3S_FS_OBJECTS, S3S_FS_UPLOADS, S3Server, SECRET_KEY,
};
use tenantry_testkit::{FixedClock, run, run_despite};

use super::{Addressing, HttpPool, HttpPoolOptions, LIMITS, S3Credentials, S3Options, S3Store};

fn options(server: &S3Server) -> S3Options {
    S3Options {
        endpoint: Some(server.endpoint.clone()),
        addressing: Addressing::Path,
        credentials: S3Credentials::Keys {
            access_key: ACCESS_KEY.to_owned(),
            secret_key: SECRET_KEY.into(),
            session_token: None,
        },
        ..S3Options::new(BUCKET.to_owned())
    }
}

async fn connect(options: S3Options) -> S3Store {
    S3Store::connect(options, &HttpPool::new(&HttpPoolOptions::default()).unwrap()).await.unwrap()
}

fn memory() -> Arc<MemoryStore> {
    Arc::new(MemoryStore::new(Arc::new(FixedClock::default())).with_limits(LIMITS))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_of_object_stores() {
    let server = S3Server::over(memory()).await;
    let store = connect(options(&server)).await;
    let world = ObjectWorld::leak(Arc::new(store));
    run(OBJECTS, world).await;
    run(UPLOADS, world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_of_object_stores_with_a_server_of_others() {
    let server = S3Server::independent().await;
    let store = connect(options(&server)).await;
    let world = ObjectWorld::leak(Arc::new(store));
    run_despite(OBJECTS, S3S_FS_OBJECTS, world).await;
    run_despite(UPLOADS, S3S_FS_UPLOADS, world).await;
}
