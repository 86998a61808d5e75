//! Who sends a body, which may take long: long enough to be signed out or removed meanwhile.

use std::time::Duration;

use actix_web::HttpRequest;
use tenantry_tenancy::TenantContext;
use tokio::time::Instant;

use crate::{
    caller::{Caller, Pass},
    problem::Problem,
    state::HttpState,
};

/// How often it is asked whether the sender still may.
const CHECKS: Duration = Duration::from_secs(5);

/// The sender of a body.
pub(super) struct Sender {
    pass: Pass,
    context: TenantContext,
    checks_at: Instant,
}

impl Sender {
    /// The caller, who was let in just now.
    pub(super) fn of(request: &HttpRequest, caller: Caller) -> Result<Self, Problem> {
        let pass = Pass::of(request, &caller)?;
        Ok(Self { pass, context: caller.context, checks_at: Instant::now() + CHECKS })
    }

    /// The same as they may act now, as was asked a few seconds ago at most.
    pub(super) async fn admitted(&mut self, state: &HttpState) -> Result<&TenantContext, Problem> {
        if Instant::now() >= self.checks_at {
            self.context = self.pass.admit(state).await?;
            self.checks_at = Instant::now() + CHECKS;
        }
        Ok(&self.context)
    }
}
