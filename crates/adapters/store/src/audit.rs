use async_trait::async_trait;
use sea_orm::{ActiveValue::Set, ColumnTrait, FromQueryResult, QueryFilter, QueryTrait};
use serde_json::Value;
use tenantry_identity::{
    ActorType, AuditAction, AuditEntry, AuditEntryId, AuditFilter, AuditTarget, OrganizationId, ports::AuditRepository,
};
use tenantry_kernel::{Page, PageRequest, StorageError};

use crate::StoreTransaction;
use crate::error::storage;
use crate::listing::SortBy;
use crate::row::corrupt;
use crate::scope::audit_log::{ActiveModel, Column, Model};

const NEWEST_FIRST: SortBy<Column> = SortBy { key: Column::OccurredAt, id: Column::Id, descending: true };

pub(crate) fn entry_from(row: Model) -> Result<AuditEntry, StorageError> {
    let broken = |column| corrupt("audit_log", row.id, column);
    let Value::Object(data) = row.data else { return Err(broken("data")) };
    Ok(AuditEntry {
        id: AuditEntryId::from_uuid(row.id),
        occurred_at: row.occurred_at,
        organization_id: row.organization_id.map(OrganizationId::from_uuid),
        actor_id: row.actor_id,
        actor_type: ActorType::from_stored(&row.actor_type).ok_or_else(|| broken("actor_type"))?,
        action: AuditAction::from_stored(row.action),
        target: row.target_type.map(|kind| AuditTarget { kind: kind.into(), id: row.target_id }),
        outcome: row.outcome.parse().or(Err(broken("outcome")))?,
        ip_address: row.ip_address,
        request_id: row.request_id,
        data,
    })
}

fn to_row(entry: &AuditEntry) -> ActiveModel {
    ActiveModel {
        id: Set(entry.id.as_uuid()),
        occurred_at: Set(entry.occurred_at),
        organization_id: Set(entry.organization_id.map(OrganizationId::as_uuid)),
        actor_id: Set(entry.actor_id),
        actor_type: Set(entry.actor_type.as_str().to_owned()),
        action: Set(entry.action.as_str().to_owned()),
        target_type: Set(entry.target.as_ref().map(|target| target.kind.clone().into_owned())),
        target_id: Set(entry.target.as_ref().and_then(|target| target.id)),
        outcome: Set(entry.outcome.as_str().to_owned()),
        ip_address: Set(entry.ip_address.clone()),
        request_id: Set(entry.request_id.clone()),
        data: Set(Value::Object(entry.data.clone())),
    }
}

#[async_trait]
impl AuditRepository for StoreTransaction {
    async fn append(&mut self, entry: &AuditEntry) -> Result<(), StorageError> {
        let insert = self.scope().insert(to_row(entry))?;
        insert.exec_without_returning(self).await.map(|_| ()).map_err(storage)
    }

    async fn list(&mut self, filter: &AuditFilter, page: &PageRequest) -> Result<Page<AuditEntry>, StorageError> {
        let all = self
            .scope()
            .select::<Column>()
            .apply_if(filter.organization_id, |select, id| select.filter(Column::OrganizationId.eq(id.as_uuid())))
            .apply_if(filter.actor_id, |select, id| select.filter(Column::ActorId.eq(id)))
            .apply_if(filter.action.as_deref(), |select, action| select.filter(Column::Action.eq(action)))
            .apply_if(filter.outcome, |select, outcome| select.filter(Column::Outcome.eq(outcome.as_str())))
            .apply_if(filter.from, |select, from| select.filter(Column::OccurredAt.gte(from)))
            .apply_if(filter.to, |select, to| select.filter(Column::OccurredAt.lt(to)))
            .into_query();
        let (rows, total) = self.page_of(all, NEWEST_FIRST, page).await?;
        let read = |row| Model::from_query_result(row, "").map_err(storage).and_then(entry_from);
        let entries = rows.iter().map(read).collect::<Result<_, _>>()?;
        Ok(Page::from_probe(entries, page.limit(), total, AuditEntry::cursor))
    }
}
