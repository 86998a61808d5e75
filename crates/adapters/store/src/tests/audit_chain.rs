//! C13: whatever is done to the audit log otherwise than by writing to it is found.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use chrono::Duration;
use sea_orm::ConnectionTrait;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection};
use tenantry_application::ports::AuditSeals;
use tenantry_application::{AuditFlaw, AuditKeeper, AuditReport, AuditVerifier, Chain, KeptEnd, SealCheck};
use tenantry_identity::{AuditAction, ports::AuditRepository};
use tenantry_kernel::{Clock, SystemIds, Transaction};
use tenantry_testkit::FixedClock;

use super::fixture::{Newcomer, TestStore, sign_up, stores};
use crate::scope::Scope;
use crate::transaction::Mode;

/// Codes without cryptography, by a secret that can be replaced.
struct Codes {
    secret: u8,
    previous: Option<u8>,
}

fn code(parts: impl Hash) -> [u8; 32] {
    let mut hasher = DefaultHasher::new();
    parts.hash(&mut hasher);
    let mut code = [0; 32];
    code[..8].copy_from_slice(&hasher.finish().to_be_bytes());
    code
}

impl AuditSeals for Codes {
    fn link(&self, previous: &[u8; 32], position: u64, entry: &[u8]) -> [u8; 32] {
        code((previous, position, entry))
    }

    fn seal(&self, bytes: &[u8]) -> [u8; 32] {
        code((self.secret, bytes))
    }

    fn check(&self, bytes: &[u8], seal: &[u8; 32]) -> SealCheck {
        if *seal == self.seal(bytes) {
            SealCheck::Current
        } else if self.previous.is_some_and(|previous| *seal == code((previous, bytes))) {
            SealCheck::Previous
        } else {
            SealCheck::Wrong
        }
    }
}

struct Log {
    test: TestStore,
    person: Newcomer,
    clock: Arc<FixedClock>,
}

impl Log {
    /// Of an organisation, with a number of entries.
    async fn of(test: TestStore, entries: usize) -> Self {
        let person = sign_up(&test.database, "ada").await;
        let log = Self { test, person, clock: Arc::default() };
        log.write(entries).await;
        log
    }

    async fn write(&self, entries: usize) {
        for _ in 0..entries {
            write_entry(&self.test, &self.person, &*self.clock).await;
        }
    }

    fn keeper(&self, codes: Codes, retention: Option<Duration>) -> AuditKeeper {
        AuditKeeper::new(Arc::new(self.test.database.clone()), Arc::new(codes), retention, self.clock.clone())
    }

    async fn seal(&self) -> usize {
        self.keeper(SECRET, None).seal().await.unwrap()
    }

    async fn verify(&self, kept: &[KeptEnd]) -> AuditReport {
        self.verify_by(SECRET, kept).await
    }

    async fn verify_by(&self, codes: Codes, kept: &[KeptEnd]) -> AuditReport {
        AuditVerifier::new(Arc::new(self.test.database.clone()), Arc::new(codes)).verify(kept).await.unwrap()
    }

    fn chain(&self) -> Chain {
        Chain::Organization(self.person.organization.id)
    }

    /// Does what only the owner of the database can: without triggers, past all rights.
    async fn tamper(&self, sql: &str) {
        let sql = sql.replace("{chain}", &self.literal());
        if let Some(postgres) = &self.test.postgres {
            let mut owner = PgConnection::connect(&postgres.url).await.unwrap();
            let triggers = |what| {
                format!("ALTER TABLE audit_log {what} TRIGGER USER; ALTER TABLE audit_links {what} TRIGGER USER")
            };
            let sql = format!("{}; {sql}; {}", triggers("DISABLE"), triggers("ENABLE"));
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut owner).await.unwrap();
            return;
        }
        let transaction = self.test.database.begin(Scope::platform(), Mode::Write).await.unwrap();
        let drop = ["audit_log_unchanged", "audit_log_kept", "audit_links_unchanged", "audit_links_kept"]
            .map(|trigger| format!("DROP TRIGGER IF EXISTS {trigger}"));
        for sql in drop.iter().map(String::as_str).chain(sql.split(';')) {
            transaction.execute_unprepared(sql).await.unwrap();
        }
        Box::new(transaction).commit().await.unwrap();
    }

    fn literal(&self) -> String {
        let id = self.person.organization.id.as_uuid();
        if self.test.postgres.is_some() { format!("'{id}'") } else { format!("x'{}'", id.simple()) }
    }
}

