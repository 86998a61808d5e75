//! What was spent.

use sea_orm::sea_query::{Asterisk, Expr, ExprTrait, NullOrdering};
use sea_orm::{ColumnTrait, Order, QueryFilter, QueryOrder, QueryResult, QuerySelect, QueryTrait};
use tenantry_kernel::StorageError;
use tenantry_readings::ports::UsageFilter;
use tenantry_readings::{AdvisorId, ModelName, NanoUsd, ProviderName, Route, UsageItem};

use super::entries::{SETTLE, day_from, day_text};
use crate::StoreTransaction;
use crate::row::{RowReader, corrupt, count};
use crate::scope::reading_ledger::Column;

/// What makes an item, in the order of the items.
const GROUPED: [Column; 4] = [Column::Day, Column::Advisor, Column::Llm, Column::Provider];
const SUMMED: [Column; 3] = [Column::PromptTokens, Column::CompletionTokens, Column::Amount];

fn read_item(row: &QueryResult) -> Result<UsageItem, StorageError> {
    let mut row = RowReader::new(row);
    let day: String = row.take()?;
    let broken = |column: &'static str| {
        let day = &day;
        move || corrupt("reading_ledger", day, column)
    };
    let advisor = AdvisorId::from_stored(row.take()?);
    let model = row.take::<Option<String>>()?.map(ModelName::from_stored);
    let provider = row.take::<Option<String>>()?.map(ProviderName::from_stored);
    Ok(UsageItem {
        day: day_from(&day, broken("day"))?,
        advisor,
        route: provider.zip(model).map(|(provider, model)| Route { provider, model }),
        readings: count(row.take()?, broken("reading_id"))?,
        prompt_tokens: count(row.take()?, broken("prompt_tokens"))?,
        completion_tokens: count(row.take()?, broken("completion_tokens"))?,
        cost: NanoUsd::from_nanos(row.take()?),
    })
}

impl StoreTransaction {
    pub(super) async fn total_usage(&self, filter: &UsageFilter) -> Result<Vec<UsageItem>, StorageError> {
        self.check_one_organization()?;
        let mut select = self
            .scope()
            .select::<Column>()
            .select_only()
            .columns(GROUPED)
            .expr(Expr::col(Asterisk).count())
            .exprs(SUMMED.map(|column| column.sum().cast_as("bigint")))
            .filter(Column::Kind.eq(SETTLE))
            .filter(Column::Day.gte(day_text(filter.from)))
            .filter(Column::Day.lte(day_text(filter.to)))
            .apply_if(filter.user_id, |select, id| select.filter(Column::UserId.eq(id.as_uuid())));
        for column in GROUPED {
            select = select.group_by(column).order_by_with_nulls(column, Order::Asc, NullOrdering::First);
        }
        self.rows(&select.into_query()).await?.iter().map(read_item).collect()
    }
}
