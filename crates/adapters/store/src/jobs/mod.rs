//! Background jobs: those who ask for them, those who do them, and those who look after them.

mod claim;
mod queue;
mod register;
mod repository;
mod row;
mod settle;
mod statement;
mod tend;
mod work;

pub(crate) use claim::JobTurns;
