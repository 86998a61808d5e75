//! C5: the members of an organisation.

use serde_json::{Value, json};
use tenantry_tenancy::Role;

use super::changes::path_of;
use crate::on_both_databases;
use crate::person::Person;
use crate::site::{PASSWORD, Site};

on_both_databases!(
    c5_members_are_listed_in_pages_the_newest_first,
    c5_nobody_gives_or_takes_a_role_above_their_own,
    c5_a_new_role_counts_at_once,
    c5_a_removed_member_is_out_at_once_and_may_come_back,
    c5_everybody_may_leave_but_the_last_owner,
    ownership_goes_from_hand_to_hand,
    a_member_changes_only_from_the_version_that_was_seen,
    bad_changes_of_members_are_named,
    members_are_nobodys_business_outside,
    what_is_done_to_members_is_told_to_the_audit_log,
);

/// Where somebody is a member of the owner's organisation.
pub fn path_to(owner: &Person<'_>, member: &Person<'_>) -> String {
    format!("{}/members/{}", path_of(owner), member.id)
}

/// The person, signed in to the organisation that they were hired for: the own one is given up.
pub async fn settled<'s>(owner: &Person<'s>, role: Role) -> Person<'s> {
    let hired = owner.hire(role).await;
    hired.delete(&path_of(&hired)).await.expect(204);
    let settled = hired.sign_in().await;
    assert_eq!(settled.own_organization, owner.own_organization);
    settled
}

