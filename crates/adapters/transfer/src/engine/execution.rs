//! One run, from where the last worker left it to its end.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use tenantry_sync::objects::{ObjectError, ObjectStore};
use tenantry_sync::ports::SyncTransaction;
use tenantry_sync::{Claim, Run, RunEnd, RunMode, SyncSession};
use tenantry_tenancy::{Permission, TenancyError, TenantContext};
use tokio::sync::watch;
use tokio::time::Instant;

use super::deletion::delete_extraneous;
use super::feed::{Means, upload_all};
use super::halt::{Halt, Signal};
use super::heartbeat::Heartbeat;
use super::journal::{Entry, Journal, Patience};
use super::orphans;
use super::pace::Budget;
use super::scanning::{Found, Purpose, scan};
use super::worker::WorkerParts;
use crate::source::SourceFolder;

/// Does a run that was claimed, until it ends or must be left to another worker.
pub(super) async fn execute(parts: &WorkerParts, budget: Budget, claim: Claim, signal: watch::Sender<Signal>) {
    let run_id = claim.lease.run_id;
    match prepare_patiently(parts, &budget, claim, &signal).await {
        Ok(execution) => {
            let heart = Heartbeat {
                store: Arc::clone(&parts.store),
                context: execution.journal.context.clone(),
                lease: claim.lease,
                duration: parts.options.lease,
            };
            let outcome = tokio::select! {
                outcome = execution.run() => outcome,
                () = heart.beat(signal) => Err(Halt::Lost),
            };
            execution.end(outcome).await;
        }
        Err(Halt::Failed(reason)) => give_up(parts, claim, reason).await,
        Err(halt) => tracing::warn!(?halt, %run_id, "a run could not be begun; it comes again"),
    }
}

/// Waits for a database that is away, as long as the run is held: to leave it would count as a death.
async fn prepare_patiently<'a>(
    parts: &'a WorkerParts,
    budget: &Budget,
    claim: Claim,
    signal: &watch::Sender<Signal>,
) -> Result<Execution<'a>, Halt> {
    let mut patience = Patience::default();
    let since = Instant::now();
    loop {
        match prepare(parts, budget.clone(), claim, signal).await {
            Err(halt) if since.elapsed() < parts.options.lease => patience.bear(halt).await?,
            outcome => return outcome,
        }
    }
}

struct Execution<'a> {
    parts: &'a WorkerParts,
    budget: Budget,
    journal: Arc<Journal>,
    session: SyncSession,
    folder: Arc<SourceFolder>,
    objects: Arc<dyn ObjectStore>,
}

/// Finds everything that the run needs. Whoever asked for it must still be a member, and the folder still allowed.
async fn prepare<'a>(
    parts: &'a WorkerParts,
    budget: Budget,
    claim: Claim,
    signal: &watch::Sender<Signal>,
) -> Result<Execution<'a>, Halt> {
    if !parts.queue.may_act(claim.user_id).await? {
        return Err(Halt::Failed("the account of whoever started it is deactivated".to_owned()));
    }
    let actor = parts.platform.act_for(claim.user_id);
    let context = parts.entrance.enter(actor, claim.organization_id).await.map_err(|error| match error {
        TenancyError::Storage(error) => Halt::Storage(error),
        _ => Halt::Failed("whoever started it is no member any more".to_owned()),
    })?;
    if !context.allows(Permission::WriteProjects) {
        return Err(Halt::Failed("whoever started it may not sync any more".to_owned()));
    }
    let (run, session) = find(parts, &context, claim).await?;
    let run_id = run.id;
    let directory = session.local_directory.as_str().to_owned();
    let (roots, organization_id) = (Arc::clone(&parts.roots), claim.organization_id);
    let folder = tokio::task::spawn_blocking(move || roots.open(organization_id, &directory)).await;
    let folder = folder.ok().and_then(Result::ok).ok_or_else(|| Halt::Failed("the folder can't be used".to_owned()))?;
    let (bucket, profile) = (run.destination.bucket.as_ref(), run.destination.profile.as_ref());
    if !parts.policy.allows_bucket(organization_id, bucket)
        || profile.is_some_and(|profile| !parts.policy.allows_profile(organization_id, profile))
    {
        return Err(Halt::Failed("the bucket or the profile can't be used any more".to_owned()));
    }
    let objects = parts.objects.open(bucket, profile).await.map_err(|error| match error {
        ObjectError::Refused { reason, .. } => Halt::Failed(format!("the object store refuses: {reason}")),
        error => {
            tracing::warn!(?error, %run_id, "an object store could not be opened");
            Halt::Failed("the object store can't be used".to_owned())
        }
    })?;
    let journal = Journal {
        store: Arc::clone(&parts.store),
        clock: Arc::clone(&parts.clock),
        context,
        run,
        lease: claim.lease,
        duration: parts.options.lease,
        place: objects.place().clone(),
        signal: signal.subscribe(),
        advances: AtomicU64::new(0),
    };
    Ok(Execution { parts, budget, journal: Arc::new(journal), session, folder: Arc::new(folder), objects })
}