async fn write_entry(test: &TestStore, person: &Newcomer, clock: &dyn Clock) {
    let entry = person.context.audit_entry(&SystemIds, clock.now(), AuditAction::USER_UPDATE).with("b", 1).with("a", 2);
    let transaction = test
        .database
        .begin(Scope::tenant(person.organization.id.as_uuid(), Some(person.user.id.as_uuid()), "OWNER"), Mode::Write);
    let mut transaction = transaction.await.unwrap();
    AuditRepository::append(&mut transaction, &entry).await.unwrap();
    Box::new(transaction).commit().await.unwrap();
}

const SECRET: Codes = Codes { secret: 1, previous: None };

#[tokio::test]
async fn what_was_written_is_chained_and_found_whole() {
    for test in stores().await {
        let log = Log::of(test, 7).await;
        let other = sign_up(&log.test.database, "bob").await;
        write_entry(&log.test, &other, &*log.clock).await;
        assert_eq!(log.seal().await, 8);
        assert_eq!(log.seal().await, 0);
        let first = log.verify(&[]).await;
        assert_eq!((first.entries, first.ends.len()), (8, 3), "two logs and the census");
        assert_eq!(first.flaws, []);
        log.write(2).await;
        log.seal().await;
        let second = log.verify(&first.ends).await;
        assert_eq!((second.entries, second.flaws), (10, vec![]));
    }
}

#[tokio::test]
async fn entries_that_wait_are_not_a_flaw() {
    for test in stores().await {
        let log = Log::of(test, 2).await;
        log.seal().await;
        log.write(2).await;
        assert_eq!(log.verify(&[]).await.flaws, []);
    }
}

