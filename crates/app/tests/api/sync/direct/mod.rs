//! Direct uploads: clients send files of their own to a store that speaks the protocol of S3.

mod bytes;
mod jobs;
mod large;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tenantry_kernel::{Clock, OrganizationId, SystemClock, SystemIds};
use tenantry_objects::{Addressing, HttpPool, HttpPoolOptions, S3Credentials, S3Options, S3Store};
use tenantry_sync::objects::{Crc64, ObjectError, ObjectKey, ObjectStore, PartLimits};
use tenantry_sync::ports::{ObjectStores, SyncPolicy};
use tenantry_sync::{DirectOptions, DirectUploads, LocalDirectory, PatternSyntaxError, Patterns, ProfileName};
use tenantry_tenancy::BucketName;
use tenantry_testkit::objects::{ACCESS_KEY, BUCKET, FaultyStore, MemoryStore, S3Server, SECRET_KEY};

use crate::person::Person;
use crate::site::Site;

/// Is behind by so many seconds.
#[derive(Default)]
struct BehindClock(AtomicI64);

impl Clock for BehindClock {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() - TimeDelta::seconds(self.0.load(Ordering::Relaxed))
    }
}

/// As Amazon S3 has them.
const LIMITS: PartLimits = PartLimits { max_put: 5 << 30, min_part: 5 << 20, max_part: 5 << 30, max_parts: 10_000 };

/// A node whose objects are in a bucket.
pub struct Bucket {
    pub site: Site,
    /// What the bucket holds.
    pub memory: Arc<MemoryStore>,
    clock: Arc<BehindClock>,
    /// Ends with this value.
    server: S3Server,
}

impl Bucket {
    /// A node beside `site`, on the same database.
    async fn beside(site: &Site) -> Self {
        Self::with(site, |memory| memory).await
    }

    /// The same, with something between the server and the bucket.
    async fn with(site: &Site, between: impl FnOnce(Arc<MemoryStore>) -> Arc<dyn ObjectStore>) -> Self {
        let clock = Arc::new(BehindClock::default());
        let memory = Arc::new(MemoryStore::new(clock.clone()).with_limits(LIMITS));
        let server = S3Server::over(between(memory.clone())).await;
        let store = OneBucket(connect(&server).await);
        let replace = |node: &mut tenantry_app::node::Node| {
            let database = Arc::new(node.database.clone());
            let (clock, ids) = (Arc::new(SystemClock), Arc::new(SystemIds));
            let options = DirectOptions::default();
            let uploads = DirectUploads::new(database, Arc::new(OwnBucketOnly), Arc::new(store), clock, ids, options);
            node.services.direct_uploads = Arc::new(uploads);
        };
        Self { site: site.another_with(&[], replace).await, memory, clock, server }
    }

    /// With a bucket that fails as the plan has it.
    async fn failing(
        site: &Site,
        plan: impl Fn(tenantry_testkit::objects::Call<'_>) -> tenantry_testkit::objects::Fault + Send + Sync + 'static,
    ) -> Self {
        Self::with(site, |memory| Arc::new(FaultyStore::new(memory, plan))).await
    }

    /// The checksum of the object of this key.
    async fn checksum(&self, key: &str) -> Option<Crc64> {
        let found = self.memory.head(&ObjectKey::parse(key).unwrap()).await.unwrap();
        found.and_then(|object| object.checksum)
    }

    /// Has the bucket live so long ago.
    fn turn_back(&self, by: Duration) {
        self.clock.0.store(i64::try_from(by.as_secs()).unwrap(), Ordering::Relaxed);
    }

    async fn begin(&self, key: &str) {
        self.memory.create_upload(&ObjectKey::parse(key).unwrap()).await.unwrap();
    }

    /// The keys of the uploads that are under way.
    async fn begun(&self) -> Vec<String> {
        let uploads = self.memory.list_uploads("").await.unwrap();
        uploads.into_iter().map(|upload| upload.key.to_string()).collect()
    }

    async fn stop(self) {
        self.site.stop().await;
        drop(self.server);
    }
}

async fn connect(server: &S3Server) -> Arc<dyn ObjectStore> {
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

/// Holds the objects of everybody.
pub(super) struct OneBucket(pub(super) Arc<dyn ObjectStore>);

#[async_trait]
impl ObjectStores for OneBucket {
    async fn open(
        &self,
        bucket: Option<&BucketName>,
        profile: Option<&ProfileName>,
    ) -> Result<Arc<dyn ObjectStore>, ObjectError> {
        assert_eq!((bucket, profile), (None, None));
        Ok(self.0.clone())
    }
}

/// Lets organisations use nothing else.
pub(super) struct OwnBucketOnly;

#[async_trait]
impl SyncPolicy for OwnBucketOnly {
    async fn allows_directory(&self, _: OrganizationId, _: &LocalDirectory) -> bool {
        false
    }

    fn allows_bucket(&self, _: OrganizationId, bucket: Option<&BucketName>) -> bool {
        bucket.is_none()
    }

    fn allows_profile(&self, _: OrganizationId, _: &ProfileName) -> bool {
        false
    }

    async fn check_patterns(&self, _: &Patterns) -> Result<(), PatternSyntaxError> {
        Ok(())
    }
}

/// A job to which a client sends files.
struct Client<'p> {
    person: &'p Person<'p>,
    job: String,
    /// Where its objects go.
    prefix: String,
}

impl<'p> Client<'p> {
    async fn open(person: &'p Person<'p>, project: &str) -> Self {
        let job = person.post("/uploads/direct", json!({"project_id": project})).await.expect(201);
        let organization = person.organization.as_deref().unwrap_or(&person.own_organization);
        let prefix = format!("{organization}/{project}");
        Self { person, job: job["job_id"].as_str().unwrap().to_owned(), prefix }
    }

