//! What whoever was invited does with the token that came by mail.

mod accept;
mod find;

use tenantry_identity::LinkToken;
use tenantry_tenancy::OpenInvitation;

use crate::{caller::State, operation, operations::Operations, problem::Problem};

/// Registers the operations.
pub(crate) fn operations(operations: &mut Operations) {
    operation!(operations, find);
    operation!(operations, accept);
}

/// The invitation of the token in the path. What is no token is nobody's.
async fn open(state: &State, token: &str) -> Result<OpenInvitation, Problem> {
    let token = LinkToken::parse(token).or(Err(Problem::not_found()))?;
    Ok(state.services.acceptance.door().open(&token).await?)
}
