use actix_web::HttpResponse;
use serde::Deserialize;
use tenantry_sync::{
    CompareBy, CycleId, LocalDirectory, MaxWorkers, NewSyncSession, Patterns, ProfileName, Retries, Schedule,
    SyncSessionId,
};
use tenantry_tenancy::{ProjectId, StoragePrefix};
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::SessionView;
use crate::{
    caller::{Caller, State},
    etag::Tagged,
    fields::Fields,
    idempotency::{Creation, Creator},
    operations::API_PREFIX,
    problem::Problem,
};

/// A new sync session.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateSession {
    project_id: Uuid,
    cycle_id: Option<Uuid>,
    /// A folder on the server, below one that the operator allows.
    #[schema(max_length = 4096)]
    local_directory: String,
    /// Where its objects are to go below the project's prefix, if not where its cycle's do.
    #[schema(max_length = 255)]
    s3_prefix: Option<String>,
    /// A profile of the server's AWS configuration that the operator allows.
    #[schema(max_length = 128)]
    aws_profile: Option<String>,
    /// How many files or parts are under way at most; 16 by default.
    #[schema(minimum = 1, maximum = 256)]
    max_workers: Option<i64>,
    /// How often a file is tried again; 3 by default.
    #[schema(minimum = 0, maximum = 20)]
    times_to_retry: Option<i64>,
    /// Whether several threads look through the folder; true by default.
    use_find: Option<bool>,
    /// Patterns in the syntax of gitignore: which files; all by default.
    #[schema(max_items = 100)]
    include: Option<Vec<String>>,
    /// Which of these not.
    #[schema(max_items = 100)]
    exclude: Option<Vec<String>>,
    /// `size_and_time` (the default) or `checksum`: what makes a file count as unchanged.
    compare_by: Option<String>,
    /// Whether objects are removed whose files are gone; false by default.
    delete_extraneous: Option<bool>,
    /// When it is to run by itself: a cron expression of five fields, in UTC.
    #[schema(max_length = 255)]
    schedule: Option<String>,
}

impl CreateSession {
    fn parse(self, id: Option<SyncSessionId>) -> Result<NewSyncSession, Problem> {
        let mut fields = Fields::new();
        let directory = fields.parse("local_directory", &self.local_directory, LocalDirectory::parse);
        let prefix = fields.optional("s3_prefix", self.s3_prefix.as_deref(), StoragePrefix::parse);
        let profile = fields.optional("aws_profile", self.aws_profile.as_deref(), ProfileName::parse);
        let workers = fields.check("max_workers", self.max_workers.map(MaxWorkers::parse).transpose());
        let retries = fields.check("times_to_retry", self.times_to_retry.map(Retries::parse).transpose());
        let include = fields.check("include", Patterns::parse(self.include.unwrap_or_default()));
        let exclude = fields.check("exclude", Patterns::parse(self.exclude.unwrap_or_default()));
        let compare_by = fields.optional("compare_by", self.compare_by.as_deref(), str::parse::<CompareBy>);
        let schedule = fields.optional("schedule", self.schedule.as_deref(), Schedule::parse);
        let parsed =
            fields.finish((directory, prefix, profile, workers, retries, include, exclude, compare_by, schedule))?;
        let (local_directory, s3_prefix, aws_profile, workers, retries, include, exclude, compare_by, schedule) =
            parsed;
        Ok(NewSyncSession {
            id,
            project_id: ProjectId::from_uuid(self.project_id),
            cycle_id: self.cycle_id.map(CycleId::from_uuid),
            local_directory,
            s3_prefix,
            aws_profile,
            max_workers: workers.unwrap_or_default(),
            times_to_retry: retries.unwrap_or_default(),
            use_find: self.use_find.unwrap_or(true),
            include,
            exclude,
            compare_by: compare_by.unwrap_or_default(),
            delete_extraneous: self.delete_extraneous.unwrap_or_default(),
            schedule,
        })
    }
}

/// Make a sync session. It does nothing until it is started, or its schedule comes.
#[utoipa::path(post, path = "/sessions", tag = "sessions", request_body = CreateSession,
    security(("bearer" = []), ("api_key" = ["sync:write"])),
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes sending the request again safe")),
    responses((status = 201, description = "The sync session.", body = SessionView)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    creation: Creation<CreateSession>,
) -> Result<HttpResponse, Problem> {
    let create = async |body: CreateSession, reserved: Option<Uuid>| {
        let new = body.parse(reserved.map(SyncSessionId::from_uuid))?;
        let session = state.services.sync_sessions.create(&caller.context, new).await?;
        let location = format!("{API_PREFIX}/sessions/{}", session.id);
        Ok(Tagged::created(session.revision, location, SessionView::from(session)))
    };
    creation.once(&state, &Creator::within(&caller), create).await
}
