mod open;
mod roots;
mod scan;

use std::fs;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

use tempfile::TempDir;
use tenantry_kernel::OrganizationId;
use tenantry_sync::objects::RelativePath;

use crate::{AllowedRoot, RootScope, Roots, ScanEvent, ScanOptions, ScanReport, SourceFolder};

/// A folder to fill and to read from, with another beside it that must not be read.
struct Tree {
    home: TempDir,
}

impl Tree {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join("inside")).unwrap();
        fs::create_dir(home.path().join("outside")).unwrap();
        fs::write(home.path().join("outside/secret"), "secret").unwrap();
        Self { home }
    }

    fn at(&self, path: impl AsRef<Path>) -> PathBuf {
        self.home.path().join("inside").join(path)
    }

    fn outside(&self) -> PathBuf {
        self.home.path().join("outside")
    }

    fn write(&self, path: impl AsRef<Path>, content: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    fn folder(&self) -> SourceFolder {
        let inside = self.at("").to_str().unwrap().trim_end_matches('/').to_owned();
        let root = AllowedRoot { path: inside.clone(), scope: RootScope::All };
        Roots::new(vec![root], vec![]).unwrap().open(organization(1), &inside).unwrap()
    }
}

fn make_fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn organization(number: u128) -> OrganizationId {
    OrganizationId::from_uuid(uuid::Uuid::from_u128(number))
}

fn path(text: &str) -> RelativePath {
    RelativePath::parse(text.as_bytes()).unwrap()
}

fn scan(folder: &SourceFolder, options: &ScanOptions) -> (Vec<ScanEvent>, ScanReport) {
    let found = Mutex::new(Vec::new());
    let sink = |events: Vec<ScanEvent>| {
        assert!((1..=1_000).contains(&events.len()));
        found.lock().unwrap().extend(events);
        ControlFlow::Continue(())
    };
    let report = folder.scan(options, &sink).unwrap();
    (found.into_inner().unwrap(), report)
}

/// The paths of the files that were found, in order.
fn files(events: &[ScanEvent]) -> Vec<String> {
    let file = |event: &ScanEvent| match event {
        ScanEvent::File(file) => Some(file.path.to_string()),
        _ => None,
    };
    let mut files: Vec<_> = events.iter().filter_map(file).collect();
    files.sort_unstable();
    files
}
