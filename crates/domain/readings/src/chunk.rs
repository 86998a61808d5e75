use crate::{Citation, Reading};

/// A place in the stream of a reading: 0 is the reading itself, then come the chunks from 1, then its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Sequence(i64);

impl Sequence {
    /// The place of the reading itself.
    pub const ASKED: Self = Self(0);
    /// Where a stream begins: before everything.
    pub const START: Self = Self(-1);

    /// The place with this number.
    #[must_use]
    pub fn from_number(number: i64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub fn number(self) -> i64 {
        self.0
    }

    /// The next place.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// A piece of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// More text.
    Text(String),
    /// Where something comes from.
    Citation(Citation),
}

impl Piece {
    pub(crate) fn without_nul(self) -> Self {
        let clean = |text: String| if text.contains('\0') { text.replace('\0', "") } else { text };
        match self {
            Self::Text(text) => Self::Text(clean(text)),
            Self::Citation(Citation { url, title }) => {
                Self::Citation(Citation { url: clean(url), title: title.map(clean) })
            }
        }
    }
}

/// A piece of an answer in its place. Once it is stored it never changes, and nobody sees it before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Its place, from 1 and without gaps.
    pub sequence: Sequence,
    /// The piece.
    pub piece: Piece,
}

/// What somebody who follows a reading gets.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame {
    /// Its place. Whoever comes back with it gets what is behind.
    pub sequence: Sequence,
    /// What is there.
    pub event: FrameEvent,
}

/// What is at a place of a stream.
#[derive(Debug, Clone, PartialEq)]
pub enum FrameEvent {
    /// The reading as it was asked for.
    Asked(Box<Reading>),
    /// A piece of its answer.
    Piece(Piece),
    /// The reading as it ended; nothing comes after it.
    Over(Box<Reading>),
}
