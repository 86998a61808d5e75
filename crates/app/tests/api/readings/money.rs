//! M10: what readings cost, and what they may cost.

use serde_json::json;
use tenantry_tenancy::Role;

use super::{question, with_oracle};
use crate::on_both_databases;
use crate::site::Site;

on_both_databases!(
    m10_usage_adds_up,
    m10_a_budget_that_is_used_up_refuses_and_asks_nobody,
    m10_budgets_are_read_and_changed,
    m10_the_platform_allows_only_so_much,
    bad_days_and_scopes_are_refused,
);

async fn m10_usage_adds_up(site: &Site) {
    with_oracle(site, &[("TENANTRY__READINGS__MONTHLY_BUDGET_USD", "10")], async |site, _| {
        let (ada, stranger) = (site.newcomer().await, site.newcomer().await);
        let bob = ada.hire(Role::Member).await;
        for person in [&ada, &bob, &bob, &stranger] {
            person.post("/readings", question("Which way?")).await.expect(201);
        }
        let of_bob = bob.get("/readings/usage").await.expect(200);
        assert_eq!((&of_bob["budget_usd"], &of_bob["remaining_usd"]), (&json!(null), &json!(null)), "{of_bob}");
        assert_eq!((&of_bob["spent_usd"], &of_bob["reserved_usd"]), (&json!("0.000228"), &json!("0")), "{of_bob}");
        let item = json!({
            "day": of_bob["to"], "advisor": "legba", "model": "seer", "provider": "chat", "readings": 2,
            "prompt_tokens": 200, "completion_tokens": 14, "cost": "0.000228",
        });
        assert_eq!(of_bob["items"], json!([item]));
        bob.get("/readings/usage?scope=organization").await.refused(403, "FORBIDDEN");
        let all = ada.get("/readings/usage?scope=organization").await.expect(200);
        assert_eq!((&all["budget_usd"], &all["spent_usd"]), (&json!("10"), &json!("0.000342")), "{all}");
        assert_eq!((&all["remaining_usd"], &all["items"][0]["readings"]), (&json!("9.999658"), &json!(3)), "{all}");
        let before = ada.get("/readings/usage?from=2020-01-01&to=2020-12-31").await.expect(200);
        assert_eq!((&before["from"], &before["items"]), (&json!("2020-01-01"), &json!([])));
    })
    .await;
}

async fn m10_a_budget_that_is_used_up_refuses_and_asks_nobody(site: &Site) {
    with_oracle(site, &[], async |site, oracle| {
        let (ada, stranger) = (site.newcomer().await, site.newcomer().await);
        let budget = format!("/organizations/{}/budget", ada.own_organization);
        for limit in ["monthly_usd", "daily_usd", "per_user_monthly_usd", "per_user_daily_usd"] {
            ada.ask("PUT", &budget).json(&json!({limit: "0.000001"})).send().await.expect(200);
            for path in ["/readings", "/readings/stream"] {
                ada.post(path, question("Which way?")).await.refused(402, "BUDGET_EXCEEDED");
            }
            ada.ask("PUT", &budget).json(&json!({limit: null})).send().await.expect(200);
        }
        assert_eq!((oracle.asked(), site.rows("readings").await), (0, 0));
        stranger.post("/readings", question("Which way?")).await.expect(201);
        ada.post("/readings", question("Which way?")).await.expect(201);
    })
    .await;
}

async fn m10_budgets_are_read_and_changed(site: &Site) {
    let (ada, stranger) = (site.newcomer().await, site.newcomer().await);
    let (admin, member) = (ada.hire(Role::Admin).await, ada.hire(Role::Member).await);
    for (count, collection) in ["organizations", "companies"].into_iter().enumerate() {
        let path = format!("/{collection}/{}/budget", ada.own_organization);
        let put = async |body| admin.ask("PUT", &path).json(&body).send().await;
        if count == 0 {
            let unset = ada.get(&path).await;
            let none = json!({"monthly_usd": null, "daily_usd": null, "per_user_monthly_usd": null, "per_user_daily_usd": null});
            assert_eq!(unset.expect(200), none);
        }
        let changed = put(json!({"monthly_usd": "12.50", "daily_usd": "0.000000001"})).await;
        let budget = changed.expect(200);
        assert_eq!((&budget["monthly_usd"], &budget["daily_usd"]), (&json!("12.5"), &json!("0.000000001")));
        let read = ada.get(&path).await;
        assert_eq!((read.expect(200), read.header("etag")), (budget, changed.header("etag")));
        let budget = put(json!({"daily_usd": null})).await.expect(200);
        assert_eq!((&budget["monthly_usd"], &budget["daily_usd"]), (&json!("12.5"), &json!(null)));
        let stale = ada.ask("PUT", &path).header("if-match", changed.header("etag")).json(&json!({})).send().await;
        stale.refused(412, "PRECONDITION_FAILED");
        for bad in [json!("-1"), json!("1e3"), json!("0.0000000001"), json!(""), json!(5), json!("1000000000.1")] {
            put(json!({"per_user_daily_usd": bad})).await.blames(422, "VALIDATION_ERROR", "per_user_daily_usd");
        }
        member.get(&path).await.refused(403, "FORBIDDEN");
        stranger.get(&path).await.refused(404, "NOT_FOUND");
    }
    let log = ada.get("/audit-log?action=budget.update").await.expect(200);
    assert_eq!(log["total"], 4, "{log}");
}

async fn m10_the_platform_allows_only_so_much(site: &Site) {
    let limits =
        [("TENANTRY__READINGS__MONTHLY_BUDGET_USD", "100"), ("TENANTRY__READINGS__PER_USER_DAILY_BUDGET_USD", "1")];
    let site = site.another(&limits).await;
    let ada = site.newcomer().await;
    let path = format!("/organizations/{}/budget", ada.own_organization);
    let put = async |body| ada.ask("PUT", &path).json(&body).send().await;
    assert_eq!(ada.get(&path).await.expect(200)["monthly_usd"], "100");
    put(json!({"monthly_usd": "100.01"})).await.blames(422, "VALIDATION_ERROR", "monthly_usd");
    put(json!({"per_user_daily_usd": "2"})).await.blames(422, "VALIDATION_ERROR", "per_user_daily_usd");
    put(json!({"monthly_usd": "100", "daily_usd": "1000"})).await.expect(200);
    drop(ada);
    site.stop().await;
}

async fn bad_days_and_scopes_are_refused(site: &Site) {
    let ada = site.newcomer().await;
    let usage = async |query: &str| ada.get(&format!("/readings/usage?{query}")).await;
    for (query, field) in [
        ("from=2026-02-01&to=2026-01-31", "from"),
        ("from=2025-01-01&to=2026-01-02", "from"),
        ("from=2026-02-30", "from"),
        ("to=2026-1-05", "to"),
        ("to=2026-01-05T00:00:00Z", "to"),
        ("scope=all", "scope"),
    ] {
        usage(query).await.blames(422, "VALIDATION_ERROR", field);
    }
    usage("from=2025-01-01&to=2026-01-01").await.expect(200);
}
