//! C13, C5: people are asked by mail to join an organisation.

use futures_util::future::join_all;
use serde_json::{Value, json};
use tenantry_identity::Mail;
use tenantry_tenancy::Role;

use crate::answer::Answer;
use crate::mailbox::{letters_to, token};
use crate::on_both_databases;
use crate::person::Person;
use crate::site::{PASSWORD, Site, unique};

on_both_databases!(
    c13_somebody_without_an_account_joins_by_a_mail,
    c13_somebody_with_an_account_joins_by_a_mail,
    c13_an_invitation_is_for_its_address_alone,
    c13_an_invitation_is_accepted_once_however_many_try,
    c13_inviting_again_replaces_the_link,
    c13_invitations_are_listed_and_revoked,
    c13_an_invitation_ends_in_its_time,
    c13_members_are_not_invited,
    c5_nobody_invites_to_a_role_above_their_own,
    c5_an_invitation_is_worth_no_more_than_whoever_invited,
    c6_invitations_of_another_organization_stay_unseen,
    c13_bad_invitations_are_refused,
);

fn path(owner: &Person<'_>) -> String {
    format!("/organizations/{}/invitations", owner.own_organization)
}

async fn invite(owner: &Person<'_>, email: &str, role: &str) -> Answer {
    owner.post(&path(owner), json!({"email": email, "role": role})).await
}

/// Invites somebody, and answers the token that they got by mail.
async fn invited(owner: &Person<'_>, email: &str, role: &str) -> String {
    invite(owner, email, role).await.expect(201);
    token(&letters_to(owner.site, email).await, "invitation")
}

async fn accept(site: &Site, token: &str, body: Value) -> Answer {
    site.post(&format!("/invitations/{token}/accept"), body).await
}

async fn accept_as(person: &Person<'_>, token: &str) -> Answer {
    person.ask("POST", &format!("/invitations/{token}/accept")).send().await
}

async fn preview(site: &Site, token: &str) -> Answer {
    site.ask("GET", &format!("/invitations/{token}")).send().await
}

async fn actions(owner: &Person<'_>) -> Vec<String> {
    let log = owner.get("/audit-log").await.expect(200);
    log["data"].as_array().unwrap().iter().map(|entry| entry["action"].as_str().unwrap().to_owned()).collect()
}

fn somebody() -> String {
    format!("{}@example.com", unique("invited"))
}

async fn c13_somebody_without_an_account_joins_by_a_mail(site: &Site) {
    let owner = site.newcomer().await;
    let email = somebody();
    let answer = invite(&owner, &email, "MEMBER").await;
    let invitation = answer.expect(201);
    assert!(answer.header("etag").len() > 2, "{answer}");
    assert_eq!((&invitation["email"], &invitation["role"]), (&json!(email), &json!("MEMBER")), "{invitation}");
    assert_eq!((&invitation["status"], &invitation["invited_by"]), (&json!("pending"), &json!(owner.id)));
    let letters = letters_to(site, &email).await;
    let [Mail::Invitation { organization_name, inviter_name, .. }] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!((organization_name, inviter_name), (&owner.username, &owner.username));
    let token = token(&letters, "invitation");
    assert!(!answer.text().contains(&token));

    let seen = preview(site, &token).await.expect(200);
    let expected = json!({"organization_name": owner.username, "email": email, "role": "MEMBER",
        "expires_at": invitation["expires_at"], "account_exists": false});
    assert_eq!(seen, expected);
    accept(site, &token, json!({"password": "password"})).await.blames(422, "WEAK_PASSWORD", "password");
    accept(site, &token, json!({"full_name": "No Password"})).await.blames(422, "VALIDATION_ERROR", "password");
    accept_without_body(site, &token).await.refused(401, "UNAUTHENTICATED");

    let name = unique("joined");
    let body = json!({"password": PASSWORD, "username": name, "full_name": "Joined Lately"});
    let joined = accept(site, &token, body).await.expect(200);
    assert_eq!(
        (&joined["organization"]["id"], &joined["token_type"]),
        (&json!(owner.own_organization), &json!("bearer"))
    );
    let user = &joined["user"];
    assert_eq!((&user["email"], &user["email_verified"]), (&json!(email), &json!(true)), "{joined}");
    assert_eq!((&user["role"], &user["username"]), (&json!("MEMBER"), &json!(name)), "{joined}");
    assert!(joined["device_token"].is_string(), "{joined}");
    let joined = Person::of(site, &joined);
    joined.task(json!({"title": "the first day"})).await;
    let again = Person::of(site, &site.login(&email, PASSWORD).await.expect(200));
    assert_eq!(again.own_organization, owner.own_organization);
    assert_eq!(letters_to(site, &email).await, []);
    assert_eq!(actions(&owner).await[1..4], ["user.signup", "invitation.accept", "invitation.create"]);
}

