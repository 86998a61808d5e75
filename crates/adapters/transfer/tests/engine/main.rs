//! The engine on both databases, with object stores that do their worst.
#![cfg(test)]

mod arrival;
mod databases;
mod deletion;
mod fairness;
mod faults;
mod fixture;
mod leases;
mod multipart;
mod schedules;
mod stores;
mod survival;
mod tenants;
