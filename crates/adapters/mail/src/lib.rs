//! Mail: its words, and how it leaves.
//!
//! - [`Stationery`]: puts a letter into words, plain and HTML, and knows who sends it and where its links lead.
//! - [`SmtpTransport`]: hands letters to a mail server.
//! - [`DirectoryTransport`]: writes each letter to a file of its own, to be looked at in development.
//! - [`NoTransport`]: sends nothing.

mod content;
mod directory;
mod html;
mod none;
mod smtp;
mod smtp_url;
mod stationery;
mod words;

pub use directory::DirectoryTransport;
pub use none::NoTransport;
pub use smtp::{SmtpError, SmtpOptions, SmtpTransport};
pub use smtp_url::{Encryption, SmtpUrl, SmtpUrlError};
pub use stationery::{InvalidSender, Stationery, StationeryOptions};

#[cfg(test)]
mod tests;
