use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use bytes::Bytes;
use crc_fast::crc64_nvme;
use futures_util::future::join_all;
use tenantry_sync::objects::{
    Crc64, ObjectError, ObjectKey, ObjectStore, PutCondition, StoredObject, StoredPart, UploadId,
};

use crate::contract::contract;

/// A store, in which every case has a corner of its own.
pub struct ObjectWorld {
    store: Arc<dyn ObjectStore>,
    cases: AtomicU32,
}

impl ObjectWorld {
    /// A world around `store`.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>) -> Self {
        Self { store, cases: AtomicU32::default() }
    }

    fn corner(&self) -> Corner {
        let number = self.cases.fetch_add(1, Ordering::Relaxed);
        Corner { store: Arc::clone(&self.store), prefix: format!("case {number}/") }
    }
}

struct Corner {
    store: Arc<dyn ObjectStore>,
    prefix: String,
}

fn crc(bytes: &[u8]) -> Crc64 {
    Crc64::new(crc64_nvme(bytes))
}

fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap()
}

impl Corner {
    fn key(&self, name: &str) -> ObjectKey {
        ObjectKey::parse(&format!("{}{name}", self.prefix)).unwrap()
    }

    async fn put(&self, name: &str, body: &[u8]) -> StoredObject {
        self.put_if(name, body, &PutCondition::None).await.unwrap()
    }

    async fn put_if(&self, name: &str, body: &[u8], condition: &PutCondition) -> Result<StoredObject, ObjectError> {
        self.store.put(&self.key(name), Bytes::copy_from_slice(body), crc(body), condition).await
    }

    async fn head(&self, name: &str) -> Option<StoredObject> {
        self.store.head(&self.key(name)).await.unwrap()
    }

    /// That the store has exactly this.
    async fn holds(&self, name: &str, body: &[u8]) {
        let there = self.head(name).await.unwrap_or_else(|| panic!("{name} is not there"));
        assert_eq!(there.key, self.key(name));
        assert_eq!((there.size, there.checksum), (length(body), Some(crc(body))), "{name}");
    }

    async fn names(&self, prefix: &str, after: Option<&str>, limit: u16) -> Vec<String> {
        let after = after.map(|after| self.key(after));
        let listed = self.store.list(&format!("{}{prefix}", self.prefix), after.as_ref(), limit).await.unwrap();
        let name = |object: StoredObject| object.key.as_str().strip_prefix(&self.prefix).unwrap().to_owned();
        listed.into_iter().map(name).collect()
    }

    async fn upload(&self, name: &str) -> UploadId {
        self.store.create_upload(&self.key(name)).await.unwrap()
    }

    fn part_size(&self) -> usize {
        usize::try_from(self.store.limits().min_part).unwrap().max(1_000)
    }

    /// Parts of different contents; the last is shorter.
    fn parts(&self, count: u8) -> Vec<Vec<u8>> {
        let size = |number| if number == count { 7 } else { self.part_size() };
        (1..=count).map(|number| vec![number; size(number)]).collect()
    }

    async fn send(&self, name: &str, id: &UploadId, number: u32, body: &[u8]) -> Result<StoredPart, ObjectError> {
        let offset = u64::from(number - 1) * u64::try_from(self.part_size()).unwrap();
        self.store.upload_part(&self.key(name), id, number, offset, Bytes::copy_from_slice(body), crc(body)).await
    }

    async fn send_all(&self, name: &str, id: &UploadId, parts: &[Vec<u8>]) -> Vec<StoredPart> {
        let mut stored = Vec::new();
        for (number, body) in (1..).zip(parts) {
            stored.push(self.send(name, id, number, body).await.unwrap());
        }
        stored
    }

    async fn complete(
        &self,
        name: &str,
        id: &UploadId,
        parts: &[StoredPart],
        whole: Crc64,
        condition: &PutCondition,
    ) -> Result<StoredObject, ObjectError> {
        self.store.complete_upload(&self.key(name), id, parts, whole, condition).await
    }

