//! Bodies that are no good as a whole.

use super::{Verdict, ask, judge};
use crate::contract::operations;
use crate::fixture::Fixture;
use crate::on_both_databases;
use crate::site::Site;

on_both_databases!(what_is_no_json_is_refused, large_bodies_are_refused, deep_bodies_are_refused);

async fn what_is_no_json_is_refused(site: &Site) {
    let mut fixture = Fixture::of(site).await;
    for operation in operations().iter().filter(|operation| !operation.members.is_empty()) {
        let member = operation.members[0].name.as_bytes();
        let bodies: [(&str, Vec<u8>); 11] = [
            ("a truncated body", [b"{\"", member, b"\": \"x"].concat()),
            ("bytes that are no UTF-8", [b"{\"", member, b"\": \"\xff\xfe\"}"].concat()),
            ("an overlong encoding", [b"{\"", member, b"\": \"\xc0\x80\"}"].concat()),
            ("half a surrogate pair", [b"{\"", member, b"\": \"\\ud800\"}"].concat()),
            ("a raw control character", [b"{\"", member, b"\": \"\x01\"}"].concat()),
            ("a number beyond all range", [b"{\"", member, b"\": 1e999}"].concat()),
            ("no number", [b"{\"", member, b"\": NaN}"].concat()),
            ("a comment", b"{/* */}".to_vec()),
            ("a byte order mark", b"\xef\xbb\xbf{}".to_vec()),
            ("UTF-16", "{}".encode_utf16().flat_map(u16::to_le_bytes).collect()),
            ("two values", b"{}{}".to_vec()),
        ];
        for (what, body) in bodies {
            let answer = judge(site, ask(&mut fixture, operation).await.raw(body), Verdict::Refused, what).await;
            // What follows a value that is wrong already is not looked at.
            assert!(matches!(answer.status, 400 | 422), "{what}: {answer}");
        }
        let twice = [b"{\"", member, b"\": null, \"", member, b"\": null}"].concat();
        let twice =
            judge(site, ask(&mut fixture, operation).await.raw(twice), Verdict::Refused, "a member twice").await;
        assert_eq!(twice.status, 422, "{twice}");
        let gzip = ask(&mut fixture, operation).await.header("content-encoding", "gzip").raw("{}");
        judge(site, gzip, Verdict::Refused, "gzip").await.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    }
}

async fn large_bodies_are_refused(site: &Site) {
    let mut fixture = Fixture::of(site).await;
    for operation in operations().iter().filter(|operation| !operation.members.is_empty()) {
        let name = &operation.members[0].name;
        for size in [1 << 20, 10 << 20] {
            let body = format!("{{\"{name}\": \"{}\"}}", "x".repeat(size));
            let answer =
                judge(site, ask(&mut fixture, operation).await.raw(body), Verdict::Refused, "a large body").await;
            answer.refused(413, "PAYLOAD_TOO_LARGE");
        }
        let blank = format!("{}{{}}", " ".repeat(1_000_000));
        let many = format!("{{\"{name}\": [{}1]}}", "1,".repeat(400_000));
        for body in [blank, many] {
            judge(site, ask(&mut fixture, operation).await.raw(body), Verdict::Either, "much of nothing").await;
        }
    }
}

async fn deep_bodies_are_refused(site: &Site) {
    let mut fixture = Fixture::of(site).await;
    for operation in operations().iter().filter(|operation| !operation.members.is_empty()) {
        for member in &operation.members {
            for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
                let (open, close) = (open.repeat(10_000), close.repeat(10_000));
                for value in [format!("{open}1{close}"), open.clone()] {
                    for body in [value.clone(), format!("{{\"{}\": {value}}}", member.name)] {
                        judge(site, ask(&mut fixture, operation).await.raw(body), Verdict::Refused, "depth").await;
                    }
                }
            }
        }
    }
}
