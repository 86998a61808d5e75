use std::{net::IpAddr, sync::Arc};

use chrono::{DateTime, Duration, Utc};
use futures_util::future::join_all;
use tenantry_identity::{
    Bucket, BucketKey, BucketRule, GuessKind, GuessLimits, GuessSubject, GuessTarget, GuessingGuard, LoginIdentifier,
    Settlement, ports::BucketKeys as _,
};
use tenantry_kernel::{Clock as _, IdGenerator as _, SystemIds};

use crate::{ClearMarks, FixedClock, World, contract::contract};

const RULE: BucketRule = BucketRule { guesses: 5, at_once: 3, window: Duration::hours(1) };

/// A bucket that nobody else has.
fn bucket(rule: BucketRule) -> Bucket {
    Bucket { key: ClearMarks.key(SystemIds.next_id().as_bytes()), rule }
}

/// A guard with the default limits, and its clock.
fn guard(world: &World, limits: GuessLimits) -> (GuessingGuard, Arc<FixedClock>) {
    let clock = Arc::new(FixedClock::default());
    let (keys, devices) = (Arc::new(ClearMarks), Arc::new(ClearMarks));
    (GuessingGuard::new(world.ports.guesses.clone(), keys, devices, limits, clock.clone(), Arc::new(SystemIds)), clock)
}

fn somebody() -> GuessTarget<'static> {
    GuessTarget::at(GuessKind::Password, GuessSubject::Account(World::stranger()))
}

impl World {
    async fn guess_in(&self, buckets: &[Bucket], now: DateTime<Utc>) -> Option<Vec<u32>> {
        self.ports.guesses.reserve(buckets, now).await.expect("an answer")
    }

    async fn settle_guess(&self, settlement: Settlement) {
        self.ports.guesses.settle(&[settlement]).await.expect("an answer");
    }

    /// Makes a wrong guess at `now`, and tells whether it could be made.
    async fn guess_wrong(&self, bucket: Bucket, now: DateTime<Utc>) -> bool {
        let is_reserved = self.guess_in(&[bucket], now).await.is_some();
        if is_reserved {
            self.settle_guess(Settlement::Wrong(bucket.key, now)).await;
        }
        is_reserved
    }
}

/// Makes a wrong guess, and tells whether it could be made.
async fn guess(guard: &GuessingGuard, target: &GuessTarget<'_>) -> bool {
    match guard.reserve(target).await.expect("an answer") {
        Some(guess) => {
            guard.wrong(guess).await.expect("an answer");
            true
        }
        None => false,
    }
}

/// How many wrong guesses can be made when one is tried each second of a day.
async fn guesses_of_a_day(guard: &GuessingGuard, clock: &FixedClock, target: &GuessTarget<'_>) -> Vec<i64> {
    let start = clock.now();
    let mut made = Vec::new();
    // After the lock nothing can change until the day is over.
    for _ in 0..1_200 {
        if guess(guard, target).await {
            made.push((clock.now() - start).num_seconds());
        }
        clock.advance(Duration::seconds(1));
    }
    made
}

