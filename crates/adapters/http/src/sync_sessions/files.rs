use serde::Deserialize;
use tenantry_sync::{FileFilter, FileState, SyncSessionId};
use utoipa::IntoParams;
use uuid::Uuid;

use super::view::FileView;
use crate::{
    caller::{Caller, State},
    fields::{Fields, PathId},
    paging::{ListEnvelope, ListQuery, PagingParams},
    problem::Problem,
};

/// Which files.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct ListFiles {
    /// `pending`, `uploading`, `uploaded`, `skipped` or `failed`.
    status: Option<String>,
}

impl ListFiles {
    fn parse(&self) -> Result<FileFilter, Problem> {
        let mut fields = Fields::new();
        let state = fields.optional("status", self.status.as_deref(), str::parse::<FileState>);
        Ok(FileFilter { state: fields.finish(state)? })
    }
}

/// List the files of a sync session: those that failed first, then those that wait, then those that are stored.
#[utoipa::path(get, path = "/sessions/{id}/files", tag = "sessions",
    params(("id" = Uuid, Path, description = "The sync session"), PagingParams, ListFiles),
    security(("bearer" = []), ("api_key" = ["sync:read"])),
    responses((status = 200, description = "A page of files.", body = ListEnvelope<FileView>)))]
pub(crate) async fn handler(
    caller: Caller,
    state: State,
    PathId(id): PathId<Uuid>,
    query: ListQuery<ListFiles>,
) -> Result<ListEnvelope<FileView>, Problem> {
    let (id, filter) = (SyncSessionId::from_uuid(id), query.filter.parse()?);
    let page = state.services.sync_sessions.files(&caller.context, id, filter, &query.page).await?;
    Ok(query.envelope(page, FileView::from))
}
