//! Stores that tell what is asked of them, wait for tests to catch up, or are buckets.

use std::sync::Arc;

use tenantry_objects::{Addressing, HttpPool, HttpPoolOptions, S3Credentials, S3Options, S3Store};
use tenantry_testkit::objects::{ACCESS_KEY, BUCKET, S3Server, SECRET_KEY};
pub use tenantry_testkit::objects::{HookedStore, Seen};

/// A bucket of a server in this process.
pub async fn bucket(server: &S3Server) -> Arc<S3Store> {
    let options = S3Options {
        endpoint: Some(server.endpoint.clone()),
        addressing: Addressing::Path,
        credentials: S3Credentials::Keys {
            access_key: ACCESS_KEY.to_owned(),
            secret_key: SECRET_KEY.into(),
            session_token: None,
        },
        ..S3Options::new(BUCKET.to_owned())
    };
    Arc::new(S3Store::connect(options, &HttpPool::new(&HttpPoolOptions::default()).unwrap()).await.unwrap())
}
