use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanBytes, HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use tenantry_sync::WarningKind;

use crate::push::{Counts, Event, Outcome, Reporter};

/// How often a line tells how far it is.
const LINES: Duration = Duration::from_secs(5);

/// What the bar looks like while the totals are known.
const BAR: &str = "{bar:30} {bytes} of {total_bytes}  {binary_bytes_per_sec}  {eta} left  {msg}";

/// Where and how people are told how far it is. All of it goes to standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// By a bar that moves; for terminals.
    Bar,
    /// By a line now and then.
    Lines,
    /// Only what failed is told.
    Failures,
}

/// Tells people.
pub struct Human {
    bar: Option<ProgressBar>,
    progress: Progress,
    state: Mutex<State>,
}

struct State {
    began: Instant,
    told: Instant,
}

impl Human {
    /// Tells people so.
    #[must_use]
    pub fn new(progress: Progress) -> Self {
        let bar = (progress == Progress::Bar).then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            bar.set_style(ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        let now = Instant::now();
        Self { bar, progress, state: Mutex::new(State { began: now, told: now }) }
    }

    /// Above the bar, if there is one.
    fn say(&self, line: &str) {
        let write = || {
            // There is nobody else to tell.
            writeln!(std::io::stderr(), "{line}").ok();
        };
        match &self.bar {
            Some(bar) => bar.suspend(write),
            None => write(),
        }
    }

    fn tell_progress(&self, counts: &Counts) {
        if let Some(bar) = &self.bar {
            bar.set_length(counts.total_bytes);
            bar.set_position(counts.bytes_uploaded + counts.bytes_skipped);
            bar.set_message(files(counts));
            return;
        }
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if self.progress == Progress::Lines && state.told.elapsed() >= LINES {
            state.told = Instant::now();
            drop(state);
            let (sent, total) = (counts.bytes_uploaded + counts.bytes_skipped, counts.total_bytes);
            self.say(&format!("{}, {} of {}", files(counts), HumanBytes(sent), HumanBytes(total)));
        }
    }

    fn tell_end(&self, counts: &Counts) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
            bar.reset();
        }
        if self.progress != Progress::Failures {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let took = state.began.elapsed();
            state.began = Instant::now();
            drop(state);
            self.say(&summary(counts, took));
        }
    }
}

impl Reporter for Human {
    fn tell(&self, event: &Event<'_>) {
        let is_loud = self.progress != Progress::Failures;
        match event {
            Event::File { path, status: Outcome::Failed, error, .. } => {
                self.say(&format!("failed: {}: {}", shown(&path.0.to_string()), error.unwrap_or_default()));
            }
            Event::Trouble { error } => self.say(&format!("trying again later: {error}")),
            Event::Warning { kind, path } if is_loud || is_failure(*kind) => {
                self.say(&format!("{}: {}", words(*kind), shown(&path.0.to_string())));
            }
            Event::Progress(counts) => self.tell_progress(counts),
            Event::Done { counts, .. } => self.tell_end(counts),
            Event::Started { job_id } if is_loud => self.say(&format!("job {job_id}")),
            Event::Started { .. } | Event::File { .. } | Event::Warning { .. } => {}
        }
    }
}

/// A name must not take over the terminal.
fn shown(path: &str) -> String {
    path.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

fn files(counts: &Counts) -> String {
    let done = counts.files_uploaded + counts.files_skipped + counts.files_failed;
    let more = if counts.scanned { "" } else { " or more" };
    format!("{} of {}{more} files", HumanCount(done), HumanCount(counts.total_files))
}

fn summary(counts: &Counts, took: Duration) -> String {
    let mut text = format!(
        "{} files, {}: {} uploaded ({})",
        HumanCount(counts.total_files),
        HumanBytes(counts.total_bytes),
        HumanCount(counts.files_uploaded),
        HumanBytes(counts.bytes_uploaded),
    );
    let mut add = |number: u64, what: &str| {
        if number > 0 {
            // Writing to a text does not fail.
            write!(text, ", {} {what}", HumanCount(number)).ok();
        }
    };
    add(counts.files_skipped, "were there already");
    add(counts.files_failed, "failed");
    write!(text, ", in {}", HumanDuration(took)).ok();
    text
}

/// Whether something is missing that was asked for.
fn is_failure(kind: WarningKind) -> bool {
    matches!(kind, WarningKind::Unreadable | WarningKind::KeyTooLong)
}

fn words(kind: WarningKind) -> &'static str {
    match kind {
        WarningKind::Symlink => "left out, a link",
        WarningKind::SpecialFile => "left out, no file",
        WarningKind::Unreadable => "failed, can't be read",
        WarningKind::Sensitive => "left out, may hold secrets",
        WarningKind::NotUtf8 => "the name is not UTF-8",
        WarningKind::CaseClash => "another name differs in case only",
        WarningKind::NormalizationClash => "another name differs in encoding only",
        WarningKind::Loop => "left out, lies in itself",
        WarningKind::KeyTooLong => "failed, the path is too long",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn u8_people_read_what_became_of_their_files() {
        let counts = Counts {
            scanned: true,
            total_files: 1_234,
            total_bytes: 3 << 20,
            files_uploaded: 1_000,
            files_skipped: 230,
            files_failed: 4,
            bytes_uploaded: 2 << 20,
            bytes_skipped: 1 << 20,
        };
        let text = summary(&counts, Duration::from_secs(61));
        let expected =
            "1,234 files, 3.00 MiB: 1,000 uploaded (2.00 MiB), 230 were there already, 4 failed, in 61 seconds";
        assert_eq!(text, expected);
        assert_eq!(files(&counts), "1,234 of 1,234 files");
        assert!(!summary(&Counts::default(), Duration::ZERO).contains("failed"));
    }

    #[test]
    fn u8_a_name_does_not_take_over_the_terminal() {
        assert_eq!(shown("a\u{1b}[2Jb\n\u{e9}"), "a\\u{1b}[2Jb\\n\u{e9}");
    }
}