    async fn open_uploads(&self) -> Vec<(ObjectKey, UploadId)> {
        let uploads = self.store.list_uploads(&self.prefix).await.unwrap();
        uploads.into_iter().map(|upload| (upload.key, upload.upload_id)).collect()
    }

    async fn list_parts(&self, name: &str, id: &UploadId) -> Result<Vec<StoredPart>, ObjectError> {
        self.store.list_parts(&self.key(name), id).await
    }
}

fn is_condition_failed<T: std::fmt::Debug>(outcome: &Result<T, ObjectError>) -> bool {
    matches!(outcome, Err(ObjectError::ConditionFailed))
}

fn is_no_such_upload<T: std::fmt::Debug>(outcome: &Result<T, ObjectError>) -> bool {
    matches!(outcome, Err(ObjectError::NoSuchUpload))
}

contract! {
    /// What every adapter of an object store promises.
    OBJECTS(world: ObjectWorld)

    async fn what_is_put_is_there() {
        let corner = world.corner();
        assert_eq!(corner.head("a").await, None);
        let put = corner.put("a", b"one").await;
        assert_eq!((&put.key, put.size), (&corner.key("a"), 3));
        assert!(put.checksum.is_none_or(|checksum| checksum == crc(b"one")));
        corner.holds("a", b"one").await;
        assert_eq!(corner.head("a").await.unwrap().etag, put.etag);
        assert!(put.etag.is_some());
    }

    async fn what_is_put_again_replaces_it() {
        let corner = world.corner();
        let first = corner.put("a", b"one").await;
        let second = corner.put("a", b"three").await;
        assert_ne!(first.etag, second.etag);
        corner.holds("a", b"three").await;
    }

    async fn nothing_at_all_is_an_object_too() {
        let corner = world.corner();
        corner.put("empty", b"").await;
        corner.holds("empty", b"").await;
        assert_eq!(corner.names("", None, 10).await, ["empty"]);
    }

    async fn what_arrives_damaged_is_not_written() {
        let corner = world.corner();
        let (key, came) = (corner.key("a"), Bytes::from_static(b"came"));
        let put = || corner.store.put(&key, came.clone(), crc(b"sent"), &PutCondition::None);
        assert!(matches!(put().await, Err(ObjectError::ChecksumMismatch)));
        assert_eq!(corner.head("a").await, None);
        corner.put("a", b"before").await;
        assert!(matches!(put().await, Err(ObjectError::ChecksumMismatch)));
        corner.holds("a", b"before").await;
    }

    async fn what_must_be_absent_replaces_nothing() {
        let corner = world.corner();
        corner.put_if("a", b"one", &PutCondition::Absent).await.unwrap();
        assert!(is_condition_failed(&corner.put_if("a", b"two", &PutCondition::Absent).await));
        corner.holds("a", b"one").await;
    }

    async fn what_must_match_replaces_that_only() {
        let corner = world.corner();
        let stale = corner.put("a", b"one").await.etag.unwrap();
        let current = corner.put("a", b"two").await.etag.unwrap();
        let stale = PutCondition::Matches(stale);
        assert!(is_condition_failed(&corner.put_if("a", b"three", &stale).await));
        corner.holds("a", b"two").await;
        corner.put_if("a", b"three", &PutCondition::Matches(current)).await.unwrap();
        corner.holds("a", b"three").await;
    }

    async fn what_is_not_there_matches_nothing() {
        let corner = world.corner();
        let etag = corner.put("a", b"one").await.etag.unwrap();
        assert!(is_condition_failed(&corner.put_if("b", b"two", &PutCondition::Matches(etag)).await));
        assert_eq!(corner.head("b").await, None);
    }

    async fn of_those_that_must_be_first_one_is() {
        let corner = world.corner();
        let bodies: Vec<_> = (0..8_u8).map(|number| vec![number; 2_000]).collect();
        let puts = bodies.iter().map(|body| corner.put_if("a", body, &PutCondition::Absent));
        let outcomes = join_all(puts).await;
        let winners: Vec<_> = (0..8).filter(|index: &usize| outcomes[*index].is_ok()).collect();
        assert!(outcomes.iter().all(|outcome| outcome.is_ok() || is_condition_failed(outcome)), "{outcomes:?}");
        assert_eq!(winners.len(), 1, "{outcomes:?}");
        corner.holds("a", &bodies[winners[0]]).await;
    }

    async fn of_those_that_replace_the_same_one_does() {
        let corner = world.corner();
        let etag = corner.put("a", b"one").await.etag.unwrap();
        let condition = PutCondition::Matches(etag);
        let bodies: Vec<_> = (0..8_u8).map(|number| vec![number; 2_000]).collect();
        let outcomes = join_all(bodies.iter().map(|body| corner.put_if("a", body, &condition))).await;
        assert!(outcomes.iter().all(|outcome| outcome.is_ok() || is_condition_failed(outcome)), "{outcomes:?}");
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "{outcomes:?}");
    }

    async fn a_key_is_any_path_that_leads_down() {
        let corner = world.corner();
        let names = [
            "plain", "with space", " edges ", "per%cent", "%41", "100%25", "hash#mark", "what?", "a&b=c+d", "a;b:c",
            "\"quoted\" 'twice'", "<xml>&amp;", "back\\slash", "star*[x]{y}^~`|", "..hidden", "a.d", "x.d/y.d",
            "nfc \u{e9}", "nfd e\u{301}", "日本語/ファイル", "🦀", "CASE", "case", "tilde~",
        ];
        for name in names {
            corner.put(name, name.as_bytes()).await;
        }
        for name in names {
            corner.holds(name, name.as_bytes()).await;
        }
        let listed: BTreeSet<_> = corner.names("", None, 1_000).await.into_iter().collect();
        assert_eq!(listed, names.map(str::to_owned).into_iter().collect());
    }

    async fn a_key_may_be_long() {
        let corner = world.corner();
        let room = ObjectKey::MAX_BYTES - corner.prefix.len();
        let names = [
            "x".repeat(room), "é".repeat(room / 2), format!("{}/{}", "y".repeat(300), "z".repeat(300)),
            "%/".repeat(room / 4) + "%", "y".repeat(256), "y".repeat(240), "y".repeat(239) + "🦀🦀", "y".repeat(255),
        ];
        for name in &names {
            corner.put(name, name.as_bytes()).await;
        }
        for name in &names {
            corner.holds(name, name.as_bytes()).await;
        }
        let listed = corner.names("", None, 1_000).await;
        assert_eq!(listed, names.into_iter().collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>());
    }

    async fn a_key_may_go_on_where_another_ends() {
        let corner = world.corner();
        for name in ["a", "a/b", "a/b/c", "d/e/f", "d/e", "d"] {
            corner.put(name, name.as_bytes()).await;
        }
        for name in ["a", "a/b", "a/b/c", "d/e/f", "d/e", "d"] {
            corner.holds(name, name.as_bytes()).await;
        }
        assert_eq!(corner.store.delete(&[corner.key("a"), corner.key("d/e")]).await.unwrap().len(), 0);
        assert_eq!(corner.names("", None, 10).await, ["a/b", "a/b/c", "d", "d/e/f"]);
    }

    async fn a_list_is_in_the_order_of_bytes() {
        let corner = world.corner();
        let mut names = ["a", "a/b", "a b", "a!", "a.b", "a0", "B", "b/a/c", "b", "é", "z", "\u{10000}", "\u{ffee}"];
        for name in names {
            corner.put(name, b"").await;
        }
        names.sort_unstable();
        assert_eq!(corner.names("", None, 100).await, names);
    }

    async fn a_list_is_of_what_begins_so() {
        let corner = world.corner();
        for name in ["a", "ab", "ab/c", "ab/d", "abc", "b"] {
            corner.put(name, name.as_bytes()).await;
        }
        assert_eq!(corner.names("ab", None, 100).await, ["ab", "ab/c", "ab/d", "abc"]);
        assert_eq!(corner.names("ab/", None, 100).await, ["ab/c", "ab/d"]);
        assert_eq!(corner.names("ab/c", None, 100).await, ["ab/c"]);
        assert!(corner.names("ab/x", None, 100).await.is_empty());
        let listed = corner.store.list(&format!("{}ab/c", corner.prefix), None, 1).await.unwrap();
        assert_eq!(listed[0].size, 4);
        assert!(listed[0].checksum.is_none_or(|checksum| checksum == crc(b"ab/c")));
        assert_eq!(listed[0].etag, corner.head("ab/c").await.unwrap().etag);
    }

    async fn a_list_goes_on_after_a_key() {
        let corner = world.corner();
        let names: Vec<_> = (0..7).map(|number| format!("{}/{number}", number / 3)).collect();
        for name in &names {
            corner.put(name, b"").await;
        }
        let mut listed = Vec::new();
        loop {
            let page = corner.names("", listed.last().map(String::as_str), 2).await;
            assert!(page.len() <= 2);
            if page.is_empty() {
                break;
            }
            listed.extend(page);
        }
        assert_eq!(listed, names);
        // The key need not be there, nor begin as the others do.
        assert_eq!(corner.names("1", Some("0/5"), 9).await, ["1/3", "1/4", "1/5"]);
        assert_eq!(corner.names("", Some("1!"), 1).await, ["1/3"]);
        assert!(corner.names("0", Some("1/3"), 9).await.is_empty());
        assert!(corner.names("", None, 0).await.is_empty());
    }

    async fn what_is_deleted_is_gone() {
        let corner = world.corner();
        for name in ["a", "b/c", "b/d"] {
            corner.put(name, b"").await;
        }
        let keys = ["a", "b/c", "never/there", "b"].map(|name| corner.key(name));
        assert_eq!(corner.store.delete(&keys).await.unwrap().len(), 0);
        assert_eq!(corner.names("", None, 10).await, ["b/d"]);
        assert_eq!(corner.head("a").await, None);
        assert_eq!(corner.store.delete(&keys).await.unwrap().len(), 0);
        corner.put_if("a", b"again", &PutCondition::Absent).await.unwrap();
        corner.holds("a", b"again").await;
        assert_eq!(corner.store.delete(&[]).await.unwrap().len(), 0);
    }

    async fn many_are_deleted_at_once() {
        let corner = world.corner();
        let names: Vec<_> = (0..1_000).map(|number| format!("{}/{number}", number % 7)).collect();
        for name in names.iter().step_by(50) {
            corner.put(name, b"").await;
        }
        let keys: Vec<_> = names.iter().map(|name| corner.key(name)).collect();
        assert_eq!(corner.store.delete(&keys).await.unwrap().len(), 0);
        assert!(corner.names("", None, 10).await.is_empty());
    }

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
        let hour = std::time::Duration::from_hours(1);
        let Some(request) = corner.store.presign_put(&key, size, crc(b"one"), hour).await.unwrap() else { return };
        for (body, is_right) in [(&b"two"[..], false), (b"more", false), (b"one", true)] {
            assert_eq!(send(&request, body).await, is_right, "{body:?}");
            assert_eq!(corner.head("presigned").await.is_some(), is_right, "{body:?}");
        }
        corner.holds("presigned", b"one").await;
        let id = corner.upload("parts").await;
        let key = corner.key("parts");
        let request = corner.store.presign_part(&key, &id, 1, size, hour).await.unwrap().unwrap();
        assert!(!send(&request, b"more").await);
        assert!(send(&request, b"one").await);
        let parts = corner.list_parts("parts", &id).await.unwrap();
        assert_eq!(parts.len(), 1);
        corner.complete("parts", &id, &parts, crc(b"one"), &PutCondition::None).await.unwrap();
        corner.holds("parts", b"one").await;
    }
}

/// Whether the store took it.
async fn send(request: &tenantry_sync::objects::PresignedRequest, body: &[u8]) -> bool {
    let mut sent = crate::http_client().request(request.method.parse().unwrap(), &request.url).body(body.to_vec());
    for (name, value) in &request.headers {
        // The client counts for itself.
        if name.eq_ignore_ascii_case("content-length") && *value != body.len().to_string() {
            return false;
        }
        sent = sent.header(name, value);
    }
    sent.send().await.is_ok_and(|answer| answer.status().is_success())
}
