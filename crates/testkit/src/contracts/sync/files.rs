use tenantry_kernel::{Clock as _, PageLimit, PageRequest, SystemIds};
use tenantry_sync::objects::{Crc64, ObjectKey, Place, RelativePath, StoredPart, UploadId};
use tenantry_sync::{
    FileFilter, FileIdentity, FileOutcome, FileRecordId, FileResult, FileState, IndexedFile, Multipart, PartRecord,
    PlannedFile, Run, RunId, SyncSession,
};

use crate::{Person, World, contract::contract};

fn place() -> Place {
    Place::new("memory://one".to_owned())
}

fn planned(run: &Run, name: &str) -> PlannedFile {
    let path = RelativePath::parse(name.as_bytes()).unwrap();
    PlannedFile {
        id: FileRecordId::generate(&SystemIds),
        key: ObjectKey::below(&run.destination.prefix, &path).unwrap(),
        path,
        identity: FileIdentity { device: 1, inode: u64::MAX, size: 10, mtime_ns: -5, ctime_ns: i64::MAX },
        attempts: 0,
        multipart: None,
        etag: None,
        stored_checksum: None,
        declared: None,
    }
}

fn part(file: &PlannedFile, number: u32) -> PartRecord {
    let checksum = Some(Crc64::new(u64::MAX - u64::from(number)));
    PartRecord { file_id: file.id, part: StoredPart { number, size: 5, checksum, etag: format!("e{number}") } }
}

fn uploaded(world: &World, file: PlannedFile) -> FileOutcome {
    let (identity, at) = (file.identity, world.clock.now());
    let result = FileResult::Uploaded { identity, checksum: Crc64::new(u64::MAX), etag: Some("v1".to_owned()), at };
    FileOutcome { file, result }
}

impl World {
    async fn plan(&self, person: &Person, run: &Run, files: &[PlannedFile]) {
        let mut transaction = self.sync(&person.owner).await;
        transaction.files().plan(&place(), run, files).await.unwrap();
        transaction.commit().await.unwrap();
    }

    async fn record(&self, person: &Person, run: &Run, outcomes: &[FileOutcome]) {
        let mut transaction = self.sync(&person.owner).await;
        transaction.files().record(&place(), run, outcomes).await.unwrap();
        transaction.commit().await.unwrap();
    }

    async fn still_pending(&self, person: &Person, run: &Run) -> Vec<PlannedFile> {
        let mut transaction = self.ports.sync.read(&person.owner).await.unwrap();
        transaction.files().pending(run, None, 1_000).await.unwrap()
    }

    async fn indexed(&self, person: &Person, file: &PlannedFile) -> IndexedFile {
        let mut transaction = self.ports.sync.read(&person.owner).await.unwrap();
        transaction.files().with_ids(&place(), &[file.id]).await.unwrap().remove(0)
    }

    /// A session with a run.
    async fn running(&self, person: &Person) -> (SyncSession, Run) {
        let session = self.sync_session(person).await;
        let run = self.run_of(person, &session).await;
        (session, run)
    }

    async fn states(
        &self,
        person: &Person,
        session: &SyncSession,
        state: Option<FileState>,
    ) -> Vec<(String, FileState)> {
        let mut transaction = self.ports.sync.read(&person.owner).await.unwrap();
        let session = transaction.sync_sessions().find(session.id).await.unwrap().unwrap();
        let page = transaction.files().list(&session, FileFilter { state }, &PageRequest::default()).await.unwrap();
        page.items.into_iter().map(|file| (file.path.to_string(), file.state)).collect()
    }
}

