//! The standard's top-level resources: which event types, EPCs and steps there are, and the events of each.

use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use market::epcis::model::EpcisType;
use market::epcis::{NEXT_PAGE, PER_PAGE, Resource, collection, store};
use market::identity::PlatformRole;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use shared::ids::OrgId;
use utoipa::IntoParams;

use super::find::{Asked, EpcParameters, EventParameters, next_page, paged, queried};
use super::{Acting, AppState, Caller, Epcis, Json, Path, Problem, Result, Speaks};
use crate::extract::Query;

#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `paged` reads")]
struct ListParameters {
    #[param(rename = "perPage", minimum = 1, maximum = 100)]
    per_page: Option<u32>,
    /// From the `Link` of an earlier page.
    #[param(rename = "nextPageToken", max_length = 1024)]
    next_page_token: Option<String>,
}

/// One page of a list, and where the next one begins.
struct Members {
    members: Vec<String>,
    has_more: bool,
}

impl Members {
    /// `found` was asked for one more than fits.
    fn of(mut found: Vec<String>, limit: u32) -> Self {
        let has_more = found.len() > limit as usize;
        found.truncate(limit as usize);
        Self { members: found, has_more }
    }

    fn answer(&self, path: &str, raw: Option<&str>) -> Result<Response> {
        let next = self.members.last().filter(|_| self.has_more);
        let next = next.map(|last| [next_page(path, raw, &utf8_percent_encode(last, NON_ALPHANUMERIC).to_string())]);
        let members: Vec<&str> = self.members.iter().map(String::as_str).collect();
        let body = collection(&members).map_err(Problem::internal)?;
        Ok((next, Speaks, Json(body)).into_response())
    }
}

/// How many members a page has, and after which one it begins.
fn page_of(pairs: &[(String, String)]) -> Result<(u32, String)> {
    if let Some((name, _)) = pairs.iter().find(|(name, _)| ![PER_PAGE, NEXT_PAGE].contains(&name.as_str())) {
        return Err(Problem::bad_request("invalid_query", "the query is not what this request takes")
            .parameter(name, format!("unknown; expected of {PER_PAGE}, {NEXT_PAGE}")));
    }
    let token = |token: &str| (token.len() <= 1024 && !token.contains('\0')).then(|| token.to_owned());
    let page = paged(pairs, token)?;
    Ok((page.limit, page.after.unwrap_or_default()))
}

