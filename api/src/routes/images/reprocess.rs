//! Making the pictures anew that an older recipe made.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jobs::images::ReprocessImages;
use market::identity::PlatformRole;
use serde::{Deserialize, Serialize};
use shared::ids::JobId;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Caller;
use crate::error::Result;
use crate::idempotency::{Keyed, Made, OptionalKey};
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(reprocess_images))
}

/// Nothing to choose.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AskToReprocess {}

/// The job that has pictures made anew.
#[derive(Debug, Serialize, ToSchema)]
struct Reprocessing {
    /// The new job, or the open one that does the same.
    job: JobId,
    /// Where its progress is shown.
    url: String,
}

/// Make pictures anew that an older recipe made
///
/// A few at a time, behind what people upload. Each is shown as it is until its new files are there; addresses of old files lead to the
/// new ones. Cancelling the job leaves the pictures that are not yet done as they are; the next one goes on with them.
#[utoipa::path(post, path = "/v1/admin/images/reprocess", tag = "admin", params(OptionalKey),
    request_body = Option<AskToReprocess>, responses(
    (status = 202, description = "The job; `Location` and `Link` name it", body = Reprocessing,
        headers(("Location" = String), ("Link" = String))),
    (status = 403, description = "`role_too_low`"),
))]
async fn reprocess_images(
    State(state): State<AppState>,
    caller: Caller,
    Keyed { key, body: _ }: Keyed<Option<AskToReprocess>>,
) -> Result<Response> {
    caller.platform(PlatformRole::Admin)?;
    key.once(&state.ledger, caller.user.0, StatusCode::ACCEPTED, async |tx| {
        let job = tx.enqueue(&ReprocessImages {}).await?.id();
        let url = format!("/v1/jobs/{job}");
        Ok(Made::at(url.clone(), Reprocessing { job, url }).by(Some(job)))
    })
    .await
}
