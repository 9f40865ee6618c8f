//! How much of what an organisation has at its sites. A single level is in [`level`].

mod cursor;
mod level;
mod refusals;
mod topic;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use market::catalog::store as catalog;
use market::identity::PlatformRole;
use market::ids::{ItemId, SiteId, TransferId};
use market::stock::model::{Level, Moved};
use market::stock::store::{self, LevelFilter};
use queue::JobTx;
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;
use shared::invalid::Invalid;
use shared::text;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::cursor::LevelCursor;
use super::acting::Acting;
use crate::auth::Caller;
use crate::error::Result;
use crate::extract::{Json, Query};
use crate::idempotency::{Idempotent, Made};
use crate::paging::{Limit, Page};
use crate::state::AppState;

pub(crate) use topic::LevelsTopic;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(list_levels)).routes(routes!(transfer_stock)).merge(level::router())
}

/// A level, and what can be sold of it.
#[derive(Debug, Serialize, ToSchema)]
struct LevelView {
    #[serde(flatten)]
    level: Level,
    /// On hand and reserved by nobody.
    available: i64,
}

impl From<Level> for LevelView {
    fn from(level: Level) -> Self {
        Self { available: level.available(), level }
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListLevels {
    item: Option<ItemId>,
    site: Option<SiteId>,
    /// Only those that are low.
    #[serde(default)]
    #[param(value_type = Option<bool>)]
    low: bool,
    #[param(inline)]
    after: Option<LevelCursor>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List an organisation's stock, by item and site
///
/// Members see their organisation's stock, operators of the platform everybody's.
#[utoipa::path(get, path = "/v1/stock", tag = "stock", params(Acting, ListLevels), responses(
    (status = 200, description = "A page", body = Page<LevelView>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_levels(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Query(query): Query<ListLevels>,
) -> Result<Json<Page<LevelView>>> {
    let org = acting.member_or(PlatformRole::Operator, &caller)?;
    let filter = LevelFilter {
        org,
        item: query.item,
        site: query.site,
        low: query.low,
        after: query.after.map(|after| (after.item, after.site)),
        limit: query.limit.fetch(),
    };
    let rows = store::levels_of(&mut *state.db.acquire().await?, &filter).await?;
    let cursor = |level: &Level| LevelCursor { item: level.item_id, site: level.site_id }.to_string();
    Ok(Json(query.limit.page(rows, cursor, LevelView::from)))
}

/// Units to move from one site to another.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewTransfer {
    item_id: ItemId,
    from: SiteId,
    to: SiteId,
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    quantity: i64,
    #[serde(default, deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_or_null_schema::<500>)]
    reason: Option<String>,
}

/// Both levels after a transfer.
#[derive(Debug, Serialize, ToSchema)]
struct TransferView {
    /// What the movements of both levels refer to.
    id: TransferId,
    from: LevelView,
    to: LevelView,
}

/// Move stock from one site to another
///
/// All of it or none; what is reserved stays.
#[utoipa::path(post, path = "/v1/stock/transfer", tag = "stock", request_body = NewTransfer, params(
    Acting,
    ("Idempotency-Key" = String, Header, description = "A new one for each transfer; the same again gets the same answer"),
), responses(
    (status = 200, description = "Moved", body = TransferView),
    (status = 403, description = "`role_too_low`"),
    (status = 409, description = "`out_of_stock`: fewer units are available; `level_full`, `site_full`: the target has no room for them; \
        `site_archived`"),
    (status = 422, description = "`invalid_value`"),
))]
async fn transfer_stock(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Idempotent { key, body }: Idempotent<NewTransfer>,
) -> Result<Response> {
    let org = acting.preparer(&caller)?;
    key.once(&state.ledger, org.0, StatusCode::OK, async |tx| {
        own(tx, org, &body).await?;
        let transfer = store::Transfer {
            org,
            item: body.item_id,
            from: body.from,
            to: body.to,
            quantity: body.quantity,
            reason: body.reason.as_deref(),
            actor: caller.user,
        };
        let done = store::transfer(tx, &transfer).await?;
        let (from, to) = (tell(tx, done.from).await?, tell(tx, done.to).await?);
        Ok(Made::new(TransferView { id: done.id, from, to }))
    })
    .await
}

/// Refuses to move what is not the organisation's, and names the field.
async fn own(tx: &mut JobTx, org: OrgId, body: &NewTransfer) -> Result<()> {
    if catalog::item(tx, org, body.item_id).await?.is_none() {
        return Err(Invalid::new("/item_id", "the organisation has no such item").into());
    }
    for (site, pointer) in [(body.from, "/from"), (body.to, "/to")] {
        if store::site(tx, org, site).await?.is_none() {
            return Err(Invalid::new(pointer, "the organisation has no such site").into());
        }
    }
    Ok(())
}

/// Posts the mails about a level that has become low or has recovered.
async fn tell(tx: &mut JobTx, moved: Moved) -> Result<LevelView> {
    jobs::stock::mail::moved(tx, &moved).await?;
    Ok(moved.level.into())
}

#[cfg(test)]
mod tests;
