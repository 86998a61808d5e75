use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tenantry_readings::Route;
use tokio::time::Instant;

/// Leaves models alone that fail again and again, so that nobody waits for them in vain.
pub(crate) struct Breaker {
    failures: u32,
    rest: Duration,
    routes: Mutex<HashMap<Route, Health>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Health {
    failures: u32,
    closed_until: Option<Instant>,
}

impl Breaker {
    pub(crate) fn new(failures: u32, rest: Duration) -> Self {
        Self { failures: failures.max(1), rest, routes: Mutex::default() }
    }

    /// Whether the model may be asked. Once it has rested, one call finds out how it is, while the others wait on.
    pub(crate) fn admits(&self, route: &Route) -> bool {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(health) = routes.get_mut(route) else { return true };
        match health.closed_until {
            None => true,
            Some(until) if until > Instant::now() => false,
            Some(_) => {
                health.closed_until = Some(Instant::now() + self.rest);
                true
            }
        }
    }

    /// The model has answered.
    pub(crate) fn succeeded(&self, route: &Route) {
        self.routes.lock().unwrap_or_else(PoisonError::into_inner).remove(route);
    }

    /// The model has not.
    pub(crate) fn failed(&self, route: &Route) {
        let mut routes = self.routes.lock().unwrap_or_else(PoisonError::into_inner);
        let health = routes.entry(route.clone()).or_default();
        health.failures = health.failures.saturating_add(1);
        if health.failures >= self.failures {
            health.closed_until = Some(Instant::now() + self.rest);
        }
    }
}