    fn path(&self, what: &str) -> String {
        format!("/uploads/{}/{what}", self.job)
    }

    /// What is to be done about these files.
    async fn declare(&self, files: Value) -> Vec<Value> {
        let answer = self.person.post(&self.path("files"), json!({"files": files})).await.expect(200);
        let data = answer["data"].as_array().unwrap().clone();
        assert_eq!(answer["count"], data.len());
        data
    }

    /// The requests for these parts of `bytes`.
    async fn parts(&self, file: &Value, bytes: &[u8], numbers: &[usize]) -> Vec<Value> {
        let size = usize::try_from(file["part_size"].as_u64().unwrap()).unwrap();
        let parts = numbers.iter().map(|number| {
            let part = part(bytes, size, *number);
            json!({"number": number, "crc64nvme": Crc64::of(part).to_string()})
        });
        let ask = json!({"file_id": file["file_id"], "parts": parts.collect::<Vec<_>>()});
        let answer = self.person.post(&self.path("parts"), ask).await.expect(200);
        assert_eq!((&answer["file_id"], &answer["part_size"]), (&file["file_id"], &file["part_size"]));
        answer["data"].as_array().unwrap().clone()
    }

    /// Asks for the requests of these parts, and sends them.
    async fn send_parts(&self, file: &Value, bytes: &[u8], numbers: &[usize]) {
        let size = usize::try_from(file["part_size"].as_u64().unwrap()).unwrap();
        for (number, presigned) in numbers.iter().zip(self.parts(file, bytes, numbers).await) {
            let part = part(bytes, size, *number);
            assert_eq!((&presigned["number"], &presigned["size"]), (&json!(number), &json!(part.len())));
            assert_eq!(send(&presigned["request"], part).await, 200);
        }
    }

    async fn complete(&self, file_ids: &[&Value]) -> Vec<Value> {
        let answer = self.person.post(&self.path("files/complete"), json!({"file_ids": file_ids})).await.expect(200);
        answer["data"].as_array().unwrap().clone()
    }

    /// What the server says of one file that was sent: its status and what is wrong.
    async fn completed(&self, file: &Value) -> (String, Option<String>) {
        let told = self.complete(&[&file["file_id"]]).await.remove(0);
        (told["status"].as_str().unwrap().to_owned(), told["error"].as_str().map(str::to_owned))
    }

    async fn finish(&self) -> Value {
        self.person.post(&self.path("finish"), json!({})).await.expect(200)
    }

    async fn status(&self) -> Value {
        self.person.get(&format!("/uploads/status/{}", self.job)).await.expect(200)
    }

    /// What the job counts: files in all, uploaded, skipped, failed; bytes in all, uploaded.
    async fn counts(&self) -> [u64; 6] {
        counts(&self.status().await)
    }
}

fn counts(status: &Value) -> [u64; 6] {
    ["total_files", "files_uploaded", "files_skipped", "files_failed", "total_bytes", "bytes_uploaded"]
        .map(|name| status[name].as_u64().unwrap())
}

fn part(bytes: &[u8], size: usize, number: usize) -> &[u8] {
    bytes.chunks(size).nth(number - 1).unwrap()
}

/// What a client says of a file.
fn file(path: &str, bytes: &[u8]) -> Value {
    json!({"path": path, "size": bytes.len(), "crc64nvme": Crc64::of(bytes).to_string()})
}

/// Sends a request as the server gave it, with this body; answers the store's status.
async fn send(request: &Value, body: &[u8]) -> u16 {
    let method = request["method"].as_str().unwrap().parse().unwrap();
    let mut sent = tenantry_testkit::http_client().request(method, request["url"].as_str().unwrap());
    for header in request["headers"].as_array().unwrap() {
        let (name, value) = (header["name"].as_str().unwrap(), header["value"].as_str().unwrap());
        // What is said of another body is counted anew, for the store to refuse.
        if !name.eq_ignore_ascii_case("content-length") || *value == body.len().to_string() {
            sent = sent.header(name, value);
        }
    }
    sent.body(body.to_vec()).send().await.unwrap().status().as_u16()
}

fn uploaded() -> (String, Option<String>) {
    ("uploaded".to_owned(), None)
}

fn pending(error: &str) -> (String, Option<String>) {
    ("pending".to_owned(), Some(error.to_owned()))
}
