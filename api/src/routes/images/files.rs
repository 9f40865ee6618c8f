//! The files of pictures that everybody may see.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use market::ids::ImageId;
use market::images::model::same_file;
use market::images::store;
use tokio_util::io::ReaderStream;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::caching;
use crate::error::{Problem, Result};
use crate::extract::Path;
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(get_image_file))
}

/// Get a file of a picture
///
/// Of a listing that is or was on offer. What is behind an address never changes, so that caches may keep it for good.
#[utoipa::path(get, path = "/v1/images/{image}/{file}", tag = "images", security(()), params(
    ("image" = ImageId, Path),
    ("file" = String, Path, description = "As `url` of a variant says: `640.2.webp`, `square.2.jpg`"),
), responses(
    (status = 200, description = "The file", content((Vec<u8> = "image/webp"), (Vec<u8> = "image/jpeg"))),
    (status = 304, description = "You have it"),
    (status = 307, description = "The picture has been made anew: `Location` is where this file is now", headers(("Location" = String))),
))]
async fn get_image_file(
    State(state): State<AppState>,
    Path((image, file)): Path<(ImageId, String)>,
    headers: HeaderMap,
) -> Result<Response> {
    let mut conn = state.db.acquire().await?;
    let variants = store::variants(&mut conn, image).await?;
    let variant = variants.into_iter().find(|variant| same_file(variant.name(), &file));
    let variant = variant.ok_or(Problem::not_found("image"))?;
    if !store::is_public(&mut conn, image).await? {
        return Err(Problem::not_found("image"));
    }
    drop(conn);
    if variant.name() != file {
        // Pages and mails may have addresses of an older recipe.
        let now_at = format!("/v1/images/{image}/{}", variant.name());
        return Ok((StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, now_at)]).into_response());
    }
    // The address names the contents: what is made by another recipe has another name.
    let tag = HeaderValue::try_from(format!("\"{image}-{file}\"")).map_err(Problem::internal)?;
    let kept = [(header::ETAG, tag.clone()), (header::CACHE_CONTROL, caching::IMMUTABLE)];
    if caching::has(&headers, &tag) {
        return Ok((StatusCode::NOT_MODIFIED, kept).into_response());
    }
    let (_, bytes) = state.blobs.open(&variant.object_key).await?;
    let described = [
        (header::CONTENT_TYPE, HeaderValue::from_static(variant.format.content_type())),
        (header::CONTENT_LENGTH, HeaderValue::from(variant.bytes)),
    ];
    Ok((kept, described, Body::from_stream(ReaderStream::new(bytes))).into_response())
}
