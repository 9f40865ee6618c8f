//! Pictures: their state, their files, their end.

use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use jobs::images::DeleteImage;
use market::identity::MemberRole;
use market::ids::{ImageId, ListingId};
use market::images::model::{Format, Image, Shape, Status, StoredVariant};
use market::images::store;
use serde::{Deserialize, Serialize};
use shared::blobs::{Blobs, Disposition};
use shared::ids::{JobId, OrgId};
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::state::AppState;

/// How long a picture's addresses work.
const VALID_FOR: Duration = Duration::from_hours(6);

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_images)).routes(routes!(get_image, delete_image))
}

/// A picture.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImageView {
    id: ImageId,
    org: OrgId,
    #[serde(skip_serializing_if = "Option::is_none")]
    listing: Option<ListingId>,
    status: Status,
    /// Why it was rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<RefusalView>,
    /// In pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<i32>,
    /// A placeholder to draw while the picture loads: <https://blurha.sh>.
    #[serde(skip_serializing_if = "Option::is_none")]
    blurhash: Option<String>,
    /// Large ones first, then the squares; every size as WebP and JPEG.
    variants: Vec<VariantView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<JobId>,
    created_at: DateTime<Utc>,
}

#[derive(Debug, Serialize, ToSchema)]
struct RefusalView {
    /// `too_large`, `unsupported_type`, `too_many_pixels`, `side_too_long`, `damaged`, `missing`, `empty`; `not_processed`: its job
    /// was cancelled or has given up.
    code: String,
    detail: String,
}

#[derive(Debug, Serialize, ToSchema)]
struct VariantView {
    shape: Shape,
    format: Format,
    width: i32,
    height: i32,
    bytes: i64,
    /// Works for six hours.
    url: String,
}

/// The picture with addresses for its files.
async fn view(blobs: &Blobs, image: Image, files: Vec<StoredVariant>) -> Result<ImageView> {
    let mut variants = Vec::with_capacity(files.len());
    for it in files {
        let url = blobs.presign_get(&it.object_key, &Disposition::Inline, VALID_FOR).await?;
        let (width, height) = (it.width, it.height);
        variants.push(VariantView { shape: it.shape, format: it.format, width, height, bytes: it.bytes, url });
    }
    let refusal = image.refusal_code.zip(image.refusal).map(|(code, detail)| RefusalView { code, detail });
    Ok(ImageView {
        id: image.id,
        org: image.org,
        listing: image.listing,
        status: image.status,
        refusal,
        width: image.width,
        height: image.height,
        blurhash: image.blurhash,
        variants,
        job: image.job,
        created_at: image.created_at,
    })
}

/// The pictures that a listing shows, in their order. Whether the caller may see the listing is the caller's business.
pub(crate) async fn of_listing(conn: &mut PgConnection, blobs: &Blobs, listing: ListingId) -> Result<Vec<ImageView>> {
    let mut views = Vec::new();
    for (image, files) in store::of_listing(conn, listing).await? {
        views.push(view(blobs, image, files).await?);
    }
    Ok(views)
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListImages {
    listing: ListingId,
}

#[derive(Debug, Serialize, ToSchema)]
struct Images {
    items: Vec<ImageView>,
}

/// List the pictures of a listing
///
/// Those that are ready, in their order. A listing that is not on offer shows them to its seller only.
#[utoipa::path(get, path = "/v1/images", tag = "images", params(Acting, ListImages), responses(
    (status = 200, description = "The pictures", body = Images),
))]
async fn list_images(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Query(query): Query<ListImages>,
) -> Result<Json<Images>> {
    let viewer = acting.viewer(Some(&caller))?;
    let mut conn = state.db.acquire().await?;
    let mut items = of_listing(&mut conn, &state.blobs, query.listing).await?;
    if let Some(first) = items.first()
        && viewer != Some(first.org)
        && !store::is_public(&mut conn, first.id).await?
    {
        items.clear();
    }
    Ok(Json(Images { items }))
}

/// Read a picture's state and files
#[utoipa::path(get, path = "/v1/images/{image}", tag = "images", params(("image" = ImageId, Path), Acting), responses(
    (status = 200, description = "The picture", body = ImageView),
))]
async fn get_image(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ImageId>,
) -> Result<Json<ImageView>> {
    let viewer = acting.viewer(Some(&caller))?;
    let mut conn = state.db.acquire().await?;
    let image = store::get(&mut conn, id).await?;
    let visible = viewer == Some(image.org) || store::is_public(&mut conn, id).await?;
    if !visible || image.status == Status::Deleting {
        return Err(Problem::not_found("image"));
    }
    let files = store::variants(&mut conn, id).await?;
    Ok(Json(view(&state.blobs, image, files).await?))
}

/// Delete a picture
///
/// It is gone at once; a job removes its files.
#[utoipa::path(delete, path = "/v1/images/{image}", tag = "images", params(("image" = ImageId, Path), Acting), responses(
    (status = 204, description = "Gone"),
    (status = 403, description = "`role_too_low`"),
))]
async fn delete_image(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ImageId>,
) -> Result<StatusCode> {
    let mut tx = state.ledger.begin().await?;
    let image = store::get(&mut tx, id).await?;
    acting.owner(image.org, &caller, "image")?;
    if image.status == Status::Deleting {
        return Err(Problem::not_found("image"));
    }
    caller.member(image.org, MemberRole::Trader)?;
    store::hide(&mut tx, image.org, id).await?;
    let _ = tx.enqueue(&DeleteImage { image: id, org: image.org }).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
