//! The SQL of task lists.

use sea_orm::sea_query::{
    Asterisk, Condition, Expr, ExprTrait, Func, Query, SelectStatement, SubQueryStatement, UnionType,
};
use sea_orm::{ColumnTrait, DbBackend, QueryFilter, QuerySelect, QueryTrait};
use tenantry_kernel::{PageRequest, StorageError};
use tenantry_tasks::{Direction, SortField, TaskFilter, TaskSort, Visibility};

use crate::listing::{SortBy, counting};
use crate::scope::Scope;
use crate::scope::tasks::Column;
use crate::search::has_word;
use crate::tasks::TASK_COLUMNS;

/// A list of tasks, as the parts that it is put together from.
///
/// "Made by or assigned to" is two parts rather than one OR: each part has an index that already is in the order of
/// the list, so that a page costs the same wherever in the list it is.
pub(crate) struct TaskList<'a> {
    backend: DbBackend,
    scope: &'a Scope,
    filter: &'a TaskFilter,
    parts: Vec<Condition>,
}

impl<'a> TaskList<'a> {
    /// The tasks in `scope` that `visibility` and `filter` admit.
    pub(crate) fn new(backend: DbBackend, scope: &'a Scope, visibility: Visibility, filter: &'a TaskFilter) -> Self {
        Self { backend, scope, filter, parts: parts(visibility) }
    }

    /// Selects a page of it, the columns as in [`TASK_COLUMNS`].
    pub(crate) fn page(&self, sort: TaskSort, page: &PageRequest) -> Result<SelectStatement, StorageError> {
        let sort = sort_by(sort);
        let window = sort.window(page)?;
        let mut parts = self.selects();
        if let [only] = parts.as_mut_slice() {
            sort.order(only, |column| column.as_column_ref());
            window.cut(only);
            return Ok(std::mem::take(only));
        }
        for part in &mut parts {
            sort.order(part, |column| column.as_column_ref());
            window.cut_part(part);
        }
        let mut whole = together(parts);
        sort.order(&mut whole, |column| column);
        window.cut_whole(&mut whole);
        Ok(whole)
    }

    /// Selects how many tasks it has: those of its parts together.
    pub(crate) fn count(&self) -> SelectStatement {
        let counts = self.selects().into_iter().map(|part| Expr::from(SubQueryStatement::from(counting(part))));
        let sum = counts.reduce(ExprTrait::add).unwrap_or_else(|| Expr::val(0));
        Query::select().expr(sum).take()
    }

    fn selects(&self) -> Vec<SelectStatement> {
        self.parts.iter().map(|part| self.select(part)).collect()
    }

    fn select(&self, part: &Condition) -> SelectStatement {
        let select = self.scope.select::<Column>().select_only().columns(TASK_COLUMNS).filter(part.clone());
        let filter = self.filter;
        let select = select
            .apply_if(filter.status, |select, status| select.filter(Column::Status.eq(status.as_str())))
            .apply_if(filter.project_id, |select, id| select.filter(Column::ProjectId.eq(id.as_uuid())))
            .apply_if(filter.assignee_id, |select, id| select.filter(Column::AssigneeId.eq(id.as_uuid())))
            .apply_if(filter.priority, |select, priority| select.filter(Column::Priority.eq(priority.get())))
            .apply_if(filter.due_before, |select, time| select.filter(Column::DueAt.lt(time.get())))
            .apply_if(filter.due_after, |select, time| select.filter(Column::DueAt.gte(time.get())))
            .apply_if(filter.label.as_deref(), |select, label| select.filter(self.has_label(label)));
        filter
            .words
            .iter()
            .fold(select, |select, word| select.filter(has_word(self.backend, Column::SearchText, word)))
            .into_query()
    }

    fn has_label(&self, label: &str) -> Expr {
        let labels = Expr::col(Column::Labels.as_column_ref());
        if self.backend == DbBackend::Postgres {
            return Func::cust("jsonb_exists").arg(labels).arg(label).into();
        }
        let found = Query::select()
            .expr(Expr::val(1))
            .from_function(Func::cust("json_each").arg(labels), "label")
            .and_where(Expr::col(("label", "value")).eq(label))
            .take();
        Expr::exists(found)
    }
}

fn parts(visibility: Visibility) -> Vec<Condition> {
    match visibility {
        Visibility::All => vec![Condition::all()],
        Visibility::Assigned(id) => vec![Condition::all().add(Column::AssigneeId.eq(id.as_uuid()))],
        Visibility::OwnOrAssigned(id) => vec![
            Condition::all().add(Column::UserId.eq(id.as_uuid())),
            Condition::all().add(Column::AssigneeId.eq(id.as_uuid())).add(Column::UserId.ne(id.as_uuid())),
        ],
    }
}

/// Neither database takes an order and a limit within a part of a union, so each part is a sub-select.
fn together(parts: Vec<SelectStatement>) -> SelectStatement {
    let mut parts = parts.into_iter().map(|part| Query::select().column(Asterisk).from_subquery(part, "part").take());
    let mut whole = parts.next().unwrap_or_default();
    whole.unions(parts.map(|part| (UnionType::All, part)));
    whole
}

fn sort_by(sort: TaskSort) -> SortBy<Column> {
    let key = match sort.field {
        SortField::CreatedAt => Column::CreatedAt,
        SortField::UpdatedAt => Column::UpdatedAt,
        SortField::DueAt => Column::DueAt,
        SortField::Priority => Column::Priority,
        SortField::Title => Column::Title,
    };
    SortBy { key, id: Column::Id, descending: sort.direction == Direction::Descending }
}
