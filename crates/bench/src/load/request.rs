use serde::Serialize;

use crate::error::Result;

/// A request to be sent over and over, as the bytes on the wire.
#[derive(Debug, Clone)]
pub struct Request {
    /// The port of this machine that it goes to.
    pub port: u16,
    /// The status that its answer must have.
    pub status: u16,
    /// The bytes.
    pub bytes: Vec<u8>,
}

impl Request {
    /// Asks for `path`, with an access token where there is one.
    pub fn get(port: u16, path: &str, token: Option<&str>) -> Self {
        let bytes = head("GET", path, token) + "\r\n";
        Self { port, status: 200, bytes: bytes.into_bytes() }
    }

    /// Sends `body` as JSON to `path`, with an access token where there is one.
    pub fn post(port: u16, path: &str, token: Option<&str>, body: &impl Serialize) -> Result<Self> {
        let body = serde_json::to_string(body)?;
        let fields = format!("content-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
        let bytes = head("POST", path, token) + &fields + &body;
        Ok(Self { port, status: 200, bytes: bytes.into_bytes() })
    }

    /// The same, to be answered with `status`.
    pub fn expecting(self, status: u16) -> Self {
        Self { status, ..self }
    }
}

fn head(method: &str, path: &str, token: Option<&str>) -> String {
    let authorization = token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
    format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{authorization}")
}
