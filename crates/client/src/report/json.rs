use std::io::Write;
use std::sync::{Mutex, PoisonError};

use crate::push::{Event, Reporter};

/// Writes each event as a line of JSON.
pub struct JsonLines<W>(Mutex<W>);

impl<W: Write + Send> JsonLines<W> {
    /// Writes to `out`.
    pub fn new(out: W) -> Self {
        Self(Mutex::new(out))
    }
}

impl<W: Write + Send> Reporter for JsonLines<W> {
    fn tell(&self, event: &Event<'_>) {
        let Ok(mut line) = serde_json::to_vec(event) else { return };
        line.push(b'\n');
        let mut out = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever has stopped reading does not want to know; the files are sent all the same.
        out.write_all(&line).and_then(|()| out.flush()).ok();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::push::Counts;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn u8_an_event_is_a_line() {
        let out = Shared::default();
        let lines = JsonLines::new(out.clone());
        lines.tell(&Event::Trouble { error: "two\nlines" });
        lines.tell(&Event::Progress(Counts { total_files: 3, ..Counts::default() }));
        let text = String::from_utf8(out.0.lock().unwrap().clone()).unwrap();
        let events: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(
            (events.len(), &events[0]["error"], &events[1]["total_files"]),
            (2, &"two\nlines".into(), &3.into())
        );
    }
}
