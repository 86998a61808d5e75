//! Accounts and sessions: M1 to M7, L1 to L3, C1 to C4, T3, U1.

mod deletion;
mod one_time_passwords;
mod outage;
mod passwords;
mod refresh;
mod revocation;
mod sessions;
mod sign_in;
mod sign_up;
