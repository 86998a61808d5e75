use std::sync::Arc;

use chrono::{DateTime, Duration, Utc};
use tenantry_identity::{AuditEntry, PlatformContext};
use tenantry_kernel::{Clock, StorageError, Store};

use super::{Chain, ChainHead, SealCheck, SealedHead};
use crate::ports::{ArchiveTransaction, AuditSeals};

/// Chains what was written to the audit log, and removes what was kept long enough.
///
/// Any number of them may run at once: whoever works on a chain has its head locked.
pub struct AuditKeeper {
    store: Arc<dyn Store<PlatformContext, dyn ArchiveTransaction>>,
    seals: Arc<dyn AuditSeals>,
    retention: Option<Duration>,
    clock: Arc<dyn Clock>,
    context: PlatformContext,
}

impl AuditKeeper {
    /// Chains that are taken up in one go.
    const CHAINS: u16 = 100;
    /// Links that one transaction adds or removes.
    const LINKS: u16 = 500;

    /// The use cases over these ports. Entries are kept for `retention`, or for good.
    #[must_use]
    pub fn new(
        store: Arc<dyn Store<PlatformContext, dyn ArchiveTransaction>>,
        seals: Arc<dyn AuditSeals>,
        retention: Option<Duration>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { store, seals, retention, clock, context: PlatformContext::system() }
    }

    /// Chains entries that wait; tells how many there were. Call it again as long as there are some.
    ///
    /// # Errors
    /// [`StorageError`]; what was chained before it stays.
    pub async fn seal(&self) -> Result<usize, StorageError> {
        let chains = self.store.read(&self.context).await?.archive().waiting_chains(Self::CHAINS).await?;
        let mut sealed = 0;
        for chain in chains {
            sealed += self.extend(chain).await?;
        }
        Ok(sealed)
    }

    async fn extend(&self, chain: Chain) -> Result<usize, StorageError> {
        let mut transaction = self.store.begin(&self.context).await?;
        let Some(head) = self.trusted_head(&mut *transaction, chain).await? else { return Ok(0) };
        let archive = transaction.archive();
        let entries = archive.waiting(chain, Self::LINKS).await?;
        let mut end = head.end;
        let mut links = Vec::with_capacity(entries.len());
        for entry in &entries {
            let link = end.link(&*self.seals, entry);
            end = link.end;
            links.push(link);
        }
        archive.append(chain, &links).await?;
        archive.update_head(&ChainHead { end, ..head }.sealed(&*self.seals)).await?;
        transaction.commit().await?;
        Ok(links.len())
    }

    /// Removes what was kept long enough, and seals anew what was sealed with the secret before; tells how many entries
    /// were removed.
    ///
    /// # Errors
    /// [`StorageError`]; what was removed before it stays so.
    pub async fn tidy(&self) -> Result<u64, StorageError> {
        let cutoff = self.retention.map(|retention| self.clock.now() - retention);
        let mut removed = 0;
        let mut after = None;
        loop {
            let heads = self.store.read(&self.context).await?.archive().heads(after, Self::CHAINS).await?;
            let Some(last) = heads.last() else { return Ok(removed) };
            after = Some(last.head.chain);
            for head in &heads {
                removed += self.tidy_chain(head, cutoff).await?;
            }
        }
    }

    async fn tidy_chain(&self, seen: &SealedHead, cutoff: Option<DateTime<Utc>>) -> Result<u64, StorageError> {
        let is_due = cutoff.is_some() && seen.head.end != seen.head.expired;
        if !is_due && seen.check(&*self.seals) != SealCheck::Previous {
            return Ok(0);
        }
        let mut removed = 0;
        loop {
            let batch = self.expire(seen.head.chain, cutoff).await?;
            removed += batch;
            if batch < u64::from(Self::LINKS) {
                return Ok(removed);
            }
        }
    }

    async fn expire(&self, chain: Chain, cutoff: Option<DateTime<Utc>>) -> Result<u64, StorageError> {
        let mut transaction = self.store.begin(&self.context).await?;
        let Some(head) = self.trusted_head(&mut *transaction, chain).await? else { return Ok(0) };
        let archive = transaction.archive();
        let oldest = archive.links(chain, head.expired.position, Self::LINKS).await?;
        let is_old = |entry: &AuditEntry| Some(entry.occurred_at) < cutoff;
        let leaving = oldest.iter().take_while(|chained| chained.entry.as_ref().is_some_and(is_old));
        let expired = leaving.last().map_or(head.expired, |chained| chained.link.end);
        archive.update_head(&ChainHead { expired, ..head }.sealed(&*self.seals)).await?;
        if expired != head.expired {
            archive.remove_expired(chain).await?;
        }
        transaction.commit().await?;
        Ok(expired.position - head.expired.position)
    }

    /// The head, locked; of a new chain if there is none. `None` when it was tampered with: to go on would put a good
    /// seal on what somebody forged.
    async fn trusted_head(
        &self,
        transaction: &mut dyn ArchiveTransaction,
        chain: Chain,
    ) -> Result<Option<ChainHead>, StorageError> {
        let stored = match transaction.archive().head(chain).await? {
            Some(stored) => stored,
            None => self.found(transaction, chain).await?,
        };
        if stored.check(&*self.seals) == SealCheck::Wrong {
            tracing::error!(%chain, "the end of a chain of the audit log was changed; run `tenantry audit verify`");
            return Ok(None);
        }
        Ok(Some(stored.head))
    }

    /// Begins a chain, and counts it.
    async fn found(&self, transaction: &mut dyn ArchiveTransaction, chain: Chain) -> Result<SealedHead, StorageError> {
        let archive = transaction.archive();
        let new = ChainHead::empty(chain).sealed(&*self.seals);
        if !archive.insert_head(&new).await? {
            // Another node was faster, and has committed by now.
            return Ok(archive.head(chain).await?.unwrap_or(new));
        }
        archive.insert_head(&ChainHead::empty(Chain::Census).sealed(&*self.seals)).await?;
        let census = archive.head(Chain::Census).await?;
        if let Some(mut census) = census.filter(|census| census.check(&*self.seals) != SealCheck::Wrong) {
            census.head.end.position += 1;
            archive.update_head(&census.head.sealed(&*self.seals)).await?;
        }
        Ok(new)
    }
}
