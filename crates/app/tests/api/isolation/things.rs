//! What requests can name.

use std::collections::BTreeMap;

use fastrand::Rng;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Advisor,
    ApiKey,
    Cursor,
    Cycle,
    /// One that a client sends.
    File,
    Invitation,
    Job,
    Organization,
    Project,
    Reading,
    Session,
    SyncSession,
    Task,
    User,
    /// An entity tag.
    Version,
}

impl Kind {
    /// What is behind this segment of `path`.
    pub fn behind(path: &str, segment: &str) -> Option<Self> {
        Some(match segment {
            "sessions" if path.contains("/auth/") => Self::Session,
            "api-keys" => Self::ApiKey,
            "companies" | "organizations" => Self::Organization,
            "invitations" => Self::Invitation,
            "members" | "users" => Self::User,
            "advisors" => Self::Advisor,
            "readings" => Self::Reading,
            "projects" => Self::Project,
            "cycles" => Self::Cycle,
            "uploads" | "status" => Self::Job,
            "tus" => Self::File,
            "sessions" => Self::SyncSession,
            "tasks" => Self::Task,
            _ => return None,
        })
    }
}

/// Names of things, the latest of each kind.
#[derive(Debug, Default)]
pub struct Things(BTreeMap<Kind, Vec<String>>);

impl Things {
    /// Older ones are mostly gone.
    const REMEMBERED: usize = 30;

    pub fn add(&mut self, kind: Kind, name: &str) {
        let names = self.0.entry(kind).or_default();
        if names.iter().any(|known| known == name) {
            return;
        }
        if names.len() == Self::REMEMBERED {
            names.remove(0);
        }
        names.push(name.to_owned());
    }

    pub fn has(&self, kind: Kind, name: &str) -> bool {
        self.of(kind).iter().any(|known| known == name)
    }

    /// The latest one as often as all the others, since it is the least likely to be gone.
    pub fn any(&self, kind: Kind, rng: &mut Rng) -> Option<&str> {
        let names = self.of(kind);
        let name = if rng.bool() { names.last() } else { rng.choice(names) };
        name.map(String::as_str)
    }

    fn of(&self, kind: Kind) -> &[String] {
        self.0.get(&kind).map_or(&[], Vec::as_slice)
    }
}
