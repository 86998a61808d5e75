//! How passwords are hashed, judged and guessed.

use std::sync::Arc;

use chrono::Duration;
use tenantry_credentials::{
    Argon2Memory, BcryptCost, BreachedPasswordLookup, DerivedDeviceTokens, HashingOptions, KeyedBuckets, Passwords,
};
use tenantry_identity::{GuessLimits, GuessingGuard, PasswordGate, PasswordPolicy, Registration, WaitStep};

use super::ground::{Ground, lasting};
use crate::failure::Failure;
use crate::settings::{Settings, Wait};

/// What has to do with passwords.
pub(super) struct PasswordParts {
    /// The threads that hash.
    pub hasher: Arc<Passwords>,
    /// Asks whether a password was breached, where the operator wants that.
    pub breached: Option<Arc<BreachedPasswordLookup>>,
    policy: PasswordPolicy,
    /// Compares passwords, as often as may be.
    pub gate: Arc<PasswordGate>,
}

impl PasswordParts {
    pub fn new(ground: &Ground<'_>) -> Result<Self, Failure> {
        let hasher = Arc::new(start_hasher(ground.settings)?);
        let breached = breached_passwords(ground.settings)?;
        let policy = policy(ground.settings, breached.as_ref());
        let guard = Arc::new(guessing_guard(ground)?);
        let gate = Arc::new(PasswordGate::new(hasher.clone(), guard, policy.clone()));
        Ok(Self { hasher, breached, policy, gate })
    }

    /// Makes accounts ready to be stored.
    pub fn registration(&self, ground: &Ground<'_>) -> Registration {
        Registration::new(self.hasher.clone(), self.policy.clone(), ground.clock(), ground.ids())
    }
}

fn start_hasher(settings: &Settings) -> Result<Passwords, Failure> {
    let cost = BcryptCost::new(settings.auth.bcrypt_cost)
        .ok_or_else(|| Failure::configuration("`auth.bcrypt_cost` must be between 4 and 15"))?;
    let memory = Argon2Memory::from_mib(settings.auth.argon2_memory_mib)
        .ok_or_else(|| Failure::configuration("`auth.argon2_memory_mib` must be between 1 and 4096"))?;
    let options = HashingOptions::for_this_machine(settings.auth.hash_queue_length);
    Passwords::start(cost, memory, options).map_err(Failure::because)
}

fn breached_passwords(settings: &Settings) -> Result<Option<Arc<BreachedPasswordLookup>>, Failure> {
    let lookup = settings.auth.breached_passwords_url.as_deref().map(BreachedPasswordLookup::new).transpose();
    Ok(lookup.map_err(Failure::because)?.map(Arc::new))
}

fn policy(settings: &Settings, breached: Option<&Arc<BreachedPasswordLookup>>) -> PasswordPolicy {
    let policy = PasswordPolicy::new(settings.auth.min_password_score);
    match breached {
        Some(lookup) => policy.with_breached(lookup.clone()),
        None => policy,
    }
}

fn guessing_guard(ground: &Ground<'_>) -> Result<GuessingGuard, Failure> {
    Ok(GuessingGuard::new(
        ground.store(),
        Arc::new(KeyedBuckets::new(ground.keys)),
        Arc::new(DerivedDeviceTokens::new(ground.keys)),
        guess_limits(ground.settings)?,
        ground.clock(),
        ground.ids(),
    ))
}

fn guess_limits(settings: &Settings) -> Result<GuessLimits, Failure> {
    let settings = &settings.guessing;
    let wait = |wait: &Wait| WaitStep { from_guess: wait.from_guess, wait: Duration::seconds(wait.seconds.into()) };
    Ok(GuessLimits {
        per_subject: settings.per_identifier,
        at_once: settings.at_once,
        waits: settings.waits.iter().map(wait).collect(),
        lock: lasting(settings.lock)?,
        per_address_per_hour: Some(settings.per_address_per_hour).filter(|guesses| *guesses > 0),
        device_lifetime: lasting(settings.device_lifetime)?,
    })
}