/// List the event types
///
/// All that can be captured.
#[utoipa::path(get, path = "/v1/epcis/eventTypes", tag = "epcis", params(Acting, ListParameters), responses(
    (status = 200, description = "A `Collection`; `Link` leads to the next page, if there is one", body = Epcis,
        headers(("Link" = String))),
    (status = 403, description = "`role_too_low`"),
))]
pub(super) async fn list_epcis_event_types(
    caller: Caller,
    acting: Acting,
    RawQuery(raw): RawQuery,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response> {
    acting.member_or(PlatformRole::Operator, &caller)?;
    let (limit, after) = page_of(&pairs)?;
    let mut names: Vec<String> = EpcisType::ALL.iter().map(|kind| kind.name().to_owned()).collect();
    names.sort_unstable();
    names.retain(|name| *name > after);
    Members::of(names, limit).answer("/v1/epcis/eventTypes", raw.as_deref())
}

/// List the EPCs of an organisation's events
///
/// In their canonical form and order, without classes. Operators of the platform name the organisation in `Tradeyard-Org`.
#[utoipa::path(get, path = "/v1/epcis/epcs", tag = "epcis", params(Acting, ListParameters), responses(
    (status = 200, description = "A `Collection`; `Link` leads to the next page, if there is one", body = Epcis,
        headers(("Link" = String))),
    (status = 403, description = "`role_too_low`"),
))]
pub(super) async fn list_epcis_epcs(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    RawQuery(raw): RawQuery,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response> {
    let org = acting.member_or(PlatformRole::Operator, &caller)?;
    let (limit, after) = page_of(&pairs)?;
    let found = store::epcs(&mut *state.events.acquire().await?, org, &after, i64::from(limit) + 1).await?;
    Members::of(found, limit).answer("/v1/epcis/epcs", raw.as_deref())
}

/// List the business steps of an organisation's events
///
/// By their names. Operators of the platform name the organisation in `Tradeyard-Org`.
#[utoipa::path(get, path = "/v1/epcis/bizSteps", tag = "epcis", params(Acting, ListParameters), responses(
    (status = 200, description = "A `Collection`; `Link` leads to the next page, if there is one", body = Epcis,
        headers(("Link" = String))),
    (status = 403, description = "`role_too_low`"),
))]
pub(super) async fn list_epcis_biz_steps(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    RawQuery(raw): RawQuery,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response> {
    let org = acting.member_or(PlatformRole::Operator, &caller)?;
    let (limit, after) = page_of(&pairs)?;
    let found = store::biz_steps(&mut *state.events.acquire().await?, org, &after, i64::from(limit) + 1).await?;
    Members::of(found, limit).answer("/v1/epcis/bizSteps", raw.as_deref())
}

/// The events below a resource, which the path names as `kind` and `name`.
async fn events_below(
    state: &AppState,
    org: OrgId,
    (kind, resource): (&str, Resource<'_>),
    raw: Option<&str>,
    pairs: &[(String, String)],
) -> Result<Response> {
    let (Resource::EventType(name) | Resource::Epc(name) | Resource::BizStep(name)) = resource;
    let path = format!("/v1/epcis/{kind}/{}/events", utf8_percent_encode(name, NON_ALPHANUMERIC));
    queried(state, org, Asked { path: &path, resource: Some(resource), raw, pairs }).await
}

/// Find the EPCIS events of a type
///
/// Like all events, with the same parameters.
#[utoipa::path(get, path = "/v1/epcis/eventTypes/{eventType}/events", tag = "epcis",
    params(("eventType" = String, Path), Acting, EventParameters, EpcParameters), responses(
    (status = 200, description = "An `EPCISQueryDocument`; `Link` leads to the next page, if there is one", body = Epcis,
        headers(("Link" = String))),
    (status = 403, description = "`role_too_low`"),
    (status = 404, description = "There is no such type, or the query asks for another one"),
    (status = 422, description = "`invalid_epcis_query`"),
))]
pub(super) async fn list_epcis_events_of_type(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(event_type): Path<String>,
    RawQuery(raw): RawQuery,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response> {
    let org = acting.member_or(PlatformRole::Operator, &caller)?;
    let resource = ("eventTypes", Resource::EventType(&event_type));
    events_below(&state, org, resource, raw.as_deref(), &pairs).await
}

/// Find the EPCIS events of an EPC
///
/// As a URN or as a Digital Link, in any list of EPCs or as the parent. Like all events, with the same parameters.
#[utoipa::path(get, path = "/v1/epcis/epcs/{epc}/events", tag = "epcis",
    params(("epc" = String, Path), Acting, EventParameters, EpcParameters), responses(
    (status = 200, description = "An `EPCISQueryDocument`; `Link` leads to the next page, if there is one", body = Epcis,
        headers(("Link" = String))),
    (status = 403, description = "`role_too_low`"),
    (status = 404, description = "It is not a URI"),
    (status = 422, description = "`invalid_epcis_query`"),
))]
pub(super) async fn list_epcis_events_of_epc(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(epc): Path<String>,
    RawQuery(raw): RawQuery,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response> {
    let org = acting.member_or(PlatformRole::Operator, &caller)?;
    events_below(&state, org, ("epcs", Resource::Epc(&epc)), raw.as_deref(), &pairs).await
}

/// Find the EPCIS events of a business step
///
/// By a word of the CBV in any of its forms, or a URI. Like all events, with the same parameters.
#[utoipa::path(get, path = "/v1/epcis/bizSteps/{bizStep}/events", tag = "epcis",
    params(("bizStep" = String, Path), Acting, EventParameters, EpcParameters), responses(
    (status = 200, description = "An `EPCISQueryDocument`; `Link` leads to the next page, if there is one", body = Epcis,
        headers(("Link" = String))),
    (status = 403, description = "`role_too_low`"),
    (status = 404, description = "It is neither a word of the standard nor a URI, or the query asks for another one"),
    (status = 422, description = "`invalid_epcis_query`"),
))]
pub(super) async fn list_epcis_events_of_biz_step(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(biz_step): Path<String>,
    RawQuery(raw): RawQuery,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response> {
    let org = acting.member_or(PlatformRole::Operator, &caller)?;
    events_below(&state, org, ("bizSteps", Resource::BizStep(&biz_step)), raw.as_deref(), &pairs).await
}
