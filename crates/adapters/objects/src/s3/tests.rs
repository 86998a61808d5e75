//! The contract, kept by way of servers in this process.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use tenantry_kernel::Clock as _;
use tenantry_sync::objects::{ObjectError, ObjectKey, ObjectStore as _, PutCondition, StoredObject};
use tenantry_testkit::contracts::{OBJECTS, ObjectWorld, UPLOADS};
use tenantry_testkit::objects::{
    ACCESS_KEY, BUCKET, Call, Failure, Fault, FaultyStore, MemoryStore, Operation, S3S_FS_OBJECTS, S3S_FS_UPLOADS,
    S3Server, SECRET_KEY,
};
use tenantry_testkit::{FixedClock, environment, run, run_despite};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::{
    Addressing, BodySigning, Encryption, HttpPool, HttpPoolOptions, Integrity, LIMITS, S3Credentials, S3Options,
    S3SetupError, S3Store,
};
use tenantry_sync::objects::Crc64;

fn options(endpoint: &str) -> S3Options {
    S3Options {
        endpoint: Some(endpoint.to_owned()),
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
    let store = connect(options(&server.endpoint)).await;
    let world = ObjectWorld::leak(Arc::new(store));
    run(OBJECTS, world).await;
    run(UPLOADS, world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_contract_of_object_stores_with_a_server_of_others() {
    let server = S3Server::independent().await;
    let store = connect(options(&server.endpoint)).await;
    let world = ObjectWorld::leak(Arc::new(store));
    run_despite(OBJECTS, S3S_FS_OBJECTS, world).await;
    run_despite(UPLOADS, S3S_FS_UPLOADS, world).await;
}

/// The contract with whatever store there is, by hand: `just objects-by-hand ENDPOINT`. The test's bucket and keys have to
/// be there. `TEST_S3_CHECKSUM` is `md5` for stores that do not know CRC-64/NVME.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a store, and most fall short of S3 in something"]
async fn the_contract_of_object_stores_with_a_store_of_others() {
    let endpoint = environment::variable("TEST_S3_ENDPOINT").expect("TEST_S3_ENDPOINT");
    let is_md5 = environment::variable("TEST_S3_CHECKSUM").is_some_and(|name| name == "md5");
    let integrity = if is_md5 { Integrity::Md5 } else { Integrity::Crc64 };
    let store = connect(S3Options { integrity, ..options(&endpoint) }).await;
    // Whatever the last trial left.
    for upload in store.list_uploads("").await.unwrap() {
        store.abort_upload(&upload.key, &upload.upload_id).await.unwrap();
    }
    while let objects @ [_, ..] = &*store.list("", None, 1_000).await.unwrap() {
        let keys: Vec<_> = objects.iter().map(|object| object.key.clone()).collect();
        assert!(store.delete(&keys).await.unwrap().is_empty());
    }
    let world = ObjectWorld::leak(Arc::new(store));
    let objects = AssertUnwindSafe(run(OBJECTS, world)).catch_unwind().await;
    run(UPLOADS, world).await;
    objects.unwrap();
}

/// A store behind a server that treats every call so.
async fn faulty(fault: Fault) -> (Arc<MemoryStore>, S3Server, S3Store) {
    let memory = memory();
    let server = S3Server::over(Arc::new(FaultyStore::new(memory.clone(), move |_| fault))).await;
    let store = connect(S3Options { call_timeout: Duration::from_millis(500), ..options(&server.endpoint) }).await;
    (memory, server, store)
}

async fn put(store: &S3Store) -> Result<StoredObject, ObjectError> {
    store.put(&key(), Bytes::from_static(b"one"), Crc64::of(b"one"), &PutCondition::None).await
}

fn key() -> ObjectKey {
    ObjectKey::parse("a/b").unwrap()
}

fn is_unavailable<T>(outcome: &Result<T, ObjectError>) -> bool {
    matches!(outcome, Err(ObjectError::Unavailable(_)))
}

#[tokio::test]
async fn a_store_that_asks_for_patience_says_how_long() {
    for patience in [None, Some(Duration::from_secs(7))] {
        let (memory, _server, store) = faulty(Fault::Before(Failure::Throttled(patience))).await;
        let outcome = put(&store).await;
        let is_told = matches!(outcome, Err(ObjectError::Throttled { retry_after }) if retry_after == patience);
        assert!(is_told, "{outcome:?}");
        assert!(matches!(store.head(&key()).await, Err(ObjectError::Throttled { .. })));
        assert_eq!(memory.calls().put, 0);
    }
}

/// Nothing is sent twice: whoever calls knows better when.
#[tokio::test]
async fn a_store_that_fails_is_unavailable() {
    for failure in [Failure::Unavailable, Failure::HangUp, Failure::Silence] {
        for (fault, puts) in [(Fault::Before(failure), 0), (Fault::After(failure), 1)] {
            let (memory, _server, store) = faulty(fault).await;
            let outcome = put(&store).await;
            assert!(is_unavailable(&outcome), "{fault:?}: {outcome:?}");
            assert_eq!(memory.calls().put, puts, "{fault:?}");
        }
    }
}

#[tokio::test]
async fn a_store_that_refuses_says_why() {
    for word in ["AccessDenied", "NoSuchBucket", "InvalidStorageClass", "NotImplemented"] {
        let (_, _server, store) = faulty(Fault::Before(Failure::Refused(word))).await;
        let outcome = put(&store).await;
        assert!(matches!(&outcome, Err(ObjectError::Refused { reason, .. }) if reason == word), "{outcome:?}");
        assert!(!outcome.unwrap_err().is_transient());
    }
    let (_, _server, store) = faulty(Fault::Before(Failure::Refused("AccessDenied"))).await;
    assert!(matches!(store.head(&key()).await, Err(ObjectError::Refused { reason, .. }) if reason == "AccessDenied"));
}

#[tokio::test]
async fn damage_on_the_way_is_told_apart() {
    let (_, _server, store) = faulty(Fault::Before(Failure::ChecksumMismatch)).await;
    assert!(matches!(put(&store).await, Err(ObjectError::ChecksumMismatch)));
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let server = S3Server::over(memory()).await;
    let store = connect(options(&server.endpoint)).await;
    drop(server);
    tokio::task::yield_now().await;
    assert!(is_unavailable(&put(&store).await));
    assert!(is_unavailable(&store.list_uploads("").await));
}

#[tokio::test]
async fn the_wrong_keys_are_refused() {
    let server = S3Server::over(memory()).await;
    let credentials =
        S3Credentials::Keys { access_key: ACCESS_KEY.to_owned(), secret_key: "another".into(), session_token: None };
    let store = connect(S3Options { credentials, ..options(&server.endpoint) }).await;
    let outcome = put(&store).await;
    assert!(
        matches!(&outcome, Err(ObjectError::Refused { reason, .. }) if reason == "SignatureDoesNotMatch"),
        "{outcome:?}"
    );
}

/// Nor do the machine's own rights take its place.
#[tokio::test]
async fn a_profile_that_is_not_there_is_nobody() {
    let server = S3Server::over(memory()).await;
    let credentials = S3Credentials::Profile("no such profile of anybody".to_owned());
    let store = connect(S3Options { credentials, ..options(&server.endpoint) }).await;
    let outcome = put(&store).await;
    assert!(matches!(&outcome, Err(ObjectError::Refused { reason, .. }) if reason == "NoCredentials"), "{outcome:?}");
}

/// An answer that is lost leaves the object, and the upload is gone.
#[tokio::test]
async fn an_upload_whose_end_is_lost_is_there() {
    let memory = memory();
    let plan = |call: Call<'_>| match call.operation {
        Operation::CompleteUpload => Fault::After(Failure::HangUp),
        _ => Fault::None,
    };
    let server = S3Server::over(Arc::new(FaultyStore::new(memory, plan))).await;
    let store = connect(options(&server.endpoint)).await;
    let key = key();
    let id = store.create_upload(&key).await.unwrap();
    let part = store.upload_part(&key, &id, 1, 0, Bytes::from_static(b"one"), Crc64::of(b"one")).await.unwrap();
    let parts = [part];
    let complete = || store.complete_upload(&key, &id, &parts, Crc64::of(b"one"), &PutCondition::None);
    let outcome = complete().await;
    assert!(is_unavailable(&outcome), "{outcome:?}");
    assert!(matches!(complete().await, Err(ObjectError::NoSuchUpload)));
    assert!(matches!(store.list_parts(&key, &id).await, Err(ObjectError::NoSuchUpload)));
    assert_eq!(store.head(&key).await.unwrap().unwrap().checksum, Some(Crc64::of(b"one")));
}

#[tokio::test]
async fn lists_go_on_over_many_answers() {
    let memory = memory();
    let server = S3Server::over(memory.clone()).await;
    let store = connect(options(&server.endpoint)).await;
    for number in 0..2_500 {
        let key = ObjectKey::parse(&format!("{number:05}")).unwrap();
        memory.put(&key, Bytes::new(), Crc64::of(b""), &PutCondition::None).await.unwrap();
        memory.create_upload(&key).await.unwrap();
    }
    let numbers = |objects: Vec<StoredObject>| objects.iter().map(|object| object.key.to_string()).collect::<Vec<_>>();
    let expected: Vec<_> = (0..2_500).map(|number| format!("{number:05}")).collect();
    assert_eq!(numbers(store.list("", None, 5_000).await.unwrap()), expected);
    assert_eq!(numbers(store.list("", None, 1_700).await.unwrap()), expected[..1_700]);
    let uploads = store.list_uploads("").await.unwrap();
    assert_eq!(uploads.iter().map(|upload| upload.key.to_string()).collect::<Vec<_>>(), expected);
    assert_eq!(uploads[0].initiated_at.timestamp(), FixedClock::default().now().timestamp());

    let upload = &uploads[0];
    for number in 1..=1_500 {
        let sent = memory.upload_part(&upload.key, &upload.upload_id, number, 0, Bytes::new(), Crc64::of(b""));
        sent.await.unwrap();
    }
    let parts = store.list_parts(&upload.key, &upload.upload_id).await.unwrap();
    assert_eq!(parts.iter().map(|part| part.number).collect::<Vec<_>>(), (1..=1_500).collect::<Vec<_>>());
}

/// The server of others knows MD5, of objects at least.
#[tokio::test]
async fn a_store_without_checksums_is_told_md5() {
    let server = S3Server::independent().await;
    let store = connect(S3Options { integrity: Integrity::Md5, ..options(&server.endpoint) }).await;
    let stored = put(&store).await.unwrap();
    assert_eq!((stored.size, stored.checksum), (3, None));
    let wrong = store.put(&key(), Bytes::from_static(b"two"), Crc64::of(b"one"), &PutCondition::None).await;
    assert!(matches!(wrong, Err(ObjectError::ChecksumMismatch)));
    assert!(store.delete(&[key(), ObjectKey::parse("never").unwrap()]).await.unwrap().is_empty());
    assert_eq!(store.head(&key()).await.unwrap(), None);
    assert_eq!(store.presign_put(&key(), 3, Some(Crc64::of(b"one")), Duration::from_hours(1)).await.unwrap(), None);
    assert!(!store.presigns());
}

/// Size and checksum are part of the signature, so that no other body goes.
#[tokio::test]
async fn a_request_for_others_says_all_that_must_be_sent() {
    let server = S3Server::over(memory()).await;
    let store = connect(options(&server.endpoint)).await;
    assert!(store.presigns());
    let (one, lifetime) = (Crc64::of(b"one"), Duration::from_mins(15));
    let put = store.presign_put(&key(), 3, Some(one), lifetime).await.unwrap().unwrap();
    let bare = store.presign_put(&key(), 3, None, lifetime).await.unwrap().unwrap();
    let id = store.create_upload(&key()).await.unwrap();
    let part = store.presign_part(&key(), &id, 7, 3, one, lifetime).await.unwrap().unwrap();
    let signed = "X-Amz-SignedHeaders=content-length%3Bhost";
    for (request, has_checksum) in [(&put, true), (&bare, false), (&part, true)] {
        let header =
            |name: &str| request.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        assert_eq!((request.method.as_str(), header("content-length").as_deref()), ("PUT", Some("3")), "{request:?}");
        assert_eq!(header("x-amz-checksum-crc64nvme"), has_checksum.then(|| one.to_string()), "{request:?}");
        let checksum = if has_checksum { "%3Bx-amz-checksum-crc64nvme&" } else { "&" };
        assert!(request.url.contains(&format!("{signed}{checksum}")), "{request:?}");
        assert!(request.url.contains("X-Amz-Expires=900"), "{request:?}");
    }
    assert!(part.url.contains("partNumber=7"), "{part:?}");
}

#[tokio::test]
async fn bodies_may_be_signed() {
    let server = S3Server::over(memory()).await;
    let store = connect(S3Options { signing: BodySigning::Signed, ..options(&server.endpoint) }).await;
    assert_eq!(put(&store).await.unwrap().checksum, Some(Crc64::of(b"one")));
}

#[tokio::test]
async fn a_place_is_a_store_and_a_bucket() {
    let pool = HttpPool::new(&HttpPoolOptions::default()).unwrap();
    let credentials = S3Credentials::Keys { access_key: String::new(), secret_key: "".into(), session_token: None };
    let options = S3Options { credentials, ..S3Options::new("photos".to_owned()) };
    for (region, endpoint, place) in [
        (Some("eu-central-1"), None, "s3://s3.eu-central-1.amazonaws.com/photos"),
        (Some("cn-north-1"), None, "s3://s3.cn-north-1.amazonaws.com.cn/photos"),
        (None, Some("https://minio.example.org:9000/"), "s3://minio.example.org:9000/photos"),
        (None, Some("http://10.0.0.1"), "s3+http://10.0.0.1/photos"),
    ] {
        let (region, endpoint) = (region.map(str::to_owned), endpoint.map(str::to_owned));
        let store = S3Store::connect(S3Options { region, endpoint, ..options.clone() }, &pool).await.unwrap();
        assert_eq!(store.place().as_str(), place);
    }
    assert!(matches!(S3Store::connect(options, &pool).await, Err(S3SetupError::NoRegion { .. })));
}

/// The head of the request that a put makes.
async fn head_of_a_put(options: impl FnOnce(S3Options) -> S3Options) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Some(format!("http://{}", listener.local_addr().unwrap()));
    let credentials =
        S3Credentials::Keys { access_key: "key".to_owned(), secret_key: "secret".into(), session_token: None };
    let plain = S3Options { endpoint, credentials, addressing: Addressing::Path, ..S3Options::new(BUCKET.to_owned()) };
    let store = connect(options(plain)).await;
    let served = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = String::new();
        while !request.contains("\r\n\r\none") {
            let mut bytes = [0; 4096];
            let length = stream.read(&mut bytes).await.unwrap();
            request += str::from_utf8(&bytes[..length]).unwrap();
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\netag: \"x\"\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        request
    };
    let (stored, request) = tokio::join!(put(&store), served);
    assert_eq!((stored.as_ref().unwrap().size, stored.unwrap().checksum), (3, None));
    request
}

#[tokio::test]
async fn a_body_goes_as_it_is_with_its_checksum() {
    let request = head_of_a_put(|options| options).await;
    let checksum = format!("x-amz-checksum-crc64nvme: {}\r\n", Crc64::of(b"one"));
    for header in ["content-length: 3\r\n", "x-amz-content-sha256: UNSIGNED-PAYLOAD\r\n", &checksum] {
        assert!(request.contains(header), "{header} in {request}");
    }
    for header in ["aws-chunked", "x-amz-trailer", "crc32", "storage-class", "server-side-encryption", "if-"] {
        assert!(!request.contains(header), "{header} in {request}");
    }
}

#[tokio::test]
async fn objects_are_kept_as_the_options_have_it() {
    let request = head_of_a_put(|options| S3Options {
        storage_class: Some("STANDARD_IA".to_owned()),
        encryption: Some(Encryption::Kms { key_id: Some("my-key".to_owned()) }),
        signing: BodySigning::Signed,
        ..options
    });
    let request = request.await;
    for header in [
        "x-amz-storage-class: STANDARD_IA\r\n",
        "x-amz-server-side-encryption: aws:kms\r\n",
        "x-amz-server-side-encryption-aws-kms-key-id: my-key\r\n",
    ] {
        assert!(request.contains(header), "{header} in {request}");
    }
    assert!(!request.contains("UNSIGNED-PAYLOAD"));
}
