use async_trait::async_trait;
use bytes::Bytes;
use reqwest::{Response, header::CONTENT_TYPE};
use tenantry_readings::{Answer, AnswerEvent, ProviderError};

use crate::events::Events;
use crate::format::{Format, Progress, Told};

/// Bytes that the body of an answer may have, streamed or not.
const MAX_BODY: usize = 16 * 1024 * 1024;

/// An answer that comes over HTTP. Whoever stops waiting for what comes next misses nothing, and may wait again.
pub(crate) struct HttpAnswer<F> {
    /// The connection, until the answer is over. It is closed when this is dropped.
    response: Option<Response>,
    format: F,
    body: Body,
    told: Told,
    received: usize,
    end: Option<Result<(), ProviderError>>,
}

/// What has come of the body and is not read yet.
enum Body {
    Streamed(Events),
    Whole(Vec<u8>),
}

impl<F: Format> HttpAnswer<F> {
    /// The answer of this response. It is streamed or not as the server says, else as it was asked to.
    pub(crate) fn new(response: Response, streams: bool, format: F) -> Self {
        let body = if is_streamed(&response).unwrap_or(streams) {
            Body::Streamed(Events::default())
        } else {
            Body::Whole(Vec::new())
        };
        Self { response: Some(response), format, body, told: Told::default(), received: 0, end: None }
    }

    /// Reads as much as is needed for something to happen, or nothing.
    async fn advance(&mut self) -> Result<Progress, ProviderError> {
        if let Body::Streamed(events) = &mut self.body
            && let Some(event) = events.next()?
        {
            return self.format.event(&event, &mut self.told);
        }
        match self.receive().await? {
            Some(piece) => {
                self.take(piece);
                Ok(Progress::More)
            }
            None => self.finish(),
        }
    }

    async fn receive(&mut self) -> Result<Option<Bytes>, ProviderError> {
        let Some(response) = &mut self.response else { return Ok(None) };
        let piece = response.chunk().await.or(Err(ProviderError::BrokenOff))?;
        self.received += piece.as_ref().map_or(0, Bytes::len);
        if self.received > MAX_BODY { Err(ProviderError::Malformed) } else { Ok(piece) }
    }

    fn take(&mut self, piece: Bytes) {
        match &mut self.body {
            Body::Streamed(events) => events.feed(piece),
            Body::Whole(body) => body.extend_from_slice(&piece),
        }
    }

    /// The body is over.
    fn finish(&mut self) -> Result<Progress, ProviderError> {
        match &mut self.body {
            Body::Whole(body) => {
                self.format.whole(body, &mut self.told)?;
                Ok(Progress::Over)
            }
            Body::Streamed(events) => {
                let last = events.finish().ok_or(ProviderError::BrokenOff)?;
                match self.format.event(&last, &mut self.told) {
                    // What was cut can't be told from what is malformed.
                    Ok(Progress::More) | Err(ProviderError::Malformed) => Err(ProviderError::BrokenOff),
                    ended => ended,
                }
            }
        }
    }
}

#[async_trait]
impl<F: Format> Answer for HttpAnswer<F> {
    async fn next(&mut self) -> Result<Option<AnswerEvent>, ProviderError> {
        loop {
            if let Some(event) = self.told.next() {
                return Ok(Some(event));
            }
            if let Some(end) = &self.end {
                return end.clone().map(|()| None);
            }
            match self.advance().await {
                Ok(Progress::More) => continue,
                Ok(Progress::Over) => self.end = Some(Ok(())),
                Err(error) => self.end = Some(Err(error)),
            }
            self.response = None;
        }
    }
}

fn is_streamed(response: &Response) -> Option<bool> {
    let kind = response.headers().get(CONTENT_TYPE)?.to_str().ok()?.to_ascii_lowercase();
    match kind.split(';').next()?.trim() {
        "text/event-stream" => Some(true),
        "application/json" => Some(false),
        _ => None,
    }
}
