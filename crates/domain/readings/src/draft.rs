use crate::ports::Entry;
use crate::{Bill, Chunk, Citation, Manner, Piece, Price, Prompt, Reading, Route, Sequence, Usage};

/// Bytes that make a token, about: for estimates, where a provider doesn't tell.
const BYTES_PER_TOKEN: usize = 4;

/// A reading that a worker is to answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Commission {
    /// The reading, as it is stored now.
    pub reading: Reading,
    /// How the advisor answers.
    pub manner: Manner,
}

/// An answer as far as it has come.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Draft {
    pub(crate) route: Option<Route>,
    pub(crate) response: String,
    pub(crate) citations: Vec<Citation>,
    pub(crate) usage: Option<Usage>,
    pub(crate) last: Sequence,
}

impl Commission {
    /// What the model is given.
    #[must_use]
    pub fn prompt(&self, max_completion_tokens: u32) -> Prompt {
        Prompt::new(&self.manner, &self.reading.question, max_completion_tokens)
    }

    /// What is written down of the answer.
    #[must_use]
    pub fn entry(&self, chunks: Vec<Chunk>) -> Entry {
        let Reading { organization_id, id: reading_id, revision, .. } = self.reading;
        Entry { organization_id, reading_id, revision, chunks }
    }
}

impl Draft {
    /// An answer of which nothing has come yet.
    #[must_use]
    pub fn new() -> Self {
        Self { last: Sequence::ASKED, ..Self::default() }
    }

    /// Somebody is asked. What the one before told of tokens holds no more.
    pub fn ask(&mut self, route: Route) {
        self.route = Some(route);
        self.usage = None;
    }

    /// Who was asked last.
    #[must_use]
    pub fn route(&self) -> Option<&Route> {
        self.route.as_ref()
    }

    /// Puts a piece in its place. NUL characters, which not every database can store, are left out.
    pub fn add(&mut self, piece: Piece) -> Chunk {
        let piece = piece.without_nul();
        match &piece {
            Piece::Text(text) => self.response.push_str(text),
            Piece::Citation(citation) => self.citations.push(citation.clone()),
        }
        self.last = self.last.next();
        Chunk { sequence: self.last, piece }
    }

    /// Takes down what the provider tells of tokens and money.
    pub fn bill(&mut self, usage: Usage) {
        self.usage = Some(usage);
    }

    /// Whether nothing has come yet, so that somebody else may be asked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.last == Sequence::ASKED
    }

    /// Bytes of text so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.response.len()
    }

    /// What has to be paid for it by this price.
    pub(crate) fn bill_by(&self, price: &Price, prompt: &Prompt) -> Bill {
        let tokens = |bytes: usize| u64::try_from(bytes.div_ceil(BYTES_PER_TOKEN)).unwrap_or(u64::MAX);
        let given = prompt.instructions.expose().len() + prompt.question.as_str().len();
        let is_estimated = self.usage.is_none();
        let estimate =
            || Usage { prompt_tokens: tokens(given), completion_tokens: tokens(self.response.len()), cost: None };
        let usage = self.usage.unwrap_or_else(estimate);
        let computed = price.of(usage.prompt_tokens, usage.completion_tokens);
        Bill {
            prompt_tokens: usage.prompt_tokens,
            completion_tokens: usage.completion_tokens,
            cost: usage.cost.unwrap_or(computed),
            computed,
            is_estimated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_stored_without_nul() {
        let mut draft = Draft::new();
        let citation = |nul: &str| Citation { url: format!("https://{nul}a"), title: Some(format!("b{nul}")) };
        let text = draft.add(Piece::Text("a\0b\0".to_owned())).piece;
        assert_eq!(text, Piece::Text("ab".to_owned()));
        assert_eq!(draft.add(Piece::Citation(citation("\0"))).piece, Piece::Citation(citation("")));
        assert_eq!((draft.response.as_str(), draft.citations), ("ab", vec![citation("")]));
    }
}
