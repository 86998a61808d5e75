//! One suite for both formats, streamed and not: what providers answer, how they fail, and what they are asked.

#![cfg(test)]

mod by_hand;
mod connections;
mod faults;
mod format;
mod requests;
mod tcp;
mod told;
