use std::time::Duration;

/// How long, how often and how much.
#[derive(Debug, Clone, Copy)]
pub struct GenerationOptions {
    /// How long a provider may take to the first piece of an answer.
    pub first_piece: Duration,
    /// How long it may be silent afterwards.
    pub idle: Duration,
    /// How long a call may take in all; the reading's own deadline holds too.
    pub total: Duration,
    /// How often a model is asked before the next one is; at least once.
    pub attempts: u8,
    /// The first wait between two attempts; it doubles, and is up to a half shorter by chance.
    pub first_wait: Duration,
    /// The longest wait, also where a provider asks for more: then the next model is asked.
    pub longest_wait: Duration,
    /// After so many failures in a row a model is left alone.
    pub breaker_failures: u32,
    /// For how long.
    pub breaker_rest: Duration,
    /// Tokens that a model may write.
    pub max_completion_tokens: u32,
    /// Bytes of text that an answer may have; a longer one fails.
    pub max_answer_bytes: usize,
    /// How long pieces are collected before they are stored together; the first is stored at once.
    pub collect: Duration,
    /// How often it is looked whether readings are to stop.
    pub stop_interval: Duration,
    /// How long an answer may go on once the process is to stop.
    pub drain: Duration,
    /// How long after its deadline a reading that nobody ends is ended.
    pub overdue: Duration,
}

impl Default for GenerationOptions {
    /// 15 seconds to the first piece, 20 of silence, 120 in all; 2 attempts, waits of 0.25 to 5 seconds; 5 failures and 30
    /// seconds of rest; 2,048 tokens and 256 KiB; pieces of 40 ms; a look every 100 ms, 5 seconds to stop; 20 seconds
    /// overdue.
    fn default() -> Self {
        Self {
            first_piece: Duration::from_secs(15),
            idle: Duration::from_secs(20),
            total: Duration::from_mins(2),
            attempts: 2,
            first_wait: Duration::from_millis(250),
            longest_wait: Duration::from_secs(5),
            breaker_failures: 5,
            breaker_rest: Duration::from_secs(30),
            max_completion_tokens: 2_048,
            max_answer_bytes: 256 * 1_024,
            collect: Duration::from_millis(40),
            stop_interval: Duration::from_millis(100),
            drain: Duration::from_secs(5),
            overdue: Duration::from_secs(20),
        }
    }
}
