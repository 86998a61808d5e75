//! Accounts and sessions: M1 to M7, L1 to L3, L8, C1 to C4, T3, U1.

mod api_keys;
mod deletion;
mod guessing;
mod import;
mod mailed_links;
mod notices;
mod one_time_passwords;
mod outage;
mod password_policy;
mod passwords;
mod refresh;
mod revocation;
mod secret_rotation;
mod sessions;
mod sign_in;
mod sign_up;
mod signing_keys;
mod totp;