async fn accept_without_body(site: &Site, token: &str) -> Answer {
    site.ask("POST", &format!("/invitations/{token}/accept")).send().await
}

async fn c13_somebody_with_an_account_joins_by_a_mail(site: &Site) {
    let (owner, guest) = (site.newcomer().await, site.newcomer().await);
    let token = invited(&owner, &guest.email.to_uppercase(), "GUEST").await;
    assert_eq!(preview(site, &token).await.expect(200)["account_exists"], true);
    accept(site, &token, json!({"password": PASSWORD})).await.refused(409, "EMAIL_TAKEN");
    let with_body = guest.post(&format!("/invitations/{token}/accept"), json!({"password": PASSWORD})).await;
    with_body.blames(422, "VALIDATION_ERROR", "password");

    let joined = accept_as(&guest, &token).await.expect(200);
    assert_eq!((&joined["organization"]["id"], &joined["role"]), (&json!(owner.own_organization), &json!("GUEST")));
    assert_eq!(joined.as_object().unwrap().len(), 2, "{joined}");
    guest.within(&owner.own_organization).get("/projects").await.expect(200);
    let me = guest.get("/auth/me").await.expect(200);
    assert_eq!((&me["email_verified"], &me["organizations"].as_array().unwrap().len()), (&json!(true), &2), "{me}");
    assert_eq!(actions(&owner).await[..2], ["invitation.accept", "invitation.create"]);
}

async fn c13_an_invitation_is_for_its_address_alone(site: &Site) {
    let (owner, guest, thief) = (site.newcomer().await, site.newcomer().await, site.newcomer().await);
    let token = invited(&owner, &guest.email, "ADMIN").await;
    accept_as(&thief, &token).await.refused(403, "FORBIDDEN");
    thief.within(&owner.own_organization).get("/tasks").await.refused(404, "NOT_FOUND");
    accept_as(&guest.with_token("garbage"), &token).await.refused(401, "TOKEN_INVALID");
    accept_as(&guest, &token).await.expect(200);
}

async fn c13_an_invitation_is_accepted_once_however_many_try(site: &Site) {
    let (owner, guest) = (site.newcomer().await, site.newcomer().await);
    let token = invited(&owner, &guest.email, "MEMBER").await;
    let answers = join_all((0..6).map(|_| accept_as(&guest, &token))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:?}");
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        refused.refused(409, "INVITATION_USED");
    }
    let member = "memberships WHERE role = 'MEMBER'";
    assert_eq!(site.rows(member).await, 1);
    preview(site, &token).await.refused(409, "INVITATION_USED");

    let email = somebody();
    let token = invited(&owner, &email, "MEMBER").await;
    let body = json!({"password": PASSWORD});
    let answers = join_all((0..6).map(|_| accept(site, &token, body.clone()))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 1, "{answers:?}");
    for refused in answers.iter().filter(|answer| answer.status != 200) {
        assert_eq!(refused.status, 409, "{refused}");
    }
    assert_eq!(site.rows(member).await, 2);
    accept(site, &token, body).await.refused(409, "INVITATION_USED");
}

async fn c13_inviting_again_replaces_the_link(site: &Site) {
    let owner = site.newcomer().await;
    let email = somebody();
    let first = invite(&owner, &email, "GUEST").await.expect(201);
    let old = token(&letters_to(site, &email).await, "invitation");
    let second = invite(&owner, &email.to_uppercase(), "MEMBER").await.expect(201);
    assert_eq!((&second["id"], &second["role"]), (&first["id"], &json!("MEMBER")));
    let new = token(&letters_to(site, &email.to_uppercase()).await, "invitation");
    preview(site, &old).await.refused(404, "NOT_FOUND");
    accept(site, &old, json!({"password": PASSWORD})).await.refused(404, "NOT_FOUND");
    assert_eq!(owner.get(&path(&owner)).await.expect(200)["total"], 1);
    let joined = accept(site, &new, json!({"password": PASSWORD})).await.expect(200);
    assert_eq!(joined["user"]["role"], "MEMBER");
}

