//! Listing objects in the order of their keys.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};

use tenantry_sync::objects::{ObjectKey, StoredObject};

use super::files::{self, Kind};
use super::names::{CONTINUED, FOLDER, unescape};
use super::objects::recorded;
use super::record::{self, Identity};
use super::root::Root;

impl Root {
    /// A folder is read whole for every page that begins in it.
    pub fn list(&self, prefix: &str, after: Option<&ObjectKey>, limit: usize) -> io::Result<Vec<StoredObject>> {
        let after = after.map_or("", ObjectKey::as_str);
        let mut walk = Walk { root: self, prefix, after, limit, found: Vec::new() };
        let folders = Folders { objects: self.objects.try_clone()?, records: Some(self.records.try_clone()?) };
        walk.visit(&folders, "")?;
        Ok(walk.found)
    }
}

/// A folder of objects and that of their records, which may be missing.
struct Folders {
    objects: OwnedFd,
    records: Option<OwnedFd>,
}

impl Folders {
    fn open(&self, folders: &[String]) -> io::Result<Option<Self>> {
        let Some(objects) = files::descend(self.objects.as_fd(), folders)? else { return Ok(None) };
        let records = match &self.records {
            Some(records) => files::descend(records.as_fd(), folders)?,
            None => None,
        };
        Ok(Some(Self { objects, records }))
    }
}

/// What a segment of a key leads to.
struct Child {
    /// The key so far; with a `/` at the end for a folder, so that these sort as the keys do.
    key: String,
    /// In which folders it is, and as what.
    folders: Vec<String>,
    name: String,
    kind: Kind,
}

struct Walk<'a> {
    root: &'a Root,
    prefix: &'a str,
    after: &'a str,
    limit: usize,
    found: Vec<StoredObject>,
}

impl Walk<'_> {
    fn visit(&mut self, folders: &Folders, key: &str) -> io::Result<()> {
        let mut children = Vec::new();
        self.collect(folders, key, &mut Vec::new(), &mut String::new(), &mut children)?;
        children.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        for mut child in children {
            if self.found.len() >= self.limit {
                return Ok(());
            }
            if child.kind == Kind::Folder {
                child.folders.push(child.name);
                if let Some(inner) = folders.open(&child.folders)? {
                    self.visit(&inner, &child.key)?;
                }
            } else if let Some(object) = self.look(folders, child)? {
                self.found.push(object);
            }
        }
        Ok(())
    }

    /// What is in a folder, and in those in which long segments go on, which may begin alike.
    fn collect(
        &self,
        folders: &Folders,
        key: &str,
        outer: &mut Vec<String>,
        pieces: &mut String,
        children: &mut Vec<Child>,
    ) -> io::Result<()> {
        for (name, kind) in files::entries(&folders.objects)? {
            let length = pieces.len();
            if kind == Kind::Folder
                && let Some(piece) = name.strip_suffix(CONTINUED)
            {
                if let Some(inner) = folders.open(std::slice::from_ref(&name))? {
                    pieces.push_str(piece);
                    outer.push(name);
                    self.collect(&inner, key, outer, pieces, children)?;
                    outer.pop();
                }
            } else if let Some(piece) = if kind == Kind::Folder { name.strip_suffix(FOLDER) } else { Some(&*name) } {
                pieces.push_str(piece);
                let segment = unescape(pieces);
                let end = if kind == Kind::Folder { "/" } else { "" };
                let key = segment.map(|segment| format!("{key}{segment}{end}"));
                if let Some(key) = key.filter(|key| self.leads_on(key, kind)) {
                    children.push(Child { key, folders: outer.clone(), name, kind });
                }
            }
            pieces.truncate(length);
        }
        Ok(())
    }

    /// Whether this, or something in it, is to be listed.
    fn leads_on(&self, key: &str, kind: Kind) -> bool {
        match kind {
            Kind::File => key.starts_with(self.prefix) && key > self.after,
            Kind::Folder => {
                (key.starts_with(self.prefix) || self.prefix.starts_with(key))
                    && (key > self.after || self.after.starts_with(key))
            }
        }
    }

    fn look(&self, folders: &Folders, child: Child) -> io::Result<Option<StoredObject>> {
        let Some(folders) = folders.open(&child.folders)? else { return Ok(None) };
        let key = ObjectKey::from_stored(child.key);
        // Somebody else's file, to which no key leads.
        let is_ours = self
            .root
            .names
            .path(&key)
            .is_some_and(|path| path.file == child.name && path.folders.ends_with(&child.folders));
        let Some(file) = files::open(&folders.objects, &child.name)?.filter(|_| is_ours) else { return Ok(None) };
        let identity = Identity::of(&file.metadata()?);
        let checksum = match &folders.records {
            Some(records) => recorded(records.as_fd(), &child.name, &identity)?,
            None => None,
        };
        let etag = checksum.map(|checksum| record::etag(identity.size(), checksum));
        Ok(Some(StoredObject { key, size: identity.size(), checksum, etag }))
    }
}
