//! A server of direct uploads and its store, in memory. It fails as it is told to.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};
use tenantry_sync::objects::Crc64;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

pub const KEY: &str = "tnt_test";
pub const PROJECT: Uuid = Uuid::from_u128(7);
pub const JOB: Uuid = Uuid::from_u128(8);

/// Files of more bytes are sent in parts of this size.
pub const PART: usize = 1 << 20;

/// How the store takes files.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Presigned,
    Tus,
}

/// What goes wrong.
#[derive(Clone)]
pub enum Fault {
    /// It answers so, and does nothing.
    Answer(u16, &'static str),
    /// The connection breaks before anything is done.
    Reset,
    /// Everything is done, and the connection breaks.
    LostReply,
    /// The connection breaks after so many bytes of the body.
    BreakAfter(usize),
    /// Somebody does something meanwhile.
    Meanwhile(Arc<dyn Fn() + Send + Sync>),
}

struct Rule {
    method: &'static str,
    path: &'static str,
    times: usize,
    fault: Fault,
}

/// By number.
type Parts = BTreeMap<usize, Vec<u8>>;

pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

#[derive(Default)]
pub struct State {
    /// By path.
    pub objects: BTreeMap<Vec<u8>, Vec<u8>>,
    index: BTreeMap<Vec<u8>, (u64, String)>,
    files: HashMap<Uuid, Declared>,
    /// By path: what was declared, and the parts.
    uploads: BTreeMap<Vec<u8>, (String, Parts)>,
    appended: HashMap<Uuid, Vec<u8>>,
    rules: Vec<Rule>,
    /// `METHOD /path` of each request, without its query.
    pub log: Vec<String>,
    pub jobs_begun: Vec<String>,
    pub ended: Option<&'static str>,
}

#[derive(Clone)]
struct Declared {
    path: Vec<u8>,
    size: u64,
    checksum: String,
}

pub struct Fake {
    pub address: String,
    state: Arc<Mutex<State>>,
}

type Answer = (u16, Vec<(&'static str, String)>, Vec<u8>);

impl Fake {
    pub async fn start(kind: Kind) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let fake = Self { address, state: Arc::default() };
        let (state, own) = (fake.state.clone(), fake.address.clone());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, state.clone(), own.clone(), kind));
            }
        });
        fake
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// The next so many requests of this method whose path holds this text fail.
    pub fn fail(&self, method: &'static str, path: &'static str, times: usize, fault: Fault) {
        self.state().rules.push(Rule { method, path, times, fault });
    }

    /// Nothing fails any more.
    pub fn heal(&self) {
        self.state().rules.clear();
    }

    /// How many requests there were of this method whose path holds this text.
    pub fn count(&self, method: &str, path: &str) -> usize {
        self.state().log.iter().filter(|line| line.starts_with(method) && line.contains(path)).count()
    }

    /// How many rules have not come to an end.
    pub fn faults_left(&self) -> usize {
        self.state().rules.iter().filter(|rule| rule.times > 0 && rule.times < 1_000).count()
    }
}

async fn converse(mut stream: TcpStream, state: Arc<Mutex<State>>, own: String, kind: Kind) {
    let mut buffer = Vec::new();
    loop {
        let Some((mut request, length)) = head(&mut stream, &mut buffer).await else { return };
        let fault = {
            let mut state = state.lock().unwrap();
            state.log.push(format!("{} {}", request.method, request.path.split('?').next().unwrap()));
            let rule = state
                .rules
                .iter_mut()
                .find(|rule| rule.times > 0 && rule.method == request.method && request.path.contains(rule.path));
            rule.map(|rule| {
                rule.times -= 1;
                rule.fault.clone()
            })
        };
        let wanted = if let Some(Fault::BreakAfter(bytes)) = &fault { length.min(*bytes) } else { length };
        while buffer.len() < wanted {
            if stream.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                return;
            }
        }
        request.body = buffer.drain(..wanted).collect();
        let answer = match fault {
            Some(Fault::Reset) => return,
            Some(Fault::BreakAfter(_) | Fault::LostReply) => {
                state.lock().unwrap().answer(&request, &own, kind);
                return;
            }
            Some(Fault::Answer(429, body)) => (429, vec![("retry-after", "1".to_owned())], body.as_bytes().to_vec()),
            Some(Fault::Answer(status, body)) => (status, Vec::new(), body.as_bytes().to_vec()),
            Some(Fault::Meanwhile(act)) => {
                let answer = state.lock().unwrap().answer(&request, &own, kind);
                act();
                answer
            }
            None => state.lock().unwrap().answer(&request, &own, kind),
        };
        if reply(&mut stream, &request, answer).await.is_err() {
            return;
        }
    }
}

