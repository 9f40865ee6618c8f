//! Finding EPCIS events.

use axum::extract::{RawQuery, State};
use axum::http::header::LINK;
use axum::response::{IntoResponse, Response};
use chrono::DateTime;
use market::epcis::model::{After, EventOrder, EventQuery, KeptEvent};
use market::epcis::store;
use market::epcis::{BadParameter, NEXT_PAGE, PER_PAGE, Resource, answer, below, query};
use market::identity::PlatformRole;
use shared::ids::OrgId;
use utoipa::IntoParams;

use super::{Acting, AppState, Caller, Epcis, Json, Path, Problem, Result, Speaks};
use crate::extract::Query;

/// As the standard has it.
const DEFAULT_PAGE: u32 = 30;
const MAX_PAGE: u32 = 100;

/// The parameters of a query, by the standard's names. Values of one are separated by `|`, of which one must fit; every
/// parameter that is given must.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `query` reads")]
pub(super) struct EventParameters {
    /// `ObjectEvent`, `AggregationEvent`, `AssociationEvent`, `TransformationEvent`, `TransactionEvent`.
    #[param(rename = "eventType")]
    event_type: Option<String>,
    /// From this `eventTime` on.
    #[param(rename = "GE_eventTime", format = DateTime)]
    ge_event_time: Option<String>,
    /// Before this `eventTime`.
    #[param(rename = "LT_eventTime", format = DateTime)]
    lt_event_time: Option<String>,
    /// Recorded here at this time or later.
    #[param(rename = "GE_recordTime", format = DateTime)]
    ge_record_time: Option<String>,
    /// Recorded here before.
    #[param(rename = "LT_recordTime", format = DateTime)]
    lt_record_time: Option<String>,
    /// `ADD`, `OBSERVE`, `DELETE`.
    #[param(rename = "EQ_action")]
    eq_action: Option<String>,
    /// Words of the CBV in any of their forms, or URIs.
    #[param(rename = "EQ_bizStep")]
    eq_biz_step: Option<String>,
    /// Words of the CBV in any of their forms, or URIs.
    #[param(rename = "EQ_disposition")]
    eq_disposition: Option<String>,
    /// URIs of places; GS1 keys in any of their forms.
    #[param(rename = "EQ_readPoint")]
    eq_read_point: Option<String>,
    /// URIs of places; GS1 keys in any of their forms.
    #[param(rename = "EQ_bizLocation")]
    eq_biz_location: Option<String>,
    #[param(rename = "EQ_eventID")]
    eq_event_id: Option<String>,
    /// `true`: only declarations that another event is wrong.
    #[param(rename = "EXISTS_errorDeclaration")]
    exists_error_declaration: Option<bool>,
    /// Declarations that name one of these events as what is right.
    #[param(rename = "EQ_correctiveEventID")]
    eq_corrective_event_id: Option<String>,
}

/// The parameters that look for EPCs, and those of paging.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes what `query` and `paged` read")]
pub(super) struct EpcParameters {
    /// EPCs as URNs or as Digital Links, in `epcList` or `childEPCs`.
    #[param(rename = "MATCH_epc")]
    match_epc: Option<String>,
    #[param(rename = "MATCH_parentID")]
    match_parent_id: Option<String>,
    #[param(rename = "MATCH_inputEPC")]
    match_input_epc: Option<String>,
    #[param(rename = "MATCH_outputEPC")]
    match_output_epc: Option<String>,
    /// In any list of EPCs, or as the parent.
    #[param(rename = "MATCH_anyEPC")]
    match_any_epc: Option<String>,
    /// Classes of EPCs, in `quantityList` or `childQuantityList`.
    #[param(rename = "MATCH_epcClass")]
    match_epc_class: Option<String>,
    #[param(rename = "MATCH_inputEPCClass")]
    match_input_epc_class: Option<String>,
    #[param(rename = "MATCH_outputEPCClass")]
    match_output_epc_class: Option<String>,
    #[param(rename = "MATCH_anyEPCClass")]
    match_any_epc_class: Option<String>,
    /// By which time the events are put in order: `eventTime` or `recordTime`. Left out: by `eventTime`, from the earliest to the
    /// latest.
    #[param(rename = "orderBy", pattern = "^(eventTime|recordTime)$")]
    order_by: Option<String>,
    /// `ASC`, or `DESC`, as it is if this is left out; only with `orderBy`.
    #[param(rename = "orderDirection", pattern = "^(ASC|DESC)$")]
    order_direction: Option<String>,
    #[param(rename = "perPage", minimum = 1, maximum = 100)]
    per_page: Option<u32>,
    /// From the `Link` of an earlier page of the same query.
    #[param(rename = "nextPageToken", pattern = "^-?[0-9]{1,18}\\.[0-9]{1,19}$")]
    next_page_token: Option<String>,
}

/// One page of a query.
#[derive(Debug)]
pub(super) struct Paged<A> {
    pub(super) limit: u32,
    pub(super) after: Option<A>,
}

impl From<BadParameter> for Problem {
    fn from(bad: BadParameter) -> Self {
        let problem = if bad.is_value {
            Self::unprocessable("invalid_epcis_query", "a parameter has a value that cannot be looked for")
        } else {
            Self::bad_request("invalid_query", "the query is not what this request takes")
        };
        problem.parameter(bad.name, bad.detail)
    }
}

