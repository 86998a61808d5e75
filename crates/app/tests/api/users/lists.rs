//! Lists of users.

use serde_json::{Value, json};
use tenantry_tenancy::Role;

use crate::on_both_databases;
use crate::site::Site;

on_both_databases!(u3_users_are_listed_in_pages_the_newest_first, u3_users_are_found_by_role_activity_and_words);

fn ids(page: &Value) -> Vec<String> {
    page["data"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

async fn u3_users_are_listed_in_pages_the_newest_first(site: &Site) {
    let (owner, other) = (site.newcomer().await, site.newcomer().await);
    other.hire(Role::Member).await;
    let member = owner.hire(Role::Member).await;
    let guest = owner.hire(Role::Guest).await;
    let first = member.get("/users?limit=2").await.expect(200);
    assert_eq!((ids(&first), &first["total"]), (vec![guest.id.clone(), member.id.clone()], &json!(3)));
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = member.get(&format!("/users?limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!((ids(&rest), &rest["next_cursor"]), (vec![owner.id.clone()], &Value::Null));
    assert_eq!(rest["data"][0], member.get(&format!("/users/{}", owner.id)).await.expect(200));
    assert_eq!(rest["data"][0]["organization_id"], owner.own_organization);
    guest.get("/users").await.refused(403, "FORBIDDEN");
    assert_eq!(other.get("/users").await.expect(200)["total"], 2);
    member.get(&format!("/users?role=GUEST&cursor={cursor}")).await.refused(400, "MALFORMED_REQUEST");
}

async fn u3_users_are_found_by_role_activity_and_words(site: &Site) {
    let owner = site.newcomer().await;
    let (zoe, guest) = (owner.hire(Role::Member).await, owner.hire(Role::Guest).await);
    owner.patch(&format!("/users/{}", zoe.id), json!({"full_name": "Zoë ÉTÉ", "is_active": false})).await.expect(200);
    for (query, wanted) in [
        ("role=GUEST", vec![&guest.id]),
        ("is_active=false", vec![&zoe.id]),
        ("is_active=true", vec![&guest.id, &owner.id]),
        ("q=%C3%A9t%C3%A9+zo", vec![&zoe.id]),
        (&format!("q={}", guest.email.to_uppercase()), vec![&guest.id]),
        ("q=%25", vec![]),
        ("role=OWNER&is_active=false", vec![]),
    ] {
        let page = owner.get(&format!("/users?{query}")).await.expect(200);
        assert_eq!(ids(&page).iter().collect::<Vec<_>>(), wanted, "{query}");
        assert_eq!(page["total"], wanted.len(), "{query}");
    }
    for (query, field) in [("role=owner", "role"), ("is_active=1", "is_active"), ("q=%00", "q"), ("name=x", "name")] {
        owner.get(&format!("/users?{query}")).await.blames(422, "VALIDATION_ERROR", field);
    }
}
