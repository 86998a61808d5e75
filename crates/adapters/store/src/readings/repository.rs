use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_orm::sea_query::{OnConflict, SelectStatement};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, FromQueryResult, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
};
use tenantry_kernel::{OrganizationId, Page, PageRequest, Revision, StorageError, UserId};
use tenantry_readings::ports::ReadingRepository;
use tenantry_readings::{
    AdvisorId, Failure, ModelName, NanoUsd, ProviderName, Question, Reading, ReadingFilter, ReadingId, ReadingStatus,
    Route, Sequence,
};
use uuid::Uuid;

use crate::StoreTransaction;
use crate::error::storage;
use crate::listing::SortBy;
use crate::padding::padded;
use crate::row::{RowReader, corrupt, count, stored};
use crate::scope::Scope;
use crate::scope::readings::{ActiveModel, Column, Model};

/// How a member's readings are listed.
pub(crate) const NEWEST_FIRST: SortBy<Column> = SortBy { key: Column::CreatedAt, id: Column::Id, descending: true };

/// Ids that one statement takes at most.
pub(super) const IDS: usize = 1_024;

/// These ids, and the last one as often as it takes for few different statements.
pub(super) fn among(ids: &[Uuid]) -> Vec<Uuid> {
    let last = ids.last();
    ids.iter().chain(last.into_iter().cycle()).take(padded(ids.len())).copied().collect()
}

fn route_from(provider: Option<String>, model: Option<String>) -> Option<Route> {
    let (provider, model) = (provider.map(ProviderName::from_stored), model.map(ModelName::from_stored));
    provider.zip(model).map(|(provider, model)| Route { provider, model })
}

fn reading_from(row: Model) -> Result<Reading, StorageError> {
    let broken = |column: &'static str| move || corrupt("readings", row.id, column);
    Ok(Reading {
        id: ReadingId::from_uuid(row.id),
        organization_id: OrganizationId::from_uuid(row.organization_id),
        user_id: UserId::from_uuid(row.user_id),
        advisor: AdvisorId::from_stored(row.advisor),
        question: Question::from_stored(row.question),
        question_digest: row.question_digest,
        response: row.response,
        citations: serde_json::from_value(row.citations).or(Err(broken("citations")()))?,
        status: row.status.parse().or(Err(broken("status")()))?,
        failure: row.failure.map(|name| Failure::from_stored(&name).ok_or_else(broken("failure"))).transpose()?,
        route: route_from(row.provider, row.llm),
        prompt_tokens: count(row.prompt_tokens, broken("prompt_tokens"))?,
        completion_tokens: count(row.completion_tokens, broken("completion_tokens"))?,
        cost: NanoUsd::from_nanos(row.cost),
        is_estimated: row.is_estimated,
        stop_requested: row.stop_requested,
        heard_until: row.heard_until,
        created_at: row.created_at,
        deadline: row.deadline,
        completed_at: row.completed_at,
        over_at: row.over_at.map(Sequence::from_number),
        revision: Revision::from_stored(row.revision),
    })
}

