//! A door left open on purpose: takes the filter away from one act on one table, for the tests that show that its
//! absence would be noticed. It holds for the thread, which is the whole of a test's runtime.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use sea_orm::EntityTrait;

use super::Act;

/// One act on one table, by its name.
pub(crate) type Door = (&'static str, Act);

thread_local! {
    static LIFTED: Cell<Option<Door>> = const { Cell::new(None) };
    static USED: RefCell<BTreeSet<Door>> = const { RefCell::new(BTreeSet::new()) };
}

/// Asked at every door; remembers that it was.
pub(super) fn is_lifted<E: EntityTrait>(act: Act) -> bool {
    let door = (E::default().table_name(), act);
    USED.with_borrow_mut(|used| used.insert(door));
    LIFTED.get() == Some(door)
}

/// The doors that this thread has used so far.
pub(crate) fn used() -> BTreeSet<Door> {
    USED.with_borrow(BTreeSet::clone)
}

/// Leaves a door open until this value is dropped.
pub(crate) struct Lifted(());

impl Lifted {
    pub(crate) fn new(door: Door) -> Self {
        LIFTED.set(Some(door));
        Self(())
    }
}

impl Drop for Lifted {
    fn drop(&mut self) {
        LIFTED.set(None);
    }
}
