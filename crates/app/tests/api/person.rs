//! People who use a site.

use serde_json::{Value, json};
use tenantry_kernel::UserId;
use tenantry_tenancy::{Role, TenantContext};

use crate::answer::Answer;
use crate::site::{Ask, PASSWORD, Site, unique};

/// Somebody with an account, signed in.
#[derive(Clone)]
pub struct Person<'s> {
    pub site: &'s Site,
    pub id: String,
    pub email: String,
    pub username: String,
    /// The organisation that their token names.
    pub own_organization: String,
    /// The organisation that they work in, where it is another.
    pub organization: Option<String>,
    pub access_token: String,
    pub refresh_token: String,
}

impl<'s> Person<'s> {
    pub async fn sign_up(site: &'s Site, username: &str) -> Self {
        let body = json!({"email": format!("{username}@example.com"), "username": username, "password": PASSWORD});
        Self::of(site, &site.post("/auth/signup", body).await.expect(201))
    }

    /// The same person in a new session.
    pub async fn sign_in(&self) -> Self {
        Self::of(self.site, &self.site.login(&self.email, PASSWORD).await.expect(200))
    }

    /// The person whom the answer to a sign-up or sign-in is about.
    pub fn of(site: &'s Site, answer: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{answer}")).to_owned();
        Self {
            site,
            id: text(&answer["user"]["id"]),
            email: text(&answer["user"]["email"]),
            username: text(&answer["user"]["username"]),
            own_organization: text(&answer["organization"]["id"]),
            organization: None,
            access_token: text(&answer["access_token"]),
            refresh_token: text(&answer["refresh_token"]),
        }
    }

    /// Somebody new, whom this person makes a member of their organisation, at work in it.
    pub async fn hire(&self, role: Role) -> Self {
        self.hire_as(&unique(&role.as_str().to_lowercase()), role).await
    }

    /// The same under this name.
    pub async fn hire_as(&self, username: &str, role: Role) -> Self {
        let hired = Self::sign_up(self.site, username).await;
        let id = UserId::from_uuid(hired.id.parse().unwrap());
        self.site.running.node().services.members.add(&self.context().await, id, role).await.unwrap();
        Self { organization: Some(self.own_organization.clone()), ..hired }
    }

    /// Makes somebody who was here before a member again.
    pub async fn rehire(&self, former: &Self, role: Role) {
        let id = UserId::from_uuid(former.id.parse().unwrap());
        self.site.running.node().services.members.add(&self.context().await, id, role).await.unwrap();
    }

    /// This person, within the organisation that their token names.
    pub async fn context(&self) -> TenantContext {
        let services = &self.site.running.node().services;
        TenantContext::resume(&services.authenticator.by_access_token(&self.access_token).await.unwrap()).unwrap()
    }

    pub fn with_token(&self, token: &str) -> Self {
        Self { access_token: token.to_owned(), ..self.clone() }
    }

    pub fn within(&self, organization: &str) -> Self {
        Self { organization: Some(organization.to_owned()), ..self.clone() }
    }

    /// The same person on another node.
    pub fn on<'o>(&self, site: &'o Site) -> Person<'o> {
        let Self { id, email, username, own_organization, organization, access_token, refresh_token, .. } =
            self.clone();
        Person { site, id, email, username, own_organization, organization, access_token, refresh_token }
    }

    pub fn ask(&self, method: &str, path: &str) -> Ask {
        self.authorize(self.site.ask(method, path))
    }

    /// Adds the person's token to a request.
    pub fn authorize(&self, ask: Ask) -> Ask {
        let ask = ask.bearer(&self.access_token);
        match &self.organization {
            Some(id) => ask.header("x-organization-id", id),
            None => ask,
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path).send().await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.ask("POST", path).json(&body).send().await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.ask("PATCH", path).json(&body).send().await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.ask("DELETE", path).send().await
    }

    /// Makes a task and answers it.
    pub async fn task(&self, body: Value) -> Value {
        self.post("/tasks", body).await.expect(201)
    }

    /// Founds another organisation and answers its id.
    pub async fn found(&self, name: &str) -> String {
        let organization = self.post("/organizations", json!({"name": name})).await.expect(201);
        organization["id"].as_str().unwrap().to_owned()
    }

    /// Makes a project and answers its id.
    /// A job of a new sync session; both as they are by default.
    pub async fn start(&self, session: &Value) -> String {
        let session = self.post("/sessions", session.clone()).await.expect(201);
        let job = self.post("/uploads/start", json!({"session_id": session["id"]})).await.expect(202);
        job["job_id"].as_str().unwrap().to_owned()
    }

    pub async fn project(&self, name: &str) -> String {
        let project = self.post("/projects", json!({"name": name})).await.expect(201);
        project["id"].as_str().unwrap().to_owned()
    }
}

/// Where a task is.
pub fn path_of(task: &Value) -> String {
    format!("/tasks/{}", task["id"].as_str().unwrap())
}
