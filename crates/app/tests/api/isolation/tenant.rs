//! One of two tenants.

use std::collections::HashSet;

use serde_json::{Value, json};
use tenantry_tenancy::Role;

use super::things::{Kind, Things};
use crate::answer::Answer;
use crate::contract::Operation;
use crate::person::{Person, path_of};
use crate::site::{PASSWORD, Site};

/// An organisation, those who act in it, and everything that is theirs.
pub struct Tenant<'s> {
    /// In everything that they write.
    pub mark: String,
    /// Owns the organisation, and is left alone by everybody in it.
    pub keeper: Person<'s>,
    /// People and programs.
    pub actors: Vec<Person<'s>>,
    /// What all may name.
    pub things: Things,
    /// What only the other tenant names.
    pub baits: Things,
    /// All ids that are theirs, without hyphens.
    pub ids: HashSet<String>,
    /// Tokens and keys.
    pub secrets: Vec<String>,
    /// Ids of the other tenant that they named in paths: their own audit log keeps those.
    pub told: HashSet<String>,
    /// Where the baits are, and what they look like.
    kept: Vec<(String, Value)>,
    hired: u32,
}

impl<'s> Tenant<'s> {
    pub async fn settle(site: &'s Site, mark: String) -> Self {
        let keeper = Person::sign_up(site, &mark).await;
        let mut tenant = Self {
            mark,
            actors: Vec::new(),
            things: Things::default(),
            baits: Things::default(),
            ids: HashSet::new(),
            secrets: Vec::new(),
            told: HashSet::new(),
            kept: Vec::new(),
            hired: 0,
            keeper,
        };
        tenant.lay_baits().await;
        tenant.note(&tenant.keeper.clone());
        for role in Role::ALL {
            let hired = tenant.hire(role).await;
            tenant.actors.push(hired);
        }
        for scopes in [["*"], ["tasks:write"]] {
            let program = tenant.program(&scopes).await;
            tenant.actors.push(program);
        }
        tenant
    }

    async fn lay_baits(&mut self) {
        let keeper = self.keeper.clone();
        let task = keeper.task(json!({"title": self.mark})).await;
        let project = keeper.project(&self.mark).await;
        let cycle = json!({"project_id": project, "cycle_name": self.mark, "cycle_number": 1});
        let cycle = keeper.post("/cycles", cycle).await.expect(201);
        let session =
            json!({"project_id": project, "local_directory": keeper.site.synced.path(), "s3_prefix": self.mark});
        let session = keeper.post("/sessions", session).await.expect(201);
        let question = json!({"advisor": "legba", "question": self.mark});
        let reading = keeper.post("/readings", question).await.expect(201);
        let key = json!({"name": self.mark, "scopes": ["tasks:read"]});
        keeper.post("/auth/api-keys", key).await.expect(201);
        let organization = format!("/organizations/{}", keeper.own_organization);
        let invitations = format!("{organization}/invitations");
        let invitation = json!({"email": format!("invited@{}.example", self.mark), "role": "GUEST"});
        keeper.post(&invitations, invitation).await.expect(201);
        for (kind, path) in [
            (Kind::Task, path_of(&task)),
            (Kind::Project, format!("/projects/{project}")),
            (Kind::Cycle, path_of_kind("cycles", &cycle)),
            (Kind::SyncSession, path_of_kind("sessions", &session)),
            (Kind::Reading, path_of_kind("readings", &reading)),
            (Kind::User, format!("/users/{}", keeper.id)),
            (Kind::Organization, organization),
        ] {
            self.keep(kind, path, Value::clone).await;
        }
        for (kind, path) in [
            (Kind::ApiKey, "/auth/api-keys".to_owned()),
            (Kind::Session, "/auth/sessions".to_owned()),
            (Kind::Invitation, invitations),
        ] {
            self.keep(kind, format!("{path}?limit=100"), oldest).await;
        }
    }

    async fn keep(&mut self, kind: Kind, path: String, find: fn(&Value) -> Value) {
        let view = find(&self.keeper.get(&path).await.expect(200));
        let id = view["id"].as_str().unwrap();
        self.ids.insert(bare(id));
        self.baits.add(kind, id);
        self.kept.push((path, view));
    }

    /// Fails unless the baits are what they were.
    pub async fn check_baits(&self, seed: u64) {
        for (path, view) in &self.kept {
            let now = self.keeper.get(path).await.expect(200);
            let now = if now["data"].is_array() { oldest(&now) } else { now };
            assert_eq!(now, *view, "world {seed}: {path}");
        }
    }

