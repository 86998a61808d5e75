//! Sums of readings that are not what their rows come to are found and mended.

use chrono::NaiveDate;
use sea_orm::ConnectionTrait as _;
use tenantry_identity::PlatformContext;
use tenantry_kernel::{Store, Transaction as _};
use tenantry_readings::ports::ReadingTransaction;
use tenantry_readings::{
    Account, AdvisorId, Bill, Budget, Discrepancy, NanoUsd, ReadingId, Reservation, Settlement, Spent,
};
use tenantry_tenancy::TenantContext;

use super::fixture::{Ids, Newcomer, TestStore, at, sign_up, stores};
use crate::Database;
use crate::scope::Scope;
use crate::transaction::Mode;

fn reservation(of: &Newcomer, nanos: i64) -> Reservation {
    Reservation {
        reading_id: ReadingId::generate(&Ids),
        organization_id: of.organization.id,
        user_id: of.user.id,
        advisor: AdvisorId::from_stored("legba".to_owned()),
        amount: NanoUsd::from_nanos(nanos),
        day: NaiveDate::from_ymd_opt(2026, 11, 22).unwrap(),
        created_at: at(0),
    }
}

fn spent(settled: i64, reserved: i64) -> Spent {
    Spent { settled: NanoUsd::from_nanos(settled), reserved: NanoUsd::from_nanos(reserved) }
}

async fn begin(database: &Database, of: &Newcomer) -> Box<dyn ReadingTransaction> {
    let store: &dyn Store<TenantContext, dyn ReadingTransaction> = database;
    store.begin(&of.context).await.unwrap()
}

/// One reading that is settled for 3, and one for which 20 are put aside.
async fn spend(database: &Database, of: &Newcomer) -> Reservation {
    let [over, open] = [10, 20].map(|nanos| reservation(of, nanos));
    let mut transaction = begin(database, of).await;
    for reservation in [&over, &open] {
        assert!(transaction.ledger().reserve(reservation, &Budget::default()).await.unwrap());
    }
    let settlement = Settlement {
        reading_id: over.reading_id,
        organization_id: over.organization_id,
        route: None,
        price_from: None,
        bill: Bill { cost: NanoUsd::from_nanos(3), ..Bill::default() },
        created_at: at(1),
    };
    assert!(transaction.ledger().settle(&settlement).await.unwrap());
    transaction.commit().await.unwrap();
    open
}

async fn reconcile(database: &Database, mend: bool) -> Vec<Discrepancy> {
    let store: &dyn Store<PlatformContext, dyn ReadingTransaction> = database;
    let mut transaction = store.begin(&PlatformContext::system()).await.unwrap();
    let found = transaction.ledger().reconcile(mend).await.unwrap();
    transaction.commit().await.unwrap();
    found
}

async fn doctor(test: &TestStore, sql: &str) {
    let transaction = test.database.begin(Scope::platform(), Mode::Write).await.unwrap();
    transaction.execute_unprepared(sql).await.unwrap();
    Box::new(transaction).commit().await.unwrap();
}

#[tokio::test]
async fn doctored_sums_are_found_and_mended() {
    for test in stores().await {
        let (ada, bob) = (sign_up(&test.database, "ada").await, sign_up(&test.database, "bob").await);
        let open = spend(&test.database, &ada).await;
        spend(&test.database, &bob).await;
        assert_eq!(reconcile(&test.database, true).await, []);
        doctor(&test, "DELETE FROM reading_sums WHERE period = '2026-11' AND settled = 3").await;
        doctor(&test, "UPDATE reading_sums SET settled = 5, reserved = 21 WHERE period = '2026-11-22'").await;
        let of = |of: &Newcomer, account: String, counted: Spent| Discrepancy {
            organization_id: of.organization.id,
            account,
            counted,
            booked: spent(3, 20),
        };
        let wanted = |who: &Newcomer| {
            [
                of(who, "2026-11 of the organisation".to_owned(), spent(0, 0)),
                of(who, "2026-11-22 of the organisation".to_owned(), spent(5, 21)),
                of(who, format!("2026-11 of user {}", who.user.id), spent(0, 0)),
                of(who, format!("2026-11-22 of user {}", who.user.id), spent(5, 21)),
            ]
        };
        let mut both = [wanted(&ada), wanted(&bob)].concat();
        both.sort_by_key(|wrong| wrong.organization_id);
        assert_eq!(reconcile(&test.database, false).await, both);
        // An organisation mends its own only.
        let mut transaction = begin(&test.database, &ada).await;
        assert_eq!(transaction.ledger().reconcile(true).await.unwrap(), wanted(&ada));
        transaction.commit().await.unwrap();
        assert_eq!(reconcile(&test.database, true).await, wanted(&bob));
        assert_eq!(reconcile(&test.database, false).await, []);
        let mut transaction = begin(&test.database, &ada).await;
        for account in Account::of(open.user_id, open.day) {
            assert_eq!(transaction.ledger().spent(&account).await.unwrap(), spent(3, 20));
        }
    }
}
