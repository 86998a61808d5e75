//! Reads the body of a request, and has its bytes appended piece by piece.

use std::time::Duration;

use actix_web::{
    HttpRequest,
    dev::Payload,
    web::{self, Bytes, BytesMut},
};
use futures_util::StreamExt as _;
use tenantry_sync::{Incoming, SyncError};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, timeout, timeout_at},
};

use super::{checksum::Checksum, sender::Sender};
use crate::{
    caller::State,
    fields::{read_body, unreadable},
    options::HttpOptions,
    problem::{ErrorCode, Problem},
};

/// As many bytes are appended at once, or a few more that came along with them.
const PIECE: usize = 8 << 20;

/// How long a piece is gathered: what came before a connection broke is at most so old, and whoever sends slowly does
/// not hold memory for long that others wait for.
const GATHERED_FOR: Duration = Duration::from_secs(2);

/// Pieces in memory at the same time, in this process.
static PIECES: Semaphore = Semaphore::const_new(32);

/// Bodies with a checksum in memory at the same time, in this process: they can't be appended before they are whole.
static CHECKED: Semaphore = Semaphore::const_new(8);

/// How long to wait for one's turn with such a body.
const TURN: Duration = Duration::from_secs(5);

/// A request whose body is to be appended.
pub(super) struct Intake {
    pub(super) state: State,
    pub(super) sender: Sender,
    pub(super) request: HttpRequest,
    pub(super) payload: Payload,
}

/// Some of a body.
struct Piece {
    bytes: Bytes,
    after: After,
    _memory: Option<SemaphorePermit<'static>>,
}

/// What comes after a piece.
enum After {
    /// Perhaps more.
    More,
    /// Nothing: the body is at its end.
    End,
    /// Nothing: it could not be read to its end.
    Break(Problem),
}

impl Intake {
    /// Appends the body as it comes; answers how much of the file has arrived then.
    pub(super) async fn take(mut self, mut incoming: Incoming) -> Result<u64, Problem> {
        loop {
            let Piece { bytes, after, _memory } = self.gather(incoming.remaining()).await?;
            let is_nothing = bytes.is_empty() && !matches!(after, After::End);
            if !is_nothing {
                incoming = self.append(incoming, bytes).await?;
            }
            match after {
                After::More if self.state.readiness.is_ready() => {}
                After::More => {
                    return Err(Problem::new(ErrorCode::Unavailable)
                        .with_detail("the server is about to stop: go on from where HEAD says"));
                }
                After::End => return Ok(incoming.offset()),
                After::Break(problem) => return Err(problem),
            }
        }
    }

    /// Appends the whole body, if this is its checksum.
    pub(super) async fn take_checked(self, incoming: Incoming, checksum: Checksum) -> Result<u64, Problem> {
        let busy = || Problem::new(ErrorCode::Unavailable).with_retry_after(TURN.as_secs());
        let turn = timeout(TURN, CHECKED.acquire()).await.ok().and_then(Result::ok);
        let _memory = turn.ok_or_else(busy)?;
        let Self { state, mut sender, request, payload } = self;
        let limit = HttpOptions::of(&request).tus_checksum_bytes;
        let body = read_body(&request, payload, limit).await?.freeze();
        let compared = body.clone();
        let is_right = web::block(move || checksum.is_of(&compared)).await;
        if !is_right.map_err(|error| Problem::internal(&error))? {
            return Err(Problem::new(ErrorCode::ChecksumMismatch));
        }
        let context = sender.admitted(&state).await?;
        Ok(state.services.direct_uploads.append(context, incoming, body).await?.offset())
    }

    async fn append(&mut self, incoming: Incoming, bytes: Bytes) -> Result<Incoming, Problem> {
        let context = self.sender.admitted(&self.state).await?;
        Ok(self.state.services.direct_uploads.append(context, incoming, bytes).await?)
    }

    /// The next bytes, of which the file still lacks so many. The last ones are gathered until the body ends, so that
    /// the file is not complete before it is known that no more come.
    async fn gather(&mut self, remaining: u64) -> Result<Piece, Problem> {
        let mut gathered = BytesMut::new();
        let (mut memory, mut until) = (None, None);
        let after = loop {
            let is_last = length(&gathered) == remaining;
            if !is_last && gathered.len() >= PIECE {
                break After::More;
            }
            let next = self.payload.next();
            let next = match until.filter(|_| !is_last) {
                None => next.await,
                Some(until) => match timeout_at(until, next).await {
                    Ok(next) => next,
                    Err(_elapsed) => break After::More,
                },
            };
            match next {
                None => break After::End,
                Some(Err(error)) => break After::Break(unreadable(&error)),
                Some(Ok(bytes)) => {
                    if memory.is_none() {
                        memory = PIECES.acquire().await.ok();
                        until = Some(Instant::now() + GATHERED_FOR);
                    }
                    gathered.extend_from_slice(&bytes);
                }
            }
            if length(&gathered) > remaining {
                return Err(SyncError::TooLong.into());
            }
        };
        Ok(Piece { bytes: gathered.freeze(), after, _memory: memory })
    }
}

fn length(bytes: &BytesMut) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