async fn c13_invitations_are_listed_and_revoked(site: &Site) {
    let owner = site.newcomer().await;
    let (kept, revoked) = (somebody(), somebody());
    invited(&owner, &kept, "GUEST").await;
    let answer = invite(&owner, &revoked, "GUEST").await;
    let id = answer.expect(201)["id"].as_str().unwrap().to_owned();
    let dead = token(&letters_to(site, &revoked).await, "invitation");
    let list = owner.get(&path(&owner)).await.expect(200);
    let emails: Vec<&str> =
        list["data"].as_array().unwrap().iter().map(|invitation| invitation["email"].as_str().unwrap()).collect();
    assert_eq!((emails, &list["total"]), (vec![revoked.as_str(), kept.as_str()], &json!(2)));

    let one = format!("{}/{id}", path(&owner));
    let stale = owner.ask("DELETE", &one).header("if-match", "\"0\"").send().await;
    stale.refused(412, "PRECONDITION_FAILED");
    let etag = answer.header("etag").to_owned();
    owner.ask("DELETE", &one).header("if-match", &etag).send().await.expect(204);
    owner.delete(&one).await.refused(404, "NOT_FOUND");
    preview(site, &dead).await.refused(404, "NOT_FOUND");
    accept(site, &dead, json!({"password": PASSWORD})).await.refused(404, "NOT_FOUND");
    assert_eq!(owner.get(&path(&owner)).await.expect(200)["total"], 1);
    assert_eq!(actions(&owner).await[0], "invitation.revoke");

    let guest = site.newcomer().await;
    let answer = invite(&owner, &guest.email, "GUEST").await.expect(201);
    let used = token(&letters_to(site, &guest.email).await, "invitation");
    accept_as(&guest, &used).await.expect(200);
    let one = format!("{}/{}", path(&owner), answer["id"].as_str().unwrap());
    owner.delete(&one).await.refused(409, "INVITATION_USED");
    let list = owner.get(&path(&owner)).await.expect(200);
    assert_eq!(list["data"][0]["status"], "accepted");
}

async fn c13_an_invitation_ends_in_its_time(site: &Site) {
    let owner = site.newcomer().await;
    let email = somebody();
    let old = invited(&owner, &email, "GUEST").await;
    site.sql("UPDATE invitations SET expires_at = '2020-01-01T00:00:00+00:00'").await;
    preview(site, &old).await.refused(404, "NOT_FOUND");
    accept(site, &old, json!({"password": PASSWORD})).await.refused(404, "NOT_FOUND");
    assert_eq!(owner.get(&path(&owner)).await.expect(200)["data"][0]["status"], "expired");
    let new = invited(&owner, &email, "GUEST").await;
    accept(site, &new, json!({"password": PASSWORD})).await.expect(200);
}

async fn c13_members_are_not_invited(site: &Site) {
    let owner = site.newcomer().await;
    let member = owner.hire(Role::Member).await;
    invite(&owner, &member.email.to_uppercase(), "ADMIN").await.refused(409, "ALREADY_MEMBER");
    invite(&owner, &owner.email, "GUEST").await.refused(409, "ALREADY_MEMBER");
    // Whoever joined another way meanwhile keeps the role that they got there.
    let guest = site.newcomer().await;
    let token = invited(&owner, &guest.email, "ADMIN").await;
    site.sql(&format!(
        "INSERT INTO memberships SELECT organization_id, (SELECT id FROM users WHERE email = '{}'), 'GUEST', is_active, 0,
            joined_at, updated_at, 1 FROM memberships WHERE user_id = (SELECT id FROM users WHERE email = '{}')",
        guest.email, owner.email
    ))
    .await;
    accept_as(&guest, &token).await.refused(409, "ALREADY_MEMBER");
}

