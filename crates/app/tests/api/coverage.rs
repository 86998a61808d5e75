//! Every operation of the contract, as everybody meets it. An operation without an expectation fails the test.

pub mod access;
mod document;
mod methods;
