use std::collections::BTreeSet;

use bytes::Bytes;
use futures_util::future::join_all;
use tenantry_sync::objects::{ObjectError, ObjectKey, PutCondition};

use super::{ObjectWorld, crc, is_condition_failed};
use crate::contract::contract;

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
}
