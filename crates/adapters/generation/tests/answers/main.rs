//! Readings answered over real stores: money, resumption, deaths, fairness.
#![cfg(test)]

mod chaos;
mod money;
mod provider;
mod restraint;
mod resuming;
mod site;
mod stopping;
