//! Buyers who win and do not pay: what follows, and what they say against it.

use axum::extract::State;
use market::identity::PlatformRole;
use market::ids::StrikeId;
use market::standing::model::{AppealOutcome, BuyerStanding, Strike};
use market::standing::store::{self, StandingError, StrikeFilter};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use super::orgs::{given_reason, reason_schema};
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::paging::{Limit, Page};
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(get_buyer_standing))
        .routes(routes!(appeal_against_strike))
        .routes(routes!(list_strikes))
        .routes(routes!(decide_appeal))
}

impl From<StandingError> for Problem {
    fn from(error: StandingError) -> Self {
        let text = error.to_string();
        match error {
            StandingError::NotFound => Self::not_found("strike"),
            StandingError::Appealed => Self::conflict("appealed", text),
            StandingError::NotAppealed => Self::conflict("not_appealed", text),
            StandingError::Decided => Self::conflict("appeal_decided", text),
            StandingError::Own => Self::forbidden("own_org", text),
            StandingError::Sql(error) => error.into(),
        }
    }
}

/// Read what an organisation may bid on
///
/// A won lot that was not paid is a strike, and so is a trade that its seller has written off. Two within 90 days leave bids in at most
/// three open auctions at once, a third one bars for 60 days. A strike that was lifted does not count.
#[utoipa::path(get, path = "/v1/standing", tag = "orders", params(Acting), responses(
    (status = 200, description = "Its limits and strikes", body = BuyerStanding),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_buyer_standing(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
) -> Result<Json<BuyerStanding>> {
    let org = acting.member(&caller)?;
    Ok(Json(store::standing(&mut *state.db.acquire().await?, org).await?))
}

/// Why a strike is not deserved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewAppeal {
    #[schema(min_length = 1, max_length = 4000)]
    text: String,
}

/// Appeal against a strike
///
/// Once. A moderator decides; until then the strike counts.
#[utoipa::path(post, path = "/v1/strikes/{strike}/appeal", tag = "orders", request_body = NewAppeal, params(("strike" = StrikeId, Path), Acting), responses(
    (status = 200, description = "The strike with the appeal", body = Strike),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 409, description = "`appealed`"),
    (status = 422, description = "`invalid_value`"),
))]
async fn appeal_against_strike(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<StrikeId>,
    Json(body): Json<NewAppeal>,
) -> Result<Json<Strike>> {
    let org = acting.trader(&caller)?;
    let text = body.text.trim();
    if !(1..=4000).contains(&text.chars().count()) {
        let problem = Problem::unprocessable("invalid_value", "the text is not usable");
        return Err(problem.at("/text", "expected 1 to 4000 characters"));
    }
    let mut tx = state.ledger.begin().await?;
    let appealed = store::appeal(&mut tx, org, caller.user, id, text).await?;
    tx.commit().await?;
    Ok(Json(appealed))
}

/// Which strikes.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListStrikes {
    /// Only those with an appeal that nobody has decided.
    #[serde(default)]
    appealed: bool,
    /// Continue after this strike: the `next` of the page before.
    after: Option<StrikeId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List strikes
///
/// Newest first. For moderators.
#[utoipa::path(get, path = "/v1/admin/strikes", tag = "admin", params(ListStrikes), responses(
    (status = 200, description = "A page", body = Page<Strike>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_strikes(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<ListStrikes>,
) -> Result<Json<Page<Strike>>> {
    caller.platform(PlatformRole::Moderator)?;
    let filter = StrikeFilter { org: None, appealed: query.appealed, before: query.after, limit: query.limit.fetch() };
    let rows = store::strikes(&mut *state.db.acquire().await?, filter).await?;
    Ok(Json(query.limit.page(rows, |strike| strike.id.to_string(), |strike| strike)))
}

/// What became of an appeal.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DecideAppeal {
    outcome: AppealOutcome,
    #[schema(schema_with = reason_schema)]
    reason: String,
}

/// Decide an appeal against a strike
///
/// For moderators who do not belong to the organisation. Written to the audit log.
#[utoipa::path(post, path = "/v1/admin/strikes/{strike}/decide", tag = "admin", request_body = DecideAppeal,
    params(("strike" = StrikeId, Path)), responses(
    (status = 200, description = "Decided", body = Strike),
    (status = 403, description = "`role_too_low`; `own_org`: they belong to it"),
    (status = 409, description = "`not_appealed`; `appeal_decided`"),
    (status = 422, description = "`reason_length`"),
))]
async fn decide_appeal(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<StrikeId>,
    Json(body): Json<DecideAppeal>,
) -> Result<Json<Strike>> {
    caller.platform(PlatformRole::Moderator)?;
    let note = given_reason(&body.reason)?;
    let mut tx = state.ledger.begin().await?;
    let decided = store::decide(&mut tx, caller.user, id, body.outcome, &note).await?;
    tx.commit().await?;
    Ok(Json(decided))
}
