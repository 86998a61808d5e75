//! Answers readings.
