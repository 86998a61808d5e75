//! What one password costs.

use std::num::NonZeroUsize;
use std::time::Duration;

use tenantry_credentials::{Argon2Memory, BcryptCost, HashingOptions, Passwords};
use tenantry_identity::PasswordAttempt;
use tenantry_identity::ports::PasswordHasher as _;

use crate::error::Result;
use crate::process::own_cpu_time;

/// The cost that production uses.
const COST: u32 = 12;
const REPETITIONS: u32 = 12;

/// The CPU time of one bcrypt of cost 12, alone on the machine.
pub(super) async fn cpu_time_of_one() -> Result<Duration> {
    let options = HashingOptions { threads: NonZeroUsize::MIN, queue_length: NonZeroUsize::MIN };
    let cost = BcryptCost::new(COST).ok_or("the cost is out of range")?;
    let memory = Argon2Memory::from_mib(64).ok_or("the memory is out of range")?;
    let passwords = Passwords::start(cost, memory, options)?;
    let attempt = PasswordAttempt::new("correct horse battery 9".to_owned());
    // The first one also brings the thread up.
    passwords.verify(&attempt, None).await?;
    let before = own_cpu_time()?;
    for _ in 0..REPETITIONS {
        passwords.verify(&attempt, None).await?;
    }
    Ok((own_cpu_time()?.saturating_sub(before)) / REPETITIONS)
}
