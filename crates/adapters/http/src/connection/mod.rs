//! Connections of clients that keep the server waiting are dropped.
//!
//! The framework times the head of a connection's first request and the pause between requests, and nothing else. So
//! connections are read and written through a [`PatientStream`], which knows from its [`Turn`] whether the server is
//! waiting for the client, and bodies are read through a [`PatientPayload`].

mod payload;
mod stream;
mod turn;

pub(crate) use self::{
    payload::PatientPayload,
    stream::PatientStream,
    turn::{AnswerBody, Answering, Turn},
};