#[derive(Debug, thiserror::Error)]
#[error("the citations can't be written as JSON")]
struct UnwritableCitations(#[source] serde_json::Error);

/// What its worker changes; whether it is to stop and who listens is the word of others.
fn changeable(reading: &Reading) -> Result<ActiveModel, StorageError> {
    let citations = serde_json::to_value(&reading.citations);
    Ok(ActiveModel {
        response: Set(reading.response.clone()),
        citations: Set(citations.map_err(|error| StorageError::Internal(UnwritableCitations(error).into()))?),
        status: Set(reading.status.as_str().to_owned()),
        failure: Set(reading.failure.map(|failure| failure.as_str().to_owned())),
        provider: Set(reading.provider().map(|name| name.as_str().to_owned())),
        llm: Set(reading.model().map(|name| name.as_str().to_owned())),
        prompt_tokens: Set(stored(reading.prompt_tokens)),
        completion_tokens: Set(stored(reading.completion_tokens)),
        cost: Set(reading.cost.nanos()),
        is_estimated: Set(reading.is_estimated),
        completed_at: Set(reading.completed_at),
        over_at: Set(reading.over_at.map(Sequence::number)),
        revision: Set(reading.revision.get()),
        ..Default::default()
    })
}

fn new_row(reading: &Reading) -> Result<ActiveModel, StorageError> {
    Ok(ActiveModel {
        organization_id: Set(reading.organization_id.as_uuid()),
        id: Set(reading.id.as_uuid()),
        user_id: Set(reading.user_id.as_uuid()),
        advisor: Set(reading.advisor.as_str().to_owned()),
        question: Set(reading.question.as_str().to_owned()),
        question_digest: Set(reading.question_digest.clone()),
        stop_requested: Set(reading.stop_requested),
        heard_until: Set(reading.heard_until),
        created_at: Set(reading.created_at),
        deadline: Set(reading.deadline),
        ..changeable(reading)?
    })
}

/// The list of a member's readings; its order is [`NEWEST_FIRST`].
pub(crate) fn select_readings(scope: &Scope, user_id: UserId, filter: &ReadingFilter) -> SelectStatement {
    scope
        .select::<Column>()
        .filter(Column::UserId.eq(user_id.as_uuid()))
        .apply_if(filter.advisor.as_ref(), |select, id| select.filter(Column::Advisor.eq(id.as_str())))
        .apply_if(filter.status, |select, status| select.filter(Column::Status.eq(status.as_str())))
        .apply_if(filter.from, |select, time| select.filter(Column::CreatedAt.gte(time)))
        .apply_if(filter.to, |select, time| select.filter(Column::CreatedAt.lt(time)))
        .into_query()
}

/// The latest complete answer to a question.
pub(crate) fn select_answer(
    scope: &Scope,
    digest: &[u8],
    since: DateTime<Utc>,
) -> Select<<Column as ColumnTrait>::EntityName> {
    scope
        .select::<Column>()
        .filter(Column::QuestionDigest.eq(digest))
        .filter(Column::CreatedAt.gte(since))
        .filter(Column::Status.eq(ReadingStatus::Completed.as_str()))
        .order_by_desc(Column::CreatedAt)
        .order_by_desc(Column::Id)
        .limit(1)
}

/// The readings that should have been over, the oldest first.
pub(crate) fn select_overdue(scope: &Scope, time: DateTime<Utc>, limit: u16) -> SelectStatement {
    scope
        .select::<Column>()
        .select_only()
        .column(Column::Id)
        .filter(Column::CompletedAt.is_null())
        .filter(Column::Deadline.lt(time))
        .order_by_asc(Column::Deadline)
        .order_by_asc(Column::Id)
        .limit(u64::from(limit))
        .into_query()
}

#[async_trait]
impl ReadingRepository for StoreTransaction {
    async fn find(&mut self, id: ReadingId) -> Result<Option<Reading>, StorageError> {
        let select = self.scope().select::<Column>().filter(Column::Id.eq(id.as_uuid()));
        let row = self.lock(select).one(self).await.map_err(storage)?;
        row.map(reading_from).transpose()
    }

    async fn list(
        &mut self,
        user_id: UserId,
        filter: &ReadingFilter,
        page: &PageRequest,
    ) -> Result<Page<Reading>, StorageError> {
        let all = select_readings(self.scope(), user_id, filter);
        let (rows, total) = self.page_of(all, NEWEST_FIRST, page).await?;
        let read = |row| Model::from_query_result(row, "").map_err(storage).and_then(reading_from);
        let readings = rows.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page::from_probe(readings, page.limit(), total, ReadingFilter::cursor))
    }

    async fn insert(&mut self, reading: &Reading) -> Result<bool, StorageError> {
        // An id may be known without being in reach.
        let insert = self.scope().insert(new_row(reading)?)?.on_conflict(OnConflict::new().do_nothing().to_owned());
        Ok(insert.exec_without_returning(self).await.map_err(storage)? == 1)
    }

    async fn update(&mut self, reading: &Reading, expected: Revision) -> Result<bool, StorageError> {
        let update = self
            .scope()
            .update_many::<Column>()
            .set(changeable(reading)?)
            .filter(Column::OrganizationId.eq(reading.organization_id.as_uuid()))
            .filter(Column::Id.eq(reading.id.as_uuid()))
            .filter(Column::Revision.eq(expected.get()));
        Ok(update.exec(self).await.map_err(storage)?.rows_affected == 1)
    }

    async fn delete(&mut self, id: ReadingId, expected: Revision) -> Result<bool, StorageError> {
        // Its pieces refer to it and go with it.
        let delete = self
            .scope()
            .delete_many::<Column>()
            .filter(Column::Id.eq(id.as_uuid()))
            .filter(Column::Revision.eq(expected.get()));
        Ok(delete.exec(self).await.map_err(storage)?.rows_affected == 1)
    }

    async fn find_answer(&mut self, digest: &[u8], since: DateTime<Utc>) -> Result<Option<Reading>, StorageError> {
        self.check_one_organization()?;
        let select = select_answer(self.scope(), digest, since);
        let row = self.lock(select).one(self).await.map_err(storage)?;
        row.map(reading_from).transpose()
    }

    async fn request_stop(&mut self, id: ReadingId) -> Result<(), StorageError> {
        let update = self
            .scope()
            .update_many::<Column>()
            .set(ActiveModel { stop_requested: Set(true), ..Default::default() })
            .filter(Column::Id.eq(id.as_uuid()))
            .filter(Column::CompletedAt.is_null());
        update.exec(self).await.map(|_| ()).map_err(storage)
    }

    async fn hear_until(&mut self, id: ReadingId, until: DateTime<Utc>) -> Result<(), StorageError> {
        // Somebody else may listen for longer.
        let update = self
            .scope()
            .update_many::<Column>()
            .set(ActiveModel { heard_until: Set(Some(until)), ..Default::default() })
            .filter(Column::Id.eq(id.as_uuid()))
            .filter(Column::CompletedAt.is_null())
            .filter(Column::HeardUntil.lt(until));
        update.exec(self).await.map(|_| ()).map_err(storage)
    }

    async fn to_stop(&mut self, ids: &[ReadingId], now: DateTime<Utc>) -> Result<Vec<ReadingId>, StorageError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.as_uuid()).collect();
        let mut found = Vec::new();
        for some in ids.chunks(IDS) {
            let unwanted = Condition::any().add(Column::StopRequested.eq(true)).add(Column::HeardUntil.lt(now));
            let select = self
                .scope()
                .select::<Column>()
                .select_only()
                .column(Column::Id)
                .filter(Column::Id.is_in(among(some)))
                .filter(unwanted);
            for row in self.rows(&select.into_query()).await? {
                found.push(ReadingId::from_uuid(RowReader::new(&row).take()?));
            }
        }
        Ok(found)
    }

    async fn overdue(&mut self, time: DateTime<Utc>, limit: u16) -> Result<Vec<ReadingId>, StorageError> {
        let rows = self.rows(&select_overdue(self.scope(), time, limit)).await?;
        rows.iter().map(|row| RowReader::new(row).take().map(ReadingId::from_uuid)).collect()
    }
}
