use tenantry_kernel::StorageError;
use tenantry_readings::ports::Entry;
use tenantry_readings::{Chunk, Piece, Reading, ReadingId, Sequence};

use super::{citation, text};
use crate::{World, contract::contract};

fn entry(reading: &Reading, chunks: Vec<Chunk>) -> Entry {
    let Reading { organization_id, id: reading_id, revision, .. } = *reading;
    Entry { organization_id, reading_id, revision, chunks }
}

impl World {
    async fn append_all(&self, entries: &[Entry]) -> Vec<ReadingId> {
        let mut transaction = self.at_desk().await;
        let late = transaction.log().append(entries).await.expect("an answer");
        transaction.commit().await.expect("a commit");
        late
    }

    /// Writes pieces down as a worker does that knows this revision of the reading.
    pub(super) async fn append(&self, reading: &Reading, chunks: Vec<Chunk>) -> Vec<ReadingId> {
        self.append_all(&[entry(reading, chunks)]).await
    }
}

contract! {
    /// What every adapter promises of answers piece by piece.
    READING_LOG(world: World)

    async fn pieces_come_back_in_their_order() {
        let person = world.person().await;
        let (reading, other) = (world.new_reading(&person), world.new_reading(&person));
        world.keep(&person, &[&reading, &other]).await;
        let cited = Chunk { sequence: Sequence::from_number(3), piece: Piece::Citation(citation(7)) };
        let pieces = vec![text(1, "Tomorrow, 'perhaps'. "), text(2, "ünïcode 🦀\n"), cited, text(4, ""), text(5, " ")];
        assert!(world.append(&reading, pieces[..2].to_vec()).await.is_empty());
        assert!(world.append(&reading, pieces[2..].to_vec()).await.is_empty());
        assert!(world.append(&other, vec![text(1, "x")]).await.is_empty());
        assert!(world.append(&other, Vec::new()).await.is_empty());
        assert_eq!(world.pieces(&person, reading.id).await, pieces);
        let mut transactions = [
            world.ports.readings.read(&person.owner).await.unwrap(),
            world.at_desk().await,
        ];
        for transaction in &mut transactions {
            let log = transaction.log();
            assert_eq!(log.read(reading.id, Sequence::START, 3).await.unwrap(), pieces[..3]);
            assert_eq!(log.read(reading.id, Sequence::from_number(2), 2).await.unwrap(), pieces[2..4]);
            assert_eq!(log.read(reading.id, Sequence::from_number(5), 2).await.unwrap(), []);
        }
    }

    async fn pieces_of_many_readings_are_written_together() {
        let (person, other) = (world.person().await, world.person().await);
        let readings: Vec<Reading> = (0..7).map(|_| world.new_reading(&person)).collect();
        let theirs = world.new_reading(&other);
        world.keep(&person, &readings.iter().collect::<Vec<_>>()).await;
        world.keep(&other, &[&theirs]).await;
        let all = readings.iter().chain([&theirs]);
        // Far more than a statement of SQLite takes parameters.
        let chunks = |count: i64| (1..=count).map(|place| text(place, &place.to_string())).collect::<Vec<_>>();
        let entries: Vec<Entry> = all.map(|reading| entry(reading, chunks(1_111))).collect();
        assert!(world.append_all(&entries).await.is_empty());
        for reading in &readings {
            assert_eq!(world.pieces(&person, reading.id).await, chunks(1_111));
        }
        assert_eq!(world.pieces(&other, theirs.id).await, chunks(1_111));
    }

    async fn pieces_for_another_revision_are_left_out_and_named() {
        let (person, other) = (world.person().await, world.person().await);
        let (taken, kept) = (world.new_reading(&person), world.new_reading(&person));
        world.keep(&person, &[&taken, &kept]).await;
        assert!(world.append(&taken, vec![text(1, "a")]).await.is_empty());
        let mut transaction = world.at_desk().await;
        assert!(transaction.readings().update(&taken.clone().begun(), taken.revision).await.unwrap());
        transaction.commit().await.unwrap();
        let unknown = world.new_reading(&person);
        let misplaced = Reading { organization_id: other.owner.organization_id(), ..kept.clone() };
        let entries = [
            entry(&taken, vec![text(2, "late")]),
            entry(&kept, vec![text(1, "b")]),
            entry(&unknown, vec![text(1, "of nothing")]),
            entry(&misplaced, vec![text(2, "elsewhere")]),
        ];
        assert_eq!(world.append_all(&entries).await, [taken.id, unknown.id, kept.id]);
        assert_eq!(world.pieces(&person, taken.id).await, [text(1, "a")]);
        assert_eq!(world.pieces(&person, kept.id).await, [text(1, "b")]);
    }

    async fn pieces_are_written_once_however_often_it_is_tried() {
        let person = world.person().await;
        let reading = world.new_reading(&person);
        world.keep(&person, &[&reading]).await;
        for pieces in [vec![text(1, "a")], vec![text(1, "a")], vec![text(1, "a"), text(2, "b")], vec![text(2, "c")]] {
            assert!(world.append(&reading, pieces).await.is_empty());
        }
        assert_eq!(world.pieces(&person, reading.id).await, [text(1, "a"), text(2, "b")]);
    }

    async fn c6_nobody_reads_or_writes_another_organisations_answers() {
        let (person, other) = (world.person().await, world.person().await);
        let (reading, theirs) = (world.new_reading(&person), world.new_reading(&other));
        world.keep(&person, &[&reading]).await;
        world.keep(&other, &[&theirs]).await;
        assert!(world.append(&reading, vec![text(1, "mine")]).await.is_empty());
        assert!(world.pieces(&other, reading.id).await.is_empty());
        let mut transaction = world.in_tenant(&other).await;
        let late = transaction.log().append(&[entry(&reading, vec![text(2, "yours")])]).await;
        assert!(late.as_ref().is_ok_and(|late| *late == [reading.id]) || matches!(late, Err(StorageError::Internal(_))));
        let _ = transaction.commit().await;
        assert_eq!(world.pieces(&person, reading.id).await, [text(1, "mine")]);
    }
}
