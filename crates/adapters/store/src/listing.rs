use sea_orm::sea_query::{
    Asterisk, Condition, Expr, ExprTrait, IntoColumnRef, NullOrdering, Order, SelectStatement, Value,
};
use sea_orm::{ColumnTrait, ColumnType, QueryResult};
use tenantry_kernel::{Cursor, PageRequest, SortKey, StorageError};

use crate::StoreTransaction;

/// The order of a list: by a column, and by id where that is equal. Empty values come last in either direction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SortBy<C> {
    /// The column to sort by.
    pub key: C,
    /// The id column.
    pub id: C,
    /// Which way both run.
    pub descending: bool,
}

/// The part of a list that a page needs: one item more than it shows, which tells that there is a next page.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    limit: u64,
    offset: u64,
    after: Option<Condition>,
}

#[derive(Debug, thiserror::Error)]
#[error("the cursor was made for a list in another order")]
struct ForeignCursor;

impl<C: ColumnTrait> SortBy<C> {
    /// What `page` shows of a list in this order.
    ///
    /// # Errors
    /// [`StorageError::Internal`] for a cursor whose key is of another type than the column.
    pub(crate) fn window(&self, page: &PageRequest) -> Result<Window, StorageError> {
        let size = u64::from(page.limit().get());
        let limit = size + 1;
        Ok(match page {
            PageRequest::Number { page, .. } => {
                // Far beyond any list, and still a number that both databases know.
                let offset = Ord::min(page.saturating_sub(1).saturating_mul(size), u64::from(u32::MAX));
                Window { limit, offset, after: None }
            }
            PageRequest::After { cursor, .. } => Window { limit, offset: 0, after: Some(self.after(cursor)?) },
        })
    }

    /// Puts `select` in order. `from` names the columns as they are called there.
    pub(crate) fn order<R: IntoColumnRef>(&self, select: &mut SelectStatement, from: impl Fn(C) -> R) {
        let direction = if self.descending { Order::Desc } else { Order::Asc };
        if self.is_nullable() {
            select.order_by_with_nulls(from(self.key), direction.clone(), NullOrdering::Last);
        } else {
            select.order_by(from(self.key), direction.clone());
        }
        select.order_by(from(self.id), direction);
    }

    fn is_nullable(&self) -> bool {
        self.key.def().is_null()
    }

    /// What comes after the cursor, as a comparison of rows, which both databases look up in an index.
    fn after(&self, cursor: &Cursor) -> Result<Condition, StorageError> {
        let Some(value) = self.key_value(&cursor.key)? else {
            // Among the empty values, only the id decides.
            let rest = self.beyond(Expr::col(self.id.as_column_ref()), Expr::val(cursor.id));
            return Ok(Condition::all().add(self.key.is_null()).add(rest));
        };
        let place = [Expr::col(self.key.as_column_ref()), Expr::col(self.id.as_column_ref())];
        let rest = self.beyond(Expr::tuple(place), Expr::tuple([Expr::val(value), Expr::val(cursor.id)]));
        let rest = Condition::any().add(rest);
        Ok(if self.is_nullable() { rest.add(self.key.is_null()) } else { rest })
    }

    fn beyond(&self, place: Expr, cursor: Expr) -> Expr {
        if self.descending { place.lt(cursor) } else { place.gt(cursor) }
    }

    fn key_value(&self, key: &SortKey) -> Result<Option<Value>, StorageError> {
        let definition = self.key.def();
        match (key, definition.get_column_type()) {
            (SortKey::Null, _) if definition.is_null() => Ok(None),
            (SortKey::Time(time), ColumnType::TimestampWithTimeZone) => Ok(Some((*time).into())),
            (SortKey::Integer(number), ColumnType::SmallInteger | ColumnType::BigInteger) => Ok(Some((*number).into())),
            (SortKey::Text(text), ColumnType::String(_) | ColumnType::Text) => Ok(Some(text.as_str().into())),
            _ => Err(StorageError::Internal(ForeignCursor.into())),
        }
    }
}

impl Window {
    /// Cuts the window out of a whole, ordered list.
    pub(crate) fn cut(&self, list: &mut SelectStatement) {
        self.skip(list);
        self.cut_whole(list);
    }

    /// Cuts out of one part of an ordered list what the window could show of it.
    pub(crate) fn cut_part(&self, part: &mut SelectStatement) {
        self.skip(part);
        part.limit(self.limit + self.offset);
    }

    /// Cuts the window out of parts that were cut by [`Window::cut_part`] and put together.
    pub(crate) fn cut_whole(&self, whole: &mut SelectStatement) {
        whole.limit(self.limit);
        if self.offset > 0 {
            whole.offset(self.offset);
        }
    }

    fn skip(&self, list: &mut SelectStatement) {
        if let Some(after) = &self.after {
            list.cond_where(after.clone());
        }
    }
}

impl StoreTransaction {
    /// The rows of a page of a list, with the one too many that tells of a next page, and the length of the whole list
    /// where the page asks for it.
    pub(crate) async fn page_of<C: ColumnTrait>(
        &self,
        list: SelectStatement,
        order: SortBy<C>,
        page: &PageRequest,
    ) -> Result<(Vec<QueryResult>, Option<u64>), StorageError> {
        let total = match page {
            PageRequest::Number { .. } => Some(self.count(&counting(list.clone())).await?),
            PageRequest::After { .. } => None,
        };
        let mut select = list;
        order.order(&mut select, |column| column.as_column_ref());
        order.window(page)?.cut(&mut select);
        Ok((self.rows(&select).await?, total))
    }
}

/// Turns a select of rows into their number.
pub(crate) fn counting(mut rows: SelectStatement) -> SelectStatement {
    rows.clear_selects().expr(Expr::col(Asterisk).count());
    rows
}