    /// Somebody who acts as this one did: the same in a new session, or somebody new where that can't be.
    pub async fn renew(&mut self, index: usize) {
        let former = &self.actors[index];
        let renewed = if former.id == self.keeper.id {
            self.program(&["*"]).await
        } else {
            let login = json!({"email": former.email, "password": PASSWORD});
            let ask = former.site.ask("POST", "/auth/login").header("user-agent", &self.mark);
            let answer = ask.json(&login).send().await;
            match answer.status {
                200 => Person { organization: former.organization.clone(), ..Person::of(former.site, &answer.json()) },
                _ => self.hire(Role::ALL[index % Role::ALL.len()]).await,
            }
        };
        self.note(&renewed);
        self.actors[index] = renewed;
    }

    async fn hire(&mut self, role: Role) -> Person<'s> {
        self.hired += 1;
        let hired = self.keeper.hire_as(&format!("{}-{}", self.mark, self.hired), role).await;
        self.note(&hired);
        hired
    }

    /// A program of the keeper's.
    async fn program(&mut self, scopes: &[&str]) -> Person<'s> {
        let body = json!({"name": self.mark, "scopes": scopes});
        let key = self.keeper.post("/auth/api-keys", body).await.expect(201);
        self.ids.insert(bare(key["id"].as_str().unwrap()));
        let program = self.keeper.with_token(key["key"].as_str().unwrap());
        self.note(&program);
        program
    }

    fn note(&mut self, person: &Person<'_>) {
        self.ids.extend([bare(&person.id), bare(&person.own_organization)]);
        self.secrets.extend([person.access_token.clone(), person.refresh_token.clone()]);
        self.offer(Kind::User, &person.id);
        self.offer(Kind::Organization, &person.own_organization);
    }

    /// Lets everybody name it, unless it is a bait.
    fn offer(&mut self, kind: Kind, name: &str) {
        if !self.baits.has(kind, name) {
            self.things.add(kind, name);
        }
    }

    /// Remembers what an answer tells of their own things. `other` is the other tenant.
    pub fn learn(&mut self, operation: &Operation, answer: &Answer, other: &HashSet<String>) {
        if !(200..300).contains(&answer.status) || answer.bytes.is_empty() {
            return;
        }
        let body = answer.json();
        let kind = operation.path.rsplit('/').find_map(|segment| Kind::behind(&operation.path, segment));
        let listed = body["data"].as_array().cloned().unwrap_or_else(|| vec![body.clone()]);
        for view in &listed {
            self.learn_ids(view, other);
            if let Some(id) = view["file_id"].as_str() {
                self.offer(Kind::File, id);
            }
            let id = match &operation.path {
                path if path.contains("members") => &view["user_id"],
                path if path.contains("uploads") => &view["job_id"],
                _ => &view["id"],
            };
            if let (Some(kind), Some(id)) = (kind, id.as_str()) {
                self.offer(kind, id);
            }
        }
        self.secrets.extend(body["key"].as_str().map(str::to_owned));
        for (kind, name) in [(Kind::Cursor, body["next_cursor"].as_str()), (Kind::Version, Some(answer.header("etag")))]
        {
            if let Some(name) = name.filter(|name| !name.is_empty()) {
                self.things.add(kind, name);
            }
        }
    }

    fn learn_ids(&mut self, view: &Value, other: &HashSet<String>) {
        let members = view.as_object().into_iter().flatten();
        // What was refused is told of under whatever name it was asked for by.
        let ids = members.filter(|(name, _)| *name == "id" || name.ends_with("_id") && *name != "target_id");
        let ids = ids.filter_map(|(_, id)| Some(bare(id.as_str()?))).filter(|id| id.len() == 32);
        self.ids.extend(ids.filter(|id| !other.contains(id)));
    }
}

fn path_of_kind(collection: &str, view: &Value) -> String {
    format!("/{collection}/{}", view["id"].as_str().unwrap())
}

/// The one that was there first.
fn oldest(list: &Value) -> Value {
    let oldest = list["data"].as_array().unwrap().iter().min_by_key(|view| view["id"].as_str().map(str::to_owned));
    oldest.unwrap().clone()
}

/// The id without hyphens.
pub fn bare(id: &str) -> String {
    id.replace('-', "").to_lowercase()
}
