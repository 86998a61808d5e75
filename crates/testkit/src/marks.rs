use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use chrono::{DateTime, Utc};
use tenantry_identity::{
    BucketKey, DeviceClaims, DeviceId,
    ports::{BucketKeys, DeviceTokens},
};
use tenantry_kernel::UserId;

/// Names buckets and marks devices without any secret: for tests of everything but cryptography.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClearMarks;

impl BucketKeys for ClearMarks {
    fn key(&self, label: &[u8]) -> BucketKey {
        let mut bytes = [0; 32];
        for (index, part) in bytes.chunks_mut(8).enumerate() {
            let mut hasher = DefaultHasher::new();
            (index, label).hash(&mut hasher);
            part.copy_from_slice(&hasher.finish().to_be_bytes());
        }
        BucketKey::from_bytes(bytes)
    }
}

impl DeviceTokens for ClearMarks {
    fn issue(&self, claims: &DeviceClaims) -> String {
        format!("{}/{}/{}", claims.user_id, claims.device_id, claims.expires_at.timestamp())
    }

    fn verify(&self, token: &str, now: DateTime<Utc>) -> Option<DeviceClaims> {
        let mut parts = token.split('/');
        let user_id = UserId::from_uuid(parts.next()?.parse().ok()?);
        let device_id = DeviceId::from_uuid(parts.next()?.parse().ok()?);
        let expires_at = DateTime::from_timestamp(parts.next()?.parse().ok()?, 0)?;
        Some(DeviceClaims { user_id, device_id, expires_at }).filter(|claims| now < claims.expires_at)
    }
}