async fn head(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<(Request, usize)> {
    loop {
        let mut headers = [httparse::EMPTY_HEADER; 64];
        let mut parsed = httparse::Request::new(&mut headers);
        if let httparse::Status::Complete(end) = parsed.parse(buffer).unwrap() {
            let headers: HashMap<String, String> = parsed
                .headers
                .iter()
                .map(|header| (header.name.to_ascii_lowercase(), String::from_utf8(header.value.to_vec()).unwrap()))
                .collect();
            let length = headers.get("content-length").map_or(0, |text| text.parse().unwrap());
            let (method, path) = (parsed.method.unwrap().to_owned(), parsed.path.unwrap().to_owned());
            buffer.drain(..end);
            return Some((Request { method, path, headers, body: Vec::new() }, length));
        }
        if stream.read_buf(buffer).await.unwrap_or(0) == 0 {
            return None;
        }
    }
}

async fn reply(stream: &mut TcpStream, request: &Request, (status, headers, body): Answer) -> std::io::Result<()> {
    let mut head = format!("HTTP/1.1 {status} Whatever\r\n");
    for (name, value) in headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    if status != 204 && request.method != "HEAD" {
        write!(head, "content-length: {}\r\n", body.len()).unwrap();
    }
    stream.write_all(format!("{head}\r\n").as_bytes()).await?;
    stream.write_all(&body).await
}

fn ok(value: &Value) -> Answer {
    (200, vec![("content-type", "application/json".to_owned())], value.to_string().into_bytes())
}

fn problem(status: u16, code: &str) -> Answer {
    let body = json!({"status": status, "error_code": code, "detail": code, "title": code});
    (status, Vec::new(), body.to_string().into_bytes())
}

fn list(data: &[Value]) -> Answer {
    ok(&json!({"data": data, "count": data.len()}))
}

impl State {
    fn answer(&mut self, request: &Request, own: &str, kind: Kind) -> Answer {
        let path = request.path.split('?').next().unwrap();
        if let Some(key) = path.strip_prefix("/store/") {
            assert_eq!(request.headers.get("authorization"), None, "the store is shown the key");
            return self.store(request, key);
        }
        assert_eq!(request.headers["authorization"], format!("Bearer {KEY}"));
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let job = format!("/api/v1/uploads/{JOB}");
        match (request.method.as_str(), path) {
            ("POST", "/api/v1/uploads/direct") => self.begin(request, &body),
            ("POST", path) if path == format!("{job}/files") => self.declare(&body, own, kind),
            ("POST", path) if path == format!("{job}/parts") => self.parts(&body, own),
            ("POST", path) if path == format!("{job}/files/complete") => self.complete(&body),
            ("POST", path) if path == format!("{job}/finish") => self.end("finished"),
            ("POST", path) if path == format!("{job}/cancel") => self.end("cancelled"),
            ("HEAD" | "PATCH", path) => {
                self.tus(request, path.strip_prefix("/api/v1/uploads/tus/").unwrap().parse().unwrap())
            }
            (method, path) => panic!("{method} {path}"),
        }
    }

    fn begin(&mut self, request: &Request, body: &Value) -> Answer {
        if body["project_id"] != PROJECT.to_string() {
            return problem(404, "NOT_FOUND");
        }
        let key = request.headers["idempotency-key"].clone();
        if !self.jobs_begun.contains(&key) {
            self.jobs_begun.push(key);
        }
        self.ended = None;
        status("started")
    }

    fn end(&mut self, how: &'static str) -> Answer {
        self.ended = Some(how);
        status(how)
    }

    fn declare(&mut self, body: &Value, own: &str, kind: Kind) -> Answer {
        let files = body["files"].as_array().unwrap();
        assert!((1..=1_000).contains(&files.len()));
        let answers: Vec<Value> = files.iter().map(|file| self.declare_one(file, own, kind)).collect();
        list(&answers)
    }

    fn declare_one(&mut self, file: &Value, own: &str, kind: Kind) -> Value {
        let path = match file["path"].as_str() {
            Some(path) => path.as_bytes().to_vec(),
            None => BASE64_STANDARD.decode(file["path_base64"].as_str().unwrap()).unwrap(),
        };
        let shown = String::from_utf8_lossy(&path).into_owned();
        let (size, checksum) = (file["size"].as_u64().unwrap(), file["crc64nvme"].as_str().unwrap().to_owned());
        if shown.contains("unwelcome") {
            return json!({"path": shown, "file_id": null, "action": "error", "error": "is unwelcome"});
        }
        let id = Uuid::from_u128(u128::from(Crc64::of(&path).get()));
        let declared = Declared { path: path.clone(), size, checksum: checksum.clone() };
        let before = self.files.insert(id, declared);
        if shown.contains("for ever later") || (shown.contains("later") && before.is_none()) {
            return json!({"path": shown, "file_id": id, "action": "later", "error": "is not known"});
        }
        let mut answer = json!({"path": shown, "file_id": id});
        if self.index.get(&path) == Some(&(size, checksum.clone())) {
            answer["action"] = "skip".into();
        } else if kind == Kind::Tus {
            if before.is_some_and(|before| before.checksum != checksum) {
                self.appended.remove(&id);
            }
            answer["action"] = "tus".into();
            answer["upload_url"] = format!("/api/v1/uploads/tus/{id}").into();
        } else if size > PART.try_into().unwrap() {
            let done = self.uploads.get(&path).filter(|(known, _)| *known == checksum);
            let done: Vec<usize> = done.map(|(_, parts)| parts.keys().copied().collect()).unwrap_or_default();
            answer["action"] = "multipart".into();
            answer["part_size"] = PART.into();
            answer["parts_done"] = done.into();
        } else {
            answer["action"] = "put".into();
            answer["request"] = presigned(own, id, "", &checksum);
        }
        answer
    }

    fn parts(&mut self, body: &Value, own: &str) -> Answer {
        let id: Uuid = body["file_id"].as_str().unwrap().parse().unwrap();
        let Some(file) = self.files.get(&id).cloned() else { return problem(422, "VALIDATION_ERROR") };
        let upload = self.uploads.entry(file.path).or_default();
        if upload.0 != file.checksum {
            *upload = (file.checksum, BTreeMap::new());
        }
        let part = |part: &Value| {
            let (number, checksum) = (part["number"].as_u64().unwrap(), part["crc64nvme"].as_str().unwrap());
            let part = u64::try_from(PART).unwrap();
            let size = part.min(file.size - (number - 1) * part);
            json!({"number": number, "size": size, "request": presigned(own, id, &number.to_string(), checksum)})
        };
        let parts: Vec<Value> = body["parts"].as_array().unwrap().iter().map(part).collect();
        list(&parts)
    }

    fn complete(&mut self, body: &Value) -> Answer {
        let ids = body["file_ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().parse().unwrap());
        let answers: Vec<Value> = ids.map(|id| self.complete_one(id)).collect();
        list(&answers)
    }

    fn complete_one(&mut self, id: Uuid) -> Value {
        let Some(Declared { path, size, checksum }) = self.files.get(&id).cloned() else {
            return json!({"file_id": id, "status": "pending", "error": "unknown"});
        };
        if let Some((_, parts)) = self.uploads.get(&path).filter(|(known, _)| *known == checksum) {
            if parts.values().map(Vec::len).sum::<usize>() != usize::try_from(size).unwrap() {
                return json!({"file_id": id, "status": "pending", "error": "parts_missing"});
            }
            self.objects.insert(path.clone(), parts.values().flatten().copied().collect());
            self.uploads.remove(&path);
        }
        let error = match self.objects.get(&path) {
            None => "missing",
            Some(object) if u64::try_from(object.len()).unwrap() != size => "size_mismatch",
            Some(object) if Crc64::of(object).to_string() != checksum => "checksum_mismatch",
            Some(_) => {
                self.index.insert(path, (size, checksum.clone()));
                return json!({"file_id": id, "status": "uploaded", "size": size, "checksum": checksum, "error": null});
            }
        };
        json!({"file_id": id, "status": "pending", "size": size, "checksum": null, "error": error})
    }

    fn store(&mut self, request: &Request, key: &str) -> Answer {
        assert_eq!(request.method, "PUT");
        if Crc64::of(&request.body).to_string() != request.headers["x-amz-checksum-crc64nvme"] {
            return (400, Vec::new(), b"<Error><Code>BadDigest</Code></Error>".to_vec());
        }
        let (id, part) = key.split_once('/').unwrap();
        let file = &self.files[&id.parse::<Uuid>().unwrap()];
        if part.is_empty() {
            self.objects.insert(file.path.clone(), request.body.clone());
        } else {
            let Some((_, parts)) = self.uploads.get_mut(&file.path) else {
                return (404, Vec::new(), b"<Error><Code>NoSuchUpload</Code></Error>".to_vec());
            };
            parts.insert(part.parse().unwrap(), request.body.clone());
        }
        (200, Vec::new(), Vec::new())
    }

    fn tus(&mut self, request: &Request, id: Uuid) -> Answer {
        assert_eq!(request.headers["tus-resumable"], "1.0.0");
        let Declared { path, size, checksum } = self.files[&id].clone();
        let have = self.appended.entry(id).or_default();
        if request.method == "PATCH" {
            assert_eq!(request.headers["content-type"], "application/offset+octet-stream");
            if request.headers["upload-offset"] != have.len().to_string() {
                return problem(409, "CONFLICT");
            }
            have.extend(&request.body);
            if u64::try_from(have.len()).unwrap() == size {
                if Crc64::of(have).to_string() != checksum {
                    have.clear();
                    return problem(460, "CHECKSUM_MISMATCH");
                }
                self.objects.insert(path.clone(), have.clone());
                self.index.insert(path, (size, checksum));
            }
        }
        let length = if request.method == "HEAD" { 200 } else { 204 };
        (length, vec![("upload-offset", have.len().to_string())], Vec::new())
    }
}

fn status(status: &str) -> Answer {
    ok(
        &json!({"job_id": JOB, "status": status, "total_files": 0, "files_uploaded": 0, "files_skipped": 0, "files_failed": 0,
        "error": null, "session_id": null}),
    )
}

fn presigned(own: &str, id: Uuid, part: &str, checksum: &str) -> Value {
    let headers =
        json!([{"name": "x-amz-checksum-crc64nvme", "value": checksum}, {"name": "host", "value": "elsewhere"}]);
    json!({"method": "PUT", "url": format!("{own}/store/{id}/{part}?X-Amz-Signature=s"), "headers": headers})
}
