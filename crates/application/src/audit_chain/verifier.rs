use std::fmt::{self, Write as _};
use std::str::FromStr;
use std::sync::Arc;

use tenantry_identity::{AuditEntryId, PlatformContext};
use tenantry_kernel::{StorageError, Store};
use uuid::Uuid;

use super::{Chain, ChainEnd, ChainHead, SealCheck, SealedHead};
use crate::ports::{ArchiveTransaction, AuditSeals};

/// The end that a chain had, kept where the database's owner can't change it. Its text is `CHAIN POSITION HASH`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptEnd {
    /// Which chain.
    pub chain: Chain,
    /// Its end then.
    pub end: ChainEnd,
}

/// The text is of no end of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be the identifier of a chain, a position, and a hash of 64 hexadecimal digits")]
pub struct KeptEndError;

impl fmt::Display for KeptEnd {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut hash = String::with_capacity(64);
        self.end.hash.iter().try_for_each(|byte| write!(hash, "{byte:02x}"))?;
        write!(formatter, "{} {} {hash}", self.chain, self.end.position)
    }
}

impl FromStr for KeptEnd {
    type Err = KeptEndError;

    fn from_str(text: &str) -> Result<Self, KeptEndError> {
        let mut words = text.split_whitespace();
        let mut word = || words.next().ok_or(KeptEndError);
        let chain = Chain::from_uuid(Uuid::parse_str(word()?).or(Err(KeptEndError))?);
        let position = word()?.parse().or(Err(KeptEndError))?;
        let hash = hash_from(word()?).ok_or(KeptEndError)?;
        words.next().map_or(Ok(Self { chain, end: ChainEnd { position, hash } }), |_| Err(KeptEndError))
    }
}

fn hash_from(digits: &str) -> Option<[u8; 32]> {
    let mut hash = [0; 32];
    if digits.len() != 64 {
        return None;
    }
    for (index, byte) in hash.iter_mut().enumerate() {
        *byte = u8::from_str_radix(digits.get(index * 2..index * 2 + 2)?, 16).ok()?;
    }
    Some(hash)
}

