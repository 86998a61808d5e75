//! Those who keep and check the audit log.

use std::sync::Arc;

use tenantry_application::{AuditKeeper, AuditVerifier};
use tenantry_credentials::HmacAuditSeals;

use super::Node;

impl Node {
    /// Chains entries of the audit log, and removes those that were kept long enough.
    #[must_use]
    pub fn audit_keeper(&self) -> AuditKeeper {
        let seals = Arc::new(HmacAuditSeals::new(&self.keys));
        let retention = self.settings.audit.retention();
        AuditKeeper::new(Arc::new(self.database.clone()), seals, retention, self.clock.clone())
    }

    /// Compares the audit log with its chains.
    #[must_use]
    pub fn audit_verifier(&self) -> AuditVerifier {
        AuditVerifier::new(Arc::new(self.database.clone()), Arc::new(HmacAuditSeals::new(&self.keys)))
    }
}
