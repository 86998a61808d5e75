//! Two tenants who know of nobody else, and what they do.

use std::collections::{BTreeSet, HashSet};

use fastrand::Rng;

use super::drawing::Drawing;
use super::leaks;
use super::request::Request;
use super::tenant::{Tenant, bare};
use crate::contract::Operation;
use crate::site::Site;

/// How many sequences a world lasts for.
pub const SEQUENCES_PER_WORLD: u64 = 100;

const STEPS: usize = 5;

pub struct World<'s> {
    seed: u64,
    rng: Rng,
    tenants: [Tenant<'s>; 2],
    /// What succeeded.
    done: BTreeSet<String>,
    /// What was asked and answered in this sequence.
    story: Vec<String>,
}

impl<'s> World<'s> {
    /// All of a world's life. Answers the names of the operations that succeeded in it.
    pub async fn live(site: &'s Site, seed: u64, operations: &[&Operation]) -> BTreeSet<String> {
        let mut rng = Rng::with_seed(seed);
        let mut mark = || format!("m{:016x}", rng.u64(..));
        let tenants = [Tenant::settle(site, mark()).await, Tenant::settle(site, mark()).await];
        let mut world = Self { seed, rng, tenants, done: BTreeSet::new(), story: Vec::new() };
        for _ in 0..SEQUENCES_PER_WORLD {
            world.story.clear();
            for _ in 0..STEPS {
                let operation = operations[world.rng.usize(..operations.len())];
                Box::pin(world.step(operation)).await;
            }
        }
        for tenant in &world.tenants {
            tenant.check_baits(seed).await;
        }
        world.done
    }

    async fn step(&mut self, operation: &Operation) {
        self.tenants.rotate_left(usize::from(self.rng.bool()));
        let [own, other] = &mut self.tenants;
        let index = self.rng.usize(..own.actors.len());
        let is_plain = self.rng.u8(..3) == 0;
        let drawing = Drawing { rng: &mut self.rng, own, other, is_twin: false, is_plain, sent: Vec::new() };
        let request = Request::draw(operation, &own.actors[index], drawing);
        let answer = request.send(&own.actors[index]).await;
        self.story.push(format!("{request} → {}", answer.status));

        let nothing = HashSet::new();
        // What was refused is in the log under the name that it was asked for by.
        let tells_of_refusals = operation.path.ends_with("/audit-log") || operation.path.ends_with("/export");
        let excused = if tells_of_refusals { &own.told } else { &nothing };
        let leak = leaks::find(&answer, other, &request.sent, excused);
        let story = || self.story.join("\n");
        assert_eq!(leak, None, "world {}: another tenant's, in {answer}\n{}", self.seed, story());
        assert!(answer.status < 500, "world {}: {answer}\n{}", self.seed, story());

        own.told.extend(request.sent.iter().map(|id| bare(id)));
        own.learn(operation, &answer, &other.ids);
        if answer.status == 401 {
            own.renew(index).await;
        } else if answer.status < 300 {
            self.done.insert(operation.name());
        }
    }
}
