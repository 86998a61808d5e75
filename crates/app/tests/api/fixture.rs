//! Things to ask for, and a good request for every operation.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::contract::Operation;
use crate::person::Person;
use crate::site::{Ask, PASSWORD, Site, unique};

/// An organisation with something in it.
pub struct Fixture<'s> {
    pub site: &'s Site,
    pub owner: Person<'s>,
    /// Somebody else, who administers the platform.
    pub administrator: Person<'s>,
    task: Value,
    project: String,
    session: String,
    api_key: String,
    invitation: String,
    cycle: String,
    sync_session: String,
    /// One that waits, and one that has ended.
    jobs: [String; 2],
    /// One to which a client sends files.
    direct: String,
    /// One of these files.
    sent: String,
    reading: String,
    organization: Value,
}

impl<'s> Fixture<'s> {
    pub async fn of(site: &'s Site) -> Self {
        site.answer_readings();
        let owner = site.newcomer().await;
        let task = owner.task(json!({"title": "ours"})).await;
        let project = owner.project("ours").await;
        let sessions = owner.get("/auth/sessions").await.expect(200);
        let session = sessions["data"][0]["id"].as_str().unwrap().to_owned();
        let new = json!({"name": "ours", "scopes": ["tasks:read"]});
        let key = owner.post("/auth/api-keys", new).await.expect(201);
        let api_key = key["id"].as_str().unwrap().to_owned();
        let invitations = format!("/organizations/{}/invitations", owner.own_organization);
        let body = json!({"email": format!("{}@example.com", unique("invited")), "role": "GUEST"});
        let invitation = owner.post(&invitations, body).await.expect(201)["id"].as_str().unwrap().to_owned();
        let cycle = json!({"project_id": project, "cycle_name": "ours", "cycle_number": 1});
        let cycle = owner.post("/cycles", cycle).await.expect(201)["id"].as_str().unwrap().to_owned();
        let directory = site.synced.path().to_str().unwrap();
        let new = json!({"project_id": project, "cycle_id": cycle, "local_directory": directory});
        let sync_session = owner.post("/sessions", new).await.expect(201)["id"].as_str().unwrap().to_owned();
        // Of another project, which is left alone otherwise.
        let project_of_jobs = owner.project("ours").await;
        let new = json!({"project_id": project_of_jobs, "local_directory": directory});
        let jobs = [owner.start(&new).await, owner.start(&new).await];
        owner.post(&format!("/uploads/{}/cancel", jobs[1]), json!({})).await.expect(202);
        let direct = owner.post("/uploads/direct", json!({"project_id": project_of_jobs})).await.expect(201);
        let direct = direct["job_id"].as_str().unwrap().to_owned();
        let files = json!({"files": [{"path": "ours", "size": 1}]});
        let sent = owner.post(&format!("/uploads/{direct}/files"), files).await.expect(200);
        let sent = sent["data"][0]["file_id"].as_str().unwrap().to_owned();
        let advisor = json!({"id": "ours", "name": "Ours", "title": "Ours", "instructions": "Say nothing of it."});
        owner.post("/advisors", advisor).await.expect(201);
        let question = json!({"advisor": "ours", "question": "Is it ours?"});
        let reading = owner.post("/readings", question).await.expect(201)["id"].as_str().unwrap().to_owned();
        let organization = owner.get(&format!("/organizations/{}", owner.own_organization)).await.expect(200);
        let administrator = site.administrator().await;
        Self {
            site,
            owner,
            administrator,
            task,
            project,
            session,
            api_key,
            invitation,
            cycle,
            sync_session,
            jobs,
            direct,
            sent,
            reading,
            organization,
        }
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
        if operation.is_of_tus() {
            let metadata = [("job_id", self.direct.as_str()), ("path", "theirs")];
            let metadata = metadata.map(|(name, value)| format!("{name} {}", STANDARD.encode(value))).join(",");
            let ask = self.site.at(&operation.method, &operation.path_to(&self.sent)).header("tus-resumable", "1.0.0");
            let ask = ask.header("upload-length", "1").header("upload-metadata", &metadata);
            return ask.header("upload-offset", "0").header("content-type", "application/offset+octet-stream");
        }
        if operation.path.starts_with("/api/v1/auth/api-keys") {
            return self.site.at(&operation.method, &operation.path_to(&self.api_key));
        }
        let id = match operation.path.strip_prefix("/api/v1/").unwrap_or_default().split('/').next() {
            Some("auth") => &self.session,
            Some("organizations" | "companies") => &self.owner.own_organization,
            Some("projects") => &self.project,
            Some("cycles") => &self.cycle,
            Some("sessions") => &self.sync_session,
            Some("uploads") if operation.path.ends_with("/cancel") => &self.jobs[0],
            Some("uploads") if operation.is_of_direct_uploads() => &self.direct,
            Some("uploads") => &self.jobs[1],
            Some("advisors") => "ours",
            Some("readings") => &self.reading,
            Some("tasks") => self.task["id"].as_str().unwrap(),
            Some("users") => &self.owner.id,
            Some("admin") if operation.path.contains("/organizations/") => &self.owner.own_organization,
            Some("admin") if operation.path.contains("/users/") => &self.owner.id,
            // Nobody has seen such a job.
            Some("admin") => "0199a000-0000-7000-8000-0000000000ff",
            _ => "not-found",
        };
        let inner = if operation.path.contains("{user_id}") { &self.owner.id } else { &self.invitation };
        self.site.at(&operation.method, &operation.path_within(id, inner))
    }

