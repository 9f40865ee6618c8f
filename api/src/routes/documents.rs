//! Documents of organisations: licences, certificates, insurances, which expire. What moderators do with them is in [`moderation`].

mod moderation;

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use market::documents::model::{DOCUMENT_TYPES, Document, DocumentKind, NewDocument, file_name};
use market::documents::store::{self, DocumentError};
use market::identity::{MemberRole, PlatformRole};
use market::ids::DocumentId;
use market::images::model::UploadId;
use market::images::store::{self as images, ImageError};
use serde::{Deserialize, Serialize};
use shared::blobs::Disposition;
use shared::ids::OrgId;
use shared::invalid::Invalid;
use shared::text;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::uploads::{CreateUpload, NewUpload, announce, require_arrived};
use crate::auth::Caller;
use crate::conditional::IfMatch;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path};
use crate::idempotency::{Keyed, Made, OptionalKey};
use crate::state::AppState;

/// How long the address of a file works.
const VALID_FOR: Duration = Duration::from_mins(5);

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(create_document_upload))
        .routes(routes!(list_documents, create_document))
        .routes(routes!(get_document, replace_document, delete_document))
        .routes(routes!(get_document_file))
        .merge(moderation::router())
}

impl From<DocumentError> for Problem {
    fn from(error: DocumentError) -> Self {
        let text = error.to_string();
        match error {
            DocumentError::NotFound(what) => Self::not_found(what),
            DocumentError::TooMany => Self::conflict("too_many_documents", text),
            DocumentError::Status(_) => Self::conflict("document_status", text),
            DocumentError::Invalid(invalid) => invalid.into(),
            DocumentError::Upload(error) => error.into(),
            DocumentError::Sql(error) => error.into(),
        }
    }
}

/// Announce the file of a document
///
/// For owners, also of an organisation that waits for approval. Send the bytes with the returned method, address and headers, then hand
/// the document in. A PDF, or a picture of it.
#[utoipa::path(post, path = "/v1/orgs/{org}/document-uploads", tag = "orgs", params(("org" = OrgId, Path), OptionalKey),
    request_body = CreateUpload, responses(
    (status = 201, description = "Send the bytes there", body = NewUpload, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`"),
    (status = 422, description = "`upload_type`, `upload_size`, `invalid_value`"),
    (status = 429, description = "`too_many_uploads`: hand in some of those that were announced, or let them expire"),
))]
async fn create_document_upload(
    State(state): State<AppState>,
    caller: Caller,
    Path(org): Path<OrgId>,
    Keyed { key, body }: Keyed<CreateUpload>,
) -> Result<Response> {
    caller.member(org, MemberRole::Owner)?;
    announce(&state, &caller, org, &key, &body, &DOCUMENT_TYPES).await
}

/// A document as an organisation hands it in.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct HandInDocument {
    kind: DocumentKind,
    /// As whoever has issued it numbers it.
    #[serde(deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_schema::<100>)]
    number: String,
    issued_on: NaiveDate,
    /// The last day on which it is valid.
    expires_on: NaiveDate,
    /// Its file, which has arrived: an upload that was announced for a document and is used nowhere else.
    upload: UploadId,
}

impl From<HandInDocument> for NewDocument {
    fn from(body: HandInDocument) -> Self {
        Self {
            kind: body.kind,
            number: body.number,
            issued_on: body.issued_on,
            expires_on: body.expires_on,
            upload: body.upload,
        }
    }
}

/// Refuses a file that has not arrived. That it is the organisation's is looked at under its lock.
pub(super) async fn require_file(state: &AppState, org: OrgId, id: UploadId) -> Result<()> {
    let announced = match images::upload(&mut *state.db.acquire().await?, id).await {
        Ok(announced) if announced.org == org => announced,
        Ok(_) | Err(ImageError::NoSuchUpload(_)) => {
            return Err(Invalid::new("/upload", "the organisation has announced no such file").into());
        }
        Err(error) => return Err(error.into()),
    };
    require_arrived(state, &announced).await
}

/// Hand a document in
///
/// By an owner. It waits for a moderator; owners are reminded 30 days before it expires, 7 days before, and on its last day.
#[utoipa::path(post, path = "/v1/orgs/{org}/documents", tag = "orgs", params(("org" = OrgId, Path), OptionalKey),
    request_body = HandInDocument, responses(
    (status = 201, description = "Waiting for a moderator", body = Document, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`"),
    (status = 409, description = "`too_many_documents`; `upload_missing`: nothing has arrived; `upload_expired`: announce it again"),
    (status = 422, description = "`invalid_value`; `upload_size`"),
    (status = 503, description = "`store_unavailable`"),
))]
async fn create_document(
    State(state): State<AppState>,
    caller: Caller,
    Path(org): Path<OrgId>,
    Keyed { key, body }: Keyed<HandInDocument>,
) -> Result<Response> {
    caller.member(org, MemberRole::Owner)?;
    let new = NewDocument::from(body);
    // Outside the transaction: the store may take its time.
    require_file(&state, org, new.upload).await?;
    key.once(&state.ledger, org.0, StatusCode::CREATED, async |tx| {
        let document = store::create(tx, org, caller.user, &new).await?;
        Ok(Made::at(format!("/v1/orgs/{org}/documents/{}", document.id), document))
    })
    .await
}

