use sea_orm::Condition;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{ExprTrait, Query};

use super::{Scope, Scoped, membership};

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub email: String,
    pub email_key: String,
    pub username: String,
    pub username_key: String,
    pub full_name: Option<String>,
    pub is_active: bool,
    pub is_platform_admin: bool,
    pub must_change_password: bool,
    pub email_verified_at: Option<DateTimeUtc>,
    pub epoch: i64,
    pub last_login_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub deleted_at: Option<DateTimeUtc>,
    pub revision: i64,
    pub search_text: String,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// An account is seen by its user and within the organisations that it is a member of, and changed by its user alone.
impl Scoped for Entity {
    fn readable(scope: &Scope) -> Condition {
        if scope.organization_id().is_none() {
            return scope.of_user(Column::Id);
        }
        let shared = Query::select()
            .expr(Expr::val(1))
            .from(membership::Entity)
            .cond_where(scope.in_tenant(membership::Column::OrganizationId))
            .and_where(Expr::col((membership::Entity, membership::Column::UserId)).equals((Entity, Column::Id)))
            .take();
        Condition::any().add(scope.of_user(Column::Id)).add(Expr::exists(shared))
    }

    fn writable(scope: &Scope) -> Condition {
        scope.of_user(Column::Id)
    }

    fn admits(scope: &Scope, row: &ActiveModel) -> bool {
        scope.is_user(&row.id)
    }
}