/// Reads the parameters of paging.
pub(super) fn paged<A>(pairs: &[(String, String)], token: impl Fn(&str) -> Option<A>) -> Result<Paged<A>> {
    let value = |name: &str| pairs.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str());
    let bad = |name: &str, detail: String| {
        Problem::bad_request("invalid_query", "the query is not what this request takes").parameter(name, detail)
    };
    let limit = match value(PER_PAGE) {
        None => DEFAULT_PAGE,
        Some(text) => text
            .parse()
            .ok()
            .filter(|limit| (1..=MAX_PAGE).contains(limit))
            .ok_or_else(|| bad(PER_PAGE, format!("expected 1 to {MAX_PAGE}")))?,
    };
    let after = value(NEXT_PAGE)
        .map(|text| token(text).ok_or_else(|| bad(NEXT_PAGE, "not a token of an earlier page".to_owned())))
        .transpose()?;
    Ok(Paged { limit, after })
}

/// The `Link` to the page after this one: the same query from there.
pub(super) fn next_page(path: &str, raw: Option<&str>, token: &str) -> (axum::http::HeaderName, String) {
    let others = raw.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    let others = others.filter(|pair| pair.split('=').next() != Some(NEXT_PAGE)).map(|pair| format!("{pair}&"));
    (LINK, format!("<{path}?{}{NEXT_PAGE}={token}>; rel=\"next\"", others.collect::<String>()))
}

fn token_of(order: EventOrder, event: &KeptEvent) -> String {
    format!("{}.{}", order.time_of(event).timestamp_micros(), event.id)
}

fn after(token: &str) -> Option<After> {
    let (micros, id) = token.split_once('.')?;
    let is_number =
        |text: &str, most| (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_number(micros.strip_prefix('-').unwrap_or(micros), 18) || !is_number(id, 19) {
        return None;
    }
    let at = DateTime::from_timestamp_micros(micros.parse().ok()?)?;
    Some(After { at, id: id.parse().unwrap_or(i64::MAX) })
}

/// Find EPCIS events
///
/// Members see their organisation's events, operators of the platform everybody's; from the earliest `eventTime` to the
/// latest. An event that was declared to be wrong has the declaration in `tradeyard:declaredInError`.
#[utoipa::path(get, path = "/v1/epcis/events", tag = "epcis", params(Acting, EventParameters, EpcParameters), responses(
    (status = 200, description = "An `EPCISQueryDocument`; `Link` leads to the next page, if there is one", body = Epcis,
        headers(("Link" = String))),
    (status = 403, description = "`role_too_low`"),
    (status = 422, description = "`invalid_epcis_query`"),
))]
pub(super) async fn query_epcis_events(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    RawQuery(raw): RawQuery,
    Query(pairs): Query<Vec<(String, String)>>,
) -> Result<Response> {
    let org = acting.member_or(PlatformRole::Operator, &caller)?;
    queried(&state, org, Asked { path: "/v1/epcis/events", resource: None, raw: raw.as_deref(), pairs: &pairs }).await
}

/// A query for events, as it was asked.
pub(super) struct Asked<'a> {
    /// Where it was asked, encoded.
    pub(super) path: &'a str,
    /// What the path narrows it to.
    pub(super) resource: Option<Resource<'a>>,
    pub(super) raw: Option<&'a str>,
    pub(super) pairs: &'a [(String, String)],
}

/// Answers with a page of the events of an organisation.
pub(super) async fn queried(state: &AppState, org: OrgId, asked: Asked<'_>) -> Result<Response> {
    let mut wanted: EventQuery = query(asked.pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())))?;
    if let Some(resource) = asked.resource {
        wanted = below(wanted, resource).ok_or_else(|| Problem::not_found("resource of EPCIS"))?;
    }
    let page = paged(asked.pairs, after)?;
    let mut conn = state.events.acquire().await?;
    let mut events = store::find(&mut conn, org, &wanted, page.after, i64::from(page.limit) + 1).await?;
    let more = events.len() > page.limit as usize;
    events.truncate(page.limit as usize);
    let next = events.last().filter(|_| more).map(|last| token_of(wanted.order, last));
    let next = next.map(|token| [next_page(asked.path, asked.raw, &token)]);
    let body = answer(&events).map_err(Problem::internal)?;
    Ok((next, Speaks, Json(body)).into_response())
}

/// Read an EPCIS event
#[utoipa::path(get, path = "/v1/epcis/events/{event}", tag = "epcis",
    params(("event" = String, Path, description = "Its `eventID`"), Acting), responses(
    (status = 200, description = "The event; of one of which only the declaration is here, that", body = Epcis),
    (status = 403, description = "`role_too_low`"),
))]
pub(super) async fn get_epcis_event(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(event): Path<String>,
) -> Result<Response> {
    let org = acting.member_or(PlatformRole::Operator, &caller)?;
    let kept = store::get(&mut *state.events.acquire().await?, org, &event).await?;
    Ok((Speaks, Json(kept.json)).into_response())
}
