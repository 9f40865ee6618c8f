//! What the caller was told, to be read inside the product.

use axum::extract::State;
use axum::http::StatusCode;
use market::ids::NoticeId;
use market::notices::model::Notice;
use market::notices::store;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::paging::{Limit, Page};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_notices))
        .routes(routes!(count_unread_notices))
        .routes(routes!(read_notice))
        .routes(routes!(read_all_notices))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListNotices {
    /// The `next` of an earlier page.
    after: Option<NoticeId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List the caller's notices, newest first
///
/// Of the last 90 days: what the caller was mailed, whether or not they want the mails.
#[utoipa::path(get, path = "/v1/me/notices", tag = "me", params(ListNotices), responses(
    (status = 200, description = "A page", body = Page<Notice>),
))]
async fn list_notices(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<ListNotices>,
) -> Result<Json<Page<Notice>>> {
    let mut conn = state.db.acquire().await?;
    let rows = store::page(&mut conn, caller.user, query.after, query.limit.fetch()).await?;
    Ok(Json(query.limit.page(rows, |notice| notice.id.to_string(), |notice| notice)))
}

/// How many notices are unread.
#[derive(Debug, Serialize, ToSchema)]
struct UnreadNotices {
    /// 100 stands for more.
    #[schema(minimum = 0, maximum = 100)]
    unread: i64,
}

/// Count the caller's unread notices
#[utoipa::path(get, path = "/v1/me/notices/unread", tag = "me", responses(
    (status = 200, description = "The number", body = UnreadNotices),
))]
async fn count_unread_notices(State(state): State<AppState>, caller: Caller) -> Result<Json<UnreadNotices>> {
    let unread = store::unread(&mut *state.db.acquire().await?, caller.user).await?;
    Ok(Json(UnreadNotices { unread }))
}

/// Mark a notice as read
#[utoipa::path(post, path = "/v1/me/notices/{notice}/read", tag = "me", params(("notice" = NoticeId, Path)), responses(
    (status = 204, description = "Marked, now or before"),
))]
async fn read_notice(State(state): State<AppState>, caller: Caller, Path(id): Path<NoticeId>) -> Result<StatusCode> {
    if store::read(&mut *state.db.acquire().await?, caller.user, id).await? {
        Ok(StatusCode::NO_CONTENT)
    } else {
        Err(Problem::not_found("notice"))
    }
}

/// Mark all notices as read
#[utoipa::path(post, path = "/v1/me/notices/read", tag = "me", responses((status = 204, description = "Marked")))]
async fn read_all_notices(State(state): State<AppState>, caller: Caller) -> Result<StatusCode> {
    store::read_all(&mut *state.db.acquire().await?, caller.user).await?;
    Ok(StatusCode::NO_CONTENT)
}
