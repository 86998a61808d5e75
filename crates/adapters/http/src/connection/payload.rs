use std::{
    future::Future as _,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{dev::Payload, error::PayloadError, web::Bytes};
use futures_util::Stream;
use tokio::time::{Instant, Sleep, sleep};

use super::Turn;

/// A body that fails with [`io::ErrorKind::TimedOut`] when the server has waited too long for it.
///
/// Only the time during which the server wants more and nothing comes counts. It may add up to the timeout, and to one
/// second more for every so many bytes that have arrived.
pub(crate) struct PatientPayload {
    payload: Payload,
    turn: Turn,
    /// What the client may still make the server wait.
    patience: Duration,
    bytes_per_second: u32,
    /// Since when the server waits, and the timer for how long it will.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
    ended: bool,
}

impl PatientPayload {
    pub(crate) fn new(payload: Payload, turn: Turn, timeout: Duration, bytes_per_second: u32) -> Self {
        let bytes_per_second = bytes_per_second.max(1);
        Self { payload, turn, patience: timeout, bytes_per_second, waiting: None, ended: false }
    }

    /// The waiting is over; `bytes` earn some more patience.
    fn arrived(&mut self, bytes: usize) {
        if let Some((since, _)) = self.waiting.take() {
            self.patience = self.patience.saturating_sub(since.elapsed());
        }
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        self.patience += Duration::from_secs_f64(f64::from(bytes) / f64::from(self.bytes_per_second));
    }

    fn poll_patience(&mut self, context: &mut Context<'_>) -> Poll<PayloadError> {
        let patience = self.patience;
        let (_, timer) = self.waiting.get_or_insert_with(|| (Instant::now(), Box::pin(sleep(patience))));
        timer.as_mut().poll(context).map(|()| PayloadError::Io(io::ErrorKind::TimedOut.into()))
    }
}

impl Stream for PatientPayload {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        match Pin::new(&mut this.payload).poll_next(context) {
            Poll::Pending => this.poll_patience(context).map(|error| Some(Err(error))),
            Poll::Ready(item) => {
                match &item {
                    Some(Ok(bytes)) => this.arrived(bytes.len()),
                    Some(Err(_)) => {}
                    None => this.ended = true,
                }
                Poll::Ready(item)
            }
        }
    }
}

impl Drop for PatientPayload {
    fn drop(&mut self) {
        if !self.ended {
            self.turn.leave_unread();
        }
    }
}
