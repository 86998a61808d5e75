//! The only door to the tables.
//!
//! The sea-orm entities are private to this module. What it lends are selects, updates, inserts and deletes that carry
//! the filter of the transaction's [`Scope`] already, so that a repository can't forget it. A column names its table:
//! `scope.select::<tasks::Column>()`.
#![expect(clippy::disallowed_methods, reason = "this is the layer that adds the filter")]

mod advisor;
mod api_key;
mod audit_entry;
mod audit_head;
mod audit_link;
mod audit_waiting;
mod credential;
mod cycle;
mod guess_bucket;
mod idempotency_key;
mod invitation;
mod job;
mod mailed_link;
mod membership;
mod organization;
mod outgoing_mail;
mod project;
mod reading;
mod reading_budget;
mod reading_chunk;
mod reading_ledger_entry;
mod reading_sum;
mod recovery_code;
mod revocation;
mod session;
mod signing_key;
mod sync_file;
mod sync_part;
mod sync_run;
mod sync_session;
mod sync_turn;
mod task;
mod totp_secret;
mod user;

#[cfg(test)]
pub(crate) mod lifted;
#[cfg(test)]
mod schema_tests;

use sea_orm::sea_query::{Condition, Expr, Value};
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, DeleteMany, EntityTrait, Insert, InsertMany, QueryFilter, Select,
    UpdateMany,
};
use tenantry_kernel::StorageError;
use uuid::Uuid;

/// Lends a table's columns and rows without its entity.
macro_rules! tables {
    ($($table:ident = $entity:ident { $($lent:ident),+ };)+) => {
        $(pub(crate) mod $table {
            pub(crate) use super::$entity::{$($lent),+};
        })+
    };
}

tables! {
    advisors = advisor { ActiveModel, Column, Model };
    audit_heads = audit_head { ActiveModel, Column, Model };
    audit_links = audit_link { ActiveModel, Column, Model };
    api_keys = api_key { ActiveModel, Column, Model };
    audit_log = audit_entry { ActiveModel, Column, Model };
    audit_queue = audit_waiting { Column };
    credentials = credential { ActiveModel, Column };
    cycles = cycle { ActiveModel, Column, Model };
    guess_buckets = guess_bucket { ActiveModel, Column };
    idempotency_keys = idempotency_key { ActiveModel, Column, Model };
    invitations = invitation { ActiveModel, Column, Model };
    jobs = job { ActiveModel, Column };
    mailed_links = mailed_link { ActiveModel, Column, Model };
    memberships = membership { ActiveModel, Column, Model, read };
    organizations = organization { ActiveModel, Column, Model, read };
    outbox = outgoing_mail { ActiveModel, Column, Model };
    projects = project { ActiveModel, Column, Model };
    reading_budgets = reading_budget { ActiveModel, Column, Model };
    reading_chunks = reading_chunk { ActiveModel, Column };
    reading_ledger = reading_ledger_entry { ActiveModel, Column };
    reading_sums = reading_sum { ActiveModel, Column };
    readings = reading { ActiveModel, Column, Model };
    recovery_codes = recovery_code { ActiveModel, Column };
    revocations = revocation { ActiveModel, Column, Model };
    sessions = session { ActiveModel, Column, Model, Rotations };
    signing_keys = signing_key { ActiveModel, Column, Model };
    sync_files = sync_file { ActiveModel, Column };
    sync_parts = sync_part { ActiveModel, Column };
    sync_runs = sync_run { ActiveModel, Column };
    sync_sessions = sync_session { ActiveModel, Column };
    sync_turns = sync_turn { ActiveModel, Column };
    tasks = task { ActiveModel, Column, Labels };
    totp_secrets = totp_secret { ActiveModel, Column, Model };
    users = user { ActiveModel, Column };
}

/// Whose rows a transaction may see and change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Scope {
    reach: Reach,
    organization_id: Option<Uuid>,
    user_id: Option<Uuid>,
    role: Option<&'static str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// The rows of the organisation and of the user.
    Bound,
    /// All rows: platform administration and sweepers.
    Platform,
}

#[derive(Debug, thiserror::Error)]
#[error("a row of another tenant or user was about to be written")]
struct ForeignRow;

/// How a table's rows belong to tenants and users.
pub(crate) trait Scoped: EntityTrait {
    /// Which rows the scope may see.
    fn readable(scope: &Scope) -> Condition;

    /// Which rows the scope may change.
    fn writable(scope: &Scope) -> Condition {
        Self::readable(scope)
    }

    /// Which rows the scope may delete.
    fn removable(scope: &Scope) -> Condition {
        Self::writable(scope)
    }

