use sea_orm::Condition;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{ExprTrait, Query};
use tenantry_kernel::StorageError;

use super::{Scope, Scoped, membership};
use crate::row::RowReader;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "organizations")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub name: String,
    pub slug: String,
    pub plan: String,
    pub contact_email: Option<String>,
    pub is_active: bool,
    pub metadata: Json,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub deleted_at: Option<DateTimeUtc>,
    pub revision: i64,
    pub search_text: String,
}

/// Reads all columns in their order, beside those of other tables.
pub fn read(row: &mut RowReader<'_>) -> Result<Model, StorageError> {
    Ok(Model {
        id: row.take()?,
        name: row.take()?,
        slug: row.take()?,
        plan: row.take()?,
        contact_email: row.take()?,
        is_active: row.take()?,
        metadata: row.take()?,
        created_at: row.take()?,
        updated_at: row.take()?,
        deleted_at: row.take()?,
        revision: row.take()?,
        search_text: row.take()?,
    })
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// An organisation is seen from within and by its members, and changed from within only.
impl Scoped for Entity {
    fn readable(scope: &Scope) -> Condition {
        let joined = Query::select()
            .expr(Expr::val(1))
            .from(membership::Entity)
            .and_where(Expr::col((membership::Entity, membership::Column::OrganizationId)).equals((Entity, Column::Id)))
            .cond_where(scope.of_user(membership::Column::UserId))
            .take();
        Condition::any().add(scope.in_tenant(Column::Id)).add(Expr::exists(joined))
    }

    fn writable(scope: &Scope) -> Condition {
        scope.in_tenant(Column::Id)
    }

    fn admits(scope: &Scope, row: &ActiveModel) -> bool {
        scope.is_tenant(&row.id)
    }
}
