//! Whether there is any point in asking the store for more.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tenantry_sync::objects::ObjectError;

use super::halt::Halt;

/// A store that has refused so many times, and taken nothing, will refuse the rest.
const MOST: u32 = 20;

/// How often the store refused.
#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    count: u32,
    has_taken: bool,
    reason: String,
}

impl Refusals {
    /// The store failed; perhaps it refused.
    pub fn note(&self, error: &ObjectError) {
        let reason = match error {
            ObjectError::Refused { reason, .. } => reason,
            ObjectError::Full(_) => "it has no room left",
            _ => return,
        };
        let mut state = self.state();
        state.count = state.count.saturating_add(1);
        reason.clone_into(&mut state.reason);
    }

    /// The store has taken a file or a part.
    pub fn note_taken(&self) {
        self.state().has_taken = true;
    }

    /// Fails once the store has refused too often.
    pub fn check(&self) -> Result<(), Halt> {
        let state = self.state();
        if state.has_taken || state.count < MOST {
            return Ok(());
        }
        Err(Halt::Failed(format!("the object store refuses every file: {}", state.reason)))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u8_a_store_that_takes_anything_is_asked_on() {
        let refused = ObjectError::Refused { reason: "AccessDenied".to_owned(), source: "no".into() };
        let refusals = Refusals::default();
        (1..MOST).for_each(|_| refusals.note(&refused));
        refusals.note(&ObjectError::NoSuchUpload);
        assert!(refusals.check().is_ok());
        refusals.note(&refused);
        let halt = refusals.check().unwrap_err();
        assert_eq!(halt.to_string(), "the object store refuses every file: AccessDenied");
        refusals.note_taken();
        assert!(refusals.check().is_ok());
    }
}
