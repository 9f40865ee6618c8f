//! Documents that wait for a moderator, and what moderators decide about them.

use axum::extract::State;
use market::documents::model::{Document, Verdict};
use market::documents::store;
use market::identity::PlatformRole;
use market::ids::DocumentId;
use serde::Deserialize;
use shared::ids::OrgId;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Caller;
use crate::conditional::IfMatch;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::paging::{Limit, Page};
use crate::routes::orgs::{given_reason, reason_schema};
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_waiting_documents))
        .routes(routes!(verify_document))
        .routes(routes!(reject_document))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListWaitingDocuments {
    /// The `next` of an earlier page.
    after: Option<DocumentId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List documents that wait for a moderator
///
/// Of all organisations, the oldest first. For moderators.
#[utoipa::path(get, path = "/v1/admin/org-documents", tag = "admin", params(ListWaitingDocuments), responses(
    (status = 200, description = "A page", body = Page<Document>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_waiting_documents(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<ListWaitingDocuments>,
) -> Result<Json<Page<Document>>> {
    caller.platform(PlatformRole::Moderator)?;
    let rows = store::waiting(&mut *state.db.acquire().await?, query.after, query.limit.fetch()).await?;
    Ok(Json(query.limit.page(rows, |document| document.id.to_string(), |document| document)))
}

/// Verify a document
///
/// For moderators who do not belong to the organisation; it is in the audit log. With `If-Match`, only what was read is verified: its
/// owners may replace a document while somebody looks at it.
#[utoipa::path(post, path = "/v1/orgs/{org}/documents/{document}/verify", tag = "orgs",
    params(("org" = OrgId, Path), ("document" = DocumentId, Path), IfMatch), responses(
    (status = 200, description = "Verified", body = Document),
    (status = 403, description = "`role_too_low`; `own_org`"),
    (status = 409, description = "`document_status`: it does not wait for a moderator"),
))]
async fn verify_document(
    State(state): State<AppState>,
    caller: Caller,
    Path((org, id)): Path<(OrgId, DocumentId)>,
    expected: IfMatch,
) -> Result<Json<Document>> {
    decide(&state, &caller, (org, id), &expected, &Verdict::Verified).await
}

/// Why a document was rejected; the organisation's members can read it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DocumentReason {
    #[schema(schema_with = reason_schema)]
    reason: String,
}

/// Reject a document
///
/// One that waits, or that was verified and turns out to be wrong. For moderators who do not belong to the organisation; it is in the
/// audit log.
#[utoipa::path(post, path = "/v1/orgs/{org}/documents/{document}/reject", tag = "orgs", request_body = DocumentReason,
    params(("org" = OrgId, Path), ("document" = DocumentId, Path), IfMatch), responses(
    (status = 200, description = "Rejected", body = Document),
    (status = 403, description = "`role_too_low`; `own_org`"),
    (status = 409, description = "`document_status`: it was rejected before, or has expired"),
    (status = 422, description = "`reason_length`"),
))]
async fn reject_document(
    State(state): State<AppState>,
    caller: Caller,
    Path((org, id)): Path<(OrgId, DocumentId)>,
    expected: IfMatch,
    Json(body): Json<DocumentReason>,
) -> Result<Json<Document>> {
    caller.platform(PlatformRole::Moderator)?;
    let reason = given_reason(&body.reason)?;
    decide(&state, &caller, (org, id), &expected, &Verdict::Rejected { reason }).await
}

async fn decide(
    state: &AppState,
    caller: &Caller,
    (org, id): (OrgId, DocumentId),
    expected: &IfMatch,
    verdict: &Verdict,
) -> Result<Json<Document>> {
    caller.platform(PlatformRole::Moderator)?;
    if caller.belongs_to(org) {
        return Err(Problem::forbidden("own_org", "somebody else decides about your own organisation"));
    }
    let mut tx = state.db.begin().await?;
    if expected.is_sent() {
        expected.check(&store::lock(&mut tx, org, id).await?)?;
    }
    let document = store::decide(&mut tx, caller.user, org, id, verdict).await?;
    tx.commit().await?;
    Ok(Json(document))
}
