//! Pushes to a server that keeps to the contract and fails as it is told to.

#![cfg(test)]

mod fake;
mod faults;
mod fixture;
mod large;
mod passes;
mod tus;
