//! Readings: advisors answer the questions of an organisation's members, within its budget.
//!
//! - [`Reading`]: a question and its answer; [`Readings`]: the use cases of those who ask; [`Follower`]: an answer as it
//!   comes.
//! - [`Desk`]: what a worker does who answers.
//! - [`Advisor`], [`Catalogue`], [`Advisors`]: whom to ask. What an advisor is told stays with it.
//! - [`Provider`], [`Answer`], [`Prompt`]: the port of whoever runs models.
//! - [`NanoUsd`], [`PriceTable`], [`Budget`], [`Budgets`], [`Reservation`], [`Settlement`]: money, put aside before anybody
//!   is asked and settled once.
//! - [`ports`]: what else an adapter provides.

#![warn(missing_docs)]

mod advisor;
mod advisors;
mod budget;
mod budgets;
mod chunk;
mod desk;
mod draft;
mod error;
mod filter;
mod follower;
mod money;
pub mod ports;
mod price;
mod provider;
mod reading;
mod readings;

pub use advisor::{
    Advisor, AdvisorChange, AdvisorDescription, AdvisorId, AdvisorIdError, AdvisorName, AdvisorTitle, Catalogue,
    Instructions, Manner, ModelName, NewAdvisor, OnDisconnect, OwnAdvisor, ProviderName, Route, Temperature,
    TemperatureError,
};
pub use advisors::Advisors;
pub use budget::{
    Account, Budget, BudgetChange, Discrepancy, OwnBudget, Period, Reservation, Settlement, Spent, UsageItem,
};
pub use budgets::{Budgets, UsageReport, UsageScope};
pub use chunk::{Chunk, Frame, FrameEvent, Piece, Sequence};
pub use desk::Desk;
pub use draft::{Commission, Draft};
pub use error::{BudgetField, ReadingError};
pub use filter::ReadingFilter;
pub use follower::Follower;
pub use money::{NanoUsd, NanoUsdError};
pub use price::{DatedPrice, Price, PriceTable};
pub use provider::{Answer, AnswerEvent, Prompt, Provider, ProviderError, Providers, Usage};
pub use reading::{
    Bill, Citation, Failure, NewReading, Outcome, Question, Reading, ReadingId, ReadingStatus, ReadingStatusError,
};
pub use readings::{AskingRules, READING_JOB, Readings};
