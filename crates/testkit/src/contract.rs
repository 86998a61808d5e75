//! Contracts: what a port promises, as cases that every adapter of it has to pass.

use std::{future::Future, panic::AssertUnwindSafe, pin::Pin};

use futures_util::FutureExt as _;

/// One promise: its name, and a check that panics when it is broken.
pub struct Case<Subject: 'static> {
    /// The name of the check.
    pub name: &'static str,
    /// The check.
    pub check: fn(&'static Subject) -> Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// Defines the checks of a contract and, in the same breath, the list of them, so that none can be forgotten.
macro_rules! contract {
    ($(#[$meta:meta])* $list:ident($subject:ident: $type:ty) $($(#[$case_meta:meta])* async fn $name:ident() $body:block)+) => {
        $($(#[$case_meta])* async fn $name($subject: &'static $type) $body)+

        $(#[$meta])*
        pub const $list: &[$crate::contract::Case<$type>] = &[
            $($crate::contract::Case { name: stringify!($name), check: |subject| Box::pin($name(subject)) }),+
        ];
    };
}
pub(crate) use contract;

/// Runs every case on one adapter.
///
/// # Panics
/// When any case fails, after all have run, naming those that failed.
pub async fn run<Subject: Sync>(cases: &[Case<Subject>], subject: &'static Subject) {
    let mut broken = Vec::new();
    for case in cases {
        if AssertUnwindSafe((case.check)(subject)).catch_unwind().await.is_err() {
            broken.push(case.name);
        }
    }
    assert!(broken.is_empty(), "{} of {} cases failed: {}", broken.len(), cases.len(), broken.join(", "));
}
