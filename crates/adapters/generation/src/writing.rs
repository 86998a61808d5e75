use std::sync::Arc;
use std::time::Duration;

use tenantry_kernel::StorageError;
use tenantry_readings::{Chunk, Commission, Draft, Piece};
use tokio::time::Instant;

use crate::hub::LiveHub;
use crate::scribe::Scribe;

/// Pieces of one answer between the provider and the store.
#[derive(Default)]
pub(crate) struct Writing {
    /// What has come and is in no place yet.
    loose: Vec<Piece>,
    /// What has its place and could not be stored so far.
    placed: Vec<Chunk>,
    /// Not before this time.
    due: Option<Instant>,
}

impl Writing {
    /// Takes a piece. Texts that follow each other become one.
    pub(crate) fn take(&mut self, piece: Piece) {
        match (self.loose.last_mut(), piece) {
            (Some(Piece::Text(text)), Piece::Text(more)) => text.push_str(&more),
            (_, piece) => self.loose.push(piece),
        }
    }

    /// Bytes of text that have no place yet.
    pub(crate) fn loose_bytes(&self) -> usize {
        let bytes = |piece: &Piece| if let Piece::Text(text) = piece { text.len() } else { 0 };
        self.loose.iter().map(bytes).sum()
    }

    /// Whether something has come that is not stored.
    pub(crate) fn has_some(&self) -> bool {
        !self.loose.is_empty() || !self.placed.is_empty()
    }

    /// When there is something to store: the first piece at once, later ones when they have gathered for a while.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.has_some().then(|| self.due.unwrap_or_else(Instant::now))
    }

    /// Gives what waits its places, and all that is not stored.
    pub(crate) fn place(&mut self, draft: &mut Draft) -> Vec<Chunk> {
        self.placed.extend(self.loose.drain(..).map(|piece| draft.add(piece)));
        self.placed.clone()
    }

    /// What had its place was stored, or not. More is stored after a while.
    pub(crate) fn stored(&mut self, again_in: Result<Duration, Duration>) {
        if again_in.is_ok() {
            self.placed.clear();
        }
        let (Ok(wait) | Err(wait)) = again_in;
        self.due = Some(Instant::now() + wait);
    }
}

/// Stores pieces and shows them; tells whether the reading is still the worker's.
pub(crate) async fn write_down(
    scribe: &Arc<Scribe>,
    hub: &LiveHub,
    commission: &Commission,
    chunks: Vec<Chunk>,
) -> Result<bool, StorageError> {
    let is_ours = scribe.write(commission.entry(chunks.clone())).await?;
    if is_ours {
        hub.publish(commission.reading.id, &chunks);
    }
    Ok(is_ours)
}