contract! {
    /// What every adapter of the ledger of guesses promises.
    GUESSES(world: World)

    async fn a_bucket_admits_what_its_rule_says_and_is_new_when_its_window_ends() {
        let (bucket, now) = (bucket(RULE), world.clock.now());
        for count in 1..=5 {
            assert_eq!(world.guess_in(&[bucket], now).await, Some(vec![count]));
            world.settle_guess(Settlement::Wrong(bucket.key, now)).await;
        }
        let end = now + RULE.window;
        assert_eq!(world.guess_in(&[bucket], now).await, None);
        assert_eq!(world.guess_in(&[bucket], end - Duration::microseconds(1)).await, None);
        assert_eq!(world.guess_in(&[bucket], end).await, Some(vec![1]));
    }

    async fn of_a_thousand_at_once_no_more_are_admitted_than_the_rule_says() {
        let now = world.clock.now();
        for (rule, most) in [(BucketRule { at_once: 100, ..RULE }, 5), (BucketRule { guesses: 100, at_once: 7, ..RULE }, 7)] {
            let bucket = [bucket(rule)];
            let guesses = join_all((0..1_000).map(|_| world.ports.guesses.reserve(&bucket, now))).await;
            let admitted = guesses.iter().filter(|guess| matches!(guess, Ok(Some(_)))).count();
            assert_eq!(admitted, most);
        }
    }

    async fn what_nobody_settles_counts_as_settled_after_a_while() {
        let (bucket, now) = (bucket(RULE), world.clock.now());
        for _ in 0..3 {
            assert!(world.guess_in(&[bucket], now).await.is_some());
        }
        let later = now + Bucket::settling_time();
        assert_eq!(world.guess_in(&[bucket], later - Duration::microseconds(1)).await, None);
        assert_eq!(world.guess_in(&[bucket], later).await, Some(vec![4]));
        assert_eq!(world.guess_in(&[bucket], later).await, Some(vec![5]));
        assert_eq!(world.guess_in(&[bucket], later).await, None);
    }

    async fn a_wait_is_waited_and_never_shortened() {
        let (bucket, now) = (bucket(RULE), world.clock.now());
        let [soon, late] = [10, 20].map(|seconds| now + Duration::seconds(seconds));
        for until in [late, soon] {
            assert!(world.guess_in(&[bucket], now).await.is_some() || until == soon);
            world.settle_guess(Settlement::Wrong(bucket.key, until)).await;
        }
        assert_eq!(world.guess_in(&[bucket], late - Duration::microseconds(1)).await, None);
        assert_eq!(world.guess_in(&[bucket], late).await, Some(vec![2]));
    }

    async fn a_bucket_lives_as_long_as_its_wait() {
        let (bucket, now) = (bucket(RULE), world.clock.now());
        let until = now + RULE.window * 3;
        assert!(world.guess_in(&[bucket], now).await.is_some());
        world.settle_guess(Settlement::Wrong(bucket.key, until)).await;
        world.purge(until - Duration::microseconds(1)).await;
        assert_eq!(world.guess_in(&[bucket], until - Duration::microseconds(1)).await, None);
        assert_eq!(world.purge(until).await.guesses, 1);
    }

    async fn all_buckets_count_or_none() {
        let (full, other, now) = (bucket(RULE), bucket(RULE), world.clock.now());
        for _ in 0..5 {
            assert!(world.guess_wrong(full, now).await);
        }
        assert_eq!(world.guess_in(&[other, full], now).await, None);
        assert_eq!(world.guess_in(&[full, other], now).await, None);
        assert_eq!(world.guess_in(&[other], now).await, Some(vec![1]));
    }

    async fn a_right_guess_is_forgotten_with_those_before_and_an_unused_one_alone() {
        let (bucket, now) = (bucket(RULE), world.clock.now());
        for _ in 0..3 {
            assert!(world.guess_wrong(bucket, now).await);
        }
        assert_eq!(world.guess_in(&[bucket], now).await, Some(vec![4]));
        world.settle_guess(Settlement::Unused(bucket.key)).await;
        assert_eq!(world.guess_in(&[bucket], now).await, Some(vec![4]));
        world.settle_guess(Settlement::Right(bucket.key)).await;
        assert_eq!(world.guess_in(&[bucket], now).await, Some(vec![1]));
        let unknown = BucketKey::from_bytes([7; 32]);
        for settlement in [Settlement::Wrong(unknown, now), Settlement::Unused(unknown), Settlement::Right(unknown)] {
            world.settle_guess(settlement).await;
        }
    }

    async fn guesses_wait_along_the_curve_and_end_in_a_lock() {
        let (guard, clock) = guard(world, GuessLimits::default());
        let target = somebody();
        let start = clock.now();
        let made = guesses_of_a_day(&guard, &clock, &target).await;
        // The waits after the guesses: 1 s twice, 3 s six times, 5 s sixteen times, 10 s up to the hundredth.
        assert_eq!((made.len(), &made[..10]), (100, &[0, 1, 2, 5, 8, 11, 14, 17, 20, 25][..]), "{made:?}");
        let locked_until = start + Duration::seconds(made[99]) + Duration::days(1);
        clock.advance(locked_until - clock.now() - Duration::microseconds(1));
        assert!(!guess(&guard, &target).await);
        clock.advance(Duration::microseconds(1));
        assert!(guess(&guard, &target).await);
    }

    async fn a_name_without_an_account_is_guessed_at_as_an_account_is() {
        let name = LoginIdentifier::new(&SystemIds.next_id().to_string());
        let nobody = GuessTarget::at(GuessKind::Password, GuessSubject::Name(&name));
        let (of_nobody, clock) = guard(world, GuessLimits::default());
        let guesses = guesses_of_a_day(&of_nobody, &clock, &nobody).await;
        let (of_somebody, clock) = guard(world, GuessLimits::default());
        assert_eq!(guesses_of_a_day(&of_somebody, &clock, &somebody()).await, guesses);
    }

    async fn a_known_device_gets_in_while_strangers_use_up_their_guesses() {
        let limits = GuessLimits { per_address_per_hour: None, ..GuessLimits::default() };
        let (guard, clock) = guard(world, limits);
        let owner = World::stranger();
        let stranger = GuessTarget::at(GuessKind::Password, GuessSubject::Account(owner));
        let device = guard.known_device(&guard.mark_device(owner, None)).expect("a known device");
        assert_eq!(device.user_id, owner);
        let owners = GuessTarget { device: Some(device.device_id), ..stranger };
        for _ in 0..100 {
            clock.advance(Duration::seconds(10));
            assert!(guess(&guard, &stranger).await);
            let own = guard.reserve(&owners).await.unwrap().expect("the owner may try");
            guard.right(own).await.unwrap();
        }
        clock.advance(Duration::seconds(10));
        assert!(!guess(&guard, &stranger).await);
        // The owner's own mistakes are counted as well.
        let mut mistakes = 0;
        while guess(&guard, &owners).await {
            mistakes += 1;
            clock.advance(Duration::seconds(10));
        }
        assert_eq!(mistakes, 100);
        guard.clear(owner).await.unwrap();
        assert!(guess(&guard, &stranger).await && !guess(&guard, &stranger).await);
    }

    async fn an_address_is_limited_over_all_names_and_right_guesses_do_not_count() {
        let limits = GuessLimits { per_address_per_hour: Some(10), ..GuessLimits::default() };
        let (guard, clock) = guard(world, limits);
        // The second half of an identifier is random.
        let site = || IpAddr::from((SystemIds.next_id().as_u128() << 64).to_be_bytes());
        let (one, another) = (site(), site());
        let from = |address| GuessTarget { address: Some(address), ..somebody() };
        for _ in 0..20 {
            let right = guard.reserve(&from(one)).await.unwrap().expect("right guesses don't count");
            guard.right(right).await.unwrap();
        }
        for _ in 0..10 {
            assert!(guess(&guard, &from(one)).await);
        }
        assert!(!guess(&guard, &from(one)).await);
        assert!(guess(&guard, &GuessTarget { address: None, ..somebody() }).await);
        assert!(guess(&guard, &from(another)).await);
        clock.advance(Duration::hours(1));
        assert!(guess(&guard, &from(one)).await);
    }

    async fn kinds_of_secrets_do_not_lock_one_another() {
        let (guard, _) = guard(world, GuessLimits { per_subject: 1, ..GuessLimits::default() });
        let target = somebody();
        assert!(guess(&guard, &target).await && !guess(&guard, &target).await);
        assert!(guess(&guard, &GuessTarget { kind: GuessKind::Confirmation, ..target }).await);
    }
}
