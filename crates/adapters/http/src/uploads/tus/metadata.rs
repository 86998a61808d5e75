//! What a client says of the file that it is going to send.

use std::str;

use actix_web::HttpRequest;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use tenantry_sync::{
    Declaration, RunId,
    objects::{Crc64, RelativePath},
};
use uuid::Uuid;

use super::headers::UPLOAD_METADATA;
use crate::problem::{ErrorCode, Problem};

/// The values that are known, of as many as the client may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Metadata {
    pub(super) job_id: RunId,
    pub(super) path: RelativePath,
    pub(super) checksum: Option<Crc64>,
}

impl Metadata {
    pub(super) fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let text = request.headers().get(UPLOAD_METADATA).map_or(Ok(""), |value| value.to_str());
        Self::parse(text.or(Err(malformed()))?)
    }

    fn parse(text: &str) -> Result<Self, Problem> {
        let (mut job_id, mut path, mut checksum) = (None, None, None);
        for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once(' ').unwrap_or((pair, ""));
            let wanted = match name {
                "job_id" => &mut job_id,
                "path" => &mut path,
                "crc64nvme" => &mut checksum,
                _ => continue,
            };
            let value = STANDARD.decode(value).or(Err(malformed()))?;
            if wanted.replace(value).is_some() {
                return Err(malformed());
            }
        }
        let job_id = job_id.as_deref().and_then(|id| Uuid::try_parse_ascii(id).ok());
        let job_id = job_id.ok_or_else(|| Problem::validation("job_id", "must be the id of a direct upload"))?;
        let path = path.as_deref().and_then(parse_path);
        let path = path.ok_or_else(|| Problem::validation("path", "must be one that leads nowhere but down"))?;
        let checksum = checksum.as_deref().map(parse_checksum).transpose()?;
        Ok(Self { job_id: RunId::from_uuid(job_id), path, checksum })
    }

    /// The header that a client may have sent for a file.
    pub(super) fn write(job_id: RunId, declaration: &Declaration) -> String {
        let mut text = format!(
            "job_id {},path {}",
            STANDARD.encode(job_id.to_string()),
            STANDARD.encode(declaration.path.as_bytes())
        );
        if let Some(checksum) = declaration.checksum {
            text.push_str(",crc64nvme ");
            text.push_str(&STANDARD.encode(checksum.to_string()));
        }
        text
    }
}

/// A name need not be text.
fn parse_path(bytes: &[u8]) -> Option<RelativePath> {
    str::from_utf8(bytes).map_or_else(|_| RelativePath::parse(bytes), RelativePath::parse_text)
}

fn parse_checksum(bytes: &[u8]) -> Result<Crc64, Problem> {
    let checksum = str::from_utf8(bytes).ok().and_then(|text| text.parse().ok());
    checksum.ok_or_else(|| Problem::validation("crc64nvme", tenantry_sync::objects::Crc64Error))
}

fn malformed() -> Problem {
    Problem::new(ErrorCode::MalformedRequest).with_detail(
        "Upload-Metadata must be names, each once, with values in base64: job_id, path and, if wanted, crc64nvme",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0199a000-0000-7000-8000-000000000000";

    fn header(pairs: &[(&str, &[u8])]) -> String {
        let pairs = pairs.iter().map(|(name, value)| format!("{name} {}", STANDARD.encode(value)));
        pairs.collect::<Vec<_>>().join(",")
    }

    #[test]
    fn what_is_known_is_taken_and_written_again() {
        let text = header(&[("job_id", ID.as_bytes()), ("path", b"a/b \xff"), ("crc64nvme", b"rosUhgp5mIg=")]);
        let Metadata { job_id, path, checksum } = Metadata::parse(&text).unwrap();
        assert_eq!((job_id.to_string().as_str(), path.as_bytes()), (ID, &b"a/b \xff"[..]));
        assert_eq!(checksum, Some(Crc64::of(b"123456789")));
        assert_eq!(Metadata::write(job_id, &Declaration { path, size: 9, checksum }), text);
        let more = format!("filename eA==, is_private ,{}", header(&[("path", b"x"), ("job_id", ID.as_bytes())]));
        assert_eq!(Metadata::parse(&more).unwrap().checksum, None);
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        for (pairs, field) in [
            (&[("path", &b"x"[..])][..], "job_id"),
            (&[("job_id", b"7"), ("path", b"x")], "job_id"),
            (&[("job_id", ID.as_bytes())], "path"),
            (&[("job_id", ID.as_bytes()), ("path", b"../x")], "path"),
            (&[("job_id", ID.as_bytes()), ("path", b"a\nb")], "path"),
            (&[("job_id", ID.as_bytes()), ("path", b"x"), ("crc64nvme", b"x")], "crc64nvme"),
        ] {
            let problem = Metadata::parse(&header(pairs)).unwrap_err();
            assert_eq!(problem.errors()[0].field, field, "{pairs:?}");
        }
        for text in ["path ?", "path eA==,path eA=="] {
            assert_eq!(Metadata::parse(text).unwrap_err().code(), ErrorCode::MalformedRequest, "{text}");
        }
    }
}
