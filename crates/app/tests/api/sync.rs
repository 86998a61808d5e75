//! Cycles, sync sessions and their jobs, to the objects that they make.

mod cycles;
mod direct;
mod sessions;
mod tus;
mod uploads;

use std::fs;
use std::future::Future;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tokio::sync::oneshot;

use crate::person::Person;
use crate::site::Site;

/// A folder of this name that may be synced, with these files.
fn folder(site: &Site, name: &str, files: &[(&str, &[u8])]) -> PathBuf {
    let folder = site.synced.path().join(name);
    fs::create_dir_all(&folder).unwrap();
    for (path, bytes) in files {
        let file = folder.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }
    folder
}

/// A sync session of a new project.
async fn session(person: &Person<'_>, folder: &Path, more: Value) -> Value {
    let mut new = json!({"project_id": person.project("synced").await, "local_directory": folder});
    new.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    person.post("/sessions", new).await.expect(201)
}

/// Starts a session and follows the job to its end.
async fn run(person: &Person<'_>, session: &Value, more: Value) -> Value {
    let mut start = json!({"session_id": session["id"]});
    start.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let queued = person.post("/uploads/start", start).await.expect(202);
    let events = person.get(&format!("/uploads/{}/events", queued["job_id"].as_str().unwrap())).await;
    assert_eq!((events.status, events.header("content-type")), (200, "text/event-stream"));
    let text = events.text();
    let last = text.trim_end().rsplit("\n\n").next().unwrap();
    let data = last.strip_prefix("event: done\ndata: ").unwrap_or_else(|| panic!("no end: {text}"));
    serde_json::from_str(data).unwrap()
}

/// Does something while a worker works.
pub async fn with_worker<T>(site: &Site, work: impl Future<Output = T>) -> T {
    let (stop, stopped) = oneshot::channel::<()>();
    let worker = tokio::spawn(site.running.node().workers().run(async move { drop(stopped.await) }));
    let done = work.await;
    drop(stop);
    worker.await.unwrap();
    done
}

/// The object of this key in the site's own store.
fn object(site: &Site, key: &str) -> Option<Vec<u8>> {
    let folder = site.running.node().settings.objects.directory(&site.running.node().settings.data.directory);
    // Folders of objects are told from objects by the ends of their names.
    let (folders, name) = key.rsplit_once('/').unwrap();
    let objects = folder.join("default/objects");
    let place = folders.split('/').fold(objects, |place, folder| place.join(format!("{folder}.d")));
    fs::read(place.join(name)).ok()
}
