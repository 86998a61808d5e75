//! Draws what goes into a request, from what both tenants have.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use fastrand::Rng;
use serde_json::{Value, json};
use uuid::Uuid;

use super::tenant::Tenant;
use super::things::Kind;
use crate::site::PASSWORD;

const ROLES: [&str; 4] = ["OWNER", "ADMIN", "MEMBER", "GUEST"];

/// One request's draws.
pub struct Drawing<'a, 's> {
    pub rng: &'a mut Rng,
    pub own: &'a Tenant<'s>,
    pub other: &'a Tenant<'s>,
    /// Whether the request has a twin of the other tenant's: neither has anything of its own in it.
    pub is_twin: bool,
    /// Whether everything is drawn from their own things, so that enough succeeds.
    pub is_plain: bool,
    /// What was drawn of the other tenant.
    pub sent: Vec<String>,
}

impl Drawing<'_, '_> {
    /// True once in so many times.
    pub fn once_in(&mut self, times: u32) -> bool {
        self.rng.u32(..times) == 0
    }

    fn one_of(&mut self, all: &[&str]) -> String {
        self.rng.choice(all).copied().unwrap_or_default().to_owned()
    }

    /// The name of something of either tenant.
    pub fn any(&mut self, kind: Kind) -> String {
        if !self.is_plain && self.rng.bool() { self.foreign(kind) } else { self.familiar(kind) }
    }

    /// The name of something of the other tenant.
    pub fn foreign(&mut self, kind: Kind) -> String {
        let (first, second) = (&self.other.baits, &self.other.things);
        let (first, second) = if self.rng.bool() { (first, second) } else { (second, first) };
        let name = first.any(kind, self.rng).or_else(|| second.any(kind, self.rng));
        let Some(name) = name else { return self.familiar(kind) };
        self.sent.push(name.to_owned());
        name.to_owned()
    }

    /// The name of something of their own.
    pub fn familiar(&mut self, kind: Kind) -> String {
        self.own.things.any(kind, self.rng).unwrap_or("0199a000-0000-7000-8000-000000000000").to_owned()
    }

    /// Text that tells whose it is.
    fn text(&mut self) -> String {
        if self.is_twin { "twin".to_owned() } else { format!("{}-{:x}", self.own.mark, self.rng.u32(..)) }
    }

    fn email(&mut self) -> String {
        match self.rng.u32(..4) {
            _ if self.is_twin => "twin@example.com".to_owned(),
            0 => self.other.keeper.email.clone(),
            1 => self.own.keeper.email.clone(),
            _ => format!("{}@example.com", self.text()),
        }
    }

    /// The value of a parameter of a query.
    pub fn parameter(&mut self, name: &str) -> String {
        match name {
            "page" => self.one_of(&["1", "1", "2"]),
            "limit" => self.one_of(&["1", "2", "5", "20"]),
            "cursor" => self.any(Kind::Cursor),
            "scope" => "organization".to_owned(),
            "sort" => self.one_of(&["title", "-updated_at", "due_at", "-priority"]),
            "status" => self.one_of(&["Pending", "Completed", "pending", "planned", "completed"]),
            "cycle_id" => self.any(Kind::Cycle),
            // Not all of the mark, which must not come back.
            "q" => self.one_of(&[&self.own.mark[..9], &self.other.mark[..9]]),
            "project_id" => self.any(Kind::Project),
            "actor_id" if self.rng.bool() => self.any(Kind::ApiKey),
            "actor_id" | "assignee_id" => self.any(Kind::User),
            "advisor" => self.any(Kind::Advisor),
            "label" => "shared".to_owned(),
            "priority" => self.one_of(&["0", "4"]),
            "action" => self.one_of(&["user.login", "user.create"]),
            "outcome" => self.one_of(&["success", "denied", "failure"]),
            "role" => self.one_of(&ROLES),
            "is_active" => self.one_of(&["true", "false"]),
            "due_before" | "to" => "2040-01-01T00:00:00Z".to_owned(),
            "due_after" | "from" => "2020-01-01T00:00:00Z".to_owned(),
            _ => panic!("nobody has said what to send as `{name}`"),
        }
    }

    /// Headers that are good for whichever request of a resumable upload.
    pub fn headers_of_tus(&mut self) -> Vec<(&'static str, String)> {
        let (job, path) = (STANDARD.encode(self.any(Kind::Job)), STANDARD.encode(self.text()));
        vec![
            ("tus-resumable", "1.0.0".to_owned()),
            ("upload-length", self.rng.u8(..3).to_string()),
            ("upload-metadata", format!("job_id {job},path {path}")),
            ("upload-offset", "0".to_owned()),
            ("content-type", "application/offset+octet-stream".to_owned()),
        ]
    }

    /// The value of a member of a body.
    pub fn member(&mut self, name: &str) -> Value {
        match name {
            "slug" | "company_code" if self.is_twin => Value::Null,
            "id" | "instructions" | "question" | "slug" | "company_code" | "name" | "company_name" | "title"
            | "description" | "full_name" | "username" | "bucket_name" | "storage_prefix" | "cycle_name"
            | "s3_prefix" => json!(self.text()),
            "advisor" => json!(self.one_of(&["legba", "oshun", "twin"])),
            "monthly_usd" | "daily_usd" | "per_user_monthly_usd" | "per_user_daily_usd" => {
                json!(self.one_of(&["100", "12.5"]))
            }
            "metadata" => json!({"note": self.text()}),
            "labels" => json!(["shared", self.text()]),
            "email" | "contact_email" => json!(self.email()),
            "password" | "current_password" => json!(PASSWORD),
            "code" => json!("123456"),
            "role" => json!(self.one_of(&ROLES)),
            "scope" => json!(self.one_of(&["local", "others", "global"])),
            "scopes" => json!([self.one_of(&["*", "tasks:read", "users:write"])]),
            "project_id" => json!(self.any(Kind::Project)),
            "cycle_id" => json!(self.any(Kind::Cycle)),
            "session_id" => json!(self.any(Kind::SyncSession)),
            "cycle_number" => json!(self.rng.u32(1..1_000_000)),
            "local_directory" => json!(self.own.keeper.site.synced.path()),
            "aws_profile" | "schedule" => Value::Null,
            "include" | "exclude" => json!([self.text()]),
            "compare_by" => json!("checksum"),
            "max_workers" | "times_to_retry" => json!(self.rng.u8(1..=20)),
            "files" => json!([{"path": self.text(), "size": self.rng.u8(..)}]),
            "parts" => json!([{"number": 1, "crc64nvme": "AAAAAAAAAAA="}]),
            // An answer says them again. Those of the other are asked for where there are any.
            "file_id" => json!(Uuid::nil()),
            "file_ids" => json!([Uuid::nil()]),
            "confirmed_deletions" => json!(0),
            "assignee_id" => json!(self.any(Kind::User)),
            "status" => json!(self.one_of(&["Pending", "Completed", "planned"])),
            "priority" => json!(self.rng.u8(..=4)),
            "due_at" | "expires_at" | "started_at" | "completed_at" => json!("2039-01-01T00:00:00Z"),
            "is_active" | "completed" | "use_find" | "dry_run" | "delete_extraneous" => json!(self.rng.bool()),
            _ => panic!("nobody has said what to send as `{name}`"),
        }
    }
}
