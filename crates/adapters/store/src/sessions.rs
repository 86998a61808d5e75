use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, QueryFilter, QueryOrder, QuerySelect};
use tenantry_identity::{Client, OrganizationId, Session, SessionId, UserId, ports::SessionRepository};
use tenantry_kernel::StorageError;

use crate::StoreTransaction;
use crate::error::storage;
use crate::scope::sessions::{ActiveModel, Column, Model, Rotations};

/// How many live sessions are listed at most.
const LISTED: u64 = 100;

impl From<Model> for Session {
    fn from(row: Model) -> Self {
        Self {
            id: SessionId::from_uuid(row.id),
            user_id: UserId::from_uuid(row.user_id),
            organization_id: OrganizationId::from_uuid(row.organization_id),
            generation: row.generation,
            recent_rotations: row.recent_rotations.0,
            client: Client { user_agent: row.user_agent, ip_address: row.ip_address, request_id: None },
            created_at: row.created_at,
            last_seen_at: row.last_seen_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
        }
    }
}

fn live(at: DateTime<Utc>) -> Condition {
    Condition::all().add(Column::RevokedAt.is_null()).add(Column::ExpiresAt.gt(at))
}

/// What a rotation changes.
fn rotated(session: &Session) -> ActiveModel {
    ActiveModel {
        organization_id: Set(session.organization_id.as_uuid()),
        generation: Set(session.generation),
        recent_rotations: Set(Rotations(session.recent_rotations.clone())),
        last_seen_at: Set(session.last_seen_at),
        expires_at: Set(session.expires_at),
        ..Default::default()
    }
}

#[async_trait]
impl SessionRepository for StoreTransaction {
    async fn find(&mut self, id: SessionId) -> Result<Option<Session>, StorageError> {
        let select = self.scope().select::<Column>().filter(Column::Id.eq(id.as_uuid()));
        let row = self.lock(select).one(self).await.map_err(storage)?;
        Ok(row.map(Session::from))
    }

    async fn list_live(&mut self, now: DateTime<Utc>) -> Result<Vec<Session>, StorageError> {
        let select = self
            .scope()
            .select::<Column>()
            .filter(live(now))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .limit(LISTED);
        let rows = select.all(self).await.map_err(storage)?;
        Ok(rows.into_iter().map(Session::from).collect())
    }

    async fn insert(&mut self, session: &Session) -> Result<(), StorageError> {
        let row = ActiveModel {
            id: Set(session.id.as_uuid()),
            user_id: Set(session.user_id.as_uuid()),
            user_agent: Set(session.client.user_agent.clone()),
            ip_address: Set(session.client.ip_address.clone()),
            created_at: Set(session.created_at),
            revoked_at: Set(session.revoked_at),
            ..rotated(session)
        };
        let insert = self.scope().insert(row)?;
        insert.exec_without_returning(self).await.map(|_| ()).map_err(storage)
    }

    async fn rotate(&mut self, session: &Session, expected: i64) -> Result<bool, StorageError> {
        let update = self
            .scope()
            .update_many::<Column>()
            .set(rotated(session))
            .filter(Column::Id.eq(session.id.as_uuid()))
            .filter(Column::Generation.eq(expected))
            .filter(Column::RevokedAt.is_null());
        Ok(update.exec(self).await.map_err(storage)?.rows_affected == 1)
    }

    async fn revoke(&mut self, id: SessionId, at: DateTime<Utc>) -> Result<bool, StorageError> {
        let change = ActiveModel { revoked_at: Set(Some(at)), ..Default::default() };
        let update =
            self.scope().update_many::<Column>().set(change).filter(Column::Id.eq(id.as_uuid())).filter(live(at));
        Ok(update.exec(self).await.map_err(storage)?.rows_affected == 1)
    }

    async fn revoke_all(&mut self, kept: Option<SessionId>, at: DateTime<Utc>) -> Result<Vec<SessionId>, StorageError> {
        let change = ActiveModel { revoked_at: Set(Some(at)), ..Default::default() };
        let mut update = self.scope().update_many::<Column>().set(change).filter(live(at));
        if let Some(kept) = kept {
            update = update.filter(Column::Id.ne(kept.as_uuid()));
        }
        let rows = update.exec_with_returning(self).await.map_err(storage)?;
        Ok(rows.into_iter().map(|row| SessionId::from_uuid(row.id)).collect())
    }
}
