//! The second wall: PostgreSQL's row-level security, taken down one policy, one half of a policy, and one switch of a
//! table at a time.

use super::probes::{MEMBER, NOBODY, Probe, TABLES, Table, UNBOUND, USER};

/// A change of one table that must not go unnoticed.
struct Mutant {
    table: String,
    sql: String,
}

type PolicyRow = (String, String, bool, bool, bool);

/// From the catalogue: every policy dropped, and each half of those that restrict made to let everything through.
async fn policy_mutants(probe: &mut Probe) -> Vec<Mutant> {
    let question = "SELECT tablename::text, policyname::text, permissive = 'RESTRICTIVE', qual IS NOT NULL,
            with_check IS NOT NULL
        FROM pg_policies WHERE schemaname = 'public' ORDER BY tablename, policyname";
    let mut mutants = Vec::new();
    for (table, policy, restricts, has_using, has_check) in probe.rows::<PolicyRow>(question).await {
        let mut changes = vec![format!("DROP POLICY {policy} ON {table}")];
        let halves = [(has_using, "USING (true)"), (has_check, "WITH CHECK (true)")];
        let halves = halves.into_iter().filter(|(has_half, _)| restricts && *has_half);
        changes.extend(halves.map(|(_, open)| format!("ALTER POLICY {policy} ON {table} {open}")));
        mutants.extend(changes.into_iter().map(|sql| Mutant { table: table.clone(), sql }));
    }
    mutants
}

/// From the catalogue: every table without FORCE, and without row-level security.
async fn table_mutants(probe: &mut Probe) -> Vec<Mutant> {
    let question = "SELECT relname::text FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname <> 'seaql_migrations'
        ORDER BY relname";
    let mutate = |(table,): (String,)| {
        ["NO FORCE", "DISABLE"].map(|switch| Mutant {
            sql: format!("ALTER TABLE {table} {switch} ROW LEVEL SECURITY"),
            table: table.clone(),
        })
    };
    probe.rows::<(String,)>(question).await.into_iter().flat_map(mutate).collect()
}

async fn is_noticed(probe: &mut Probe, mutant: &Mutant) -> bool {
    let table = Table::find(&mutant.table);
    let before = probe.outcomes(table).await;
    probe.mutate(&mutant.sql).await;
    let after = probe.outcomes(table).await;
    probe.undo().await;
    before != after
}

#[tokio::test]
async fn c6_every_policy_and_every_forced_table_is_missed_when_gone() {
    let Some(mut probe) = Probe::new().await else { return };
    let mut mutants = policy_mutants(&mut probe).await;
    mutants.extend(table_mutants(&mut probe).await);
    // Each table has its two switches, the policies of the owner and of the application, and whatever restricts.
    assert!(mutants.len() > 5 * TABLES.len(), "the catalogue has {} mutants only", mutants.len());
    let mut unnoticed = Vec::new();
    for mutant in mutants {
        if !is_noticed(&mut probe, &mutant).await {
            unnoticed.push(mutant.sql);
        }
    }
    assert!(unnoticed.is_empty(), "no probe notices: {unnoticed:#?}");
}

#[tokio::test]
async fn a_change_that_opens_nothing_is_not_noticed() {
    let Some(mut probe) = Probe::new().await else { return };
    for table in TABLES {
        let sql = format!("COMMENT ON TABLE {} IS 'as before'", table.name);
        let mutant = Mutant { table: table.name.to_owned(), sql };
        assert!(!is_noticed(&mut probe, &mutant).await, "the probes of {} differ from run to run", table.name);
    }
}

#[tokio::test]
async fn c6_policies_alone_keep_tenants_apart() {
    let Some(mut probe) = Probe::new().await else { return };
    for table in TABLES {
        for (who, visible) in [NOBODY, USER, MEMBER].into_iter().zip(table.visible) {
            assert_eq!(probe.visible(who, table.name).await, Ok(visible), "{} for {who}", table.name);
            let added = probe.attempt(who, &table.foreign_insert()).await;
            let wanted = if UNBOUND.contains(&table.name) { Ok(1) } else { Err("42501".to_owned()) };
            assert_eq!(added, wanted, "{} for {who}", table.name);
        }
    }
}
