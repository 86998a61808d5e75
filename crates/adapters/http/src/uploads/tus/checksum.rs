//! The checksum that a client sends along with bytes.

use actix_web::HttpRequest;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha1::Sha1;
use sha2::{Digest as _, Sha256};
use tenantry_sync::objects::Crc64;

use super::headers::UPLOAD_CHECKSUM;
use crate::problem::{ErrorCode, Problem};

/// The algorithms that are known, as the protocol lists them.
pub(super) const ALGORITHMS: &str = "sha1,sha256,crc64nvme";

/// What the bytes of a request should come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Checksum {
    Sha1(Vec<u8>),
    Sha256(Vec<u8>),
    Crc64(Crc64),
}

impl Checksum {
    /// That of the request, if it has any.
    pub(super) fn of(request: &HttpRequest) -> Result<Option<Self>, Problem> {
        let Some(value) = request.headers().get(UPLOAD_CHECKSUM) else { return Ok(None) };
        let checksum = value.to_str().ok().and_then(Self::parse);
        checksum.map(Some).ok_or_else(|| {
            Problem::new(ErrorCode::MalformedRequest).with_detail(format!(
                "Upload-Checksum must be one of {ALGORITHMS}, a space, and the checksum in base64"
            ))
        })
    }

    fn parse(text: &str) -> Option<Self> {
        let (algorithm, checksum) = text.split_once(' ')?;
        let bytes = |length: usize| STANDARD.decode(checksum).ok().filter(|bytes| bytes.len() == length);
        match algorithm {
            "sha1" => bytes(Sha1::output_size()).map(Self::Sha1),
            "sha256" => bytes(Sha256::output_size()).map(Self::Sha256),
            "crc64nvme" => checksum.parse().ok().map(Self::Crc64),
            _ => None,
        }
    }

    /// Whether it is that of these bytes.
    pub(super) fn is_of(&self, bytes: &[u8]) -> bool {
        match self {
            Self::Sha1(expected) => Sha1::digest(bytes)[..] == expected[..],
            Self::Sha256(expected) => Sha256::digest(bytes)[..] == expected[..],
            Self::Crc64(expected) => Crc64::of(bytes) == *expected,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_algorithm_is_of_its_bytes_alone() {
        for text in [
            "sha1 98O8HYCOBHMq32eZZczDTKeuNEE=",
            "sha256 FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
            "crc64nvme rosUhgp5mIg=",
        ] {
            let checksum = Checksum::parse(text).unwrap();
            assert!(checksum.is_of(b"123456789"), "{text}");
            assert!(!checksum.is_of(b"12345678"), "{text}");
        }
    }

    #[test]
    fn another_text_is_none() {
        for text in
            ["", "sha1", "sha1 ", "sha1 rosUhgp5mIg=", "md5 JfnnlDI7RTiF9RgfG2JNCw==", "SHA1 98O8", "crc64nvme ?"]
        {
            assert_eq!(Checksum::parse(text), None, "{text:?}");
        }
    }
}
