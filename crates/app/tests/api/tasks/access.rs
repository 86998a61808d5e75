//! T5: who may do what with whose task.

use serde_json::json;
use tenantry_tenancy::Role;

use crate::answer::Answer;
use crate::on_both_databases;
use crate::person::{Person, path_of};
use crate::site::Site;

on_both_databases!(
    t5_another_members_task_is_forbidden,
    t5_another_organizations_task_is_not_found,
    an_assignee_reads_and_completes,
    a_guest_works_on_what_is_assigned_to_them,
    administrators_manage_everyones_tasks,
    members_take_no_part_after_they_left,
);

/// What comes of reading, completing, changing and deleting a task, in this order.
async fn try_all(person: &Person<'_>, path: &str) -> [Answer; 4] {
    [
        person.get(path).await,
        person.patch(&format!("{path}/complete"), json!({"completed": false})).await,
        person.patch(path, json!({"title": "changed"})).await,
        person.delete(path).await,
    ]
}

fn statuses(answers: &[Answer; 4]) -> [u16; 4] {
    [0, 1, 2, 3].map(|index: usize| answers[index].status)
}

async fn t5_another_members_task_is_forbidden(site: &Site) {
    let owner = site.newcomer().await;
    let (one, other) = (owner.hire(Role::Member).await, owner.hire(Role::Member).await);
    let task = one.task(json!({"title": "one's"})).await;
    assert_eq!((&task["user_id"], &task["organization_id"]), (&json!(one.id), &json!(owner.own_organization)));
    for answer in try_all(&other, &path_of(&task)).await {
        answer.refused(403, "FORBIDDEN");
    }
    assert_eq!(other.get("/tasks").await.expect(200)["total"], 0);
    other.get("/tasks?scope=organization").await.refused(403, "FORBIDDEN");
    assert_eq!(one.get(&path_of(&task)).await.expect(200), task);
}

async fn t5_another_organizations_task_is_not_found(site: &Site) {
    let (ada, eve) = (site.newcomer().await, site.newcomer().await);
    let task = ada.task(json!({"title": "ada's"})).await;
    for answer in try_all(&eve, &path_of(&task)).await {
        answer.refused(404, "NOT_FOUND");
    }
    // Not even to its maker, from another organisation.
    let second = ada.found("Second").await;
    for answer in try_all(&ada.within(&second), &path_of(&task)).await {
        answer.refused(404, "NOT_FOUND");
    }
    assert_eq!(ada.get(&path_of(&task)).await.expect(200), task);
}

async fn an_assignee_reads_and_completes(site: &Site) {
    let owner = site.newcomer().await;
    let member = owner.hire(Role::Member).await;
    let task = owner.task(json!({"title": "x", "assignee_id": member.id})).await;
    assert_eq!(statuses(&try_all(&member, &path_of(&task)).await), [200, 200, 403, 403]);
    assert_eq!(member.get("/tasks").await.expect(200)["total"], 1);
    owner.patch(&path_of(&task), json!({"assignee_id": null})).await.expect(200);
    assert_eq!(statuses(&try_all(&member, &path_of(&task)).await), [403; 4]);
    assert_eq!(member.get("/tasks").await.expect(200)["total"], 0);
}

async fn a_guest_works_on_what_is_assigned_to_them(site: &Site) {
    let owner = site.newcomer().await;
    let guest = owner.hire(Role::Guest).await;
    let theirs = owner.task(json!({"title": "theirs", "assignee_id": guest.id})).await;
    let other = owner.task(json!({"title": "other"})).await;
    assert_eq!(statuses(&try_all(&guest, &path_of(&theirs)).await), [200, 200, 403, 403]);
    assert_eq!(statuses(&try_all(&guest, &path_of(&other)).await), [403; 4]);
    guest.post("/tasks", json!({"title": "mine"})).await.refused(403, "FORBIDDEN");
    let list = guest.get("/tasks").await.expect(200);
    assert_eq!((&list["total"], &list["data"][0]["id"]), (&json!(1), &theirs["id"]));
    guest.get("/tasks?scope=organization").await.refused(403, "FORBIDDEN");
    guest.get(&format!("/users/{}", owner.id)).await.refused(403, "FORBIDDEN");
    guest.get(&format!("/users/{}", guest.id)).await.expect(200);
    // In their own organisation they are the owner.
    let at_home = Person { organization: None, ..guest };
    at_home.task(json!({"title": "mine"})).await;
}

async fn administrators_manage_everyones_tasks(site: &Site) {
    let owner = site.newcomer().await;
    let member = owner.hire(Role::Member).await;
    for role in [Role::Admin, Role::Owner] {
        let administrator = owner.hire(role).await;
        let task = member.task(json!({"title": "member's"})).await;
        assert_eq!(administrator.get("/tasks").await.expect(200)["total"], 0);
        let all = administrator.get("/tasks?scope=organization").await.expect(200);
        assert_eq!(all["data"][0]["id"], task["id"]);
        assert_eq!(statuses(&try_all(&administrator, &path_of(&task)).await), [200, 200, 200, 204]);
    }
}

async fn members_take_no_part_after_they_left(site: &Site) {
    let owner = site.newcomer().await;
    let member = owner.hire(Role::Member).await;
    let task = member.task(json!({"title": "x"})).await;
    site.sql("DELETE FROM memberships WHERE role = 'MEMBER'").await;
    for answer in try_all(&member, &path_of(&task)).await {
        answer.refused(404, "NOT_FOUND");
    }
    member.get("/tasks").await.refused(404, "NOT_FOUND");
    owner.get(&path_of(&task)).await.expect(200);
    let reassigned = owner.patch(&path_of(&task), json!({"assignee_id": member.id})).await;
    reassigned.blames(422, "VALIDATION_ERROR", "assignee_id");
}