    /// Whether the scope may add the row.
    fn admits(scope: &Scope, row: &Self::ActiveModel) -> bool;
}

/// What is done through the door.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    Select,
    SelectOwn,
    Update,
    Delete,
    /// Checked rather than filtered, so that only the tests that leave doors open name it.
    #[cfg(test)]
    Insert,
}

impl Scope {
    /// Somebody who acts within an organisation.
    pub(crate) fn tenant(organization_id: Uuid, user_id: Option<Uuid>, role: &'static str) -> Self {
        Self { organization_id: Some(organization_id), user_id, role: Some(role), ..Self::nobody() }
    }

    /// A user who acts for themselves.
    pub(crate) fn user(user_id: Uuid) -> Self {
        Self { user_id: Some(user_id), ..Self::nobody() }
    }

    /// Nobody yet: sees no rows that belong to anyone.
    pub(crate) fn nobody() -> Self {
        Self { reach: Reach::Bound, organization_id: None, user_id: None, role: None }
    }

    /// The platform itself: sees all rows.
    pub(crate) fn platform() -> Self {
        Self { reach: Reach::Platform, ..Self::nobody() }
    }

    /// The same user within an organisation that the user was found to own.
    pub(crate) fn entered(self, organization_id: Uuid) -> Self {
        Self { organization_id: Some(organization_id), ..self }
    }

    /// Another user within the same organisation: whoever calls this has found out that it may be done in their name.
    pub(crate) fn acting_for(self, user_id: Uuid) -> Self {
        Self { user_id: Some(user_id), ..self }
    }

    /// Whether all rows are in reach.
    pub(crate) fn is_platform(&self) -> bool {
        self.reach == Reach::Platform
    }

    /// The organisation.
    pub(crate) fn organization_id(&self) -> Option<Uuid> {
        self.organization_id
    }

    /// The user.
    pub(crate) fn user_id(&self) -> Option<Uuid> {
        self.user_id
    }

    /// The user's role in the organisation.
    pub(crate) fn role(&self) -> Option<&'static str> {
        self.role
    }

    /// Reads the rows in reach of the table that has the column `C`.
    pub(crate) fn select<C>(&self) -> Select<C::EntityName>
    where
        C: ColumnTrait<EntityName: Scoped>,
    {
        let select = C::EntityName::find();
        if self.is_platform() { select } else { select.filter(self.bounds::<C::EntityName>(Act::Select)) }
    }

    /// Reads the rows in reach that may also be changed: of what several organisations have, the scope's own.
    pub(crate) fn select_own<C>(&self) -> Select<C::EntityName>
    where
        C: ColumnTrait<EntityName: Scoped>,
    {
        let select = C::EntityName::find();
        if self.is_platform() { select } else { select.filter(self.bounds::<C::EntityName>(Act::SelectOwn)) }
    }

    /// Changes rows in reach.
    pub(crate) fn update_many<C>(&self) -> UpdateMany<C::EntityName>
    where
        C: ColumnTrait<EntityName: Scoped>,
    {
        let update = C::EntityName::update_many();
        if self.is_platform() { update } else { update.filter(self.bounds::<C::EntityName>(Act::Update)) }
    }

    /// Deletes rows in reach.
    pub(crate) fn delete_many<C>(&self) -> DeleteMany<C::EntityName>
    where
        C: ColumnTrait<EntityName: Scoped>,
    {
        let delete = C::EntityName::delete_many();
        if self.is_platform() { delete } else { delete.filter(self.bounds::<C::EntityName>(Act::Delete)) }
    }

    /// Adds a row.
    ///
    /// # Errors
    /// [`StorageError::Internal`] when the row is another tenant's or user's.
    pub(crate) fn insert<A>(&self, row: A) -> Result<Insert<A>, StorageError>
    where
        A: ActiveModelTrait<Entity: Scoped + EntityTrait<ActiveModel = A>>,
    {
        self.check(&row)?;
        Ok(Insert::one(row))
    }

    /// Adds rows.
    ///
    /// # Errors
    /// [`StorageError::Internal`] when one of the rows is another tenant's or user's.
    pub(crate) fn insert_many<A>(&self, rows: Vec<A>) -> Result<InsertMany<A>, StorageError>
    where
        A: ActiveModelTrait<Entity: Scoped + EntityTrait<ActiveModel = A>>,
    {
        rows.iter().try_for_each(|row| self.check(row))?;
        Ok(InsertMany::many(rows))
    }

    fn check<A>(&self, row: &A) -> Result<(), StorageError>
    where
        A: ActiveModelTrait<Entity: Scoped + EntityTrait<ActiveModel = A>>,
    {
        if self.is_platform() || self.admits(row) { Ok(()) } else { Err(StorageError::Internal(ForeignRow.into())) }
    }

    fn bounds<E: Scoped>(&self, act: Act) -> Condition {
        #[cfg(test)]
        if lifted::is_lifted::<E>(act) {
            return Condition::all();
        }
        match act {
            Act::Select => E::readable(self),
            Act::Delete => E::removable(self),
            _ => E::writable(self),
        }
    }

    fn admits<A>(&self, row: &A) -> bool
    where
        A: ActiveModelTrait<Entity: Scoped + EntityTrait<ActiveModel = A>>,
    {
        #[cfg(test)]
        if lifted::is_lifted::<A::Entity>(Act::Insert) {
            return true;
        }
        A::Entity::admits(self, row)
    }

    /// The rows whose column names the organisation; none where the scope has none.
    fn in_tenant<C: ColumnTrait>(&self, column: C) -> Condition {
        equals(column, self.organization_id)
    }

    /// The rows whose column names the user; none where the scope has none.
    fn of_user<C: ColumnTrait>(&self, column: C) -> Condition {
        equals(column, self.user_id)
    }

    fn is_tenant(&self, value: &ActiveValue<Uuid>) -> bool {
        self.organization_id.is_some_and(|id| is_set_to(value, &id))
    }

    fn is_user(&self, value: &ActiveValue<Uuid>) -> bool {
        self.user_id.is_some_and(|id| is_set_to(value, &id))
    }
}

