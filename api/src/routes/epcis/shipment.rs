//! Our own shipments, as EPCIS.

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use market::cargo::store::{self as log, Cursor};
use market::epcis::{NEXT_PAGE, PER_PAGE, shipments, store};
use market::identity::PlatformRole;
use utoipa::IntoParams;

use super::find::{next_page, paged};
use super::{Acting, AppState, Caller, Epcis, Json, Path, Problem, Result, Speaks};
use crate::extract::Query;

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `paged` reads")]
struct PageParameters {
    #[param(rename = "perPage", minimum = 1, maximum = 100)]
    per_page: Option<u32>,
    /// From the `Link` of an earlier page.
    #[param(rename = "nextPageToken", pattern = "^[0-9]{1,17}\\.[0-9]{1,19}\\.[0-9]{1,19}$")]
    next_page_token: Option<String>,
}

/// Read a shipment's log as EPCIS
///
/// What has happened, from the earliest to the latest, each an `ObjectEvent`; what was corrected is followed by its error
/// declaration. Plans and estimates are left out.
#[utoipa::path(get, path = "/v1/shipments/{shipment}/epcis", tag = "epcis",
    params(("shipment" = String, Path, description = "The shipment's reference"), Acting, PageParameters), responses(
    (status = 200, description = "An `EPCISDocument`; `Link` leads to the next page, if there is one", body = Epcis,
        headers(("Link" = String))),
    (status = 403, description = "`role_too_low`"),
    (status = 404, description = "Nothing is known of it"),
))]
pub(super) async fn get_shipment_epcis(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(shipment): Path<String>,
    RawQuery(raw): RawQuery,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response> {
    let org = acting.member_or(PlatformRole::Operator, &caller)?;
    if let Some((name, _)) = pairs.iter().find(|(name, _)| ![PER_PAGE, NEXT_PAGE].contains(&name.as_str())) {
        return Err(Problem::bad_request("invalid_query", "the query is not what this request takes")
            .parameter(name, format!("unknown; expected of {PER_PAGE}, {NEXT_PAGE}")));
    }
    let page = paged(&pairs, |token| token.parse::<Cursor>().ok())?;
    let mut conn = state.events.acquire().await?;
    let found = log::list(&mut conn, org, &shipment, page.after, page.limit).await?;
    if found.events.is_empty() && page.after.is_none() {
        return Err(Problem::not_found("shipment"));
    }
    let corrections = store::corrections(&mut conn, org, &shipment, &found.events).await?;
    let next = found.next.map(|cursor| cursor.to_string());
    let next = next.map(|token| [next_page(&format!("/v1/shipments/{shipment}/epcis"), raw.as_deref(), &token)]);
    let body = shipments::shown(&shipments::joined(found.events, corrections));
    Ok((next, Speaks, Json(body)).into_response())
}
