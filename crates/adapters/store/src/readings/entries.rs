//! Rows of the ledger.

use chrono::NaiveDate;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, QueryFilter, QuerySelect, QueryTrait};
use tenantry_kernel::{StorageError, UserId};
use tenantry_readings::{AdvisorId, NanoUsd, Reservation, Settlement};
use uuid::Uuid;

use crate::StoreTransaction;
use crate::error::storage;
use crate::row::{RowReader, corrupt, stored};
use crate::scope::reading_ledger::{ActiveModel, Column};

pub(super) const RESERVE: &str = "reserve";
pub(super) const SETTLE: &str = "settle";

/// What was put aside for a reading.
pub(super) struct Reserved {
    pub user_id: UserId,
    pub advisor: AdvisorId,
    pub day: NaiveDate,
    pub amount: NanoUsd,
}

/// A day as it is stored.
pub(super) fn day_text(day: NaiveDate) -> String {
    day.format("%Y-%m-%d").to_string()
}

/// A day that was stored.
pub(super) fn day_from(text: &str, broken: impl FnOnce() -> StorageError) -> Result<NaiveDate, StorageError> {
    text.parse().ok().ok_or_else(broken)
}

fn reserve_row(reservation: &Reservation) -> ActiveModel {
    ActiveModel {
        organization_id: Set(reservation.organization_id.as_uuid()),
        reading_id: Set(reservation.reading_id.as_uuid()),
        kind: Set(RESERVE.to_owned()),
        user_id: Set(reservation.user_id.as_uuid()),
        advisor: Set(reservation.advisor.as_str().to_owned()),
        provider: Set(None),
        llm: Set(None),
        day: Set(day_text(reservation.day)),
        amount: Set(reservation.amount.nanos()),
        computed: Set(0),
        prompt_tokens: Set(0),
        completion_tokens: Set(0),
        price_from: Set(None),
        is_estimated: Set(false),
        created_at: Set(reservation.created_at),
    }
}

fn settle_row(settlement: &Settlement, reserved: &Reserved) -> ActiveModel {
    let (bill, route) = (&settlement.bill, settlement.route.as_ref());
    ActiveModel {
        organization_id: Set(settlement.organization_id.as_uuid()),
        reading_id: Set(settlement.reading_id.as_uuid()),
        kind: Set(SETTLE.to_owned()),
        user_id: Set(reserved.user_id.as_uuid()),
        advisor: Set(reserved.advisor.as_str().to_owned()),
        provider: Set(route.map(|route| route.provider.as_str().to_owned())),
        llm: Set(route.map(|route| route.model.as_str().to_owned())),
        day: Set(day_text(reserved.day)),
        amount: Set(bill.cost.nanos()),
        computed: Set(bill.computed.nanos()),
        prompt_tokens: Set(stored(bill.prompt_tokens)),
        completion_tokens: Set(stored(bill.completion_tokens)),
        price_from: Set(settlement.price_from.map(day_text)),
        is_estimated: Set(bill.is_estimated),
        created_at: Set(settlement.created_at),
    }
}

impl StoreTransaction {
    pub(super) async fn insert_reservation(&self, reservation: &Reservation) -> Result<(), StorageError> {
        let insert = self.scope().insert(reserve_row(reservation))?;
        insert.exec_without_returning(self).await.map(|_| ()).map_err(storage)
    }

    /// Adds a settlement; tells whether it is the reading's first.
    pub(super) async fn insert_settlement(
        &self,
        settlement: &Settlement,
        reserved: &Reserved,
    ) -> Result<bool, StorageError> {
        let known = OnConflict::columns([Column::OrganizationId, Column::ReadingId, Column::Kind]);
        let insert = self.scope().insert(settle_row(settlement, reserved))?;
        let insert = insert.on_conflict(known.clone().do_nothing().to_owned());
        Ok(insert.exec_without_returning(self).await.map_err(storage)? == 1)
    }

    /// What was put aside for the reading that is settled.
    pub(super) async fn find_reservation(&self, settlement: &Settlement) -> Result<Reserved, StorageError> {
        let (organization_id, id): (Uuid, Uuid) =
            (settlement.organization_id.as_uuid(), settlement.reading_id.as_uuid());
        let select = self
            .scope()
            .select::<Column>()
            .select_only()
            .columns([Column::UserId, Column::Advisor, Column::Day, Column::Amount])
            .filter(Column::OrganizationId.eq(organization_id))
            .filter(Column::ReadingId.eq(id))
            .filter(Column::Kind.eq(RESERVE));
        let row = self.row(&select.into_query()).await?.ok_or_else(|| corrupt("reading_ledger", id, "reserve"))?;
        let mut row = RowReader::new(&row);
        Ok(Reserved {
            user_id: UserId::from_uuid(row.take()?),
            advisor: AdvisorId::from_stored(row.take()?),
            day: day_from(&row.take::<String>()?, || corrupt("reading_ledger", id, "day"))?,
            amount: NanoUsd::from_nanos(row.take()?),
        })
    }
}
