use bytes::Bytes;
use futures_util::future::join_all;
use tenantry_sync::objects::{Appended, AppendingStore, ObjectError, PutCondition, StoredObject, UploadId};

use super::{Corner, ObjectWorld, crc, is_condition_failed, is_no_such_upload, length};
use crate::contract::contract;

contract! {
    /// What every adapter of a store that can be appended to promises of that.
    APPENDS(world: ObjectWorld)

    async fn what_is_appended_makes_an_object() {
        let corner = world.corner();
        let id = corner.upload("a").await;
        assert_eq!(corner.appended("a", &id).await.unwrap(), Appended::nothing());
        for (offset, body, there) in [(0, "one ", "one "), (4, "two ", "one two "), (8, "three", "one two three")] {
            let appended = corner.append("a", &id, offset, body.as_bytes()).await.unwrap();
            assert_eq!(appended, of(there.as_bytes()));
            assert_eq!(corner.appended("a", &id).await.unwrap(), appended);
        }
        assert_eq!(corner.head("a").await, None);
        let object = corner.make("a", &id, of(b"one two three"), &PutCondition::None).await.unwrap();
        assert_eq!((&object.key, object.size), (&corner.key("a"), 13));
        corner.holds("a", b"one two three").await;
        assert_eq!(corner.head("a").await.unwrap().etag, object.etag);
        assert!(corner.open_uploads().await.is_empty());
    }

    async fn nothing_appended_is_an_object_too() {
        let corner = world.corner();
        let id = corner.upload("a").await;
        assert_eq!(corner.append("a", &id, 0, b"").await.unwrap(), Appended::nothing());
        corner.make("a", &id, Appended::nothing(), &PutCondition::None).await.unwrap();
        corner.holds("a", b"").await;
    }

    async fn bytes_go_where_the_others_end() {
        let corner = world.corner();
        let id = corner.upload("a").await;
        corner.append("a", &id, 0, b"one").await.unwrap();
        for offset in [0, 2, 4, u64::MAX] {
            for body in [&b"x"[..], b""] {
                let outcome = corner.append("a", &id, offset, body).await;
                assert!(is_condition_failed(&outcome), "{offset}: {outcome:?}");
            }
        }
        assert_eq!(corner.appended("a", &id).await.unwrap(), of(b"one"));
        corner.make("a", &id, of(b"one"), &PutCondition::None).await.unwrap();
        corner.holds("a", b"one").await;
    }

    async fn of_those_that_append_at_one_place_one_does() {
        let corner = world.corner();
        let id = corner.upload("a").await;
        let mut whole = Vec::new();
        for round in 0..6 {
            let bodies: Vec<_> = (0..6_u8).map(|number| vec![round * 6 + number; 3_000]).collect();
            let offset = length(&whole);
            let outcomes = join_all(bodies.iter().map(|body| corner.append("a", &id, offset, body))).await;
            let won: Vec<_> = outcomes.iter().zip(&bodies).filter(|(outcome, _)| outcome.is_ok()).collect();
            assert_eq!(won.len(), 1, "{outcomes:?}");
            assert!(outcomes.iter().all(|outcome| outcome.is_ok() || is_condition_failed(outcome)), "{outcomes:?}");
            whole.extend_from_slice(won[0].1);
        }
        corner.make("a", &id, of(&whole), &PutCondition::None).await.unwrap();
        corner.holds("a", &whole).await;
    }

    async fn only_what_is_there_is_made_an_object_of() {
        let corner = world.corner();
        let id = corner.upload("a").await;
        corner.append("a", &id, 0, b"one").await.unwrap();
        for other in [of(b"two"), of(b"on"), Appended::nothing(), Appended { length: 4, ..of(b"one") }] {
            let outcome = corner.make("a", &id, other, &PutCondition::None).await;
            assert!(matches!(outcome, Err(ObjectError::ChecksumMismatch)), "{outcome:?}");
        }
        assert_eq!(corner.head("a").await, None);
        // Nothing was lost by that.
        corner.append("a", &id, 3, b"!").await.unwrap();
        corner.make("a", &id, of(b"one!"), &PutCondition::None).await.unwrap();
        corner.holds("a", b"one!").await;
    }

    async fn an_appended_object_obeys_conditions() {
        let corner = world.corner();
        let id = corner.upload("a").await;
        corner.append("a", &id, 0, b"one").await.unwrap();
        let etag = corner.put("a", b"meanwhile").await.etag.unwrap();
        let absent = corner.make("a", &id, of(b"one"), &PutCondition::Absent).await;
        assert!(is_condition_failed(&absent), "{absent:?}");
        corner.holds("a", b"meanwhile").await;
        corner.make("a", &id, of(b"one"), &PutCondition::Matches(etag)).await.unwrap();
        corner.holds("a", b"one").await;
    }

    async fn nothing_is_appended_to_what_has_ended() {
        let corner = world.corner();
        for ends_well in [true, false] {
            let id = corner.upload("a").await;
            corner.append("a", &id, 0, b"one").await.unwrap();
            if ends_well {
                corner.make("a", &id, of(b"one"), &PutCondition::None).await.unwrap();
            } else {
                corner.store.abort_upload(&corner.key("a"), &id).await.unwrap();
            }
            assert!(corner.open_uploads().await.is_empty());
            assert!(is_no_such_upload(&corner.append("a", &id, 3, b"two").await));
            assert!(is_no_such_upload(&corner.appended("a", &id).await));
            assert!(is_no_such_upload(&corner.make("a", &id, of(b"one"), &PutCondition::None).await));
            corner.holds("a", b"one").await;
        }
    }

    async fn an_upload_has_parts_or_is_appended_to() {
        let corner = world.corner();
        let (parts, appends) = (corner.upload("parts").await, corner.upload("appends").await);
        let part = corner.send("parts", &parts, 1, b"part").await.unwrap();
        corner.append("appends", &appends, 0, b"bytes").await.unwrap();
        let refused = [
            corner.append("parts", &parts, 0, b"bytes").await.err(),
            corner.append("parts", &parts, 4, b"bytes").await.err(),
            corner.appended("parts", &parts).await.err(),
            corner.make("parts", &parts, of(b"part"), &PutCondition::None).await.err(),
            corner.send("appends", &appends, 1, b"part").await.err(),
            corner.complete("appends", &appends, std::slice::from_ref(&part), crc(b"part"), &PutCondition::None).await.err(),
        ];
        for (number, outcome) in refused.into_iter().enumerate() {
            assert!(matches!(outcome, Some(ObjectError::Refused { .. })), "{number}: {outcome:?}");
        }
        corner.complete("parts", &parts, &[part], crc(b"part"), &PutCondition::None).await.unwrap();
        corner.make("appends", &appends, of(b"bytes"), &PutCondition::None).await.unwrap();
        corner.holds("parts", b"part").await;
        corner.holds("appends", b"bytes").await;
    }

    async fn what_is_appended_is_of_one_key() {
        let corner = world.corner();
        let id = corner.upload("a").await;
        corner.append("a", &id, 0, b"one").await.unwrap();
        assert!(is_no_such_upload(&corner.append("b", &id, 3, b"two").await));
        assert!(is_no_such_upload(&corner.appended("b", &id).await));
        assert!(is_no_such_upload(&corner.make("b", &id, of(b"one"), &PutCondition::None).await));
        assert_eq!(corner.appended("a", &id).await.unwrap(), of(b"one"));
    }
}

fn of(bytes: &[u8]) -> Appended {
    Appended { length: length(bytes), checksum: crc(bytes) }
}

impl Corner {
    fn appending(&self) -> &dyn AppendingStore {
        self.store.appending().expect("a store that can be appended to")
    }

    async fn append(&self, name: &str, id: &UploadId, offset: u64, body: &[u8]) -> Result<Appended, ObjectError> {
        self.appending().append(&self.key(name), id, offset, Bytes::copy_from_slice(body)).await
    }

    async fn appended(&self, name: &str, id: &UploadId) -> Result<Appended, ObjectError> {
        self.appending().appended(&self.key(name), id).await
    }

    async fn make(
        &self,
        name: &str,
        id: &UploadId,
        whole: Appended,
        condition: &PutCondition,
    ) -> Result<StoredObject, ObjectError> {
        self.appending().complete_appended(&self.key(name), id, whole, condition).await
    }
}
