//! Two tenants do at random whatever the contract has, to their own things and to each other's: nothing of the one ever
//! reaches the other, and nothing of the one is ever changed by the other.
//!
//! `TEST_SEQUENCES` says how many sequences there are. A failure names the seed of its world: with that as `TEST_SEED`,
//! and `TEST_SEQUENCES` at 100, it is met again.

mod drawing;
mod leaks;
mod request;
mod tenant;
mod things;
mod world;

use std::collections::BTreeSet;

use fastrand::Rng;
use futures_util::{StreamExt as _, stream};
use tenantry_testkit::environment;

use self::world::{SEQUENCES_PER_WORLD, World};
use crate::contract::{Operation, operations};
use crate::on_both_databases;
use crate::site::Site;

/// How many sequences there are unless the environment says otherwise.
const SEQUENCES: u64 = 1_500;

/// How many worlds go on at once.
const AT_ONCE: usize = 4;

/// How many worlds it takes until most of the operations have succeeded.
const ENOUGH: usize = 15;

on_both_databases!(nothing_of_one_tenant_reaches_another);

async fn nothing_of_one_tenant_reaches_another(site: &Site) {
    site.answer_readings();
    let sequences = environment::number("TEST_SEQUENCES").unwrap_or(SEQUENCES);
    let seed = environment::number("TEST_SEED").unwrap_or_else(|| Rng::new().u64(..));
    // Neither tenant's people administer the platform.
    // A stream of events lasts as long as its job, and nobody does the jobs here. Other streams are no JSON.
    let is_theirs = |operation: &Operation| {
        !operation.public
            && !operation.is_of_platform()
            && !operation.path.ends_with("/events")
            && !operation.path.ends_with("/stream")
    };
    let operations: Vec<Operation> = operations().into_iter().filter(is_theirs).collect();
    let seeds = (0..sequences.div_ceil(SEQUENCES_PER_WORLD)).map(|number| seed.wrapping_add(number));
    // What is there is deleted only once, so it is tried more often.
    let deletions = operations.iter().filter(|operation| operation.method == "DELETE");
    let choice: Vec<&Operation> = operations.iter().chain(deletions).collect();
    let worlds = stream::iter(seeds).map(|seed| World::live(site, seed, &choice));
    let done: Vec<BTreeSet<String>> = worlds.buffer_unordered(AT_ONCE).collect().await;
    if done.len() >= ENOUGH {
        let done: BTreeSet<String> = done.into_iter().flatten().collect();
        let missing: Vec<_> = operations.iter().map(Operation::name).filter(|name| !done.contains(name)).collect();
        // Nobody here knows a code of a second factor.
        assert!(missing.len() * 5 <= operations.len(), "never succeeded, from seed {seed}: {missing:?}");
    }
}