/// What is done, and the flaws that tell of it.
type Deed = (&'static str, fn(Chain, &[AuditFlaw]) -> bool);

const LINK: &str = "FROM audit_links WHERE chain_id = {chain} AND position";

#[tokio::test]
async fn every_deed_is_found() {
    let deeds: [(String, Deed); 9] = [
        (
            format!("UPDATE audit_log SET action = 'x' WHERE id = (SELECT entry_id {LINK} = 3)"),
            ("an edit", |_, flaws| matches!(flaws, [AuditFlaw::ChangedEntry { position: 3, .. }])),
        ),
        (
            format!("DELETE FROM audit_log WHERE id = (SELECT entry_id {LINK} = 3)"),
            ("a deletion", |_, flaws| matches!(flaws, [AuditFlaw::MissingEntry { position: 3, .. }])),
        ),
        (
            format!("DELETE FROM audit_log WHERE id = (SELECT entry_id {LINK} = 3); DELETE {LINK} = 3"),
            ("a deletion with its link", |_, flaws| matches!(flaws, [AuditFlaw::MissingLink { position: 3, .. }, ..])),
        ),
        (
            "UPDATE audit_links SET position = 100 WHERE chain_id = {chain} AND position = 3;
             UPDATE audit_links SET position = 3 WHERE chain_id = {chain} AND position = 4;
             UPDATE audit_links SET position = 4 WHERE chain_id = {chain} AND position = 100"
                .to_owned(),
            ("a reorder", |_, flaws| matches!(flaws, [AuditFlaw::ChangedEntry { position: 3, .. }, ..])),
        ),
        (
            format!("DELETE FROM audit_log WHERE id IN (SELECT entry_id {LINK} > 4); DELETE {LINK} > 4"),
            ("a truncation", |_, flaws| matches!(flaws, [AuditFlaw::WrongLength { expected: 6, found: 4, .. }])),
        ),
        (
            format!(
                "DELETE FROM audit_log WHERE id IN (SELECT entry_id {LINK} > 4);
                 UPDATE audit_heads SET position = 4, hash = (SELECT hash {LINK} = 4) WHERE chain_id = {{chain}};
                 DELETE {LINK} > 4"
            ),
            ("a truncation with its end", |chain, flaws| flaws == [AuditFlaw::ForgedEnd(chain)]),
        ),
        (
            format!("DELETE {LINK} = 6; UPDATE audit_heads SET position = 5 WHERE chain_id = {{chain}}"),
            ("an entry out of its chain", |chain, flaws| {
                flaws.contains(&AuditFlaw::ForgedEnd(chain))
                    && flaws.contains(&AuditFlaw::LooseEntries { chain, count: 1 })
            }),
        ),
        (
            "DELETE FROM audit_log WHERE id IN (SELECT entry_id FROM audit_queue)".to_owned(),
            ("a deletion before the chain", |_, flaws| matches!(flaws, [AuditFlaw::LostEntries(2)])),
        ),
        (
            "DELETE FROM audit_log WHERE organization_id = {chain}; DELETE FROM audit_queue;
             DELETE FROM audit_links WHERE chain_id = {chain}; DELETE FROM audit_heads WHERE chain_id = {chain}"
                .to_owned(),
            ("a whole log gone", |_, flaws| matches!(flaws, [AuditFlaw::MissingChains { expected: 1, found: 0 }])),
        ),
    ];
    for (sql, (deed, is_told)) in deeds {
        for test in stores().await {
            let log = Log::of(test, 6).await;
            log.seal().await;
            log.write(2).await;
            log.tamper(&sql).await;
            let flaws = log.verify(&[]).await.flaws;
            assert!(is_told(log.chain(), &flaws), "{deed}: {flaws:?}");
        }
    }
}

#[tokio::test]
async fn an_older_state_of_everything_shows_against_an_end_that_was_kept() {
    for test in stores().await {
        let log = Log::of(test, 3).await;
        log.seal().await;
        let copy = "CREATE TABLE old_heads AS SELECT * FROM audit_heads WHERE chain_id = {chain}";
        log.tamper(copy).await;
        log.write(2).await;
        log.seal().await;
        let kept = log.verify(&[]).await.ends;
        let restore = format!(
            "DELETE FROM audit_log WHERE id IN (SELECT entry_id {LINK} > 3); DELETE {LINK} > 3;
             DELETE FROM audit_queue; DELETE FROM audit_heads WHERE chain_id = {{chain}};
             INSERT INTO audit_heads SELECT * FROM old_heads"
        );
        log.tamper(&restore).await;
        assert_eq!(log.verify(&[]).await.flaws, []);
        assert_eq!(log.verify(&kept).await.flaws, [AuditFlaw::Rewound(log.chain())]);
    }
}

#[tokio::test]
async fn a_forged_end_is_never_sealed_again() {
    for test in stores().await {
        let log = Log::of(test, 3).await;
        log.seal().await;
        log.tamper("UPDATE audit_heads SET position = 2 WHERE chain_id = {chain}").await;
        log.write(1).await;
        assert_eq!(log.seal().await, 0);
        assert_eq!(log.keeper(SECRET, Some(Duration::zero())).tidy().await.unwrap(), 0);
        assert!(log.verify(&[]).await.flaws.contains(&AuditFlaw::ForgedEnd(log.chain())));
    }
}

#[tokio::test]
async fn what_was_kept_long_enough_goes_from_the_front_and_the_rest_still_proves_itself() {
    for test in stores().await {
        let log = Log::of(test, 3).await;
        log.clock.advance(Duration::days(2));
        log.write(2).await;
        log.seal().await;
        let kept = log.verify(&[]).await.ends;
        let keeper = log.keeper(SECRET, Some(Duration::days(1)));
        assert_eq!(keeper.tidy().await.unwrap(), 3);
        assert_eq!(keeper.tidy().await.unwrap(), 0);
        let report = log.verify(&kept).await;
        assert_eq!((report.entries, report.flaws), (2, vec![]));
        log.tamper(&format!("DELETE FROM audit_log WHERE id = (SELECT entry_id {LINK} = 4)")).await;
        let flaws = log.verify(&[]).await.flaws;
        assert!(matches!(flaws[..], [AuditFlaw::MissingEntry { position: 4, .. }]), "{flaws:?}");
    }
}

#[tokio::test]
async fn the_end_is_sealed_anew_when_the_secret_is_replaced() {
    for test in stores().await {
        let log = Log::of(test, 2).await;
        log.seal().await;
        let rotated = || Codes { secret: 2, previous: Some(1) };
        assert_eq!(log.verify_by(rotated(), &[]).await.flaws, []);
        log.keeper(rotated(), None).tidy().await.unwrap();
        assert_eq!(log.verify_by(Codes { secret: 2, previous: None }, &[]).await.flaws, []);
    }
}

#[tokio::test]
async fn keepers_that_run_at_once_make_one_chain() {
    for test in stores().await {
        let log = Arc::new(Log::of(test, 0).await);
        let mut tasks = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let keeper = log.keeper(SECRET, None);
            tasks.spawn(async move {
                for _ in 0..20 {
                    keeper.seal().await.unwrap();
                    tokio::task::yield_now().await;
                }
            });
        }
        for _ in 0..16 {
            let log = log.clone();
            tasks.spawn(async move { log.write(4).await });
        }
        tasks.join_all().await;
        while log.seal().await > 0 {}
        let report = log.verify(&[]).await;
        assert_eq!((report.entries, report.flaws), (64, vec![]));
    }
}

#[tokio::test]
async fn nobody_but_the_job_removes_an_entry_and_then_only_an_expired_one() {
    for test in stores().await {
        let log = Log::of(test, 2).await;
        log.seal().await;
        for sql in ["DELETE FROM audit_log", "DELETE FROM audit_links", "UPDATE audit_links SET position = 9"] {
            let transaction = log.test.database.begin(Scope::platform(), Mode::Write).await.unwrap();
            assert!(transaction.execute_unprepared(sql).await.is_err(), "{sql}");
        }
    }
}
