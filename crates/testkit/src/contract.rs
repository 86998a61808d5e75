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

/// A promise that something else than the adapter breaks, and that the adapter can't make good.
pub struct Shortcoming {
    /// The name of the case.
    pub case: &'static str,
    /// What breaks it.
    pub reason: &'static str,
    /// Whether it is broken each time, rather than by bad luck.
    pub is_certain: bool,
}

/// Runs every case on one adapter.
///
/// # Panics
/// When any case fails, after all have run, naming those that failed.
pub async fn run<Subject: Sync>(cases: &[Case<Subject>], subject: &'static Subject) {
    run_despite(cases, &[], subject).await;
}

/// Runs every case on one adapter behind which something falls short; what is known of that is said on stderr.
///
/// # Panics
/// When any other case fails, and when one of these does not that should, after all have run.
pub async fn run_despite<Subject: Sync>(
    cases: &[Case<Subject>],
    shortcomings: &[Shortcoming],
    subject: &'static Subject,
) {
    let mut wrong: Vec<_> = shortcomings.iter().map(|known| known.case).collect();
    wrong.retain(|known| cases.iter().all(|case| case.name != *known));
    for case in cases {
        let known = shortcomings.iter().find(|known| known.case == case.name);
        let is_kept = AssertUnwindSafe((case.check)(subject)).catch_unwind().await.is_ok();
        if let Some(Shortcoming { reason, .. }) = known {
            eprintln!("*** NOT PROVED: {}: {reason} ***", case.name);
        }
        let is_wrong = known.map_or(!is_kept, |known| known.is_certain && is_kept);
        if is_wrong {
            wrong.push(case.name);
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases failed: {}", wrong.len(), cases.len(), wrong.join(", "));
}