fn equals<C: ColumnTrait>(column: C, id: Option<Uuid>) -> Condition {
    id.map_or_else(no_row, |id| Condition::all().add(column.eq(id)))
}

/// The rows that nobody reaches.
fn no_row() -> Condition {
    Condition::all().add(Expr::cust("1 = 0"))
}

/// Whether the value was set, and to this.
fn is_set_to<V: Into<Value> + PartialEq>(value: &ActiveValue<V>, wanted: &V) -> bool {
    matches!(value, ActiveValue::Set(value) if value == wanted)
}

#[cfg(test)]
mod tests {
    use sea_orm::{DbBackend, QueryTrait};

    use super::*;

    fn id(value: u128) -> Uuid {
        Uuid::from_u128(value)
    }

    fn membership_row(organization_id: u128) -> memberships::ActiveModel {
        memberships::ActiveModel { organization_id: ActiveValue::Set(id(organization_id)), ..Default::default() }
    }

    #[test]
    fn without_an_id_no_row_is_in_reach() {
        let sql = Scope::nobody().select::<tasks::Column>().build(DbBackend::Sqlite).to_string();
        assert!(sql.ends_with("WHERE 1 = 0"), "{sql}");
        let sql = Scope::user(id(2)).delete_many::<projects::Column>().build(DbBackend::Sqlite).to_string();
        assert!(sql.ends_with("WHERE 1 = 0"), "{sql}");
    }

    #[test]
    fn the_organization_is_in_every_statement() {
        let scope = Scope::tenant(id(1), Some(id(2)), "MEMBER");
        let wanted = "WHERE \"tasks\".\"organization_id\" = '00000000-0000-0000-0000-000000000001'";
        let select = scope.select::<tasks::Column>().build(DbBackend::Postgres).to_string();
        let delete = scope.delete_many::<tasks::Column>().build(DbBackend::Postgres).to_string();
        let update = scope.update_many::<tasks::Column>().col_expr(tasks::Column::Title, Expr::val("x"));
        for sql in [select, delete, update.build(DbBackend::Postgres).to_string()] {
            assert!(sql.contains(wanted), "{sql}");
        }
    }

    #[test]
    fn a_membership_is_read_by_its_user_but_written_by_its_organization_only() {
        let scope = Scope::user(id(2));
        let select = scope.select::<memberships::Column>().build(DbBackend::Postgres).to_string();
        assert!(select.contains("(1 = 0) OR \"memberships\".\"user_id\" = "), "{select}");
        let update = scope.update_many::<memberships::Column>().col_expr(memberships::Column::Epoch, Expr::val(1));
        let update = update.build(DbBackend::Postgres).to_string();
        assert!(update.ends_with("WHERE 1 = 0"), "{update}");
    }

    #[test]
    fn another_tenants_row_is_not_inserted() {
        let scope = Scope::tenant(id(1), Some(id(2)), "OWNER");
        assert!(scope.insert(membership_row(1)).is_ok());
        assert!(scope.insert(membership_row(3)).is_err());
        assert!(scope.insert(<memberships::ActiveModel as Default>::default()).is_err());
        assert!(Scope::user(id(1)).insert(membership_row(1)).is_err());
        assert!(Scope::platform().insert(membership_row(3)).is_ok());
    }
}
