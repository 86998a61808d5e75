//! Server-sent events, as a client reads them.
//!
//! The parser is our own: `eventsource-stream`, which most clients take, holds a line until it ends, however long it is, and
//! so lets a provider fill the memory; it looks at all of it again whenever a piece comes; and it wants text, where what was
//! cut within a character has to be told from what is no text.

use bytes::{Buf as _, Bytes};
use tenantry_readings::ProviderError;

/// Bytes that a line may have, and the data of one event.
const MAX_LINE: usize = 1024 * 1024;

/// An event with data; others mean nothing here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Event {
    /// What it is called, if it is called anything.
    pub(crate) name: Option<String>,
    /// Its data: what they are is for the reader to find out.
    pub(crate) data: Vec<u8>,
}

/// The events of a body that comes in pieces, cut anywhere (HTML Living Standard, section 9.2.6).
#[derive(Default)]
pub(crate) struct Events {
    /// What has come and is not read yet.
    unread: Bytes,
    line: Vec<u8>,
    event: Event,
    is_begun: bool,
    follows_return: bool,
}

impl Events {
    /// Takes the next piece, once all events of those before are read.
    pub(crate) fn feed(&mut self, piece: Bytes) {
        debug_assert!(self.unread.is_empty(), "a piece would be lost");
        self.unread = piece;
    }

    /// The next event that is whole; none if more has to come first.
    ///
    /// # Errors
    /// [`ProviderError::Malformed`] as soon as a line is too long.
    pub(crate) fn next(&mut self) -> Result<Option<Event>, ProviderError> {
        while let Some(first) = self.unread.first().copied() {
            if std::mem::take(&mut self.follows_return) && first == b'\n' {
                self.unread.advance(1);
                continue;
            }
            let end = self.unread.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let piece = self.unread.split_to(end.unwrap_or(self.unread.len()));
            if self.line.len() + piece.len() > MAX_LINE {
                return Err(ProviderError::Malformed);
            }
            self.line.extend_from_slice(&piece);
            if end.is_some() {
                self.follows_return = self.unread.first() == Some(&b'\r');
                self.unread.advance(1);
                if let Some(event) = self.end_line()? {
                    return Ok(Some(event));
                }
            }
        }
        Ok(None)
    }

    /// What stands at the end of a body that is over. It need not be whole: not every server ends its last line.
    pub(crate) fn finish(&mut self) -> Option<Event> {
        let ended = self.end_line().ok()?;
        ended.or_else(|| self.end_event())
    }

    fn end_line(&mut self) -> Result<Option<Event>, ProviderError> {
        let mut line = std::mem::take(&mut self.line);
        let mark = b"\xef\xbb\xbf";
        let text = if self.is_begun { &line[..] } else { line.strip_prefix(mark).unwrap_or(&line) };
        self.is_begun = true;
        let ended = if text.is_empty() { self.end_event() } else { self.read_field(text).map(|()| None)? };
        // Its memory is used again.
        line.clear();
        self.line = line;
        Ok(ended)
    }

    fn read_field(&mut self, line: &[u8]) -> Result<(), ProviderError> {
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let (field, value) = line.split_at_checked(colon).unwrap_or((line, b""));
        let value = value.strip_prefix(b":").unwrap_or(value);
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"event" => self.event.name = Some(String::from_utf8_lossy(value).into_owned()),
            b"data" => {
                if !self.event.data.is_empty() {
                    self.event.data.push(b'\n');
                }
                self.event.data.extend_from_slice(value);
                if self.event.data.len() > MAX_LINE {
                    return Err(ProviderError::Malformed);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn end_event(&mut self) -> Option<Event> {
        let event = std::mem::take(&mut self.event);
        (!event.data.is_empty()).then_some(event)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// All events of a body that comes in pieces of this size, and what stands at its end.
    fn read(body: &[u8], size: usize) -> (Vec<Event>, Option<Event>) {
        let mut events = Events::default();
        let mut read = Vec::new();
        for piece in body.chunks(size) {
            events.feed(Bytes::copy_from_slice(piece));
            while let Some(event) = events.next().unwrap() {
                read.push(event);
            }
        }
        let last = events.finish();
        (read, last)
    }

    fn event(name: Option<&str>, data: &str) -> Event {
        Event { name: name.map(str::to_owned), data: data.as_bytes().to_vec() }
    }

    #[test]
    fn events_are_read_however_they_are_cut_and_ended() {
        let body = "\u{feff}: hello\ndata: one\n\nevent: name\ndata:two\nid: 7\nretry: 1\n\n\n\ndata\n\ndata:  drei \u{e4}\u{1f600}\n\
                    data: more\n\nevent: lost\n\ndata: last";
        let whole = vec![event(None, "one"), event(Some("name"), "two"), event(None, " drei \u{e4}\u{1f600}\nmore")];
        for end in ["\n", "\r\n", "\r"] {
            let body = body.replace('\n', end);
            for size in 1..=body.len() {
                assert_eq!(read(body.as_bytes(), size), (whole.clone(), Some(event(None, "last"))), "{end:?} {size}");
            }
        }
    }

    #[test]
    fn a_line_or_event_that_is_too_long_is_noticed_before_it_ends() {
        let mut events = Events::default();
        events.feed(Bytes::from(vec![b'x'; MAX_LINE]));
        assert_eq!(events.next(), Ok(None));
        events.feed(Bytes::from_static(b"x"));
        assert_eq!(events.next(), Err(ProviderError::Malformed));

        let mut events = Events::default();
        let line = format!("data: {}\n", "x".repeat(MAX_LINE / 2));
        events.feed(Bytes::from(line.repeat(2)));
        assert_eq!(events.next(), Err(ProviderError::Malformed));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_the_same_however_they_are_cut(
            body in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b':'), Just(b'd'), any::<u8>()], 0..200),
            size in 1_usize..50,
        ) {
            prop_assert_eq!(read(&body, size), read(&body, 200));
        }

        #[test]
        fn whatever_data_comes_back(data in "[^\r\n]{1,100}") {
            let (events, _) = read(format!("data: {data}\n\n").as_bytes(), 7);
            prop_assert_eq!(events, vec![event(None, &data)]);
        }
    }
}
