//! Files that clients send to the server itself by tus, where objects are in a folder.

mod bytes;
mod faults;
mod interruptions;
mod refusals;

use std::time::{Duration, Instant};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tenantry_sync::objects::Crc64;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::object;
use crate::answer::Answer;
use crate::person::Person;
use crate::site::{API, Ask, Site};

/// A job to which a client sends files.
struct Client<'p> {
    person: &'p Person<'p>,
    job: String,
    prefix: String,
}

/// A file on its way.
struct Upload<'p> {
    person: &'p Person<'p>,
    id: String,
}

impl<'p> Client<'p> {
    async fn open(person: &'p Person<'p>) -> Self {
        let project = person.project("sent").await;
        let job = person.post("/uploads/direct", json!({"project_id": project})).await.expect(201);
        let organization = person.organization.as_deref().unwrap_or(&person.own_organization);
        let prefix = format!("{organization}/{project}");
        Self { person, job: job["job_id"].as_str().unwrap().to_owned(), prefix }
    }

    fn creation(&self, path: &[u8], length: &str, checksum: Option<Crc64>) -> Ask {
        let metadata = metadata(&self.job, path, checksum);
        tus(self.person, "POST", "/uploads/tus").header("upload-length", length).header("upload-metadata", &metadata)
    }

    async fn create(&self, path: &str, length: usize, checksum: Option<Crc64>) -> Upload<'p> {
        let answer = self.creation(path.as_bytes(), &length.to_string(), checksum).send().await;
        answer.expect(201);
        let location = answer.header("location").strip_prefix(&format!("{API}/uploads/tus/"));
        Upload { person: self.person, id: location.unwrap().to_owned() }
    }

    /// What the job counts: files in all, uploaded, skipped, failed; bytes in all, uploaded.
    async fn counts(&self) -> [u64; 6] {
        counts(&self.person.get(&format!("/uploads/status/{}", self.job)).await.expect(200))
    }

    async fn finish(&self) -> Value {
        self.person.post(&format!("/uploads/{}/finish", self.job), json!({})).await.expect(200)
    }

    fn object(&self, path: &str) -> Option<Vec<u8>> {
        object(self.person.site, &format!("{}/{path}", self.prefix))
    }
}

impl Upload<'_> {
    fn path(&self) -> String {
        format!("/uploads/tus/{}", self.id)
    }

    fn ask(&self, method: &str) -> Ask {
        tus(self.person, method, &self.path())
    }

    fn append(&self, offset: usize, bytes: &[u8]) -> Ask {
        let ask = self.ask("PATCH").header("upload-offset", &offset.to_string());
        ask.header("content-type", "application/offset+octet-stream").bytes(bytes)
    }

    /// Appends, and answers how much there is then.
    async fn send(&self, offset: usize, bytes: &[u8]) -> usize {
        let answer = self.append(offset, bytes).send().await;
        answer.expect(204);
        number(&answer, "upload-offset")
    }

    async fn offset(&self) -> usize {
        let answer = self.ask("HEAD").send().await;
        assert_eq!(answer.status, 200, "{answer}");
        assert_eq!(answer.header("cache-control"), "no-store");
        number(&answer, "upload-offset")
    }

    /// Waits until so much has arrived.
    async fn reaches(&self, offset: usize) {
        let asked = Instant::now();
        loop {
            let there = self.offset().await;
            if there == offset {
                return;
            }
            assert!(there < offset && asked.elapsed() < Duration::from_secs(20), "{there} instead of {offset}");
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// The head of a request that appends so many bytes, for those who write to the connection themselves.
    fn head(&self, offset: usize, length: usize) -> String {
        let token = &self.person.access_token;
        format!(
            "PATCH {API}{} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\ntus-resumable: 1.0.0\r\n\
             upload-offset: {offset}\r\ncontent-type: application/offset+octet-stream\r\ncontent-length: {length}\r\n\r\n",
            self.path()
        )
    }

    /// A connection on which `sent` of so many bytes were sent.
    async fn begin(&self, offset: usize, length: usize, sent: &[u8]) -> TcpStream {
        let mut stream = TcpStream::connect(self.person.site.running.address()).await.unwrap();
        stream.write_all(self.head(offset, length).as_bytes()).await.unwrap();
        stream.write_all(sent).await.unwrap();
        stream
    }
}

/// The status of the answer on a connection.
async fn answered(stream: &mut TcpStream) -> u16 {
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer[9..]).parse().unwrap()
}

fn tus(person: &Person<'_>, method: &str, path: &str) -> Ask {
    person.ask(method, path).header("tus-resumable", "1.0.0")
}

fn metadata(job: &str, path: &[u8], checksum: Option<Crc64>) -> String {
    let checksum = checksum.map(|checksum| format!(",crc64nvme {}", STANDARD.encode(checksum.to_string())));
    format!("job_id {},path {}{}", STANDARD.encode(job), STANDARD.encode(path), checksum.unwrap_or_default())
}

fn number(answer: &Answer, name: &str) -> usize {
    answer.header(name).parse().unwrap_or_else(|_| panic!("{name}: {answer}"))
}

fn counts(status: &Value) -> [u64; 6] {
    ["total_files", "files_uploaded", "files_skipped", "files_failed", "total_bytes", "bytes_uploaded"]
        .map(|name| status[name].as_u64().unwrap())
}

/// So many bytes that no two places look the same.
fn some(length: usize, seed: u64) -> Vec<u8> {
    let mut bytes = vec![0; length];
    fastrand::Rng::with_seed(seed).fill(&mut bytes);
    bytes
}

/// How many uploads are open in the store of the site.
fn open_uploads(site: &Site) -> usize {
    let settings = &site.running.node().settings;
    let folder = settings.objects.directory(&settings.data.directory).join("default/uploads");
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}
