use std::io;
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};

use tenantry_kernel::{Clock, IdGenerator};
use tenantry_pace::{Budget, Pace};
use tenantry_source::{ScanOptions, SourceFolder};
use uuid::Uuid;

use super::cache::Cache;
use super::pass::{Beginning, Pass};
use super::reading::Reader;
use super::watch::Changes;
use super::{Counts, Event, Mode, Options, Reporter, Stop, Target};
use crate::api::{Api, ApiError};
use crate::connection::Connection;

/// The part of the memory in which small files wait that were read for their checksums: a quarter.
const KEPT_PART: u64 = 4;

/// What a push is made of.
pub struct PushParts {
    /// How stores are reached.
    pub connection: Connection,
    /// The server.
    pub api: Api,
    /// What the server is called, by which checksums are remembered.
    pub server: String,
    /// What is sent, and where to.
    pub target: Target,
    /// How.
    pub options: Options,
    /// Whom to tell.
    pub reporter: Arc<dyn Reporter>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New identifiers.
    pub ids: Arc<dyn IdGenerator>,
}

/// Sends the files of a folder to a project.
pub struct Push {
    context: Arc<Context>,
    folder: Arc<SourceFolder>,
    scan: ScanOptions,
    target: Target,
    cache: Cache,
    reporter: Arc<dyn Reporter>,
}

/// What all that is under way shares.
pub(super) struct Context {
    pub connection: Connection,
    pub api: Api,
    pub reader: Reader,
    pub pace: Pace,
    pub budget: Budget,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn IdGenerator>,
    pub options: Options,
    /// Bytes that were sent, those of files among them of which the rest is still to be sent.
    pub sent: AtomicU64,
    /// Whether the store has ever taken anything.
    pub has_taken: AtomicBool,
}

/// What a pass came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Passed {
    /// The job, if there was anything to ask the server.
    pub job_id: Option<Uuid>,
    /// How far it came.
    pub counts: Counts,
    /// Whether it was broken off.
    pub is_stopped: bool,
}

/// Why a pass came to nothing, or was given up.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The folder can't be read.
    #[error("the folder can't be read")]
    Folder(#[source] io::Error),
    /// The server refuses, or can't be reached.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The store refuses everything.
    #[error("the object store takes nothing: {0}")]
    Store(String),
    /// A thread has failed.
    #[error("a worker failed: {0}")]
    Worker(String),
}

impl PushError {
    /// Whether the same may go well later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Api(error) => error.is_transient(),
            Self::Folder(_) | Self::Store(_) => true,
            Self::Worker(_) => false,
        }
    }
}

impl Push {
    /// Opens the folder. Nothing is sent yet.
    ///
    /// # Errors
    /// [`PushError::Folder`].
    pub fn new(parts: PushParts) -> Result<Self, PushError> {
        let PushParts { connection, api, server, target, options, reporter, clock, ids } = parts;
        let folder = Arc::new(SourceFolder::at(&target.directory).map_err(PushError::Folder)?);
        let directory = std::path::absolute(&target.directory).map_err(PushError::Folder)?;
        let name = format!(
            "{server}\n{}\n{:?}\n{:?}\n{}",
            target.project_id,
            target.cycle_id,
            target.prefix,
            directory.display()
        );
        let cache = Cache::open(options.cache.as_deref(), &name);
        let kept = options.memory_bytes / KEPT_PART;
        let context = Context {
            connection,
            api,
            reader: Reader::new(folder.clone(), kept),
            pace: Pace::new(options.jobs),
            budget: Budget::new(options.memory_bytes - kept, options.bytes_per_second),
            clock,
            ids,
            sent: AtomicU64::new(0),
            has_taken: AtomicBool::new(false),
            options,
        };
        let scan = ScanOptions {
            threads: NonZero::new(threads()).unwrap_or(NonZero::<usize>::MIN),
            include: context.options.include.clone(),
            exclude: context.options.exclude.clone(),
            ..ScanOptions::default()
        };
        Ok(Self { context: Arc::new(context), folder, scan, target, cache, reporter })
    }

    /// Sends what is there.
    ///
    /// # Errors
    /// [`PushError`]; what was sent until then stays, and is not sent again by the next pass.
    pub async fn once(&mut self, stop: &Stop) -> Result<Passed, PushError> {
        self.pass(Beginning::AtOnce, stop).await
    }

    /// Sends what is there, and then what changes, until it is to stop. Answers what the last pass came to.
    ///
    /// # Errors
    /// [`PushError`] of the first pass; of a later one if it is of no use to try again.
    pub async fn watch(&mut self, stop: &Stop) -> Result<Passed, PushError> {
        // Before the first pass, so that nothing changes unseen.
        let changes = Changes::of(&self.target.directory);
        let mut passed = self.once(stop).await?;
        while !passed.is_stopped {
            tokio::select! {
                () = changes.next() => {}
                () = stop.requested() => break,
            }
            match self.pass(Beginning::WhenNeeded, stop).await {
                Ok(next) => passed = next,
                Err(error) if error.is_transient() => {
                    self.reporter.tell(&Event::Trouble { error: &error.to_string() });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(passed)
    }

    async fn pass(&mut self, beginning: Beginning, stop: &Stop) -> Result<Passed, PushError> {
        let mut pass = Pass::new(&self.context, &mut self.cache, &*self.reporter);
        let walk = (self.folder.clone(), self.scan.clone());
        let outcome = match self.context.options.mode {
            Mode::Count => pass.count(walk, stop).await,
            Mode::Send => pass.run(walk, &self.target, beginning, stop).await,
        };
        let passed = pass.end(outcome).await?;
        if !passed.is_stopped {
            self.reporter.tell(&Event::Done { job_id: passed.job_id, counts: passed.counts });
        }
        Ok(passed)
    }
}

/// How many threads walk, and how many read.
pub(super) fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get).min(4)
}
