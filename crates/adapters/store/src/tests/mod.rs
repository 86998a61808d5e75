//! What only this adapter promises, on both databases; the promises of the ports are in the contract suites.

mod accounts;
mod audit;
mod audit_chain;
mod contracts;
mod directory;
mod erasure;
mod fixture;
mod idle_workers;
mod mutants;
mod outage;
mod password_races;
mod plans;
mod profiles;
mod reading_plans;
mod reading_sums;
mod refresh_tabs;
mod round_trips;
mod row_level_security;
mod sign_in_desk;
mod task_lists;
mod transactions;
