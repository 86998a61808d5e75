use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use tenantry_sync::objects::{ObjectError, ObjectKey, PutCondition, StoredPart, UploadId};

use super::{ObjectWorld, crc, is_condition_failed, is_no_such_upload, length, send};
use crate::contract::contract;

contract! {
    /// What every adapter of an object store promises of what is written part by part.
    UPLOADS(world: ObjectWorld)

    async fn parts_make_an_object() {
        let corner = world.corner();
        let parts = corner.parts(3);
        let id = corner.upload("a").await;
        let stored = corner.send_all("a", &id, &parts).await;
        assert_eq!(corner.head("a").await, None);
        let whole = parts.concat();
        let object = corner.complete("a", &id, &stored, crc(&whole), &PutCondition::None).await.unwrap();
        assert_eq!((&object.key, object.size), (&corner.key("a"), length(&whole)));
        corner.holds("a", &whole).await;
        assert_eq!(corner.head("a").await.unwrap().etag, object.etag);
        assert!(corner.open_uploads().await.is_empty());
    }

    async fn parts_come_in_any_order() {
        let corner = world.corner();
        let parts = corner.parts(3);
        let id = corner.upload("a").await;
        let mut stored = Vec::new();
        for (number, body) in [(3, &parts[2]), (1, &parts[0]), (2, &parts[1])] {
            stored.push(corner.send("a", &id, number, body).await.unwrap());
        }
        stored.sort_by_key(|part| part.number);
        corner.complete("a", &id, &stored, crc(&parts.concat()), &PutCondition::None).await.unwrap();
        corner.holds("a", &parts.concat()).await;
    }

    async fn parts_come_at_once() {
        let corner = world.corner();
        let parts = corner.parts(4);
        let id = corner.upload("a").await;
        let sent = (1..).zip(&parts).map(|(number, body)| corner.send("a", &id, number, body));
        let stored: Vec<_> = join_all(sent).await.into_iter().map(Result::unwrap).collect();
        corner.complete("a", &id, &stored, crc(&parts.concat()), &PutCondition::None).await.unwrap();
        corner.holds("a", &parts.concat()).await;
    }

    async fn one_part_is_enough() {
        let corner = world.corner();
        let id = corner.upload("a").await;
        let part = corner.send("a", &id, 1, b"short").await.unwrap();
        corner.complete("a", &id, &[part], crc(b"short"), &PutCondition::None).await.unwrap();
        corner.holds("a", b"short").await;
    }

    async fn a_part_replaces_the_one_before() {
        let corner = world.corner();
        let mut parts = corner.parts(2);
        let id = corner.upload("a").await;
        let mut stored = corner.send_all("a", &id, &parts).await;
        parts[0].fill(9);
        let stale = std::mem::replace(&mut stored[0], corner.send("a", &id, 1, &parts[0]).await.unwrap());
        assert_ne!(stale.etag, stored[0].etag);
        let with_stale = [stale, stored[1].clone()];
        let outcome = corner.complete("a", &id, &with_stale, crc(&parts.concat()), &PutCondition::None).await;
        assert!(matches!(&outcome, Err(ObjectError::Refused { reason, .. }) if reason == "InvalidPart"), "{outcome:?}");
        corner.complete("a", &id, &stored, crc(&parts.concat()), &PutCondition::None).await.unwrap();
        corner.holds("a", &parts.concat()).await;
    }

    async fn a_part_that_arrives_damaged_is_not_kept() {
        let corner = world.corner();
        let id = corner.upload("a").await;
        let (key, came) = (corner.key("a"), Bytes::from_static(b"came"));
        let sent = corner.store.upload_part(&key, &id, 1, 0, came, crc(b"sent"));
        assert!(matches!(sent.await, Err(ObjectError::ChecksumMismatch)));
        assert!(corner.list_parts("a", &id).await.unwrap().is_empty());
    }

    async fn the_parts_that_are_there_are_listed() {
        let corner = world.corner();
        let parts = corner.parts(3);
        let id = corner.upload("a").await;
        assert_eq!(corner.list_parts("a", &id).await.unwrap(), []);
        let third = corner.send("a", &id, 3, &parts[2]).await.unwrap();
        let first = corner.send("a", &id, 1, &parts[0]).await.unwrap();
        let listed = corner.list_parts("a", &id).await.unwrap();
        for (listed, (sent, body)) in listed.iter().zip([(&first, &parts[0]), (&third, &parts[2])]) {
            assert_eq!((listed.number, &listed.etag), (sent.number, &sent.etag));
            assert_eq!(listed.size, length(body));
            assert!(listed.checksum.is_none_or(|checksum| checksum == crc(body)));
        }
        assert_eq!(listed.len(), 2);
    }

    async fn parts_that_are_not_there_make_no_object() {
        let corner = world.corner();
        let parts = corner.parts(2);
        let id = corner.upload("a").await;
        let stored = corner.send_all("a", &id, &parts).await;
        let mut wrong = stored.clone();
        wrong[1].etag.clone_from(&stored[0].etag);
        let more = StoredPart { number: 3, ..stored[1].clone() };
        for parts in [wrong, [stored.clone(), vec![more]].concat(), Vec::new()] {
            let outcome = corner.complete("a", &id, &parts, crc(b"what"), &PutCondition::None).await;
            assert!(matches!(outcome, Err(ObjectError::Refused { .. })), "{outcome:?}");
        }
        assert_eq!(corner.head("a").await, None);
        corner.complete("a", &id, &stored, crc(&parts.concat()), &PutCondition::None).await.unwrap();
    }

    async fn a_whole_of_another_checksum_is_not_made() {
        let corner = world.corner();
        let parts = corner.parts(2);
        let id = corner.upload("a").await;
        let stored = corner.send_all("a", &id, &parts).await;
        let outcome = corner.complete("a", &id, &stored, crc(b"another"), &PutCondition::None).await;
        assert!(matches!(outcome, Err(ObjectError::ChecksumMismatch)), "{outcome:?}");
        assert_eq!(corner.head("a").await, None);
    }

    async fn an_upload_is_completed_once() {
        let corner = world.corner();
        let parts = corner.parts(2);
        let id = corner.upload("a").await;
        let stored = corner.send_all("a", &id, &parts).await;
        let whole = parts.concat();
        corner.complete("a", &id, &stored, crc(&whole), &PutCondition::None).await.unwrap();
        assert!(is_no_such_upload(&corner.complete("a", &id, &stored, crc(&whole), &PutCondition::None).await));
        assert!(is_no_such_upload(&corner.send("a", &id, 1, &parts[0]).await));
        assert!(is_no_such_upload(&corner.list_parts("a", &id).await));
        corner.store.abort_upload(&corner.key("a"), &id).await.unwrap();
        corner.holds("a", &whole).await;
    }

    async fn an_upload_obeys_conditions_at_its_end() {
        let corner = world.corner();
        let parts = corner.parts(2);
        let (id, whole) = (corner.upload("a").await, parts.concat());
        let stored = corner.send_all("a", &id, &parts).await;
        let etag = corner.put("a", b"meanwhile").await.etag.unwrap();
        let absent = corner.complete("a", &id, &stored, crc(&whole), &PutCondition::Absent).await;
        assert!(is_condition_failed(&absent), "{absent:?}");
        corner.holds("a", b"meanwhile").await;
        // Nothing was lost by that.
        corner.complete("a", &id, &stored, crc(&whole), &PutCondition::Matches(etag)).await.unwrap();
        corner.holds("a", &whole).await;
    }

    async fn what_is_uploaded_to_be_first_is() {
        let corner = world.corner();
        let parts = corner.parts(2);
        let (id, whole) = (corner.upload("a").await, parts.concat());
        let stored = corner.send_all("a", &id, &parts).await;
        corner.complete("a", &id, &stored, crc(&whole), &PutCondition::Absent).await.unwrap();
        corner.holds("a", &whole).await;
    }

    async fn an_upload_that_was_aborted_is_gone() {
        let corner = world.corner();
        let parts = corner.parts(2);
        let id = corner.upload("a").await;
        let stored = corner.send_all("a", &id, &parts).await;
        for _ in 0..2 {
            corner.store.abort_upload(&corner.key("a"), &id).await.unwrap();
        }
        assert!(corner.open_uploads().await.is_empty());
        assert!(is_no_such_upload(&corner.list_parts("a", &id).await));
        assert!(is_no_such_upload(&corner.send("a", &id, 1, &parts[0]).await));
        let completed = corner.complete("a", &id, &stored, crc(&parts.concat()), &PutCondition::None).await;
        assert!(is_no_such_upload(&completed));
        assert_eq!(corner.head("a").await, None);
    }

    async fn uploads_that_are_open_are_listed() {
        let corner = world.corner();
        let (b, other_b, a) = (corner.upload("x/b").await, corner.upload("x/b").await, corner.upload("x/a").await);
        let elsewhere = corner.upload("y").await;
        let ids = |uploads: Vec<(ObjectKey, UploadId)>| -> BTreeSet<_> {
            uploads.into_iter().map(|(key, id)| (key, id.as_str().to_owned())).collect()
        };
        let expected = [("x/b", &b), ("x/b", &other_b), ("x/a", &a), ("y", &elsewhere)];
        let expected = expected.map(|(name, id)| (corner.key(name), id.as_str().to_owned()));
        assert_eq!(ids(corner.open_uploads().await), expected.clone().into());
        let listed = corner.store.list_uploads(&format!("{}x/", corner.prefix)).await.unwrap();
        assert_eq!(listed.len(), 3);
        corner.store.abort_upload(&corner.key("x/b"), &b).await.unwrap();
        assert_eq!(ids(corner.open_uploads().await), expected[1..].iter().cloned().collect());
    }

    async fn an_upload_is_of_one_key() {
        let corner = world.corner();
        let id = corner.upload("a").await;
        assert!(is_no_such_upload(&corner.send("b", &id, 1, b"x").await));
        assert!(is_no_such_upload(&corner.list_parts("b", &id).await));
        corner.store.abort_upload(&corner.key("b"), &id).await.unwrap();
        assert_eq!(corner.open_uploads().await.len(), 1);
    }

    async fn an_upload_that_was_never_begun_is_none() {
        let corner = world.corner();
        // Begun, so that the identifier has the right form.
        let id = corner.upload("a").await;
        corner.store.abort_upload(&corner.key("a"), &id).await.unwrap();
        let text = id.as_str();
        let other = text.chars().rev().collect::<String>();
        for id in [other.as_str(), "../uploads", "x"].map(|id| UploadId::new(id.to_owned())) {
            assert!(is_no_such_upload(&corner.list_parts("a", &id).await));
            corner.store.abort_upload(&corner.key("a"), &id).await.unwrap();
        }
    }

    async fn whoever_has_a_request_writes_just_that() {
        let corner = world.corner();
        let (key, size) = (corner.key("presigned"), 3);
        let hour = Duration::from_hours(1);
        let presigned = corner.store.presign_put(&key, size, Some(crc(b"one")), hour).await.unwrap();
        assert_eq!(presigned.is_some(), corner.store.presigns());
        let Some(request) = presigned else { return };
        for (body, is_right) in [(&b"two"[..], false), (b"more", false), (b"one", true)] {
            assert_eq!(send(&request, body).await, is_right, "{body:?}");
            assert_eq!(corner.head("presigned").await.is_some(), is_right, "{body:?}");
        }
        corner.holds("presigned", b"one").await;
        let id = corner.upload("parts").await;
        let key = corner.key("parts");
        let request = corner.store.presign_part(&key, &id, 1, size, crc(b"one"), hour).await.unwrap().unwrap();
        for (body, is_right) in [(&b"two"[..], false), (b"more", false), (b"one", true)] {
            assert_eq!(send(&request, body).await, is_right, "{body:?}");
            assert_eq!(corner.list_parts("parts", &id).await.unwrap().len(), usize::from(is_right), "{body:?}");
        }
        let parts = corner.list_parts("parts", &id).await.unwrap();
        assert_eq!(parts.len(), 1);
        corner.complete("parts", &id, &parts, crc(b"one"), &PutCondition::None).await.unwrap();
        corner.holds("parts", b"one").await;
    }

    async fn without_a_checksum_whoever_has_a_request_writes_so_many_bytes() {
        let corner = world.corner();
        let (key, hour) = (corner.key("presigned"), Duration::from_hours(1));
        let Some(request) = corner.store.presign_put(&key, 3, None, hour).await.unwrap() else { return };
        assert!(!send(&request, b"more").await);
        assert!(corner.head("presigned").await.is_none());
        assert!(send(&request, b"two").await);
        assert_eq!(corner.head("presigned").await.unwrap().size, 3);
    }
}
