use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

/// What all that is under way shares: memory for the bytes of files, and the line.
#[derive(Debug, Clone)]
pub struct Budget {
    memory: Arc<Semaphore>,
    kibibytes: u32,
    line: Option<Arc<Line>>,
}

/// Bytes of files in memory.
pub type Held = OwnedSemaphorePermit;

impl Budget {
    /// So many bytes in memory at once, and so many sent a second; without a number, as many as the line takes.
    #[must_use]
    pub fn new(memory_bytes: u64, bytes_per_second: Option<u64>) -> Self {
        let kibibytes = u32::try_from(memory_bytes >> 10).unwrap_or(u32::MAX >> 4).max(1);
        let permits = usize::try_from(kibibytes).unwrap_or(Semaphore::MAX_PERMITS);
        let line = bytes_per_second.filter(|rate| *rate > 0).map(|rate| Arc::new(Line::new(rate)));
        Self { memory: Arc::new(Semaphore::new(permits)), kibibytes, line }
    }

    /// Waits until so many bytes may be in memory.
    pub async fn memory(&self, bytes: u64) -> Option<Held> {
        // What is more than all of it gets all of it.
        let wanted = u32::try_from(bytes.div_ceil(1 << 10)).unwrap_or(u32::MAX).clamp(1, self.kibibytes);
        self.memory.clone().acquire_many_owned(wanted).await.ok()
    }

    /// Waits until so many bytes may be sent.
    pub async fn line(&self, bytes: u64) {
        if let Some(line) = &self.line {
            line.take(bytes).await;
        }
    }
}

/// A line that takes so many bytes a second.
#[derive(Debug)]
struct Line {
    bytes_per_second: u64,
    free_at: Mutex<Instant>,
}

impl Line {
    fn new(bytes_per_second: u64) -> Self {
        Self { bytes_per_second, free_at: Mutex::new(Instant::now()) }
    }

    async fn take(&self, bytes: u64) {
        let nanoseconds = u128::from(bytes) * 1_000_000_000 / u128::from(self.bytes_per_second);
        let cost = Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX));
        let turn = {
            let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = (*free_at).max(Instant::now());
            *free_at = turn + cost;
            turn
        };
        sleep_until(turn).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn u8_the_line_takes_so_many_bytes_a_second() {
        let budget = Budget::new(1 << 20, Some(1_000));
        let start = Instant::now();
        for _ in 0..11 {
            budget.line(1_000).await;
        }
        assert_eq!(start.elapsed().as_secs(), 10);
    }

    #[tokio::test]
    async fn u8_memory_is_bounded() {
        let budget = Budget::new(10 << 10, None);
        let all = budget.memory(1 << 30).await.unwrap();
        assert_eq!(budget.memory.available_permits(), 0);
        drop(all);
        let _some = budget.memory(1).await.unwrap();
        assert_eq!(budget.memory.available_permits(), 9);
    }
}
