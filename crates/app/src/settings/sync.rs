use std::time::Duration;

use serde::Deserialize;
use tenantry_kernel::OrganizationId;
use uuid::Uuid;

use super::SettingsError;
use super::parse::{DAY, days, seconds, within, within_seconds};

/// Section `sync`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SyncSettings {
    /// Folders that may be read.
    pub allowed_roots: Vec<Allowance>,
    /// Buckets that projects may name.
    pub allowed_buckets: Vec<Allowance>,
    /// Profiles that sync sessions may name.
    pub allowed_profiles: Vec<Allowance>,
    pub concurrent_runs: u16,
    pub concurrent_runs_per_organization: u16,
    #[serde(rename = "lease_seconds", deserialize_with = "seconds")]
    pub lease: Duration,
    pub memory_mib: u32,
    pub bandwidth_kib_per_second: u32,
    #[serde(rename = "orphan_age_seconds", deserialize_with = "seconds")]
    pub orphan_age: Duration,
    #[serde(rename = "presign_seconds", deserialize_with = "seconds")]
    pub presigned_for: Duration,
    pub direct_idle_hours: u16,
    #[serde(rename = "keep_runs_days", deserialize_with = "days")]
    pub keep_runs: Duration,
    pub tus_checksum_mib: u16,
    pub tus_max_gib: u32,
}

/// Something that organisations may use: `NAME` for all of them, `ORGANIZATION_ID=NAME` for one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Allowance {
    /// Who may.
    pub organization_id: Option<OrganizationId>,
    /// What.
    pub name: String,
}

impl From<String> for Allowance {
    fn from(text: String) -> Self {
        let of_one = text.split_once('=').and_then(|(id, name)| Some((Uuid::parse_str(id.trim()).ok()?, name.trim())));
        match of_one {
            Some((id, name)) => Self { organization_id: Some(OrganizationId::from_uuid(id)), name: name.to_owned() },
            None => Self { organization_id: None, name: text.trim().to_owned() },
        }
    }
}

impl Allowance {
    /// Whether it lets the organisation use what is called `name`.
    #[must_use]
    pub fn covers(&self, organization_id: OrganizationId, name: &str) -> bool {
        self.name == name && self.organization_id.is_none_or(|only| only == organization_id)
    }
}

impl SyncSettings {
    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        if let Some(root) = self.allowed_roots.iter().find(|root| !root.name.starts_with('/')) {
            let problem = format!("must hold absolute paths, not {:?}", root.name);
            return Err(SettingsError::invalid("sync.allowed_roots", problem));
        }
        within("sync.concurrent_runs", self.concurrent_runs, 1..=256)?;
        within("sync.concurrent_runs_per_organization", self.concurrent_runs_per_organization, 1..=256)?;
        within_seconds("sync.lease_seconds", self.lease, 2..=3_600)?;
        within("sync.memory_mib", self.memory_mib, 16..=65_536)?;
        within_seconds("sync.orphan_age_seconds", self.orphan_age, 0..=31_536_000)?;
        // A week is as long as requests can be signed for.
        within_seconds("sync.presign_seconds", self.presigned_for, 10..=604_800)?;
        within("sync.direct_idle_hours", self.direct_idle_hours, 1..=8_760)?;
        within("sync.keep_runs_days", self.keep_runs.as_secs() / DAY, 0..=36_525)?;
        within("sync.tus_checksum_mib", self.tus_checksum_mib, 1..=1_024)?;
        within("sync.tus_max_gib", self.tus_max_gib, 1..=1_048_576)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_allowance_is_for_all_or_for_one() {
        let id = "01920000-0000-7000-8000-000000000001";
        let (one, other) =
            (OrganizationId::from_uuid(Uuid::parse_str(id).unwrap()), OrganizationId::from_uuid(Uuid::nil()));
        let all = Allowance::from("/data".to_owned());
        assert!(all.covers(one, "/data") && all.covers(other, "/data") && !all.covers(one, "/data2"));
        let only = Allowance::from(format!("{id}=/data/a=b"));
        assert!(only.covers(one, "/data/a=b") && !only.covers(other, "/data/a=b"));
        assert_eq!(Allowance::from("/data/a=b".to_owned()).name, "/data/a=b");
    }
}
