//! Lists of members, each beside the account.

use sea_orm::sea_query::{Condition, Expr, ExprTrait, SelectStatement};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, Iterable, QueryResult, QuerySelect, QueryTrait};
use tenantry_kernel::{Page, PageRequest, StorageError};
use tenantry_tenancy::{Member, MemberFilter};

use crate::StoreTransaction;
use crate::listing::SortBy;
use crate::memberships::membership_from;
use crate::row::RowReader;
use crate::scope::memberships::{self, Column};
use crate::scope::{Scope, users};
use crate::search::has_word;
use crate::users::{USER_COLUMNS, read_user};

const NEWEST_FIRST: SortBy<Column> = SortBy { key: Column::JoinedAt, id: Column::UserId, descending: true };

impl StoreTransaction {
    /// The members of the scope's organisation that `filter` admits.
    pub(crate) async fn list_members(
        &mut self,
        filter: &MemberFilter,
        page: &PageRequest,
    ) -> Result<Page<Member>, StorageError> {
        let all = select_members(self.scope(), filter, self.get_database_backend());
        let (rows, total) = self.page_of(all, NEWEST_FIRST, page).await?;
        let members = rows.iter().map(read_member).collect::<Result<_, _>>()?;
        Ok(Page::from_probe(members, page.limit(), total, Member::cursor))
    }
}

/// Memberships and accounts in one statement.
fn select_members(scope: &Scope, filter: &MemberFilter, backend: DbBackend) -> SelectStatement {
    let mut select = scope.select_own::<Column>().select_only().columns(Column::iter()).into_query();
    select
        .exprs(USER_COLUMNS.map(|column| Expr::col(column.as_column_ref())))
        .inner_join(
            users::Column::Id.entity_name(),
            Expr::col(users::Column::Id.as_column_ref()).equals(Column::UserId.as_column_ref()),
        )
        .and_where(users::Column::DeletedAt.is_null());
    if let Some(role) = filter.role {
        select.and_where(Column::Role.eq(role.as_str()));
    }
    match filter.is_active {
        Some(true) => {
            select.and_where(Column::IsActive.eq(true)).and_where(users::Column::IsActive.eq(true));
        }
        Some(false) => {
            let either = Condition::any().add(Column::IsActive.eq(false)).add(users::Column::IsActive.eq(false));
            select.cond_where(either);
        }
        None => {}
    }
    for word in &filter.words {
        select.and_where(has_word(backend, users::Column::SearchText, word));
    }
    select
}

fn read_member(row: &QueryResult) -> Result<Member, StorageError> {
    let mut row = RowReader::new(row);
    let membership = membership_from(&memberships::read(&mut row)?)?;
    Ok(Member { user: read_user(&mut row)?, membership })
}
