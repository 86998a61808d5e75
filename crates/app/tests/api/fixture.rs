//! Things to ask for, and a good request for every operation.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::contract::Operation;
use crate::person::Person;
use crate::site::{Ask, PASSWORD, Site, unique};

/// An organisation with something in it.
pub struct Fixture<'s> {
    pub site: &'s Site,
    pub owner: Person<'s>,
    task: Value,
    session: String,
}

impl<'s> Fixture<'s> {
    pub async fn of(site: &'s Site) -> Self {
        let owner = site.newcomer().await;
        let task = owner.task(json!({"title": "ours"})).await;
        let sessions = owner.get("/auth/sessions").await.expect(200);
        let session = sessions["data"][0]["id"].as_str().unwrap().to_owned();
        Self { site, owner, task, session }
    }

    /// Sends the operation's request about the owner's things, good in every respect but who sends it.
    pub async fn request(&self, operation: &Operation, authorize: impl FnOnce(Ask) -> Ask) -> Answer {
        let ask = authorize(self.ask(operation));
        match self.body(operation) {
            Some(body) => ask.json(&body).send().await,
            None => ask.send().await,
        }
    }

    /// The operation's request about the owner's things, without credentials or a body.
    pub fn ask(&self, operation: &Operation) -> Ask {
        let id = match operation.path.strip_prefix("/api/v1/").unwrap_or_default().split('/').next() {
            Some("auth") => &self.session,
            Some("organizations") => &self.owner.own_organization,
            Some("tasks") => self.task["id"].as_str().unwrap(),
            Some("users") => &self.owner.id,
            _ => "not-found",
        };
        self.site.at(&operation.method, &operation.path_to(id))
    }

    /// A good body for the operation, where it needs one.
    pub fn body(&self, operation: &Operation) -> Option<Value> {
        let name = unique("somebody");
        Some(match operation.name().as_str() {
            "POST /api/v1/auth/signup" => json!({"email": format!("{name}@example.com"), "password": PASSWORD}),
            "POST /api/v1/auth/register" => {
                json!({"email": format!("{name}@example.com"), "username": name, "password": PASSWORD})
            }
            "POST /api/v1/auth/login" | "POST /api/v1/auth/signin" => {
                json!({"email": self.owner.email, "password": PASSWORD})
            }
            "POST /api/v1/auth/refresh" => json!({"refresh_token": self.owner.refresh_token}),
            "PUT /api/v1/users/me" | "PATCH /api/v1/users/me" => json!({"full_name": "Somebody"}),
            "DELETE /api/v1/users/me" => json!({"password": PASSWORD}),
            "POST /api/v1/organizations" => json!({"name": "Another"}),
            "POST /api/v1/tasks" => json!({"title": "theirs"}),
            "PUT /api/v1/tasks/{id}" | "PATCH /api/v1/tasks/{id}" => json!({"title": "changed"}),
            _ => return None,
        })
    }

    /// Fails if `answer` tells anything of the owner's things, or if they have changed.
    pub async fn check_untouched_by(&self, answer: &Answer) {
        let text = answer.text();
        let path = answer.asked.split_once(' ').unwrap().1;
        for ours in [self.task["id"].as_str().unwrap(), &self.owner.id, &self.owner.own_organization, &self.session] {
            // A problem names the path that was asked for.
            assert!(!text.replace(path, "").contains(ours), "{answer}");
        }
        let task = self.owner.get(&format!("/tasks/{}", self.task["id"].as_str().unwrap())).await.expect(200);
        assert_eq!(task, self.task, "{answer}");
        let tasks = self.owner.get("/tasks").await.expect(200);
        assert_eq!(tasks["total"], 1, "{answer}");
    }
}