    /// Whoever may send the operation's request.
    pub fn caller(&self, operation: &Operation) -> &Person<'s> {
        if operation.is_of_platform() { &self.administrator } else { &self.owner }
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
            "POST /api/v1/auth/password/forgot" | "POST /api/v1/auth/email/resend" => {
                json!({"email": self.owner.email})
            }
            "POST /api/v1/auth/password/reset" => json!({"token": "t".repeat(43), "password": PASSWORD}),
            "POST /api/v1/auth/email/verify" => json!({"token": "t".repeat(43)}),
            "POST /api/v1/auth/api-keys" => json!({"name": "theirs", "scopes": ["tasks:read"]}),
            "POST /api/v1/auth/totp/confirm" => json!({"code": "123456"}),
            "POST /api/v1/auth/totp/disable" => json!({"password": PASSWORD, "code": "123456"}),
            "POST /api/v1/auth/totp/challenge" => json!({"mfa_token": "tnm_AQ", "code": "123456"}),
            "PUT /api/v1/users/me" | "PATCH /api/v1/users/me" => json!({"full_name": "Somebody"}),
            "DELETE /api/v1/users/me" | "POST /api/v1/invitations/{token}/accept" => json!({"password": PASSWORD}),
            "POST /api/v1/organizations/{id}/invitations" | "POST /api/v1/companies/{id}/invitations" => {
                json!({"email": format!("{name}@example.com"), "role": "GUEST"})
            }
            "POST /api/v1/users" => {
                json!({"email": format!("{name}@example.com"), "password": PASSWORD, "role": "MEMBER"})
            }
            "PUT /api/v1/users/{id}" | "PATCH /api/v1/users/{id}" => json!({"full_name": "Somebody else"}),
            "POST /api/v1/organizations" => json!({"name": "Another"}),
            "POST /api/v1/companies" => json!({"company_name": "Another"}),
            "PUT /api/v1/companies/{id}" | "PATCH /api/v1/companies/{id}" => json!({"company_name": "changed"}),
            name if name.starts_with("PATCH") && name.ends_with("/members/{user_id}") => json!({"role": "OWNER"}),
            "PATCH /api/v1/admin/users/{id}" | "PATCH /api/v1/admin/organizations/{id}" => json!({"is_active": false}),
            "POST /api/v1/projects" => json!({"name": "theirs"}),
            "PUT /api/v1/organizations/{id}"
            | "PATCH /api/v1/organizations/{id}"
            | "PUT /api/v1/projects/{id}"
            | "PATCH /api/v1/projects/{id}" => json!({"name": "changed"}),
            "POST /api/v1/cycles" => {
                json!({"project_id": self.project, "cycle_name": name, "cycle_number": fastrand::u32(2..) >> 1})
            }
            "PUT /api/v1/cycles/{id}" | "PATCH /api/v1/cycles/{id}" => json!({"cycle_name": "changed"}),
            "POST /api/v1/sessions" => {
                json!({"project_id": self.project, "local_directory": self.site.synced.path()})
            }
            "PUT /api/v1/sessions/{id}" | "PATCH /api/v1/sessions/{id}" => json!({"max_workers": 2}),
            "POST /api/v1/uploads/start" => json!({"session_id": self.sync_session}),
            "POST /api/v1/uploads/direct" => json!({"project_id": self.project}),
            "POST /api/v1/uploads/{job_id}/files" => json!({"files": [{"path": "theirs", "size": 1}]}),
            "POST /api/v1/uploads/{job_id}/parts" => {
                json!({"file_id": self.task["id"], "parts": [{"number": 1, "crc64nvme": "AAAAAAAAAAA="}]})
            }
            "POST /api/v1/uploads/{job_id}/files/complete" => json!({"file_ids": [self.task["id"]]}),
            "POST /api/v1/advisors" => {
                json!({"id": name, "name": "Theirs", "title": "Theirs", "instructions": "Say nothing of it."})
            }
            "PUT /api/v1/organizations/{id}/budget" | "PUT /api/v1/companies/{id}/budget" => {
                json!({"monthly_usd": "5"})
            }
            "POST /api/v1/readings" | "POST /api/v1/readings/ask" | "POST /api/v1/readings/stream" => {
                json!({"advisor": "legba", "question": "Which way?"})
            }
            "POST /api/v1/tasks" => json!({"title": "theirs"}),
            "PUT /api/v1/tasks/{id}"
            | "PATCH /api/v1/tasks/{id}"
            | "PUT /api/v1/advisors/{id}"
            | "PATCH /api/v1/advisors/{id}" => json!({"title": "changed"}),
            _ => return None,
        })
    }

    /// Fails if `answer` tells anything of the owner's things, or if they have changed.
    pub async fn check_untouched_by(&self, answer: &Answer) {
        let text = answer.text();
        let path = answer.asked.split_once(' ').unwrap().1;
        let task = self.task["id"].as_str().unwrap();
        let Self {
            project, session, api_key, invitation, cycle, sync_session, jobs, direct, sent, reading, owner, ..
        } = self;
        for ours in [
            task,
            project,
            &owner.id,
            &owner.own_organization,
            session,
            api_key,
            invitation,
            cycle,
            sync_session,
            &jobs[0],
            &jobs[1],
            direct,
            sent,
            reading,
        ] {
            // A problem names the path that was asked for.
            assert!(!text.replace(path, "").contains(ours), "{answer}");
        }
        let task = self.owner.get(&format!("/tasks/{}", self.task["id"].as_str().unwrap())).await.expect(200);
        assert_eq!(task, self.task, "{answer}");
        let organization = self.owner.get(&format!("/organizations/{}", self.owner.own_organization)).await;
        assert_eq!(organization.expect(200), self.organization, "{answer}");
        let tasks = self.owner.get("/tasks").await.expect(200);
        assert_eq!(tasks["total"], 1, "{answer}");
        let projects = self.owner.get("/projects").await.expect(200);
        assert_eq!((&projects["total"], &projects["data"][0]["name"]), (&json!(2), &json!("ours")), "{answer}");
    }
}
