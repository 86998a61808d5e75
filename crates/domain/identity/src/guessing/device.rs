use chrono::{DateTime, Utc};
use tenantry_kernel::{UserId, typed_id};

typed_id! {
    /// Names a device from which somebody has signed in.
    DeviceId
}

/// What a device token says: this user has signed in from this device. It opens nothing; it gives the device a bucket
/// of its own, so that strangers can't lock its owner out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceClaims {
    /// Who has signed in.
    pub user_id: UserId,
    /// From where.
    pub device_id: DeviceId,
    /// When the device is forgotten unless its user signs in again before, to the second.
    pub expires_at: DateTime<Utc>,
}
