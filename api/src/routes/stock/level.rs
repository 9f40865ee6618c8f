//! One item at one site: what is there, what is set, and every change.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use market::catalog::store::{self as catalog, CatalogError};
use market::identity::PlatformRole;
use market::ids::{ItemId, SiteId};
use market::stock::model::{Level, LevelChange, Movement};
use market::stock::rules::reserve::{Count, Verdict};
use market::stock::store::{self, StockError};
use queue::JobTx;
use serde::Deserialize;
use shared::ids::OrgId;
use shared::invalid::Invalid;
use shared::text;
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{LevelView, tell};
use crate::auth::Caller;
use crate::conditional::{EntityTag, IfMatch};
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::idempotency::{Keyed, Made, OptionalKey};
use crate::paging::{Limit, Page};
use crate::routes::acting::Acting;
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(get_level, change_level))
        .routes(routes!(adjust_level))
        .routes(routes!(movements_of_level))
}

/// The most units of a level.
const MOST: i64 = 1_000_000_000;

/// What people edit of a level: what comes and goes does not change it.
fn edited(level: &Level) -> (Option<i64>, Option<i64>) {
    (level.capacity, level.low_at)
}

async fn found(conn: &mut PgConnection, org: OrgId, item: ItemId, site: SiteId) -> Result<Level> {
    Ok(store::level(conn, org, item, site).await?.ok_or(StockError::NotFound)?)
}

/// Read how much of an item is at a site
///
/// The entity tag is of what people edit: what comes and goes does not change it.
/// Members see their organisation's stock, operators of the platform everybody's.
#[utoipa::path(get, path = "/v1/items/{item}/stock/{site}", tag = "stock",
    params(("item" = ItemId, Path), ("site" = SiteId, Path), Acting), responses(
    (status = 200, description = "The level", body = LevelView),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_level(
    State(state): State<AppState>,
    caller: Caller,
    Path((item, site)): Path<(ItemId, SiteId)>,
    acting: Acting,
) -> Result<(EntityTag, Json<LevelView>)> {
    let org = acting.member_or(PlatformRole::Operator, &caller)?;
    let level = found(&mut *state.db.acquire().await?, org, item, site).await?;
    Ok((EntityTag::of(&edited(&level))?, Json(level.into())))
}

/// Set what an item's stock at a site may be, and when it is low
///
/// Fields that are left out stay as they are. The level may become low, or recover, by that.
#[utoipa::path(patch, path = "/v1/items/{item}/stock/{site}", tag = "stock",
    params(("item" = ItemId, Path), ("site" = SiteId, Path), Acting, IfMatch), request_body = LevelChange, responses(
    (status = 200, description = "The level", body = LevelView),
    (status = 403, description = "`role_too_low`"),
    (status = 409, description = "`level_full`: there is more than that"),
    (status = 422, description = "`invalid_value`"),
))]
async fn change_level(
    State(state): State<AppState>,
    caller: Caller,
    Path((item, site)): Path<(ItemId, SiteId)>,
    acting: Acting,
    expected: IfMatch,
    Json(change): Json<LevelChange>,
) -> Result<(EntityTag, Json<LevelView>)> {
    let org = acting.preparer(&caller)?;
    let mut tx = state.ledger.begin().await?;
    if expected.is_sent() {
        expected.check(&edited(&store::lock(&mut tx, org, (item, site)).await?))?;
    }
    let moved = store::change(&mut tx, org, (item, site), None, change).await?;
    let tag = EntityTag::of(&edited(&moved.level))?;
    let view = tell(&mut tx, moved).await?;
    tx.commit().await?;
    Ok((tag, Json(view)))
}

/// What somebody has counted, or corrects: one of `by` and `to`; or has found out about units that came back: one of `release` and
/// `write_off`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Adjustment {
    /// How many units came; below zero, how many left.
    #[schema(minimum = -1_000_000_000, maximum = 1_000_000_000)]
    by: Option<i64>,
    /// How many units there are now.
    #[schema(minimum = 0, maximum = 1_000_000_000)]
    to: Option<i64>,
    /// How many of the quarantined units can be sold.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    release: Option<i64>,
    /// How many of the quarantined units are not there any more.
    #[schema(minimum = 1, maximum = 1_000_000_000)]
    write_off: Option<i64>,
    #[serde(default, deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_or_null_schema::<500>)]
    reason: Option<String>,
}

/// What is done to a level.
enum Counted {
    OnHand(Count),
    Quarantined(Verdict),
}

