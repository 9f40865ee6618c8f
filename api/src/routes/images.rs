//! Pictures: their state, their files, their end.

mod files;
mod reprocess;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use jobs::images::DeleteImage;
use market::identity::MemberRole;
use market::ids::{ImageId, ListingId};
use market::images::model::{ADDRESS_VALID_FOR, Format, Image, Shape, Status, StoredVariant};
use market::images::store;
use serde::{Deserialize, Serialize};
use shared::blobs::{Blobs, Disposition};
use shared::ids::{JobId, OrgId};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use crate::auth::Caller;
use crate::caching;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_images))
        .routes(routes!(get_image, delete_image))
        .merge(files::router())
        .merge(reprocess::router())
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
    /// The upload moves: only its first frame is shown.
    animated: bool,
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
    /// Of a picture of something that is or was on offer: a path of this server, which works without an account for as long as the
    /// picture is shown. Of another one: an address that works for six hours.
    url: String,
}

/// A picture of something on offer, for everybody to see.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Picture {
    id: ImageId,
    /// In pixels.
    width: Option<i32>,
    height: Option<i32>,
    /// A placeholder to draw while the picture loads: <https://blurha.sh>.
    blurhash: Option<String>,
    /// The upload moves: only its first frame is shown.
    animated: bool,
    /// Large ones first, then the squares; every size as WebP and JPEG.
    variants: Vec<VariantView>,
}

impl Picture {
    pub(crate) fn new(image: Image, files: Vec<StoredVariant>) -> Self {
        let variants = files.into_iter().map(|file| VariantView::public(image.id, &file)).collect();
        let Image { id, width, height, blurhash, animated, .. } = image;
        Self { id, width, height, blurhash, animated, variants }
    }
}

impl VariantView {
    /// With the permanent address of the file.
    fn public(image: ImageId, it: &StoredVariant) -> Self {
        let url = format!("/v1/images/{image}/{}", it.name());
        Self { shape: it.shape, format: it.format, width: it.width, height: it.height, bytes: it.bytes, url }
    }
}

/// Whether a picture is shown to everybody, or only to those whom it belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    ToEverybody,
    ToOwners,
}

/// A picture with addresses for its files that work for a while, for those who may see it.
pub(super) async fn private_view(blobs: &Blobs, image: Image, files: Vec<StoredVariant>) -> Result<ImageView> {
    view(blobs, image, files, Shown::ToOwners).await
}

/// The picture with addresses for its files.
async fn view(blobs: &Blobs, image: Image, files: Vec<StoredVariant>, shown: Shown) -> Result<ImageView> {
    let mut variants = Vec::with_capacity(files.len());
    for it in files {
        if shown == Shown::ToEverybody {
            variants.push(VariantView::public(image.id, &it));
            continue;
        }
        let url = blobs.presign_get(&it.object_key, &Disposition::Inline, ADDRESS_VALID_FOR).await?;
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
        animated: image.animated,
        variants,
        job: image.job,
        created_at: image.created_at,
    })
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
#[utoipa::path(get, path = "/v1/images", tag = "images", security((), ("bearer" = [])), params(Acting, ListImages), responses(
    (status = 200, description = "The pictures", body = Images),
))]
async fn list_images(
    State(state): State<AppState>,
    caller: Option<Caller>,
    acting: Acting,
    Query(query): Query<ListImages>,
) -> Result<Response> {
    let viewer = acting.viewer(caller.as_ref())?;
    let mut conn = state.db.acquire().await?;
    let mut images = store::of_listing(&mut conn, query.listing).await?;
    let shown = match images.first() {
        Some((first, _)) if !store::is_public(&mut conn, first.id).await? => Shown::ToOwners,
        _ => Shown::ToEverybody,
    };
    images.retain(|(image, _)| shown == Shown::ToEverybody || viewer == Some(image.org));
    drop(conn);
    let mut items = Vec::with_capacity(images.len());
    for (image, files) in images {
        items.push(view(&state.blobs, image, files, shown).await?);
    }
    Ok(answer(shown, Images { items }))
}

/// Read a picture's state and files
#[utoipa::path(get, path = "/v1/images/{image}", tag = "images", security((), ("bearer" = [])),
    params(("image" = ImageId, Path), Acting), responses(
    (status = 200, description = "The picture", body = ImageView),
))]
async fn get_image(
    State(state): State<AppState>,
    caller: Option<Caller>,
    acting: Acting,
    Path(id): Path<ImageId>,
) -> Result<Response> {
    let viewer = acting.viewer(caller.as_ref())?;
    let mut conn = state.db.acquire().await?;
    let image = store::get(&mut conn, id).await?;
    let shown = if store::is_public(&mut conn, id).await? { Shown::ToEverybody } else { Shown::ToOwners };
    let visible = shown == Shown::ToEverybody || viewer == Some(image.org);
    if !visible || image.status == Status::Deleting {
        return Err(Problem::not_found("image"));
    }
    let files = store::variants(&mut conn, id).await?;
    drop(conn);
    Ok(answer(shown, view(&state.blobs, image, files, shown).await?))
}

/// What only its owners see is not for shared caches.
fn answer(shown: Shown, body: impl Serialize) -> Response {
    match shown {
        Shown::ToEverybody => caching::shared(body),
        Shown::ToOwners => Json(body).into_response(),
    }
}

/// Delete a picture
///
/// It is gone at once; a job removes its files.
#[utoipa::path(delete, path = "/v1/images/{image}", tag = "images", params(("image" = ImageId, Path), Acting), responses(
    (status = 204, description = "Gone"),
    (status = 409, description = "`images_fixed`: somebody has bid on its listing"),
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