/// Refuses whoever may not read an organisation's documents: its members may, and moderators.
fn require_reader(caller: &Caller, org: OrgId) -> Result<()> {
    if caller.platform(PlatformRole::Moderator).is_err() {
        caller.member(org, MemberRole::Viewer)?;
    }
    Ok(())
}

#[derive(Debug, Serialize, ToSchema)]
struct Documents {
    /// At most 100.
    items: Vec<Document>,
}

/// List an organisation's documents
///
/// The oldest first, for its members and for moderators.
#[utoipa::path(get, path = "/v1/orgs/{org}/documents", tag = "orgs", params(("org" = OrgId, Path)), responses(
    (status = 200, description = "Its documents", body = Documents),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_documents(
    State(state): State<AppState>,
    caller: Caller,
    Path(org): Path<OrgId>,
) -> Result<Json<Documents>> {
    require_reader(&caller, org)?;
    Ok(Json(Documents { items: store::of_org(&mut *state.db.acquire().await?, org).await? }))
}

/// Read a document
#[utoipa::path(get, path = "/v1/orgs/{org}/documents/{document}", tag = "orgs",
    params(("org" = OrgId, Path), ("document" = DocumentId, Path)), responses(
    (status = 200, description = "The document", body = Document),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_document(
    State(state): State<AppState>,
    caller: Caller,
    Path((org, id)): Path<(OrgId, DocumentId)>,
) -> Result<Json<Document>> {
    require_reader(&caller, org)?;
    Ok(Json(store::get(&mut *state.db.acquire().await?, org, id).await?))
}

/// Replace a document
///
/// With a newer one, or to correct it; the same file may stay. It waits for a moderator again.
#[utoipa::path(put, path = "/v1/orgs/{org}/documents/{document}", tag = "orgs",
    params(("org" = OrgId, Path), ("document" = DocumentId, Path), IfMatch), request_body = HandInDocument, responses(
    (status = 200, description = "Waiting for a moderator", body = Document),
    (status = 403, description = "`role_too_low`"),
    (status = 409, description = "`upload_missing`: nothing has arrived; `upload_expired`: announce it again"),
    (status = 422, description = "`invalid_value`; `upload_size`"),
    (status = 503, description = "`store_unavailable`"),
))]
async fn replace_document(
    State(state): State<AppState>,
    caller: Caller,
    Path((org, id)): Path<(OrgId, DocumentId)>,
    expected: IfMatch,
    Json(body): Json<HandInDocument>,
) -> Result<Json<Document>> {
    caller.member(org, MemberRole::Owner)?;
    let new = NewDocument::from(body);
    // What is not there needs no file.
    store::get(&mut *state.db.acquire().await?, org, id).await?;
    require_file(&state, org, new.upload).await?;
    let mut tx = state.db.begin().await?;
    if expected.is_sent() {
        expected.check(&store::lock(&mut tx, org, id).await?)?;
    }
    let document = store::replace(&mut tx, org, caller.user, id, &new).await?;
    tx.commit().await?;
    Ok(Json(document))
}

/// Remove a document
///
/// Its file is deleted as well, some time later.
#[utoipa::path(delete, path = "/v1/orgs/{org}/documents/{document}", tag = "orgs",
    params(("org" = OrgId, Path), ("document" = DocumentId, Path)), responses(
    (status = 204, description = "Removed"),
    (status = 403, description = "`role_too_low`"),
))]
async fn delete_document(
    State(state): State<AppState>,
    caller: Caller,
    Path((org, id)): Path<(OrgId, DocumentId)>,
) -> Result<StatusCode> {
    caller.member(org, MemberRole::Owner)?;
    let mut tx = state.db.begin().await?;
    store::remove(&mut tx, org, caller.user, id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Where the file of a document is downloaded from.
#[derive(Debug, Serialize, ToSchema)]
struct DocumentFile {
    name: String,
    /// Whoever has it may read the file, so keep it to yourself.
    url: String,
    valid_until: DateTime<Utc>,
}

/// Download a document
///
/// Its members may, and moderators. Nobody has looked into the file: it is what an owner has sent.
#[utoipa::path(get, path = "/v1/orgs/{org}/documents/{document}/file", tag = "orgs",
    params(("org" = OrgId, Path), ("document" = DocumentId, Path)), responses(
    (status = 200, description = "Where the file is", body = DocumentFile),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_document_file(
    State(state): State<AppState>,
    caller: Caller,
    Path((org, id)): Path<(OrgId, DocumentId)>,
) -> Result<Json<DocumentFile>> {
    require_reader(&caller, org)?;
    let file = store::file(&mut *state.db.acquire().await?, org, id).await?;
    let name = file_name(file.kind, &file.content_type);
    // Never shown by a browser as if it were ours.
    let disposition = Disposition::Attachment(name.clone());
    let url = state.blobs.presign_get(&file.object_key, &disposition, VALID_FOR).await?;
    let valid_until = state.clock.now() + TimeDelta::from_std(VALID_FOR).map_err(Problem::internal)?;
    Ok(Json(DocumentFile { name, url, valid_until }))
}

#[cfg(test)]
mod tests;
