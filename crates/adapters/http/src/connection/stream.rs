use std::{
    future::Future as _,
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use actix_web::rt::net::TcpStream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep_until},
};

use super::Turn;

/// A connection that fails with [`io::ErrorKind::TimedOut`] when its client keeps the server waiting.
///
/// When it is the client's turn, it may be idle for the timeout, and from the first byte of a request may take as
/// long again until its head is complete. While an answer is written, it may not pause for longer than the timeout.
pub(crate) struct PatientStream {
    stream: TcpStream,
    timeout: Duration,
    turn: Turn,
    /// The request, by [`Turn::requests`], that `speaking` and `deadline` are about.
    request: u64,
    /// Whether some of the next request has arrived.
    speaking: bool,
    /// When the client must have done with what it does now.
    deadline: Option<Instant>,
    reading: Timer,
    writing: Timer,
}

impl PatientStream {
    pub(crate) fn new(stream: TcpStream, timeout: Duration) -> Self {
        Self {
            stream,
            timeout,
            turn: Turn::default(),
            request: 0,
            speaking: false,
            deadline: None,
            reading: Timer::default(),
            writing: Timer::default(),
        }
    }

    pub(crate) fn turn(&self) -> Turn {
        self.turn.clone()
    }

    /// Forgets the deadline of a request that was begun to be answered since.
    fn follow_turn(&mut self) {
        if self.request != self.turn.requests() {
            self.request = self.turn.requests();
            self.speaking = false;
            self.deadline = None;
        }
    }

    /// Something arrived: the first bytes of a request start a new deadline, later ones don't, or a client could go
    /// on for ever byte by byte.
    fn heard(&mut self) {
        if self.turn.is_clients() && !self.speaking {
            self.speaking = true;
            if !self.turn.is_unread() {
                self.deadline = None;
            }
        }
    }

    /// Nothing arrived: fails if that has been so for too long.
    fn poll_patience(&mut self, context: &mut Context<'_>) -> Poll<io::Error> {
        self.turn.remember_task(context);
        if self.turn.is_clients() {
            let timeout = self.timeout;
            let deadline = *self.deadline.get_or_insert_with(|| Instant::now() + timeout);
            ready!(self.reading.poll(context, deadline));
            Poll::Ready(io::ErrorKind::TimedOut.into())
        } else {
            self.deadline = None;
            Poll::Pending
        }
    }

    /// Passes on the outcome of a write, unless the client has not taken anything for too long.
    fn patiently<T>(&mut self, context: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.writing.stop();
            return outcome;
        }
        let deadline = self.writing.deadline().unwrap_or_else(|| Instant::now() + self.timeout);
        ready!(self.writing.poll(context, deadline));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for PatientStream {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.follow_turn();
        let room = buffer.remaining();
        match Pin::new(&mut this.stream).poll_read(context, buffer) {
            Poll::Ready(outcome) => {
                this.heard();
                if outcome.is_err() || (room > 0 && buffer.remaining() == room) {
                    this.turn.hang_up();
                }
                Poll::Ready(outcome)
            }
            Poll::Pending => this.poll_patience(context).map(Err),
        }
    }
}

impl AsyncWrite for PatientStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.patiently(context, outcome)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        this.patiently(context, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// A timer whose deadline moves with every request. It is set anew only after it went off, since that costs more than
/// a look at the clock.
#[derive(Default)]
struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    /// Ready at `deadline`, which must not be before those of earlier calls.
    fn poll(&mut self, context: &mut Context<'_>, deadline: Instant) -> Poll<()> {
        let sleep = self.0.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        loop {
            ready!(sleep.as_mut().poll(context));
            if Instant::now() >= deadline {
                return Poll::Ready(());
            }
            sleep.as_mut().reset(deadline);
        }
    }

    fn deadline(&self) -> Option<Instant> {
        self.0.as_ref().map(|sleep| sleep.deadline())
    }

    fn stop(&mut self) {
        self.0 = None;
    }
}
