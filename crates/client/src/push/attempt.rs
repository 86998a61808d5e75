//! One try at a file.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tenantry_source::ScannedFile;
use tenantry_sync::objects::RelativePath;
use uuid::Uuid;

use super::reading::{ReadError, Summed, read_same};
use super::retry::Tries;
use super::store::StoreError;
use super::{Context, parts, store, tus};
use crate::api::{Action, ApiError, Instruction, Request, TusError};

/// A file that is to be read.
#[derive(Debug)]
pub(super) struct Found {
    pub file: ScannedFile,
    pub tries: Tries,
}

/// A file that was read.
#[derive(Debug)]
pub(super) struct File {
    pub path: RelativePath,
    pub summed: Summed,
    pub tries: Tries,
    /// Bytes of it that count as sent.
    pub counted: u64,
}

/// A file that the server wants, and how.
#[derive(Debug)]
pub(super) struct Wanted {
    pub file: File,
    pub file_id: Uuid,
    pub way: Way,
}

/// How a file is sent.
#[derive(Debug)]
pub(super) enum Way {
    Put(Request),
    Parts { part_size: u64, done: Vec<u32> },
    Tus(String),
}

/// What the server says of a file.
pub(super) enum Answer {
    Wanted(Wanted),
    Stored(File),
    /// It is to be declared again after a while, for this reason.
    Later(File, String),
    Refused(File, String),
}

impl Answer {
    /// Joins a file and what the server says of it.
    pub fn of(file: File, said: Instruction) -> Result<Self, ApiError> {
        let way = match said.action {
            Action::Skip => return Ok(Self::Stored(file)),
            Action::Error => {
                let error = said.error.unwrap_or_else(|| "the server does not take it".to_owned());
                return Ok(Self::Refused(file, error));
            }
            Action::Later => {
                let error = said.error.unwrap_or_else(|| "the server can't tell what is to be sent".to_owned());
                return Ok(Self::Later(file, error));
            }
            Action::Put => said.request.map(Way::Put),
            Action::Multipart => said
                .part_size
                .filter(|size| *size > 0)
                .map(|part_size| Way::Parts { part_size, done: said.parts_done.unwrap_or_default() }),
            Action::Tus => said.upload_url.map(Way::Tus),
        };
        match (said.file_id, way) {
            (Some(file_id), Some(way)) => Ok(Self::Wanted(Wanted { file, file_id, way })),
            _ => Err(ApiError::NoSense),
        }
    }
}

/// Why a try came to nothing.
#[derive(Debug, thiserror::Error)]
pub(super) enum SendError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The upload is gone, or came to nothing: the file is declared again.
    #[error("{0}")]
    Anew(&'static str),
}

/// What is to be done after a try that came to nothing.
pub(super) enum Next {
    /// To declare the file again after a while.
    Declare(Duration),
    /// To read it again after a while.
    Read(Duration),
    /// To give it up.
    Fail,
    /// To give everything up.
    End(ApiError),
}

impl SendError {
    /// Decides what to do. A file that got on has all of its tries before it again.
    pub fn next(self, context: &Context, tries: &mut Tries) -> Next {
        let declare = |wait: Option<Duration>| wait.map_or(Next::Fail, Next::Declare);
        match self {
            Self::Read(ReadError::Changed) => tries.failed(context).map_or(Next::Fail, Next::Read),
            Self::Read(_) => Next::Fail,
            Self::Store(StoreError::Throttled(asked)) => declare(tries.throttled(context, asked)),
            Self::Store(_) | Self::Anew(_) => declare(tries.failed(context)),
            Self::Api(error) if error.asks_for_patience() => declare(tries.throttled(context, error.retry_after())),
            Self::Api(error) if error.is_transient() => declare(tries.failed(context)),
            Self::Api(error) => match error.status() {
                // It concerns this file alone.
                Some(400 | 413 | 415 | 422 | 460 | 507) => Next::Fail,
                _ => Next::End(error),
            },
        }
    }

    /// Whether the store or server asks for patience.
    pub fn asks_for_patience(&self) -> bool {
        match self {
            Self::Store(error) => matches!(error, StoreError::Throttled(_)),
            Self::Api(error) => error.asks_for_patience(),
            Self::Read(_) | Self::Anew(_) => false,
        }
    }

    /// How long they ask everybody to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Store(StoreError::Throttled(asked)) => *asked,
            Self::Api(error) => error.retry_after(),
            Self::Store(_) | Self::Read(_) | Self::Anew(_) => None,
        }
    }
}

impl From<TusError> for SendError {
    fn from(error: TusError) -> Self {
        match error {
            TusError::Api(error) => Self::Api(error),
            TusError::Offset => Self::Anew("the server has other bytes of it"),
            TusError::Checksum => Self::Anew("what arrived is not what was declared"),
            TusError::Gone => Self::Anew("the upload is gone"),
        }
    }
}

/// Sends a file.
pub(super) async fn attempt(context: &Context, job: Uuid, wanted: &mut Wanted) -> Result<(), SendError> {
    let Wanted { file, file_id, way } = wanted;
    match way {
        Way::Put(request) => put(context, file, request).await,
        Way::Parts { part_size, done } => {
            let upload = parts::Upload { context, job, file_id: *file_id, part_size: *part_size };
            parts::send(&upload, file, done).await
        }
        Way::Tus(url) => tus::send(context, file, url).await,
    }
}

async fn put(context: &Context, file: &mut File, request: &Request) -> Result<(), SendError> {
    let size = file.summed.identity.size;
    // Either way the room is held until the store has answered.
    let kept = file.summed.kept.take();
    let (bytes, _memory) = if let Some(kept) = &kept {
        (kept.bytes.clone(), None)
    } else {
        let memory = context.budget.memory(size).await;
        let source = context.reader.open(&file.path, file.summed.identity).await?;
        (read_same(&source, 0, size, file.summed.checksum).await?, memory)
    };
    context.budget.line(size).await;
    store::send(&context.connection, request, bytes).await?;
    context.has_taken.store(true, Ordering::Relaxed);
    file.count(context, size);
    Ok(())
}

impl File {
    /// So many bytes of it are where they belong.
    pub fn count(&mut self, context: &Context, bytes: u64) {
        context.sent.fetch_add(bytes, Ordering::Relaxed);
        context.sent.fetch_sub(self.counted, Ordering::Relaxed);
        self.counted = bytes;
    }
}
