use std::collections::VecDeque;
use std::sync::Arc;

use tenantry_tenancy::TenantContext;

use crate::{Chunk, Frame, FrameEvent, Reading, ReadingError, ReadingId, Readings, Sequence};

/// Pieces that are fetched at a time.
const BATCH: u16 = 200;

/// Somebody who follows a reading. However it is cut into visits, what they get is the same, byte by byte: places are
/// given once and what is there never changes.
pub struct Follower {
    readings: Arc<Readings>,
    context: TenantContext,
    reading: Reading,
    after: Sequence,
    fetched: VecDeque<Chunk>,
}

impl Follower {
    pub(crate) fn new(readings: Arc<Readings>, context: TenantContext, reading: Reading, after: Sequence) -> Self {
        Self { readings, context, reading, after, fetched: VecDeque::new() }
    }

    /// The reading that is followed.
    #[must_use]
    pub fn reading_id(&self) -> ReadingId {
        self.reading.id
    }

    /// Whether the answer is given up when nobody listens: whoever follows says so by [`Readings::hear`].
    #[must_use]
    pub fn has_to_be_heard(&self) -> bool {
        self.reading.has_to_be_heard()
    }

    /// Goes on as the actor may act now.
    pub fn go_on_as(&mut self, context: TenantContext) {
        self.context = context;
    }

    /// Waits for what comes next; none behind the end.
    ///
    /// It may be dropped while it waits, and called again: nothing gets lost.
    ///
    /// # Errors
    /// As [`Readings::find`]: the reading may be deleted meanwhile.
    pub async fn next(&mut self) -> Result<Option<Frame>, ReadingError> {
        if self.after < Sequence::ASKED {
            return Ok(Some(self.give(Sequence::ASKED, FrameEvent::Asked(Box::new(self.reading.as_asked())))));
        }
        loop {
            if let Some(chunk) = self.fetched.pop_front() {
                return Ok(Some(self.give(chunk.sequence, FrameEvent::Piece(chunk.piece))));
            }
            if let Some(over_at) = self.reading.over_at {
                if self.after >= over_at {
                    return Ok(None);
                }
                if self.after.next() == over_at {
                    return Ok(Some(self.give(over_at, FrameEvent::Over(Box::new(self.reading.clone())))));
                }
            }
            self.fetch().await?;
        }
    }

    fn give(&mut self, sequence: Sequence, event: FrameEvent) -> Frame {
        self.after = sequence;
        Frame { sequence, event }
    }

    /// Gets what is known behind the place, or waits until there may be something.
    async fn fetch(&mut self) -> Result<(), ReadingError> {
        let id = self.reading.id;
        let recalled = self.readings.live().recall(id, self.after);
        if let Some(chunks) = &recalled
            && !chunks.is_empty()
        {
            self.fetched.extend(chunks.iter().cloned());
            return Ok(());
        }
        if recalled.is_none() {
            let (reading, chunks) = self.readings.look(&self.context, id, self.after, BATCH).await?;
            let is_over = reading.status.is_over();
            self.reading = reading;
            if is_over || !chunks.is_empty() {
                self.fetched.extend(chunks);
                return Ok(());
            }
        }
        self.readings.live().stirred(id, self.after).await;
        Ok(())
    }
}
