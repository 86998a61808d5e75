use std::collections::BTreeMap;

use async_trait::async_trait;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict, SelectStatement};
use sea_orm::{ActiveValue::Set, ColumnTrait, QueryFilter, QueryOrder, QuerySelect, QueryTrait};
use tenantry_kernel::StorageError;
use tenantry_readings::ports::{Entry, ReadingLog};
use tenantry_readings::{Chunk, Piece, ReadingId, Sequence};
use uuid::Uuid;

use super::repository::{IDS, among};
use crate::StoreTransaction;
use crate::error::storage;
use crate::padding::padded;
use crate::row::{RowReader, corrupt};
use crate::scope::reading_chunks::{ActiveModel, Column};
use crate::scope::readings;

const TEXT: &str = "text";
const CITATION: &str = "citation";

/// Pieces that one statement takes at most: SQLite knows 32,766 parameters.
const PIECES: usize = 1_024;

#[derive(Debug, thiserror::Error)]
#[error("a citation can't be written as JSON")]
struct UnwritableCitation(#[source] serde_json::Error);

fn chunk_row(organization_id: Uuid, id: ReadingId, chunk: &Chunk) -> Result<ActiveModel, StorageError> {
    let (kind, body) = match &chunk.piece {
        Piece::Text(text) => (TEXT, text.clone()),
        Piece::Citation(citation) => {
            let body = serde_json::to_string(citation);
            (CITATION, body.map_err(|error| StorageError::Internal(UnwritableCitation(error).into()))?)
        }
    };
    Ok(ActiveModel {
        organization_id: Set(organization_id),
        reading_id: Set(id.as_uuid()),
        sequence: Set(chunk.sequence.number()),
        kind: Set(kind.to_owned()),
        body: Set(body),
    })
}

fn rows_of(entry: &Entry) -> impl Iterator<Item = Result<ActiveModel, StorageError>> {
    let organization_id = entry.organization_id.as_uuid();
    entry.chunks.iter().map(move |chunk| chunk_row(organization_id, entry.reading_id, chunk))
}

fn read_chunk(row: &mut RowReader<'_>, id: ReadingId) -> Result<Chunk, StorageError> {
    let sequence = Sequence::from_number(row.take()?);
    let (kind, body): (String, String) = (row.take()?, row.take()?);
    let broken = |column| corrupt("reading_chunks", id, column);
    let piece = match kind.as_str() {
        TEXT => Piece::Text(body),
        CITATION => Piece::Citation(serde_json::from_str(&body).or(Err(broken("body")))?),
        _ => return Err(broken("kind")),
    };
    Ok(Chunk { sequence, piece })
}

#[async_trait]
impl ReadingLog for StoreTransaction {
    async fn append(&mut self, entries: &[Entry]) -> Result<Vec<ReadingId>, StorageError> {
        let revisions = self.lock_readings(entries).await?;
        let is_current = |entry: &Entry| {
            let key = (entry.organization_id.as_uuid(), entry.reading_id.as_uuid());
            revisions.get(&key) == Some(&entry.revision.get())
        };
        let (current, late): (Vec<&Entry>, Vec<&Entry>) = entries.iter().partition(|entry| is_current(entry));
        let rows = current.into_iter().flat_map(rows_of).collect::<Result<Vec<_>, _>>()?;
        for some in rows.chunks(PIECES) {
            self.insert_pieces(some).await?;
        }
        Ok(late.into_iter().map(|entry| entry.reading_id).collect())
    }

    async fn read(&mut self, id: ReadingId, after: Sequence, limit: u16) -> Result<Vec<Chunk>, StorageError> {
        let select = self
            .scope()
            .select::<Column>()
            .select_only()
            .columns([Column::Sequence, Column::Kind, Column::Body])
            // Where all organisations are in reach, this is what leads to the index.
            .apply_if(self.scope().is_platform().then_some(id), |select, id| {
                select.filter(Expr::col(Column::OrganizationId.as_column_ref()).in_subquery(self.owner_of(id)))
            })
            .filter(Column::ReadingId.eq(id.as_uuid()))
            .filter(Column::Sequence.gt(after.number()))
            .order_by_asc(Column::Sequence)
            .limit(u64::from(limit));
        let rows = self.rows(&select.into_query()).await?;
        rows.iter().map(|row| read_chunk(&mut RowReader::new(row), id)).collect()
    }
}

impl StoreTransaction {
    /// The revisions that the readings are at, and stay at until the end.
    async fn lock_readings(&self, entries: &[Entry]) -> Result<BTreeMap<(Uuid, Uuid), i64>, StorageError> {
        use readings::Column;
        let mut keys: Vec<(Uuid, Uuid)> =
            entries.iter().map(|entry| (entry.organization_id.as_uuid(), entry.reading_id.as_uuid())).collect();
        keys.sort_unstable();
        let ids: Vec<Uuid> = keys.into_iter().map(|(_, id)| id).collect();
        let mut found = BTreeMap::new();
        for some in ids.chunks(IDS) {
            let select = self
                .scope()
                .select::<Column>()
                .select_only()
                .columns([Column::OrganizationId, Column::Id, Column::Revision])
                .filter(Column::Id.is_in(among(some)))
                .order_by_asc(Column::OrganizationId)
                .order_by_asc(Column::Id);
            for row in self.rows(&self.lock(select).into_query()).await? {
                let mut row = RowReader::new(&row);
                found.insert((row.take()?, row.take()?), row.take()?);
            }
        }
        Ok(found)
    }

    fn owner_of(&self, id: ReadingId) -> SelectStatement {
        use readings::Column;
        let select = self.scope().select::<Column>().select_only().column(Column::OrganizationId);
        select.filter(Column::Id.eq(id.as_uuid())).into_query()
    }

    /// What is there already is the same: a place is given once, to whoever answers the reading.
    async fn insert_pieces(&self, rows: &[ActiveModel]) -> Result<(), StorageError> {
        let Some(last) = rows.last() else { return Ok(()) };
        let rows = rows.iter().chain(std::iter::repeat(last)).take(padded(rows.len())).cloned().collect();
        let known = OnConflict::columns([Column::OrganizationId, Column::ReadingId, Column::Sequence]);
        let insert = self.scope().insert_many(rows)?.on_conflict(known.clone().do_nothing().to_owned());
        insert.exec_without_returning(self).await.map(|_| ()).map_err(storage)
    }
}
