//! A site's hours, and what is given out there.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use jobs::appointments::redeem;
use market::appointments::model::{Appointment, SiteHours};
use market::appointments::store;
use market::identity::store::{Attempt, Limit, ThrottleKey, begin_attempt, forget_attempts};
use market::ids::SiteId;
use market::offers::model::Party;
use serde::Deserialize;
use shared::invalid::Invalid;
use shared::text;
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::conditional::IfMatch;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path};
use crate::idempotency::{Keyed, Made, OptionalKey};
use crate::routes::acting::Acting;
use crate::state::AppState;

/// Read when goods are collected at a site, and delivered from it
#[utoipa::path(get, path = "/v1/sites/{site}/hours", tag = "appointments", params(("site" = SiteId, Path), Acting), responses(
    (status = 200, description = "Its hours", body = SiteHours),
    (status = 403, description = "`role_too_low`"),
    (status = 404, description = "There is no such site, or it has no hours"),
))]
pub(super) async fn get_site_hours(
    State(state): State<AppState>,
    caller: Caller,
    Path(site): Path<SiteId>,
    acting: Acting,
) -> Result<Json<SiteHours>> {
    let org = acting.member(&caller)?;
    let hours = store::hours(&mut *state.db.acquire().await?, org, site).await?;
    Ok(Json(hours.ok_or_else(|| Problem::not_found("site with hours"))?))
}

/// Set when goods are collected at a site, and delivered from it
///
/// As a whole: without `deliveries` there are no slots of deliveries any more. A site that only delivers has no `windows`, and any
/// `slot_minutes` and `capacity` beside `deliveries`. What is booked stays as it is. Where clocks are put forward, a slot that would begin
/// or end at an hour that does not exist is left out; of an hour that exists twice the first pass has slots.
#[utoipa::path(put, path = "/v1/sites/{site}/hours", tag = "appointments", params(("site" = SiteId, Path), Acting, IfMatch),
    request_body = SiteHours, responses(
    (status = 200, description = "Its hours", body = SiteHours),
    (status = 403, description = "`role_too_low`"),
    (status = 422, description = "`invalid_value`"),
))]
pub(super) async fn set_site_hours(
    State(state): State<AppState>,
    caller: Caller,
    Path(site): Path<SiteId>,
    acting: Acting,
    expected: IfMatch,
    Json(new): Json<SiteHours>,
) -> Result<Json<SiteHours>> {
    let by = Party { org: acting.preparer(&caller)?, user: caller.user };
    let mut tx = state.ledger.begin().await?;
    if expected.is_sent() {
        market::stock::store::lock_site(&mut tx, by.org, site).await?;
        let before = store::hours(&mut tx, by.org, site).await?;
        expected.check(&before.ok_or_else(|| Problem::not_found("site with hours"))?)?;
    }
    let hours = store::set_hours(&mut tx, by, site, &new).await?;
    tx.commit().await?;
    Ok(Json(hours))
}

/// A pass that somebody has scanned or typed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RedeemPass {
    #[serde(deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_schema::<100>)]
    pass: String,
}

/// Give goods out for a pass
///
/// By the seller's people at a site. What waits there of the order leaves and arrives in the act, with what was sold from there and is in
/// no shipment; an order of which everything has arrived is delivered, and its time of inspection runs. After 20 passes in an hour that
/// were not good, one waits longer and longer.
#[utoipa::path(post, path = "/v1/sites/{site}/redeem", tag = "appointments", request_body = RedeemPass,
    params(("site" = SiteId, Path), Acting, OptionalKey), responses(
    (status = 200, description = "Given out", body = Appointment),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 404, description = "There is no such site, or no such pass of this seller"),
    (status = 409, description = "`pass_used`; `pass_expired`: its appointment is over or cancelled; `pass_of_other_site`; `order_status`: nothing of it is given out now; `storage_due`: settle it first"),
    (status = 422, description = "`invalid_value`"),
    (status = 429, description = "`too_many_attempts`"),
))]
pub(super) async fn redeem_pass(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(site): Path<SiteId>,
    Keyed { key, body }: Keyed<RedeemPass>,
) -> Result<Response> {
    let by = Party { org: acting.trader(&caller)?, user: caller.user };
    if !(1..=100).contains(&body.pass.chars().count()) {
        return Err(Invalid::new("/pass", "must have 1 to 100 characters").into());
    }
    let attempts = ThrottleKey::passes(by.org, by.user);
    // On a connection of its own: the count stays when the transaction of a bad pass is rolled back.
    let attempt = begin_attempt(&mut *state.db.acquire().await?, &[(&attempts, Limit::PASSES)]).await?;
    let counted = match attempt {
        Attempt::Judge(counted) => counted,
        Attempt::Wait(wait) => {
            let detail = "too many passes that were not good; wait before the next";
            return Err(Problem::too_many("too_many_attempts", detail, wait));
        }
    };
    let pass = body.pass.as_str();
    let given =
        key.once(&state.ledger, by.org.0, StatusCode::OK, async |tx| Ok(Made::new(redeem(tx, by, site, pass).await?)));
    let given = given.await?;
    forget_attempts(&mut *state.db.acquire().await?, &attempts, &counted).await?;
    Ok(given)
}
