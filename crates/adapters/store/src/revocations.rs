use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_orm::{ActiveValue::Set, ColumnTrait, QueryFilter, QueryOrder};
use tenantry_identity::{
    Revocation, RevocationId, RevokedSubject, SessionId,
    ports::{RevocationFeed, RevocationRepository},
};
use tenantry_kernel::{OrganizationId, StorageError, UserId};
use uuid::Uuid;

use crate::error::storage;
use crate::row::corrupt;
use crate::scope::Scope;
use crate::scope::revocations::{ActiveModel, Column, Model};
use crate::transaction::Mode;
use crate::{Database, StoreTransaction};

/// Rows that one statement inserts at most: SQLite takes 32,766 parameters, PostgreSQL 65,535.
const AT_ONCE: usize = 1_000;

const SESSION: &str = "session";
const USER: &str = "user";
const MEMBERSHIP: &str = "membership";

/// The subject's kind, session and organisation; the user has a column of its own.
fn subject_columns(subject: RevokedSubject) -> (&'static str, Option<Uuid>, Option<Uuid>) {
    match subject {
        RevokedSubject::Session(id) => (SESSION, Some(id.as_uuid()), None),
        RevokedSubject::User(_) => (USER, None, None),
        RevokedSubject::Membership(organization, _) => (MEMBERSHIP, None, Some(organization.as_uuid())),
    }
}

fn to_row(revocation: &Revocation) -> ActiveModel {
    let (kind, session_id, organization_id) = subject_columns(revocation.subject);
    ActiveModel {
        id: Set(revocation.id.as_uuid()),
        kind: Set(kind.to_owned()),
        user_id: Set(revocation.user_id.as_uuid()),
        session_id: Set(session_id),
        organization_id: Set(organization_id),
        epoch: Set(revocation.epoch),
        occurred_at: Set(revocation.occurred_at),
        expires_at: Set(revocation.expires_at),
    }
}

fn from_row(row: &Model) -> Result<Revocation, StorageError> {
    let user_id = UserId::from_uuid(row.user_id);
    let subject = match (row.kind.as_str(), row.session_id, row.organization_id) {
        (SESSION, Some(id), _) => RevokedSubject::Session(SessionId::from_uuid(id)),
        (USER, _, _) => RevokedSubject::User(user_id),
        (MEMBERSHIP, _, Some(id)) => RevokedSubject::Membership(OrganizationId::from_uuid(id), user_id),
        _ => return Err(corrupt("revocations", row.id, "kind")),
    };
    Ok(Revocation {
        id: RevocationId::from_uuid(row.id),
        user_id,
        subject,
        epoch: row.epoch,
        occurred_at: row.occurred_at,
        expires_at: row.expires_at,
    })
}

#[async_trait]
impl RevocationRepository for StoreTransaction {
    async fn insert(&mut self, revocations: &[Revocation]) -> Result<(), StorageError> {
        for some in revocations.chunks(AT_ONCE) {
            let insert = self.scope().insert_many(some.iter().map(to_row).collect())?;
            insert.exec_without_returning(self).await.map_err(storage)?;
        }
        Ok(())
    }
}

#[async_trait]
impl RevocationFeed for Database {
    async fn since(&self, since: Option<DateTime<Utc>>) -> Result<Vec<Revocation>, StorageError> {
        let transaction = self.begin(Scope::nobody(), Mode::Read).await?;
        let mut select = transaction.scope().select::<Column>().order_by_asc(Column::OccurredAt);
        if let Some(since) = since {
            select = select.filter(Column::OccurredAt.gte(since));
        }
        let rows = select.all(&transaction).await.map_err(storage)?;
        rows.iter().map(from_row).collect()
    }
}
