use serde_json::Value;
use tenantry_identity::AuditEntry;

/// An entry as bytes, such that no two entries have the same: each text with its length before it, what is absent as a
/// length that no text has, times as microseconds, and objects by the names of their members, since the databases do not
/// keep the order they were written in.
pub(super) fn canonical(entry: &AuditEntry) -> Vec<u8> {
    let AuditEntry {
        id,
        occurred_at,
        organization_id,
        actor_id,
        actor_type,
        action,
        target,
        outcome,
        ip_address,
        request_id,
        data,
    } = entry;
    let mut writer = Writer(Vec::with_capacity(256));
    writer.bytes(id.as_uuid().as_bytes());
    writer.bytes(&occurred_at.timestamp_micros().to_be_bytes());
    writer.optional(organization_id.map(|id| id.as_uuid().into_bytes()));
    writer.optional(actor_id.map(uuid::Uuid::into_bytes));
    writer.bytes(actor_type.as_str().as_bytes());
    writer.bytes(action.as_str().as_bytes());
    writer.optional(target.as_ref().map(|target| target.kind.as_bytes()));
    writer.optional(target.as_ref().and_then(|target| target.id).map(uuid::Uuid::into_bytes));
    writer.bytes(outcome.as_str().as_bytes());
    writer.optional(ip_address.as_deref().map(str::as_bytes));
    writer.optional(request_id.as_deref().map(str::as_bytes));
    writer.object(data);
    writer.0
}

struct Writer(Vec<u8>);

impl Writer {
    fn length(&mut self, length: usize) {
        // A length fits 64 bits on every machine there is.
        self.0.extend(u64::try_from(length).unwrap_or(u64::MAX).to_be_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.0.extend(bytes);
    }

    fn optional<B: AsRef<[u8]>>(&mut self, bytes: Option<B>) {
        match bytes {
            Some(bytes) => self.bytes(bytes.as_ref()),
            None => self.0.extend(u64::MAX.to_be_bytes()),
        }
    }

    fn object(&mut self, members: &serde_json::Map<String, Value>) {
        let mut members: Vec<_> = members.iter().collect();
        members.sort_unstable_by_key(|(name, _)| *name);
        self.0.push(b'{');
        self.length(members.len());
        for (name, value) in members {
            self.bytes(name.as_bytes());
            self.value(value);
        }
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Object(members) => self.object(members),
            Value::Array(items) => {
                self.0.push(b'[');
                self.length(items.len());
                for item in items {
                    self.value(item);
                }
            }
            Value::String(text) => {
                self.0.push(b'"');
                self.bytes(text.as_bytes());
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {
                self.0.push(b'=');
                self.bytes(value.to_string().as_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::json;
    use tenantry_identity::{Actor, AuditAction, AuditOutcome, AuditTarget};
    use tenantry_kernel::{Clock as _, OrganizationId, SystemClock, SystemIds};

    use super::*;

    fn entry() -> AuditEntry {
        AuditEntry::success(&SystemIds, SystemClock.now(), &Actor::system(), AuditAction::USER_LOGIN)
    }

    #[test]
    fn every_field_counts() {
        let entry = entry();
        let target = || AuditTarget { kind: "user".into(), id: None };
        let changed = [
            entry.clone(),
            AuditEntry { id: tenantry_identity::AuditEntryId::generate(&SystemIds), ..entry.clone() },
            AuditEntry { occurred_at: entry.occurred_at + chrono::Duration::microseconds(1), ..entry.clone() },
            entry.clone().within(OrganizationId::from_uuid(uuid::Uuid::nil())),
            AuditEntry { actor_id: Some(uuid::Uuid::nil()), ..entry.clone() },
            AuditEntry { actor_type: tenantry_identity::ActorType::User, ..entry.clone() },
            AuditEntry { action: AuditAction::USER_LOGOUT, ..entry.clone() },
            entry.clone().about(target()),
            entry.clone().about(AuditTarget { id: Some(uuid::Uuid::nil()), ..target() }),
            entry.clone().ending(AuditOutcome::Denied),
            AuditEntry { ip_address: Some(String::new()), ..entry.clone() },
            AuditEntry { request_id: Some(String::new()), ..entry.clone() },
            entry.clone().with("a", 1),
            entry.clone().with("a", "1"),
            entry.clone().with("a", json!([1])),
            entry.clone().with("a", json!([[1]])),
            entry.clone().with("a", json!({ "1": 1 })),
            entry.with("a", Value::Null),
        ];
        let distinct: HashSet<Vec<u8>> = changed.iter().map(canonical).collect();
        assert_eq!(distinct.len(), changed.len());
    }

    #[test]
    fn the_order_of_members_does_not_count() {
        let entry = entry();
        let one = entry.clone().with("a", json!({ "x": 1, "y": 2 })).with("b", 2);
        let other = entry.with("b", 2).with("a", json!({ "y": 2, "x": 1 }));
        assert_eq!(canonical(&one), canonical(&other));
    }
}