/// Something that was done to the log otherwise than by writing to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuditFlaw {
    /// The end of a chain was changed.
    #[error("{0}: the end of the chain is not what the service stored")]
    ForgedEnd(Chain),
    /// A chain ends elsewhere than its end says.
    #[error("{chain}: the chain goes to {found} instead of {expected}, or its last link was changed")]
    WrongLength {
        /// Which chain.
        chain: Chain,
        /// How many links its end tells of.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// Links are missing.
    #[error("{chain}: no link at position {position}")]
    MissingLink {
        /// Which chain.
        chain: Chain,
        /// Where the first of them should be.
        position: u64,
    },
    /// An entry was deleted.
    #[error("{chain}: entry {entry_id} at position {position} was deleted")]
    MissingEntry {
        /// Which chain.
        chain: Chain,
        /// Its place.
        position: u64,
        /// Which entry.
        entry_id: AuditEntryId,
    },
    /// An entry was edited, or it or one before it was moved.
    #[error("{chain}: entry {entry_id} at position {position} was changed or moved")]
    ChangedEntry {
        /// Which chain.
        chain: Chain,
        /// Its place.
        position: u64,
        /// Which entry.
        entry_id: AuditEntryId,
    },
    /// Entries are in the log that were not written by the service.
    #[error("{chain}: {count} entries are in the log, but not in the chain")]
    LooseEntries {
        /// Which chain.
        chain: Chain,
        /// How many.
        count: u64,
    },
    /// Entries were deleted before they were chained.
    #[error("{0} entries were deleted before they were chained")]
    LostEntries(u64),
    /// Whole chains are missing.
    #[error("there are {found} chains instead of {expected}")]
    MissingChains {
        /// How many were begun.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// The chain is not a continuation of what was kept elsewhere.
    #[error("{0}: the chain does not continue the end that was kept: it was rewritten, or put back to an older state")]
    Rewound(Chain),
}

/// What a check of the log found.
#[derive(Debug, Clone, Default)]
pub struct AuditReport {
    /// How many entries were compared with their chains.
    pub entries: u64,
    /// Where the chains end, to be kept elsewhere.
    pub ends: Vec<KeptEnd>,
    /// What is wrong; nothing, where the log is as it was written.
    pub flaws: Vec<AuditFlaw>,
}

/// Compares the audit log with its chains.
pub struct AuditVerifier {
    store: Arc<dyn Store<PlatformContext, dyn ArchiveTransaction>>,
    seals: Arc<dyn AuditSeals>,
    context: PlatformContext,
}

impl AuditVerifier {
    /// Rows that are read at once.
    const PAGE: u16 = 1_000;

    /// The use case over these ports.
    #[must_use]
    pub fn new(store: Arc<dyn Store<PlatformContext, dyn ArchiveTransaction>>, seals: Arc<dyn AuditSeals>) -> Self {
        Self { store, seals, context: PlatformContext::system() }
    }

    /// Checks every chain, and that each continues what was `kept`. The service may go on writing meanwhile.
    ///
    /// # Errors
    /// [`StorageError`].
    pub async fn verify(&self, kept: &[KeptEnd]) -> Result<AuditReport, StorageError> {
        let mut report = AuditReport::default();
        let mut after = None;
        loop {
            let heads = self.read().await?.archive().heads(after, Self::PAGE).await?;
            let Some(last) = heads.last() else { break };
            after = Some(last.head.chain);
            for head in &heads {
                self.check_chain(*head, &mut report).await?;
            }
        }
        self.check_census(&mut report).await?;
        let lost = self.read().await?.archive().count_lost().await?;
        if lost > 0 {
            report.flaws.push(AuditFlaw::LostEntries(lost));
        }
        for end in kept {
            self.check_kept(end, &mut report).await?;
        }
        Ok(report)
    }

    async fn read(&self) -> Result<Box<dyn ArchiveTransaction>, StorageError> {
        self.store.read(&self.context).await
    }

    /// With the census locked, so that no chain is begun between the two counts.
    async fn check_census(&self, report: &mut AuditReport) -> Result<(), StorageError> {
        let mut transaction = self.store.begin(&self.context).await?;
        let archive = transaction.archive();
        let expected = archive.head(Chain::Census).await?.map_or(0, |census| census.head.end.position);
        let found = archive.count_chains().await?;
        if found != expected {
            report.flaws.push(AuditFlaw::MissingChains { expected, found });
        }
        Ok(())
    }

    async fn check_chain(&self, mut sealed: SealedHead, report: &mut AuditReport) -> Result<(), StorageError> {
        let chain = sealed.head.chain;
        if sealed.check(&*self.seals) == SealCheck::Wrong {
            report.flaws.push(AuditFlaw::ForgedEnd(chain));
        }
        let mut walk = self.walk(&sealed.head).await?;
        // What expires meanwhile is not missing.
        while let Some(now) = self.read().await?.archive().head(chain).await?
            && now.head.expired != sealed.head.expired
        {
            sealed = now;
            walk = self.walk(&sealed.head).await?;
        }
        let loose = self.read().await?.archive().count_loose(chain).await?;
        if loose > 0 {
            walk.flaws.push(AuditFlaw::LooseEntries { chain, count: loose });
        }
        report.entries += walk.entries;
        report.flaws.append(&mut walk.flaws);
        report.ends.push(KeptEnd { chain, end: sealed.head.end });
        Ok(())
    }

    /// Follows a chain from its first link to its end.
    async fn walk(&self, head: &ChainHead) -> Result<AuditReport, StorageError> {
        let mut walk = AuditReport::default();
        let chain = head.chain;
        if chain == Chain::Census {
            return Ok(walk);
        }
        let mut at = head.expired;
        loop {
            let links = self.read().await?.archive().links(chain, at.position, Self::PAGE).await?;
            let is_last = links.len() < usize::from(Self::PAGE);
            for chained in links.into_iter().take_while(|chained| chained.link.end.position <= head.end.position) {
                let (link, position) = (chained.link, at.position + 1);
                if link.end.position != position {
                    walk.flaws.push(AuditFlaw::MissingLink { chain, position });
                } else if let Some(entry) = &chained.entry {
                    if at.link(&*self.seals, entry) != link {
                        walk.flaws.push(AuditFlaw::ChangedEntry { chain, position, entry_id: link.entry_id });
                    }
                } else {
                    walk.flaws.push(AuditFlaw::MissingEntry { chain, position, entry_id: link.entry_id });
                }
                walk.entries += 1;
                at = link.end;
            }
            if is_last || at.position >= head.end.position {
                break;
            }
        }
        if at != head.end {
            let (expected, found) = (head.end.position, at.position);
            walk.flaws.push(AuditFlaw::WrongLength { chain, expected, found });
        }
        Ok(walk)
    }

    async fn check_kept(&self, kept: &KeptEnd, report: &mut AuditReport) -> Result<(), StorageError> {
        let (chain, position) = (kept.chain, kept.end.position);
        let continues = match self.read().await?.archive().head(chain).await? {
            None => false,
            Some(now) if chain == Chain::Census => now.head.end.position >= position,
            // The link is gone, and the end that is sealed comes after it.
            Some(now) if position < now.head.expired.position => true,
            Some(now) if position == now.head.expired.position => kept.end == now.head.expired,
            Some(_) => {
                let links = self.read().await?.archive().links(chain, position - 1, 1).await?;
                links.first().is_some_and(|chained| chained.link.end == kept.end)
            }
        };
        if !continues {
            report.flaws.push(AuditFlaw::Rewound(chain));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_end_is_read_as_it_was_written() {
        let end = ChainEnd { position: 7, hash: [0xa5; 32] };
        for chain in [Chain::Accounts, Chain::Census, Chain::from_uuid(Uuid::from_u128(1))] {
            let kept = KeptEnd { chain, end };
            assert_eq!(kept.to_string().parse(), Ok(kept));
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let good = KeptEnd { chain: Chain::Accounts, end: ChainEnd::START }.to_string();
        for bad in ["", "x", &good[1..], &format!("{good}0"), &format!("{good} more"), &good.replace(" 0 ", " -1 ")] {
            assert_eq!(bad.parse::<KeptEnd>(), Err(KeptEndError), "{bad}");
        }
    }
}