impl Adjustment {
    /// What is done, and the field that says it.
    fn counted(&self) -> Result<(Counted, &'static str), Invalid> {
        let (on_hand, quarantined) = (Counted::OnHand, Counted::Quarantined);
        match (self.by, self.to, self.release, self.write_off) {
            (Some(by), None, None, None) if (-MOST..=MOST).contains(&by) => Ok((on_hand(Count::By(by)), "/by")),
            (Some(_), None, None, None) => Err(Invalid::new("/by", "must lie between -1000000000 and 1000000000")),
            (None, Some(to), None, None) if (0..=MOST).contains(&to) => Ok((on_hand(Count::To(to)), "/to")),
            (None, Some(_), None, None) => Err(Invalid::new("/to", "must lie between 0 and 1000000000")),
            (None, None, Some(units), None) => Ok((quarantined(Verdict::Release(units)), "/release")),
            (None, None, None, Some(units)) => Ok((quarantined(Verdict::WriteOff(units)), "/write_off")),
            (None, None, None, None) => Err(Invalid::new("/by", "send either `by` or `to`")),
            (Some(_), Some(_), None, None) => Err(Invalid::new("/to", "send either `by` or `to`, not both")),
            _ => Err(Invalid::new("", "send one of `by`, `to`, `release` and `write_off`")),
        }
    }
}

/// Count an item's stock at a site, or correct it
///
/// The first count opens the level. What is reserved cannot be taken away. A count that changes nothing is not a movement. Units that came
/// back and are quarantined can be released to be sold, or written off.
#[utoipa::path(post, path = "/v1/items/{item}/stock/{site}/adjust", tag = "stock",
    params(("item" = ItemId, Path), ("site" = SiteId, Path), Acting, OptionalKey), request_body = Adjustment, responses(
    (status = 200, description = "The level", body = LevelView),
    (status = 403, description = "`role_too_low`"),
    (status = 409, description = "`out_of_stock`: fewer units are available; `level_full`, `site_full`: there is no room for them; \
        `site_archived`"),
    (status = 422, description = "`invalid_value`"),
))]
async fn adjust_level(
    State(state): State<AppState>,
    caller: Caller,
    Path((item, site)): Path<(ItemId, SiteId)>,
    acting: Acting,
    Keyed { key, body }: Keyed<Adjustment>,
) -> Result<Response> {
    let org = acting.preparer(&caller)?;
    let (counted, pointer) = body.counted()?;
    key.once(&state.ledger, org.0, StatusCode::OK, async |tx| {
        own(tx, org, item, site).await?;
        let (reason, actor) = (body.reason.as_deref(), caller.user);
        let moved = match counted {
            Counted::OnHand(count) => store::adjust(tx, &store::Adjust { org, item, site, count, reason, actor }).await,
            Counted::Quarantined(verdict) => {
                store::inspect(tx, &store::Inspect { org, item, site, verdict, reason, actor }).await
            }
        };
        let moved = moved.map_err(|error| counted_as(error, pointer))?;
        Ok(Made::new(tell(tx, moved).await?))
    })
    .await
}

/// Refuses to count what is not the organisation's.
async fn own(tx: &mut JobTx, org: OrgId, item: ItemId, site: SiteId) -> Result<()> {
    catalog::item(tx, org, item).await?.ok_or(CatalogError::NotFound)?;
    store::site(tx, org, site).await?.ok_or(StockError::NotFound)?;
    Ok(())
}

/// A refusal of the quantity names the field that said it.
fn counted_as(error: StockError, pointer: &'static str) -> Problem {
    match error {
        StockError::Invalid(Invalid { pointer: quantity, message }) if quantity == "/quantity" => {
            Invalid::new(pointer, message).into()
        }
        error => error.into(),
    }
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListMovements {
    /// The `next` of an earlier page.
    #[param(minimum = 1)]
    after: Option<i64>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List every change of an item's stock at a site, the latest first
///
/// Members see their organisation's stock, operators of the platform everybody's.
#[utoipa::path(get, path = "/v1/items/{item}/stock/{site}/movements", tag = "stock",
    params(("item" = ItemId, Path), ("site" = SiteId, Path), Acting, ListMovements), responses(
    (status = 200, description = "A page", body = Page<Movement>),
    (status = 403, description = "`role_too_low`"),
))]
async fn movements_of_level(
    State(state): State<AppState>,
    caller: Caller,
    Path((item, site)): Path<(ItemId, SiteId)>,
    acting: Acting,
    Query(query): Query<ListMovements>,
) -> Result<Json<Page<Movement>>> {
    let org = acting.member_or(PlatformRole::Operator, &caller)?;
    if query.after.is_some_and(|after| after < 1) {
        return Err(Problem::bad_request("invalid_query", "the query is not what this request takes")
            .parameter("after", "expected the `next` of an earlier page"));
    }
    let mut conn = state.db.acquire().await?;
    found(&mut conn, org, item, site).await?;
    let rows = store::movements(&mut conn, item, site, query.after, query.limit.fetch()).await?;
    Ok(Json(query.limit.page(rows, |movement| movement.version.to_string(), |movement| movement)))
}
