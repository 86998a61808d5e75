//! The built binary as an operator meets it.

mod binary;
mod commands;
mod import;
mod keys;
mod killing;
mod killing_postgres;
mod killing_readings;
mod killing_sync;
mod killing_tus;
mod logs;
mod refusals;
mod s3_settings;
mod stalling_sync;
mod starting;
mod stopping;
mod sync_trial;