async fn c5_nobody_invites_to_a_role_above_their_own(site: &Site) {
    let owner = site.newcomer().await;
    let path = path(&owner);
    for (role, allowed) in
        [(Role::Admin, ["GUEST", "MEMBER", "ADMIN"].as_slice()), (Role::Member, &[]), (Role::Guest, &[])]
    {
        let person = owner.hire(role).await;
        for wanted in ["GUEST", "MEMBER", "ADMIN", "OWNER"] {
            let answer = person.post(&path, json!({"email": somebody(), "role": wanted})).await;
            if allowed.contains(&wanted) {
                answer.expect(201);
            } else {
                answer.refused(403, "FORBIDDEN");
            }
        }
        let status = if allowed.is_empty() { 403 } else { 200 };
        assert_eq!(person.get(&path).await.status, status, "{role}");
    }
    let invitation = invite(&owner, &somebody(), "OWNER").await.expect(201);
    let one = format!("{path}/{}", invitation["id"].as_str().unwrap());
    owner.hire(Role::Admin).await.delete(&one).await.refused(403, "FORBIDDEN");
    owner.delete(&one).await.expect(204);
}

async fn c5_an_invitation_is_worth_no_more_than_whoever_invited(site: &Site) {
    let owner = site.newcomer().await;
    let admin = owner.hire(Role::Admin).await;
    let guest = site.newcomer().await;
    let mine = json!({"email": guest.email, "role": "ADMIN"});
    admin.post(&path(&owner), mine).await.expect(201);
    let token = token(&letters_to(site, &guest.email).await, "invitation");
    site.sql("UPDATE memberships SET role = 'MEMBER' WHERE role = 'ADMIN'").await;
    accept_as(&guest, &token).await.refused(404, "NOT_FOUND");
    guest.within(&owner.own_organization).get("/tasks").await.refused(404, "NOT_FOUND");
    site.sql("UPDATE memberships SET role = 'ADMIN' WHERE role = 'MEMBER'").await;
    accept_as(&guest, &token).await.expect(200);
}

async fn c6_invitations_of_another_organization_stay_unseen(site: &Site) {
    let (owner, stranger) = (site.newcomer().await, site.newcomer().await);
    let email = somebody();
    let invitation = invite(&owner, &email, "GUEST").await.expect(201);
    let token = token(&letters_to(site, &email).await, "invitation");
    let one = |person: &Person<'_>| format!("{}/{}", path(person), invitation["id"].as_str().unwrap());
    stranger.get(&path(&owner)).await.refused(404, "NOT_FOUND");
    invite(&owner.with_token(&stranger.access_token), &email, "GUEST").await.refused(404, "NOT_FOUND");
    stranger.delete(&one(&owner)).await.refused(404, "NOT_FOUND");
    stranger.delete(&one(&stranger)).await.refused(404, "NOT_FOUND");
    assert_eq!(stranger.get(&path(&stranger)).await.expect(200)["total"], 0);
    // The same address is asked by both.
    invite(&stranger, &email, "OWNER").await.expect(201);
    let joined = accept(site, &token, json!({"password": PASSWORD})).await.expect(200);
    assert_eq!(
        (&joined["organization"]["id"], &joined["user"]["role"]),
        (&json!(owner.own_organization), &json!("GUEST"))
    );
}

async fn c13_bad_invitations_are_refused(site: &Site) {
    let owner = site.newcomer().await;
    for (body, field) in [
        (json!({"email": "nobody", "role": "GUEST"}), "email"),
        (json!({"email": somebody(), "role": "guest"}), "role"),
        (json!({"email": somebody(), "role": null}), "role"),
        (json!({"email": somebody()}), "role"),
        (json!({"role": "GUEST"}), "email"),
        (json!({"email": somebody(), "role": "GUEST", "token": "x"}), "token"),
    ] {
        owner.post(&path(&owner), body).await.blames(422, "VALIDATION_ERROR", field);
    }
    for token in ["x", &"t".repeat(43), &"t".repeat(44), "%00", "é"] {
        preview(site, token).await.refused(404, "NOT_FOUND");
        accept(site, token, json!({"password": PASSWORD})).await.refused(404, "NOT_FOUND");
        accept_as(&owner, token).await.refused(404, "NOT_FOUND");
    }
    let key = |ask: crate::site::Ask| ask.header("idempotency-key", "once");
    let body = json!({"email": somebody(), "role": "GUEST"});
    let first = key(owner.ask("POST", &path(&owner)).json(&body)).send().await;
    let again = key(owner.ask("POST", &path(&owner)).json(&body)).send().await;
    assert_eq!((first.expect(201), again.header("idempotent-replayed")), (again.expect(201), "true"));
    assert_eq!(site.rows("outbox WHERE kind = 'invitation'").await, 1);
}
