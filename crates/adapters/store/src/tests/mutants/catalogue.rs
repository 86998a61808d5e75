//! What PostgreSQL's own catalogue has to say of every table and look-up function, whoever adds it.

use std::collections::BTreeSet;

use super::probes::{Probe, READ_BY_ALL, UNBOUND};

/// A question about each table, with the answer that every table must give.
const OF_TABLES: &str = "
    WITH bound AS (
        SELECT c.oid, c.relname::text AS name, c.relrowsecurity AND c.relforcerowsecurity AS is_forced
        FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
            AND c.relname <> 'seaql_migrations')
    SELECT name, is_forced, kind::text,
        (SELECT count(*) FROM pg_policy p WHERE p.polrelid = bound.oid AND NOT p.polpermissive
            AND p.polroles = ARRAY['tenantry_app'::regrole::oid] AND p.polcmd IN ('*', kind))
    FROM bound CROSS JOIN unnest(ARRAY['r', 'a', 'w', 'd']::\"char\"[]) kind ORDER BY name, kind";

#[tokio::test]
async fn c6_each_kind_of_access_to_each_table_has_one_restrictive_policy() {
    let Some(mut probe) = Probe::new().await else { return };
    for (table, is_forced, kind, policies) in probe.rows::<(String, bool, String, i64)>(OF_TABLES).await {
        assert!(is_forced, "{table} has no forced row-level security");
        let is_read_by_all = kind == "r" && READ_BY_ALL.contains(&table.as_str());
        let wanted = i64::from(!is_read_by_all && !UNBOUND.contains(&table.as_str()));
        assert_eq!(policies, wanted, "restrictive policies of {table} for pg_policy.polcmd {kind}");
    }
}

#[tokio::test]
async fn c6_no_policy_is_for_everybody() {
    let Some(mut probe) = Probe::new().await else { return };
    let question = "SELECT policyname::text, permissive = 'RESTRICTIVE',
            roles <@ ARRAY['tenantry_app', 'tenantry_platform', current_user]::name[], roles = '{tenantry_app}'
        FROM pg_policies WHERE schemaname = 'public'";
    for (policy, restricts, is_for_ours, is_for_app) in probe.rows::<(String, bool, bool, bool)>(question).await {
        assert!(is_for_ours, "{policy} names a role that is not ours");
        // One that binds the owner or the platform would blind look-ups and sweepers.
        assert!(is_for_app || !restricts, "{policy} restricts more than the application");
    }
}

/// Indexes that lead with something else than the tenant, and why.
const INDEXES_ACROSS_TENANTS: &[(&str, &str)] = &[
    ("api_keys_digest", "looked up by the digest of a key, before anybody is known"),
    ("audit_log_by_actor", "people read what concerns their accounts alone, the platform what anybody did"),
    ("audit_log_of_all", "the platform's"),
    ("audit_log_pkey", "some entries belong to no tenant"),
    ("credentials_pkey", "one row a user"),
    ("idempotency_keys_by_expiry", "the sweeper's"),
    ("idempotency_keys_pkey", "keys are a user's"),
    ("invitations_by_expiry", "the sweeper's"),
    ("invitations_by_token", "looked up by the hash of a token, before anybody is known"),
    ("jobs_delayed", "workers look for jobs of all tenants whose time has come"),
    ("jobs_ended", "the sweeper's"),
    ("jobs_pkey", "workers and administrators name jobs by their ids alone"),
    ("jobs_queued", "workers take the jobs of all tenants, queue by queue"),
    ("jobs_started", "workers look for lost jobs of all tenants"),
    ("mailed_links_by_expiry", "the sweeper's"),
    ("mailed_links_by_token", "looked up by the hash of a token, before anybody is known"),
    ("mailed_links_pkey", "links are a user's"),
    ("memberships_by_user", "people look up where they are members"),
    ("readings_by_id", "workers name readings of all tenants by their ids alone"),
    ("readings_of_user", "the sweeper's: what an erased account has asked"),
    ("readings_open", "workers look for readings of all tenants whose time is over"),
    ("recovery_codes_pkey", "codes are a user's"),
    ("revocations_by_expiry", "the sweeper's"),
    ("revocations_by_occurrence", "the feed is read across tenants"),
    ("revocations_pkey", "never looked up; makes a row one"),
    ("sessions_by_expiry", "the sweeper's"),
    ("sessions_by_user", "sessions are a user's"),
    ("sessions_pkey", "looked up by the id in a token, and then the user's alone"),
    ("sync_runs_ended", "the sweeper's"),
    ("sync_runs_leased", "workers look for lost runs of all tenants"),
    ("sync_sessions_due", "workers look for schedules of all tenants"),
    ("sync_turns_waiting", "workers give all tenants their turns"),
    ("totp_secrets_pkey", "one row a user"),
];

#[tokio::test]
async fn indexes_of_tenants_tables_lead_with_the_tenant() {
    let Some(mut probe) = Probe::new().await else { return };
    let question = "
        SELECT i.indexrelid::regclass::text
        FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
        WHERE c.relnamespace = 'public'::regnamespace
            AND EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND NOT a.attisdropped
                AND a.attname IN ('organization_id', 'user_id'))
            AND NOT EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = i.indkey[0]
                AND a.attname = 'organization_id')";
    let found: BTreeSet<String> = probe.rows::<(String,)>(question).await.into_iter().map(|(name,)| name).collect();
    let listed: BTreeSet<String> = INDEXES_ACROSS_TENANTS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(found, listed, "left: indexes of tables with a tenant or user that do not lead with the tenant");
}

type Function = (String, bool, bool, Option<Vec<String>>);

#[tokio::test]
async fn c6_look_up_functions_are_pinned_and_not_for_everybody() {
    let Some(mut probe) = Probe::new().await else { return };
    let question = "SELECT p.oid::regprocedure::text, p.proowner = current_user::regrole,
            has_function_privilege('public', p.oid, 'EXECUTE'), p.proconfig
        FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef";
    let functions = probe.rows::<Function>(question).await;
    assert!(!functions.is_empty());
    for (name, is_migrators, is_public, settings) in functions {
        assert!(is_migrators, "{name} runs with the rights of somebody else than the owner of the tables");
        assert!(!is_public, "{name} may be called by everybody");
        // Temporary objects come last, or a caller could put a table of their own before the real one.
        let pinned = ["search_path=pg_catalog, pg_temp".to_owned()];
        assert_eq!(settings.as_deref(), Some(&pinned[..]), "settings of {name}");
    }
}
