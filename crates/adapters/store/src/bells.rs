//! Who is woken by what a transaction stored.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use tenantry_application::ports::JobBell;

/// Rings for queues once a transaction is committed, so that nobody who asks for work can forget to.
#[derive(Clone, Default)]
pub(crate) struct Bells(Option<Arc<dyn JobBell>>);

impl Bells {
    pub(crate) fn new(bell: Arc<dyn JobBell>) -> Self {
        Self(Some(bell))
    }

    pub(crate) fn ring(&self, wanted: &WantedBells) {
        if let Some(bell) = &self.0 {
            wanted.queues().iter().for_each(|queue| bell.ring(queue));
        }
    }
}

impl fmt::Debug for Bells {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Bells").field(&self.0.is_some()).finish()
    }
}

/// The queues that a transaction put something into.
#[derive(Debug, Default)]
pub(crate) struct WantedBells(Mutex<BTreeSet<String>>);

impl WantedBells {
    pub(crate) fn add(&self, queue: &str) {
        let mut queues = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !queues.contains(queue) {
            queues.insert(queue.to_owned());
        }
    }

    fn queues(&self) -> BTreeSet<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
