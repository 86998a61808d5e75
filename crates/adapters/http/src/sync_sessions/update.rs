use serde::Deserialize;
use tenantry_sync::{
    CompareBy, CycleId, LocalDirectory, MaxWorkers, Patterns, ProfileName, Retries, Schedule, SyncSessionChange,
    SyncSessionId,
};
use tenantry_tenancy::{ProjectId, StoragePrefix};
use utoipa::ToSchema;
use uuid::Uuid;

use super::view::SessionView;
use crate::{
    caller::{Caller, State},
    etag::{IfMatch, Tagged},
    fields::{Fields, JsonBody, Patch, PathId},
    problem::Problem,
};

/// A change of a sync session; what is absent stays as it is, null clears what may be empty.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateSession {
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    project_id: Patch<Uuid>,
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    cycle_id: Patch<Uuid>,
    /// A folder on the server, below one that the operator allows.
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 4096)]
    local_directory: Patch<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 255)]
    s3_prefix: Patch<String>,
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 128)]
    aws_profile: Patch<String>,
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 256)]
    max_workers: Patch<i64>,
    #[serde(default)]
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 20)]
    times_to_retry: Patch<i64>,
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    use_find: Patch<bool>,
    /// Null: all files.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>, max_items = 100)]
    include: Patch<Vec<String>>,
    /// Null: none.
    #[serde(default)]
    #[schema(value_type = Option<Vec<String>>, max_items = 100)]
    exclude: Patch<Vec<String>>,
    /// `size_and_time` or `checksum`.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    compare_by: Patch<String>,
    #[serde(default)]
    #[schema(value_type = Option<bool>)]
    delete_extraneous: Patch<bool>,
    #[serde(default)]
    #[schema(value_type = Option<String>, max_length = 255)]
    schedule: Patch<String>,
}

impl UpdateSession {
    fn parse(self) -> Result<SyncSessionChange, Problem> {
        let mut fields = Fields::new();
        let project = fields.change_value("project_id", self.project_id, Ok::<_, Problem>);
        let directory = fields.change("local_directory", &self.local_directory, LocalDirectory::parse);
        let prefix = fields.patch("s3_prefix", &self.s3_prefix, StoragePrefix::parse);
        let profile = fields.patch("aws_profile", &self.aws_profile, ProfileName::parse);
        let workers = fields.change_value("max_workers", self.max_workers, MaxWorkers::parse);
        let retries = fields.change_value("times_to_retry", self.times_to_retry, Retries::parse);
        let use_find = fields.change_value("use_find", self.use_find, Ok::<_, Problem>);
        let include = fields.check("include", self.include.try_map(Patterns::parse));
        let exclude = fields.check("exclude", self.exclude.try_map(Patterns::parse));
        let compare_by = fields.change("compare_by", &self.compare_by, str::parse::<CompareBy>);
        let delete = fields.change_value("delete_extraneous", self.delete_extraneous, Ok::<_, Problem>);
        let schedule = fields.patch("schedule", &self.schedule, Schedule::parse);
        let parsed = fields.finish((
            project, directory, prefix, profile, workers, retries, use_find, include, exclude, compare_by, delete,
            schedule,
        ))?;
        let (
            project,
            directory,
            prefix,
            profile,
            workers,
            retries,
            use_find,
            include,
            exclude,
            compare_by,
            delete,
            schedule,
        ) = parsed;
        Ok(SyncSessionChange {
            project_id: project.map(ProjectId::from_uuid),
            cycle_id: self.cycle_id.map(CycleId::from_uuid).into_change(),
            local_directory: directory,
            s3_prefix: prefix.into_change(),
            aws_profile: profile.into_change(),
            max_workers: workers,
            times_to_retry: retries,
            use_find,
            include: include.into_change().map(Option::unwrap_or_default),
            exclude: exclude.into_change().map(Option::unwrap_or_default),
            compare_by,
            delete_extraneous: delete,
            schedule: schedule.into_change(),
        })
    }
}

/// Change a sync session that has no active job.
#[utoipa::path(method(patch, put), path = "/sessions/{id}", tag = "sessions", request_body = UpdateSession,
    security(("bearer" = []), ("api_key" = ["sync:write"])),
    params(("id" = Uuid, Path, description = "The sync session"),
        ("If-Match" = Option<String>, Header, description = "Only change this version")),
    responses((status = 200, description = "The sync session after the change.", body = SessionView)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    PathId(id): PathId<Uuid>,
    if_match: IfMatch,
    JsonBody(body): JsonBody<UpdateSession>,
) -> Result<Tagged<SessionView>, Problem> {
    let (id, change) = (SyncSessionId::from_uuid(id), body.parse()?);
    let session = state.services.sync_sessions.update(&caller.context, id, change, &if_match.0).await?;
    Ok(SessionView::tagged(session))
}
