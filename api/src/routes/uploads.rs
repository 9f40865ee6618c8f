//! Photographs and files on their way in: the client sends the bytes straight to the store, to an address that we sign.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::{DateTime, Utc};
use jobs::images::ProcessImage;
use market::chat::model::FILE_TYPES;
use market::ids::{ImageId, ListingId};
use market::images::model::{Status, UPLOAD_TYPES, Upload, UploadId, max_bytes};
use market::images::store::{self, ImageError};
use serde::{Deserialize, Serialize};
use shared::blobs::BlobError;
use shared::ids::{JobId, OrgId};
use shared::invalid::Invalid;
use shared::text;
use utoipa::ToSchema;
use utoipa::openapi::ObjectBuilder;
use utoipa::openapi::schema::Type;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path};
use crate::idempotency::{IdempotencyKey, Keyed, Made, OptionalKey};
use crate::state::AppState;

/// How long the signed address works.
const VALID_FOR: Duration = Duration::from_mins(15);

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(create_upload)).routes(routes!(get_upload)).routes(routes!(complete_upload))
}

impl From<ImageError> for Problem {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::NoSuchUpload(_) => Self::not_found("upload"),
            ImageError::NotFound(_) => Self::not_found("image"),
            ImageError::NoSuchListing(_) => {
                Self::unprocessable("listing_unknown", "the organisation has no such listing").at("/listing", "unknown")
            }
            ImageError::TooMany | ImageError::TooManyOfOrg => Self::conflict("too_many_images", error.to_string()),
            ImageError::FixedByBids => Self::conflict("images_fixed", error.to_string()),
            ImageError::TooManyOpen => Self::too_many("too_many_uploads", error.to_string(), Duration::from_mins(1)),
            ImageError::TooManyToday => Self::too_many("too_many_uploads", error.to_string(), Duration::from_hours(1)),
            ImageError::NotOpen(_) => Self::internal(error),
            ImageError::Sql(error) => error.into(),
        }
    }
}

impl From<BlobError> for Problem {
    fn from(error: BlobError) -> Self {
        if error.is_temporary() {
            Self::unavailable("store_unavailable", "the file store does not answer").with_cause(error)
        } else {
            Self::internal(error)
        }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateUpload {
    /// The bytes decide what the picture really is.
    #[schema(schema_with = upload_type)]
    content_type: String,
    /// In bytes, exactly. A file of CSV or PDF has at most 16 MiB.
    #[schema(minimum = 1, maximum = 20_971_520)]
    size: u64,
    /// What the file is called where it comes from: files of listings name their pictures so.
    #[serde(default, deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_or_null_schema::<255>)]
    file_name: Option<String>,
}

fn upload_type() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(UPLOAD_TYPES))
}

/// Where to send the bytes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NewUpload {
    id: UploadId,
    /// Always `PUT`.
    method: &'static str,
    /// Whoever has it may send the bytes, so keep it to yourself.
    url: String,
    /// To be sent exactly like this. 412: a file has arrived, and stays as it is.
    headers: BTreeMap<String, String>,
    /// When the address stops working.
    expires_at: DateTime<Utc>,
}

/// Announce a photograph, or a file
///
/// Send the bytes with the returned method, address and headers, then complete the upload, import the
/// file, or attach it to a message.
#[utoipa::path(post, path = "/v1/uploads", tag = "images", params(Acting, OptionalKey), request_body = CreateUpload, responses(
    (status = 201, description = "Send the bytes there", body = NewUpload, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 422, description = "`upload_type`, `upload_size`, `invalid_value`"),
    (status = 429, description = "`too_many_uploads`: complete some of those that were announced, or let them expire"),
))]
async fn create_upload(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Keyed { key, body }: Keyed<CreateUpload>,
) -> Result<Response> {
    let org = acting.trader(&caller)?;
    announce(&state, &caller, org, &key, &body, &UPLOAD_TYPES).await
}

/// Announces a file of one of these types for an organisation; what the caller may do there was asked before.
pub(super) async fn announce(
    state: &AppState,
    caller: &Caller,
    org: OrgId,
    key: &IdempotencyKey,
    body: &CreateUpload,
    types: &[&str],
) -> Result<Response> {
    if !types.contains(&body.content_type.as_str()) {
        let detail = format!("expected one of {}", types.join(", "));
        return Err(Problem::unprocessable("upload_type", detail.clone()).at("/content_type", detail));
    }
    let most = max_bytes(&body.content_type);
    if !(1..=most).contains(&body.size) {
        let detail = format!("a file of this type has 1 to {most} bytes");
        return Err(Problem::unprocessable("upload_size", detail.clone()).at("/size", detail));
    }
    if body.file_name.as_ref().is_some_and(|name| !(1..=255).contains(&name.chars().count())) {
        return Err(Invalid::new("/file_name", "must have 1 to 255 characters").into());
    }
    key.once(&state.ledger, org.0, StatusCode::CREATED, async |tx| {
        let upload = store::insert_upload(tx, org, caller.user, &body.content_type, body.size, VALID_FOR).await?;
        if let Some(name) = &body.file_name {
            store::name_upload(tx, upload.id, name).await?;
        }
        let signed = state.blobs.presign_put(&upload.object_key, &body.content_type, body.size, VALID_FOR).await?;
        let answer = NewUpload {
            id: upload.id,
            method: "PUT",
            url: signed.url,
            headers: signed.headers.into_iter().collect(),
            expires_at: upload.expires_at,
        };
        Ok(Made::at(format!("/v1/uploads/{}", upload.id), answer))
    })
    .await
}