async fn c5_members_are_listed_in_pages_the_newest_first(site: &Site) {
    let (owner, other) = (site.newcomer().await, site.newcomer().await);
    other.hire(Role::Guest).await;
    let member = owner.hire(Role::Member).await;
    let guest = owner.hire(Role::Guest).await;
    let path = format!("{}/members", path_of(&owner));
    let first = member.get(&format!("{path}?limit=2")).await.expect(200);
    let ids = |page: &Value| -> Vec<String> {
        page["data"].as_array().unwrap().iter().map(|one| one["user_id"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!((ids(&first), &first["total"]), (vec![guest.id.clone(), member.id.clone()], &json!(3)));
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = owner.get(&format!("{path}?limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!((ids(&rest), &rest["next_cursor"]), (vec![owner.id.clone()], &Value::Null));
    let seen = &first["data"][1];
    let wanted = json!({"user_id": member.id, "email": member.email, "username": member.username, "full_name": null,
        "role": "MEMBER", "is_active": true, "joined_at": seen["joined_at"]});
    assert_eq!(*seen, wanted);
    let company = owner.get(&path.replace("organizations", "companies")).await.expect(200);
    assert_eq!(company["total"], 3);
    guest.get(&path).await.refused(403, "FORBIDDEN");
    other.get(&path).await.refused(404, "NOT_FOUND");
    owner.get(&format!("{path}?role=GUEST")).await.blames(422, "VALIDATION_ERROR", "role");
}

async fn c5_nobody_gives_or_takes_a_role_above_their_own(site: &Site) {
    for actor in Role::ALL {
        let owner = site.newcomer().await;
        let acting = owner.hire(actor).await;
        for before in Role::ALL {
            for after in Role::ALL {
                let member = owner.hire(before).await;
                let answer = acting.patch(&path_to(&owner, &member), json!({"role": after.as_str()})).await;
                let may = actor >= Role::Admin && actor >= before && actor >= after;
                assert_eq!(answer.status, if may { 200 } else { 403 }, "{actor}: {before} → {after}: {answer}");
                let role = owner.get(&format!("/users/{}", member.id)).await.expect(200)["role"].clone();
                assert_eq!(role, if may { after } else { before }.as_str());
            }
            let member = owner.hire(before).await;
            let may = actor >= Role::Admin && actor >= before;
            let answer = acting.delete(&path_to(&owner, &member)).await;
            assert_eq!(answer.status, if may { 204 } else { 403 }, "{actor} removes {before}: {answer}");
        }
    }
}

async fn c5_a_new_role_counts_at_once(site: &Site) {
    let owner = site.newcomer().await;
    let member = settled(&owner, Role::Member).await;
    member.post("/tasks", json!({"title": "x"})).await.expect(201);
    let changed = owner.patch(&path_to(&owner, &member), json!({"role": "GUEST"})).await.expect(200);
    assert_eq!((&changed["role"], &changed["user_id"]), (&json!("GUEST"), &json!(member.id)));
    member.post("/tasks", json!({"title": "x"})).await.refused(401, "MEMBERSHIP_CHANGED");
    let refreshed = site.post("/auth/refresh", json!({"refresh_token": member.refresh_token})).await.expect(200);
    let guest = member.with_token(refreshed["access_token"].as_str().unwrap());
    guest.post("/tasks", json!({"title": "x"})).await.refused(403, "FORBIDDEN");
    assert_eq!(guest.get("/users/me").await.expect(200)["role"], "GUEST");
    // The same role again changes nothing, and ends nothing.
    owner.patch(&path_to(&owner, &member), json!({"role": "GUEST"})).await.expect(200);
    guest.get("/tasks").await.expect(200);
}

async fn c5_a_removed_member_is_out_at_once_and_may_come_back(site: &Site) {
    let owner = site.newcomer().await;
    let member = settled(&owner, Role::Member).await;
    let other = site.another(&[]).await;
    let gone = owner.delete(&path_to(&owner, &member)).await;
    assert_eq!((gone.status, gone.bytes.len()), (204, 0), "{gone}");
    member.get("/tasks").await.refused(401, "MEMBERSHIP_CHANGED");
    member.get(&path_of(&owner)).await.refused(401, "MEMBERSHIP_CHANGED");
    // Nobody is shut out of their own account.
    let alone = Person::of(site, &site.login(&member.email, PASSWORD).await.expect(200));
    assert_ne!(alone.own_organization, owner.own_organization);
    let own = alone.get("/auth/me").await.expect(200);
    assert_eq!((&own["role"], own["organizations"].as_array().unwrap().len()), (&json!("OWNER"), 1), "{own}");
    assert_eq!(own["organization"]["name"], member.username.as_str(), "{own}");
    alone.get(&path_of(&owner)).await.refused(404, "NOT_FOUND");
    alone.get("/users/me/export").await.expect(200);
    assert_eq!(member.sign_in().await.own_organization, alone.own_organization);
    owner.delete(&path_to(&owner, &member)).await.refused(404, "NOT_FOUND");
    owner.get(&format!("/users/{}", member.id)).await.refused(404, "NOT_FOUND");
    owner.rehire(&member, Role::Guest).await;
    let back = member.sign_in().await.within(&owner.own_organization);
    assert_eq!(back.get("/users/me").await.expect(200)["role"], "GUEST");
    // Nowhere are the new tokens taken for old ones, nor the old ones for new ones.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    for site in [site, &other] {
        back.on(site).get("/tasks").await.expect(200);
        member.on(site).get("/tasks").await.refused(401, "MEMBERSHIP_CHANGED");
    }
    other.stop().await;
}

async fn c5_everybody_may_leave_but_the_last_owner(site: &Site) {
    let owner = site.newcomer().await;
    owner.delete(&path_to(&owner, &owner)).await.refused(409, "LAST_OWNER");
    for role in [Role::Guest, Role::Member, Role::Admin, Role::Owner] {
        let leaver = owner.hire(role).await;
        leaver.delete(&path_to(&owner, &leaver)).await.expect(204);
        leaver.get("/tasks").await.refused(404, "NOT_FOUND");
    }
    owner.hire(Role::Admin).await;
    owner.delete(&path_to(&owner, &owner)).await.refused(409, "LAST_OWNER");
    owner.patch(&path_to(&owner, &owner), json!({"role": "ADMIN"})).await.refused(409, "LAST_OWNER");
    owner.get("/tasks").await.expect(200);
}

async fn ownership_goes_from_hand_to_hand(site: &Site) {
    let owner = site.newcomer().await;
    let heir = owner.hire(Role::Member).await;
    owner.patch(&path_to(&owner, &heir), json!({"role": "OWNER"})).await.expect(200);
    owner.patch(&path_to(&owner, &owner), json!({"role": "MEMBER"})).await.expect(200);
    owner.get("/tasks").await.refused(401, "MEMBERSHIP_CHANGED");
    let former = owner.sign_in().await;
    former.patch(&path_to(&owner, &heir), json!({"role": "MEMBER"})).await.refused(403, "FORBIDDEN");
    former.delete(&path_of(&owner)).await.refused(403, "FORBIDDEN");
    heir.delete(&path_to(&owner, &heir)).await.refused(409, "LAST_OWNER");
    heir.delete(&path_of(&owner)).await.expect(204);
}

async fn a_member_changes_only_from_the_version_that_was_seen(site: &Site) {
    let owner = site.newcomer().await;
    let member = owner.hire(Role::Member).await;
    let path = path_to(&owner, &member);
    let seen = owner.get(&format!("/users/{}", member.id)).await;
    let tag = seen.header("etag");
    let change = |role: &str| owner.ask("PATCH", &path).header("if-match", tag).json(&json!({"role": role}));
    let changed = change("GUEST").send().await;
    assert_eq!(changed.status, 200, "{changed}");
    change("ADMIN").send().await.refused(412, "PRECONDITION_FAILED");
    owner.ask("DELETE", &path).header("if-match", tag).send().await.refused(412, "PRECONDITION_FAILED");
    owner.ask("DELETE", &path).header("if-match", changed.header("etag")).send().await.expect(204);
}

async fn bad_changes_of_members_are_named(site: &Site) {
    let owner = site.newcomer().await;
    let member = owner.hire(Role::Member).await;
    let path = path_to(&owner, &member);
    for (body, field) in [
        (json!({}), "role"),
        (json!({"role": null}), "role"),
        (json!({"role": "owner"}), "role"),
        (json!({"role": 1}), "role"),
        (json!({"role": "ADMIN", "is_active": false}), "is_active"),
    ] {
        owner.patch(&path, body).await.blames(422, "VALIDATION_ERROR", field);
    }
    for nobody in ["seven", "0199a000-0000-7000-8000-000000000000"] {
        let path = format!("{}/members/{nobody}", path_of(&owner));
        owner.patch(&path, json!({"role": "GUEST"})).await.refused(404, "NOT_FOUND");
        owner.delete(&path).await.refused(404, "NOT_FOUND");
    }
}

async fn members_are_nobodys_business_outside(site: &Site) {
    let (owner, stranger) = (site.newcomer().await, site.newcomer().await);
    let member = owner.hire(Role::Member).await;
    for path in [path_to(&owner, &member), path_to(&stranger, &member)] {
        stranger.patch(&path, json!({"role": "GUEST"})).await.refused(404, "NOT_FOUND");
        stranger.delete(&path).await.refused(404, "NOT_FOUND");
    }
    assert_eq!(owner.get(&format!("/users/{}", member.id)).await.expect(200)["role"], "MEMBER");
    // In an organisation of one's own, another token's organisation makes no difference.
    member.patch(&path_to(&owner, &owner), json!({"role": "GUEST"})).await.refused(403, "FORBIDDEN");
}

async fn what_is_done_to_members_is_told_to_the_audit_log(site: &Site) {
    let owner = site.newcomer().await;
    let (one, other) = (owner.hire(Role::Guest).await, owner.hire(Role::Guest).await);
    owner.patch(&path_to(&owner, &one), json!({"role": "ADMIN"})).await.expect(200);
    owner.delete(&path_to(&owner, &one)).await.expect(204);
    other.delete(&path_to(&owner, &other)).await.expect(204);
    for (action, actor, target) in
        [("member.update", &owner, &one), ("member.remove", &owner, &one), ("member.leave", &other, &other)]
    {
        let log = owner.get(&format!("/audit-log?action={action}")).await.expect(200);
        let entry = &log["data"][0];
        assert_eq!(
            (&log["total"], &entry["actor_id"], &entry["target_id"]),
            (&json!(1), &json!(actor.id), &json!(target.id))
        );
    }
    let log = owner.get("/audit-log?action=member.update").await.expect(200);
    assert_eq!(log["data"][0]["data"], json!({"role": "ADMIN", "is_active": true}));
}
