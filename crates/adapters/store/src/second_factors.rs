use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_orm::sea_query::{CaseStatement, Expr, ExprTrait, SimpleExpr};
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, QueryFilter};
use tenantry_identity::{
    RecoveryCodeDigest, SealedTotpSecret, SecondFactorLimits, Totp, UserId, ports::SecondFactorRepository,
};
use tenantry_kernel::StorageError;

use crate::StoreTransaction;
use crate::error::storage;
use crate::scope::recovery_codes;
use crate::scope::totp_secrets::{ActiveModel, Column, Model};

impl From<Model> for Totp {
    fn from(row: Model) -> Self {
        Self {
            user_id: UserId::from_uuid(row.user_id),
            secret: SealedTotpSecret::from_stored(row.sealed_secret),
            last_step: row.last_step,
            confirmed_at: row.confirmed_at,
            created_at: row.created_at,
        }
    }
}

impl StoreTransaction {
    /// Changes the app for which `condition` holds; tells whether it did.
    async fn change_totp(
        &self,
        id: UserId,
        change: ActiveModel,
        condition: impl Into<Condition>,
    ) -> Result<bool, StorageError> {
        let update = self
            .scope()
            .update_many::<Column>()
            .set(change)
            .filter(Column::UserId.eq(id.as_uuid()))
            .filter(condition.into());
        Ok(update.exec(self).await.map_err(storage)?.rows_affected == 1)
    }
}

/// The values of a column before and after the window of attempts has begun anew.
fn renewed(is_over: &SimpleExpr, over: impl Into<SimpleExpr>, running: impl Into<SimpleExpr>) -> SimpleExpr {
    CaseStatement::new().case(is_over.clone(), over).finally(running).into()
}

#[async_trait]
impl SecondFactorRepository for StoreTransaction {
    async fn find(&mut self, id: UserId) -> Result<Option<Totp>, StorageError> {
        let select = self.scope().select::<Column>().filter(Column::UserId.eq(id.as_uuid()));
        let row = self.lock(select).one(self).await.map_err(storage)?;
        Ok(row.map(Totp::from))
    }

    async fn insert(&mut self, totp: &Totp) -> Result<(), StorageError> {
        let row = ActiveModel {
            user_id: Set(totp.user_id.as_uuid()),
            sealed_secret: Set(totp.secret.as_bytes().to_vec()),
            last_step: Set(totp.last_step),
            attempts: Set(0),
            attempts_since: Set(totp.created_at),
            confirmed_at: Set(totp.confirmed_at),
            created_at: Set(totp.created_at),
        };
        let insert = self.scope().insert(row)?;
        insert.exec_without_returning(self).await.map(|_| ()).map_err(storage)
    }

    async fn confirm(&mut self, totp: &Totp) -> Result<bool, StorageError> {
        let change =
            ActiveModel { last_step: Set(totp.last_step), confirmed_at: Set(totp.confirmed_at), ..Default::default() };
        let is_pending = Condition::all()
            .add(Column::SealedSecret.eq(totp.secret.as_bytes().to_vec()))
            .add(Column::ConfirmedAt.is_null());
        self.change_totp(totp.user_id, change, is_pending).await
    }

    async fn accept_step(&mut self, id: UserId, secret: &SealedTotpSecret, step: i64) -> Result<bool, StorageError> {
        let change = ActiveModel { last_step: Set(Some(step)), attempts: Set(0), ..Default::default() };
        let is_new = Condition::all()
            .add(Column::SealedSecret.eq(secret.as_bytes().to_vec()))
            .add(Column::ConfirmedAt.is_not_null())
            .add(Column::LastStep.is_null().or(Column::LastStep.lt(step)));
        self.change_totp(id, change, is_new).await
    }

    async fn insert_recovery_codes(&mut self, id: UserId, codes: &[RecoveryCodeDigest]) -> Result<(), StorageError> {
        let row = |code: &RecoveryCodeDigest| recovery_codes::ActiveModel {
            user_id: Set(id.as_uuid()),
            digest: Set(code.as_bytes().to_vec()),
            used_at: Set(None),
        };
        let insert = self.scope().insert_many(codes.iter().map(row).collect())?;
        insert.exec_without_returning(self).await.map(|_| ()).map_err(storage)
    }

    async fn use_recovery_code(
        &mut self,
        id: UserId,
        code: &RecoveryCodeDigest,
        at: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        use recovery_codes::Column as Code;
        let change = recovery_codes::ActiveModel { used_at: Set(Some(at)), ..Default::default() };
        let update = self
            .scope()
            .update_many::<Code>()
            .set(change)
            .filter(Code::UserId.eq(id.as_uuid()))
            .filter(Code::Digest.eq(code.as_bytes().to_vec()))
            .filter(Code::UsedAt.is_null());
        if update.exec(self).await.map_err(storage)?.rows_affected == 0 {
            return Ok(false);
        }
        self.change_totp(id, ActiveModel { attempts: Set(0), ..Default::default() }, Condition::all()).await
    }

    async fn reserve_attempt(
        &mut self,
        id: UserId,
        limits: SecondFactorLimits,
        at: DateTime<Utc>,
    ) -> Result<bool, StorageError> {
        let is_over = Column::AttemptsSince.lte(at - limits.window);
        let one_more = Expr::col(Column::Attempts).add(1);
        let update = self
            .scope()
            .update_many::<Column>()
            .col_expr(Column::Attempts, renewed(&is_over, 1_i64, one_more))
            .col_expr(Column::AttemptsSince, renewed(&is_over, at, Expr::col(Column::AttemptsSince)))
            .filter(Column::UserId.eq(id.as_uuid()))
            .filter(Column::Attempts.lt(i64::from(limits.attempts)).or(is_over));
        Ok(update.exec(self).await.map_err(storage)?.rows_affected == 1)
    }

    async fn delete(&mut self, id: UserId) -> Result<(), StorageError> {
        let codes = self.scope().delete_many::<recovery_codes::Column>();
        let codes = codes.filter(recovery_codes::Column::UserId.eq(id.as_uuid()));
        codes.exec(self).await.map_err(storage)?;
        let totp = self.scope().delete_many::<Column>().filter(Column::UserId.eq(id.as_uuid()));
        totp.exec(self).await.map(|_| ()).map_err(storage)
    }
}