contract! {
    /// What every adapter promises of files.
    SYNC_FILES(world: World)

    async fn u8_what_was_planned_waits_until_something_came_of_it() {
        let person = world.person().await;
        let (session, run) = world.running(&person).await;
        let files = ["a", "b\u{301}", "c"].map(|name| planned(&run, name));
        world.plan(&person, &run, &files).await;
        assert_eq!(world.still_pending(&person, &run).await, files);
        let failed = FileOutcome { file: files[1].clone(), result: FileResult::Failed("why".to_owned()) };
        world.record(&person, &run, &[uploaded(world, files[0].clone()), failed]).await;
        assert_eq!(world.still_pending(&person, &run).await, files[2..]);
        let all = world.states(&person, &session, None).await;
        let expected = [(1, FileState::Failed), (2, FileState::Pending), (0, FileState::Uploaded)];
        assert_eq!(all, expected.map(|(index, state)| (files[index].path.to_string(), state)));
        for (state, name) in [(FileState::Failed, "b\u{301}"), (FileState::Pending, "c"), (FileState::Uploaded, "a")] {
            assert_eq!(world.states(&person, &session, Some(state)).await, [(name.to_owned(), state)]);
        }
        let mut transaction = world.ports.sync.read(&person.owner).await.unwrap();
        assert_eq!(transaction.files().pending(&run, Some(files[2].id), 9).await.unwrap(), []);
    }

    async fn u8_what_the_store_holds_is_known_to_the_next_run() {
        let person = world.person().await;
        let (session, run) = world.running(&person).await;
        let file = planned(&run, "a");
        world.plan(&person, &run, std::slice::from_ref(&file)).await;
        world.record(&person, &run, &[uploaded(world, file.clone())]).await;
        let mut transaction = world.sync(&person.owner).await;
        let prefix = &run.destination.prefix;
        let known = transaction.files().known(&place(), run.source_id(), prefix, None, 9).await.unwrap();
        assert!(known[0].is_current && known[0].is_own && known[0].has_object);
        assert_eq!((known[0].size, known[0].mtime_ns, known[0].checksum), (10, -5, Some(Crc64::new(u64::MAX))));
        assert_eq!(transaction.files().known(&place(), run.source_id(), prefix, Some(&file.key), 9).await.unwrap(), []);
        let elsewhere = Place::new("memory://two".to_owned());
        assert_eq!(transaction.files().known(&elsewhere, run.source_id(), prefix, None, 9).await.unwrap(), []);
        assert_eq!(transaction.files().known(&place(), run.source_id(), "other", None, 9).await.unwrap(), []);
        transaction.runs().cancel(run.id, world.clock.now()).await.unwrap();
        transaction.commit().await.unwrap();
        // The next run: what it does not plan is skipped, and what it plans knows the version that is there.
        let next = world.run_of(&person, &session).await;
        assert_eq!(world.states(&person, &session, None).await, [("a".to_owned(), FileState::Skipped)]);
        world.plan(&person, &next, &[planned(&next, "a")]).await;
        let again = world.still_pending(&person, &next).await;
        assert_eq!((again[0].id, again[0].etag.as_deref()), (file.id, Some("v1")));
        assert_eq!(again[0].stored_checksum, Some(Crc64::new(u64::MAX)));
        // What the run before says now is too late.
        world.record(&person, &run, &[uploaded(world, file)]).await;
        assert_eq!(world.still_pending(&person, &next).await.len(), 1);
    }

    async fn u8_parts_are_kept_with_the_file_while_it_stays_the_same() {
        let person = world.person().await;
        let (session, run) = world.running(&person).await;
        let file = planned(&run, "large");
        let multipart = Multipart { upload_id: UploadId::new("u1".to_owned()), part_size: 5 };
        world.plan(&person, &run, std::slice::from_ref(&file)).await;
        let mut transaction = world.sync(&person.owner).await;
        transaction.files().begin_multipart(&run, file.id, &multipart).await.unwrap();
        transaction.files().record_parts(&[part(&file, 2), part(&file, 1)]).await.unwrap();
        transaction.files().record_parts(&[part(&file, 2)]).await.unwrap();
        assert_eq!(transaction.files().parts(file.id).await.unwrap(), [part(&file, 1).part, part(&file, 2).part]);
        let under_way = transaction.files().uploads_under_way(&place(), &run.destination.prefix).await.unwrap();
        assert_eq!(under_way, std::slice::from_ref(&multipart.upload_id));
        transaction.commit().await.unwrap();
        assert_eq!(world.states(&person, &session, Some(FileState::Uploading)).await.len(), 1);
        // Planned again as it is, the upload goes on; changed, it is forgotten.
        world.plan(&person, &run, &[planned(&run, "large")]).await;
        assert_eq!(world.still_pending(&person, &run).await[0].multipart, Some(multipart.clone()));
        let mut changed = planned(&run, "large");
        changed.identity.size = 11;
        world.plan(&person, &run, &[changed]).await;
        let waiting = world.still_pending(&person, &run).await.remove(0);
        assert_eq!(waiting.multipart, None);
        // Done, its parts are forgotten.
        let done = uploaded(world, PlannedFile { multipart: Some(multipart), ..waiting });
        world.record(&person, &run, &[done]).await;
        let mut transaction = world.ports.sync.read(&person.owner).await.unwrap();
        assert_eq!(transaction.files().parts(file.id).await.unwrap(), []);
        assert_eq!(transaction.files().uploads_under_way(&place(), &run.destination.prefix).await.unwrap(), []);
    }

    async fn u8_a_multipart_upload_is_kept_across_jobs_while_the_client_says_the_same_of_the_file() {
        let person = world.person().await;
        let (first, second) = (world.direct_run(&person).await, world.direct_run(&person).await);
        let declared = |run: &Run, checksum| {
            let run = Run { destination: first.destination.clone(), ..run.clone() };
            PlannedFile { declared: Some(Crc64::new(checksum)), ..planned(&run, "large") }
        };
        let file = declared(&first, u64::MAX);
        let multipart = Multipart { upload_id: UploadId::new("u1".to_owned()), part_size: 5 };
        world.plan(&person, &first, std::slice::from_ref(&file)).await;
        let mut transaction = world.sync(&person.owner).await;
        transaction.files().begin_multipart(&first, file.id, &multipart).await.unwrap();
        transaction.commit().await.unwrap();
        // The same, in another job: the record goes over to it with its id.
        world.plan(&person, &second, &[declared(&second, u64::MAX)]).await;
        let found = world.indexed(&person, &file).await;
        assert_eq!((found.source_id, found.run_id, found.state), (second.source_id(), second.id, FileState::Pending));
        assert_eq!(found.file, PlannedFile { multipart: Some(multipart.clone()), ..file.clone() });
        // Only the upload that was named is ended, and only by the job that has the file.
        let other = UploadId::new("u2".to_owned());
        let mut transaction = world.sync(&person.owner).await;
        transaction.files().record_parts(&[part(&file, 1)]).await.unwrap();
        transaction.files().end_multipart(&second, file.id, &other).await.unwrap();
        transaction.files().end_multipart(&first, file.id, &multipart.upload_id).await.unwrap();
        assert_eq!(transaction.files().parts(file.id).await.unwrap().len(), 1);
        transaction.files().end_multipart(&second, file.id, &multipart.upload_id).await.unwrap();
        assert_eq!(transaction.files().parts(file.id).await.unwrap(), []);
        assert_eq!(transaction.files().with_ids(&place(), &[file.id]).await.unwrap()[0].file, file);
        drop(transaction);
        // Another checksum is another file, and so is none.
        for (run, changed) in [
            (&first, declared(&first, 1)),
            (&first, PlannedFile { declared: None, ..declared(&first, 1) }),
        ] {
            world.plan(&person, run, std::slice::from_ref(&changed)).await;
            let found = world.indexed(&person, &file).await.file;
            assert_eq!((found.multipart, found.declared), (None, changed.declared));
        }
    }

    async fn u8_files_are_found_by_key_and_by_id_in_the_order_of_their_keys() {
        let (person, other) = (world.person().await, world.person().await);
        let run = world.direct_run(&person).await;
        let files = ["b", "a", "\u{e9}"].map(|name| planned(&run, name));
        world.plan(&person, &run, &files).await;
        let keys: Vec<_> = files.iter().map(|file| file.key.clone()).collect();
        let ids: Vec<_> = files.iter().map(|file| file.id).collect();
        let mut transaction = world.sync(&person.owner).await;
        let found = transaction.files().at(&place(), &keys).await.unwrap();
        let sorted = [&files[1], &files[0], &files[2]];
        assert_eq!(found.iter().map(|found| &found.file).collect::<Vec<_>>(), sorted);
        assert_eq!(transaction.files().with_ids(&place(), &ids).await.unwrap(), found);
        assert_eq!(transaction.files().at(&place(), &keys[..1]).await.unwrap(), [found[1].clone()]);
        assert_eq!(transaction.files().at(&place(), &[]).await.unwrap(), []);
        let elsewhere = Place::new("memory://two".to_owned());
        assert_eq!(transaction.files().at(&elsewhere, &keys).await.unwrap(), []);
        assert_eq!(transaction.files().with_ids(&elsewhere, &ids).await.unwrap(), []);
        drop(transaction);
        let mut theirs = world.sync(&other.owner).await;
        assert_eq!(theirs.files().at(&place(), &keys).await.unwrap(), []);
        assert_eq!(theirs.files().with_ids(&place(), &ids).await.unwrap(), []);
    }

    async fn u8_a_list_goes_on_behind_a_file_of_any_state() {
        let person = world.person().await;
        let (session, run) = world.running(&person).await;
        let files = ["failed", "large", "waiting", "done"].map(|name| planned(&run, name));
        world.plan(&person, &run, &files).await;
        let failed = FileOutcome { file: files[0].clone(), result: FileResult::Failed("why".to_owned()) };
        world.record(&person, &run, &[failed, uploaded(world, files[3].clone())]).await;
        let mut transaction = world.sync(&person.owner).await;
        let multipart = Multipart { upload_id: UploadId::new("u1".to_owned()), part_size: 5 };
        transaction.files().begin_multipart(&run, files[1].id, &multipart).await.unwrap();
        let session = transaction.sync_sessions().find(session.id).await.unwrap().unwrap();
        let limit = PageLimit::new(1).unwrap();
        let mut page = PageRequest::Number { page: 1, limit };
        let mut listed = Vec::new();
        loop {
            let one = transaction.files().list(&session, FileFilter::default(), &page).await.unwrap();
            listed.extend(one.items.iter().map(|file| file.state));
            let Some(cursor) = one.next else { break };
            page = PageRequest::After { cursor, limit };
        }
        let states = [FileState::Failed, FileState::Uploading, FileState::Pending, FileState::Uploaded];
        assert_eq!(listed, states);
    }

    async fn u8_failed_files_are_handed_to_another_run() {
        let person = world.person().await;
        let (session, run) = world.running(&person).await;
        let files = ["a", "b"].map(|name| planned(&run, name));
        world.plan(&person, &run, &files).await;
        let failed = FileOutcome { file: files[0].clone(), result: FileResult::Failed("why".to_owned()) };
        world.record(&person, &run, &[failed, uploaded(world, files[1].clone())]).await;
        let next = Run { id: RunId::generate(&SystemIds), ..run.clone() };
        let mut transaction = world.sync(&person.owner).await;
        assert_eq!(transaction.files().take_failed(session.id, run.id, next.id).await.unwrap(), (1, 10));
        assert_eq!(transaction.files().take_failed(session.id, run.id, next.id).await.unwrap(), (0, 0));
        transaction.commit().await.unwrap();
        assert_eq!(world.still_pending(&person, &next).await, files[..1]);
        let mut transaction = world.sync(&person.owner).await;
        transaction.files().forget(&place(), &files.map(|file| file.key)).await.unwrap();
        transaction.commit().await.unwrap();
        assert_eq!(world.states(&person, &session, None).await, []);
    }

    async fn c6_nobody_sees_or_changes_another_organisations_files() {
        let (person, other) = (world.person().await, world.person().await);
        let (session, run) = world.running(&person).await;
        let file = planned(&run, "a");
        let multipart = Multipart { upload_id: UploadId::new("u1".to_owned()), part_size: 5 };
        world.plan(&person, &run, std::slice::from_ref(&file)).await;
        let mut transaction = world.sync(&person.owner).await;
        transaction.files().begin_multipart(&run, file.id, &multipart).await.unwrap();
        transaction.files().record_parts(&[part(&file, 1)]).await.unwrap();
        transaction.commit().await.unwrap();
        let before = world.still_pending(&person, &run).await;
        let mut theirs = world.sync(&other.owner).await;
        assert_eq!(theirs.files().pending(&run, None, 9).await.unwrap(), []);
        assert_eq!(theirs.files().parts(file.id).await.unwrap(), []);
        let stolen = Multipart { upload_id: UploadId::new("u2".to_owned()), part_size: 6 };
        theirs.files().begin_multipart(&run, file.id, &stolen).await.unwrap();
        theirs.files().end_multipart(&run, file.id, &multipart.upload_id).await.unwrap();
        theirs.files().forget(&place(), std::slice::from_ref(&file.key)).await.unwrap();
        theirs.commit().await.unwrap();
        let mut theirs = world.sync(&other.owner).await;
        assert!(theirs.files().plan(&place(), &run, &[planned(&run, "b")]).await.is_err());
        drop(theirs);
        assert_eq!(world.still_pending(&person, &run).await, before);
        let mut transaction = world.ports.sync.read(&person.owner).await.unwrap();
        assert_eq!(transaction.files().parts(file.id).await.unwrap(), [part(&file, 1).part]);
        assert!(transaction.sync_sessions().find(session.id).await.unwrap().is_some());
    }
}