/// An announced photograph or file.
#[derive(Debug, Serialize, ToSchema)]
struct UploadView {
    id: UploadId,
    content_type: String,
    /// In bytes.
    size: u64,
    /// What it is called where it comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    file_name: Option<String>,
    /// Whether somebody has said that the bytes have arrived.
    completed: bool,
    /// When the address for the bytes stops working.
    expires_at: DateTime<Utc>,
}

/// Read what was announced
#[utoipa::path(get, path = "/v1/uploads/{upload}", tag = "images", params(("upload" = UploadId, Path), Acting), responses(
    (status = 200, description = "The upload", body = UploadView),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_upload(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<UploadId>,
) -> Result<Json<UploadView>> {
    let org = acting.member(&caller)?;
    let upload = store::upload(&mut *state.db.acquire().await?, id).await?;
    if upload.org != org {
        return Err(Problem::not_found("upload"));
    }
    Ok(Json(UploadView {
        id,
        content_type: upload.content_type,
        size: upload.size,
        file_name: upload.file_name,
        completed: upload.completed,
        expires_at: upload.expires_at,
    }))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct CompleteUpload {
    /// The listing that the picture shows.
    listing: Option<ListingId>,
}

/// An image and the job that works on it.
#[derive(Debug, Serialize, ToSchema)]
struct Completed {
    image: ImageId,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<JobId>,
}

/// Say that the bytes of a picture have arrived
///
/// The picture is checked and its variants are made by a job. Completing again gives the same image.
#[utoipa::path(post, path = "/v1/uploads/{upload}/complete", tag = "images", params(("upload" = UploadId, Path), Acting, OptionalKey),
    request_body = CompleteUpload, responses(
    (status = 202, description = "A job processes it; `Location` names the image, `Link` the job", body = Completed,
        headers(("Location" = String), ("Link" = String))),
    (status = 409, description = "`upload_missing`: nothing has arrived; `upload_expired`: announce it again; \
        `too_many_images`: the listing has 30; `images_fixed`: somebody has bid on it"),
    (status = 422, description = "`listing_unknown`, `upload_size`; `upload_type`: it is a file, not a picture"),
    (status = 403, description = "`org_not_approved`; `role_too_low`"),
    (status = 503, description = "`store_unavailable`"),
))]
async fn complete_upload(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<UploadId>,
    Keyed { key, body }: Keyed<CompleteUpload>,
) -> Result<Response> {
    let announced = store::upload(&mut *state.db.acquire().await?, id).await?;
    acting.trader_of(announced.org, &caller, "upload")?;
    if FILE_TYPES.contains(&announced.content_type.as_str()) {
        return Err(Problem::unprocessable("upload_type", "the upload is a file, not a picture"));
    }
    // Outside the transaction: the store may take its time.
    require_arrived(&state, &announced).await?;
    key.once(&state.ledger, announced.org.0, StatusCode::ACCEPTED, async |tx| {
        let upload = store::lock_upload(tx, id).await?;
        let image = store::complete_upload(tx, &upload, body.listing).await?;
        if !upload.completed {
            let job = tx.enqueue(&ProcessImage { image, org: upload.org }).await?.id();
            store::set_job(tx, image, job).await?;
        }
        let image = store::get(tx, image).await?;
        let answer = Completed { image: image.id, status: image.status, job: image.job };
        Ok(Made::at(format!("/v1/images/{}", image.id), answer).by(image.job))
    })
    .await
}

/// Refuses an upload whose bytes have not arrived.
pub(super) async fn require_arrived(state: &AppState, announced: &Upload) -> Result<()> {
    if announced.completed {
        return Ok(());
    }
    if announced.late {
        return Err(Problem::conflict("upload_expired", "the upload has expired; announce it again"));
    }
    let sent = match state.blobs.head(&announced.object_key).await {
        Ok(sent) => sent,
        Err(BlobError::NotFound { .. }) => {
            return Err(Problem::conflict("upload_missing", "nothing has arrived yet; send the bytes first"));
        }
        Err(error) => return Err(error.into()),
    };
    // The signature is bound to the size; this catches a store that ignores it.
    if sent.size == announced.size {
        Ok(())
    } else {
        Err(Problem::unprocessable("upload_size", "the bytes that arrived are not as many as announced"))
    }
}

#[cfg(test)]
mod tests;
