//! Administering the platform.

mod accounts;
mod jobs;
mod lists;
mod organizations;
