use std::num::NonZeroU32;

use serde::Deserialize;
use tenantry_application::RateQuotas;

use super::SettingsError;
use super::parse::within;

/// Section `rate_limit`. 0 stands for any number.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateLimitSettings {
    per_address_per_minute: u32,
    sign_in_per_address_per_minute: u32,
    upload_per_address_per_minute: u32,
    per_user_per_minute: u32,
    per_organization_per_minute: u32,
    write_cost: u32,
}

impl RateLimitSettings {
    /// What each rule allows, as far as it is said here.
    #[must_use]
    pub fn quotas(&self) -> RateQuotas {
        RateQuotas {
            address: NonZeroU32::new(self.per_address_per_minute),
            sign_in: NonZeroU32::new(self.sign_in_per_address_per_minute),
            upload: NonZeroU32::new(self.upload_per_address_per_minute),
            user: NonZeroU32::new(self.per_user_per_minute),
            organization: NonZeroU32::new(self.per_organization_per_minute),
            ..RateQuotas::default()
        }
    }

    /// What a request costs that may change something.
    #[must_use]
    pub fn write_cost(&self) -> NonZeroU32 {
        NonZeroU32::new(self.write_cost).unwrap_or(NonZeroU32::MIN)
    }

    pub(super) fn validate(&self) -> Result<(), SettingsError> {
        for (setting, value) in [
            ("rate_limit.per_address_per_minute", self.per_address_per_minute),
            ("rate_limit.sign_in_per_address_per_minute", self.sign_in_per_address_per_minute),
            ("rate_limit.upload_per_address_per_minute", self.upload_per_address_per_minute),
            ("rate_limit.per_user_per_minute", self.per_user_per_minute),
            ("rate_limit.per_organization_per_minute", self.per_organization_per_minute),
        ] {
            within(setting, value, 0..=1_000_000_000)?;
        }
        within("rate_limit.write_cost", self.write_cost, 1..=1_000)
    }
}
