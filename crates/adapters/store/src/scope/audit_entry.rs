use sea_orm::Condition;
use sea_orm::entity::prelude::*;

use super::{Scope, Scoped, is_set_to, no_row};

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_log")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub occurred_at: DateTimeUtc,
    pub organization_id: Option<Uuid>,
    pub actor_id: Option<Uuid>,
    pub actor_type: String,
    pub action: String,
    pub target_type: Option<String>,
    pub target_id: Option<Uuid>,
    pub outcome: String,
    pub ip_address: Option<String>,
    pub request_id: Option<String>,
    pub data: Json,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// An organisation reads its own log; a user, outside of all organisations, what concerns the account alone and was done
/// in their name. Nobody changes a log.
impl Scoped for Entity {
    fn readable(scope: &Scope) -> Condition {
        if scope.organization_id().is_some() {
            return scope.in_tenant(Column::OrganizationId);
        }
        scope.of_user(Column::ActorId).add(Column::OrganizationId.is_null())
    }

    fn writable(_scope: &Scope) -> Condition {
        no_row()
    }

    /// In the name of nobody else; in the log of the scope's organisation, of one that the user acts for, or of none.
    fn admits(scope: &Scope, row: &ActiveModel) -> bool {
        let in_own_name = is_set_to(&row.actor_id, &None)
            || is_set_to(&row.actor_id, &scope.user_id())
            || row.actor_type.try_as_ref().is_some_and(|kind| kind == "api_key");
        let in_own_log = is_set_to(&row.organization_id, &None)
            || is_set_to(&row.organization_id, &scope.organization_id())
            || (scope.organization_id().is_none() && scope.user_id().is_some());
        in_own_name && in_own_log
    }
}