async fn find(parts: &WorkerParts, context: &TenantContext, claim: Claim) -> Result<(Run, SyncSession), Halt> {
    let mut transaction = parts.store.read(context).await?;
    let run = transaction.runs().find(claim.lease.run_id).await?.ok_or(Halt::Lost)?;
    let session = transaction.sync_sessions().find(run.session_id.ok_or(Halt::Lost)?).await?.ok_or(Halt::Lost)?;
    Ok((run, session))
}

/// Ends a run that can't even be begun; the platform does so, since perhaps nobody else may any more.
async fn give_up(parts: &WorkerParts, claim: Claim, reason: String) {
    let outcome = async {
        let mut transaction: Box<dyn SyncTransaction> = parts.all.begin(&parts.platform).await?;
        let end = RunEnd::Failed(reason);
        transaction.runs().finish(claim.lease, &end, parts.clock.now()).await?;
        transaction.commit().await
    };
    if let Err(error) = outcome.await {
        tracing::warn!(?error, run_id = %claim.lease.run_id, "a run could not be ended; it comes again");
    }
}

impl Execution<'_> {
    async fn run(&self) -> Result<(), Halt> {
        let journal = &*self.journal;
        if journal.run.cancel_requested {
            // Its last worker was gone before it noticed.
            return Err(Halt::Cancelled);
        }
        let found = if journal.run.is_scanned { None } else { Some(self.scan(Purpose::Plan).await?) };
        if journal.run.mode == RunMode::DryRun {
            return Ok(());
        }
        upload_all(self.means(), &self.session).await?;
        if self.session.delete_extraneous && journal.run.mode == RunMode::Full {
            let found = match found {
                Some(found) => found,
                // A worker before this one did it, and what it saw went with it.
                None => self.scan(Purpose::Look).await?,
            };
            let first_retry = self.parts.options.first_retry;
            delete_extraneous(journal, &self.objects, &self.session, &found, first_retry).await?;
        }
        orphans::sweep_after(journal, &*self.objects, self.parts.options.orphan_age).await
    }

    async fn scan(&self, purpose: Purpose) -> Result<Found, Halt> {
        scan(&self.journal, Arc::clone(&self.folder), &self.session, &*self.parts.ids, purpose).await
    }

    fn means(&self) -> Means {
        let options = &self.parts.options;
        Means {
            journal: Arc::clone(&self.journal),
            folder: Arc::clone(&self.folder),
            objects: Arc::clone(&self.objects),
            clock: Arc::clone(&self.parts.clock),
            budget: self.budget.clone(),
            whole_bytes: options.whole_bytes.min(options.memory_bytes / 16),
            part_bytes: options.part_bytes,
            first_retry: options.first_retry,
            drain: options.drain,
        }
    }

    /// Writes down how it ended, or hands it on.
    async fn end(&self, outcome: Result<(), Halt>) {
        let run_id = self.journal.run.id;
        let entry = match outcome {
            Ok(()) => RunEnd::Finished,
            Err(Halt::Cancelled) => RunEnd::Cancelled,
            Err(Halt::Failed(reason)) => RunEnd::Failed(reason),
            Err(Halt::Stopping) => {
                let released = self.journal.write(Entry::Release).await;
                return tracing::info!(%run_id, ?released, "a run is left to another worker");
            }
            Err(halt @ (Halt::Lost | Halt::Storage(_))) => {
                return tracing::warn!(%run_id, ?halt, "a run is left to another worker");
            }
        };
        match self.journal.write(Entry::End(&entry)).await {
            Ok(()) => tracing::info!(%run_id, state = entry.state().as_str(), error = entry.error(), "a run ended"),
            Err(halt) => tracing::warn!(%run_id, ?halt, "the end of a run could not be written down"),
        }
    }
}
