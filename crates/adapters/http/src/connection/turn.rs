use std::{
    cell::{Cell, RefCell},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll, Waker},
};

use actix_web::{
    body::{BodySize, BoxBody, MessageBody},
    web::Bytes,
};

/// Whose turn it is on a connection: the server's while it answers a request, the client's otherwise.
///
/// The stream, the payload and the answer of one connection share it; all of them live on one thread.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turn(Rc<State>);

#[derive(Debug, Default)]
struct State {
    /// Requests begun so far.
    requests: Cell<u64>,
    /// Requests begun and not answered to the end.
    answering: Cell<u32>,
    /// Whether a body was left before its end: the rest of it is still to come.
    unread: Cell<bool>,
    /// Whether the client has closed the connection, its half of it at least.
    hung_up: Cell<bool>,
    /// Wakes the task of the connection.
    waker: RefCell<Option<Waker>>,
}

impl Turn {
    /// The server begins to answer a request, until the result is dropped.
    pub(crate) fn answer(&self) -> Answering {
        let State { requests, answering, unread, .. } = &*self.0;
        requests.set(requests.get().wrapping_add(1));
        answering.set(answering.get().saturating_add(1));
        unread.set(false);
        Answering(self.clone())
    }

    pub(super) fn is_clients(&self) -> bool {
        self.0.answering.get() == 0
    }

    /// How many requests were begun: while it stays the same, the client is still at the same one.
    pub(super) fn requests(&self) -> u64 {
        self.0.requests.get()
    }

    pub(super) fn leave_unread(&self) {
        self.0.unread.set(true);
    }

    pub(super) fn is_unread(&self) -> bool {
        self.0.unread.get()
    }

    pub(super) fn hang_up(&self) {
        self.0.hung_up.set(true);
    }

    /// Whether the client has closed the connection. Whoever closes one half of it only is taken for gone, too, by those
    /// who ask: requests are answered all the same.
    pub(crate) fn has_hung_up(&self) -> bool {
        self.0.hung_up.get()
    }

    pub(super) fn remember_task(&self, context: &Context<'_>) {
        let mut waker = self.0.waker.borrow_mut();
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            *waker = Some(context.waker().clone());
        }
    }
}

/// A request that is being answered.
#[derive(Debug)]
pub(crate) struct Answering(Turn);

impl Drop for Answering {
    fn drop(&mut self) {
        let state = &*self.0.0;
        state.answering.set(state.answering.get().saturating_sub(1));
        // After an answer the framework reads again only when more arrives; the rest of a body may never come, so the
        // stream has to be read once more to start its timer.
        if state.unread.get()
            && let Some(waker) = state.waker.borrow().as_ref()
        {
            waker.wake_by_ref();
        }
    }
}

/// The body of an answer; the server is answering until it is dropped.
pub struct AnswerBody {
    body: BoxBody,
    _answering: Option<Answering>,
}

impl AnswerBody {
    pub(crate) fn new(body: BoxBody, answering: Option<Answering>) -> Self {
        Self { body, _answering: answering }
    }
}

impl MessageBody for AnswerBody {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}
