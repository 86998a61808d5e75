//! What a run writes down. Each entry is a transaction that begins by holding on to the run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tenantry_kernel::{Clock, StorageError, Store};
use tenantry_sync::objects::{ObjectKey, Place, StoredPart, UploadId};
use tenantry_sync::ports::SyncTransaction;
use tenantry_sync::{
    Advance, FileOutcome, FileRecordId, Hold, KnownObject, Lease, Multipart, PartRecord, PlannedFile, Run, RunEnd,
    Scanned,
};
use tenantry_tenancy::TenantContext;
use tokio::sync::watch;
use tokio::time::sleep;

use super::halt::{Halt, Signal};

pub(super) struct Journal {
    pub store: Arc<dyn Store<TenantContext, dyn SyncTransaction>>,
    pub clock: Arc<dyn Clock>,
    pub context: TenantContext,
    pub run: Run,
    pub lease: Lease,
    pub duration: Duration,
    pub place: Place,
    pub signal: watch::Receiver<Signal>,
    /// How many advances were written.
    pub advances: AtomicU64,
}

/// What is written down at once.
pub(super) enum Entry<'a> {
    Plan(&'a [PlannedFile]),
    Scanned(&'a Scanned),
    Batch(&'a Batch),
    Forget(&'a [ObjectKey], &'a Advance),
    Release,
    End(&'a RunEnd),
}

/// What came about since the last one, in this order for each file.
#[derive(Default)]
pub(super) struct Batch {
    pub parts: Vec<PartRecord>,
    pub outcomes: Vec<FileOutcome>,
    pub begun: Vec<(FileRecordId, Multipart)>,
    pub advance: Advance,
}

impl Journal {
    /// Writes it down, however long the database is away; but not once the run is another worker's.
    pub async fn write(&self, entry: Entry<'_>) -> Result<(), Halt> {
        let mut patience = Patience::default();
        // The same each time: a reply to the commit may be lost.
        let number = self.advances.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        loop {
            match self.try_write(&entry, number).await {
                Err(halt) => patience.bear(halt).await?,
                Ok(()) => return Ok(()),
            }
            if *self.signal.borrow() == Signal::Lost {
                return Err(Halt::Lost);
            }
        }
    }

    async fn try_write(&self, entry: &Entry<'_>, number: u64) -> Result<(), Halt> {
        let mut transaction = self.store.begin(&self.context).await?;
        if transaction.runs().hold(self.lease, self.duration).await? == Hold::Lost {
            return Err(Halt::Lost);
        }
        let (now, place, run) = (self.clock.now(), &self.place, &self.run);
        let is_held = match entry {
            Entry::Plan(files) => {
                transaction.files().plan(place, run, files).await?;
                true
            }
            Entry::Scanned(scanned) => {
                let mut scanned = (*scanned).clone();
                scanned.progress.bytes_uploaded = transaction.files().bytes_in_parts(run).await?;
                transaction.runs().scanned(self.lease, &scanned, now).await?
            }
            Entry::Batch(batch) => {
                transaction.files().record_parts(&batch.parts).await?;
                transaction.files().record(place, run, &batch.outcomes).await?;
                for (file_id, multipart) in &batch.begun {
                    transaction.files().begin_multipart(run, *file_id, multipart).await?;
                }
                let advance = Advance { number, ..batch.advance.clone() };
                transaction.runs().advance(self.lease, &advance, now).await?
            }
            Entry::Forget(keys, advance) => {
                transaction.files().forget(place, keys).await?;
                let advance = Advance { number, ..(*advance).clone() };
                transaction.runs().advance(self.lease, &advance, now).await?
            }
            Entry::Release => transaction.runs().release(self.lease, now).await?,
            Entry::End(end) => transaction.runs().finish(self.lease, end, now).await?,
        };
        if !is_held {
            return Err(Halt::Lost);
        }
        Ok(transaction.commit().await?)
    }

    /// Makes sure that the run is still this worker's.
    pub async fn hold(&self) -> Result<(), Halt> {
        let hold = move || async move {
            let mut transaction = self.store.begin(&self.context).await?;
            if transaction.runs().hold(self.lease, self.duration).await? == Hold::Lost {
                return Err(Halt::Lost);
            }
            Ok(transaction.commit().await?)
        };
        self.patiently(hold).await
    }

    /// What is known of keys below the run's prefix, from behind the one named.
    pub async fn known(&self, after: Option<&ObjectKey>, limit: u32) -> Result<Vec<KnownObject>, Halt> {
        let prefix = &self.run.destination.prefix;
        let known = move || async move {
            let mut transaction = self.store.read(&self.context).await?;
            Ok(transaction.files().known(&self.place, self.run.source_id(), prefix, after, limit).await?)
        };
        self.patiently(known).await
    }

    /// Files that are still to be uploaded, from behind the one named.
    pub async fn pending(&self, after: Option<FileRecordId>, limit: u32) -> Result<Vec<PlannedFile>, Halt> {
        let pending = move || async move {
            let mut transaction = self.store.read(&self.context).await?;
            Ok(transaction.files().pending(&self.run, after, limit).await?)
        };
        self.patiently(pending).await
    }

    /// The parts of a file that are known to be in the store.
    pub async fn parts(&self, file_id: FileRecordId) -> Result<Vec<StoredPart>, Halt> {
        let parts = move || async move {
            let mut transaction = self.store.read(&self.context).await?;
            Ok(transaction.files().parts(file_id).await?)
        };
        self.patiently(parts).await
    }

    /// The multipart uploads that runs have under way below the run's prefix.
    pub async fn uploads_under_way(&self) -> Result<Vec<UploadId>, Halt> {
        let under_way = move || async move {
            let mut transaction = self.store.read(&self.context).await?;
            Ok(transaction.files().uploads_under_way(&self.place, &self.run.destination.prefix).await?)
        };
        self.patiently(under_way).await
    }

    /// Does something, however long the database is away; but not once the run is to stop.
    async fn patiently<T, F>(&self, step: impl Fn() -> F) -> Result<T, Halt>
    where
        F: Future<Output = Result<T, Halt>>,
    {
        let mut patience = Patience::default();
        loop {
            match step().await {
                Err(halt) => patience.bear(halt).await?,
                Ok(done) => return Ok(done),
            }
            self.signal.borrow().check()?;
        }
    }
}

/// What is had with a database that is away.
pub(super) struct Patience(Duration);

impl Default for Patience {
    fn default() -> Self {
        Self(Duration::from_millis(50))
    }
}

impl Patience {
    /// The longest wait.
    const LONGEST: Duration = Duration::from_secs(2);

    /// Waits, longer each time, if the same may succeed later; else gives the reason back.
    pub async fn bear(&mut self, halt: Halt) -> Result<(), Halt> {
        match halt {
            Halt::Storage(StorageError::Unavailable(error) | StorageError::Serialization(error)) => {
                tracing::debug!(error, "the database is away");
            }
            other => return Err(other),
        }
        sleep(self.0).await;
        self.0 = self.0.saturating_mul(2).min(Self::LONGEST);
        Ok(())
    }
}
