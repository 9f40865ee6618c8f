//! Events about shipments: in by the events lane, out by the log.

use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use jobs::cargo::LaneError;
use market::cargo::store::{self, Cursor};
use market::cargo::{Bounds, CargoEvent, Standing, StoredEvent, cleaned_payload};
use market::identity::{OrgKind, PlatformRole};
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;
use utoipa::openapi::schema::{ArrayBuilder, OneOfBuilder, Schema};
use utoipa::openapi::{Ref, RefOr};
use utoipa::{IntoParams, PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{self, Json, Path, Query};
use crate::paging::{Limit, Page};
use crate::state::AppState;

/// The most events of one request.
const MAX_EVENTS: usize = 1000;
/// A request can be wrong in more ways than anybody reads.
const MAX_FAULTS: usize = 100;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(report_events)).routes(routes!(list_events)).routes(routes!(get_standing))
}

/// How the body of [`Reported`] is documented: one event, or a list of them.
struct ReportedEvents;

impl PartialSchema for ReportedEvents {
    fn schema() -> RefOr<Schema> {
        let one = Ref::from_schema_name("CargoEvent");
        let many = ArrayBuilder::new().items(one.clone()).min_items(Some(1)).max_items(Some(MAX_EVENTS));
        OneOfBuilder::new().description(Some("One event, or up to 1,000 of them.")).item(one).item(many).into()
    }
}

impl ToSchema for ReportedEvents {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push(("CargoEvent".to_owned(), CargoEvent::schema()));
        CargoEvent::schemas(schemas);
    }
}

/// The body, read: faults are named by their place in it.
struct Reported {
    events: Vec<CargoEvent>,
    is_list: bool,
}

impl<S: Send + Sync> FromRequest<S> for Reported {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        let bytes = extract::json_bytes(request, state).await?;
        let is_list = bytes.trim_ascii_start().first() == Some(&b'[');
        let events = if is_list { extract::parse(&bytes)? } else { vec![extract::parse(&bytes)?] };
        Ok(Self { events, is_list })
    }
}

#[derive(Debug, Serialize, ToSchema)]
struct Accepted {
    /// How many events were taken. Those that the log has already are among them, and are not recorded again.
    accepted: usize,
}

/// The organisation that reports: whoever moves cargo.
pub(super) fn reporter(acting: Acting, caller: &Caller) -> Result<OrgId> {
    let org = acting.trader(caller)?;
    caller
        .acts_as(OrgKind::Carrier, org)
        .or_else(|refusal| caller.acts_as(OrgKind::Seller, org).map_err(|_| refusal))?;
    Ok(org)
}

impl From<LaneError> for Problem {
    fn from(error: LaneError) -> Self {
        match error {
            LaneError::Unavailable(_) => {
                Self::unavailable("events_unavailable", "events cannot be taken now").with_cause(error)
            }
            LaneError::Refused(_) => {
                Self::unprocessable("out_of_range", "a value is beyond what can be stored").with_cause(error)
            }
        }
    }
}

/// Report events about shipments
///
/// All or none are taken. The answer comes after the events are safe; they are in the log a moment later. Sending the same
/// events again does no harm.
#[utoipa::path(post, path = "/v1/cargo-events", tag = "shipments", params(Acting), request_body = ReportedEvents, responses(
    (status = 202, description = "Taken", body = Accepted),
    (status = 403, description = "`role_too_low`; `org_not_approved`; `org_kind`: it is neither carrier nor seller"),
    (status = 422, description = "`invalid_events`, `no_events`, `too_many_events`"),
    (status = 503, description = "`events_unavailable`: send them again later"),
))]
async fn report_events(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    reported: Reported,
) -> Result<(StatusCode, Json<Accepted>)> {
    let org = reporter(acting, &caller)?;
    let mut events = reported.events;
    if events.is_empty() {
        return Err(Problem::unprocessable("no_events", "send at least one event"));
    }
    if events.len() > MAX_EVENTS {
        return Err(Problem::unprocessable("too_many_events", format!("a request has at most {MAX_EVENTS} events")));
    }
    let bounds = Bounds::at(state.clock.now());
    let mut problem = Problem::unprocessable("invalid_events", "no event was taken");
    let mut faults = 0;
    for (place, event) in events.iter().enumerate() {
        for fault in bounds.check(event) {
            let place = if reported.is_list { format!("/{place}") } else { String::new() };
            if faults < MAX_FAULTS {
                problem = problem.at(format!("{place}{}", fault.pointer), fault.problem);
            }
            faults += 1;
        }
    }
    if faults > 0 {
        return Err(problem);
    }
    for event in &mut events {
        event.payload = event.payload.take().map(cleaned_payload);
    }
    state.lane.publish(org, &events).await?;
    Ok((StatusCode::ACCEPTED, Json(Accepted { accepted: events.len() })))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListEvents {
    #[param(inline)]
    after: Option<Cursor>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List a shipment's events
///
/// Members see their organisation's events, operators of the platform everybody's. From the earliest occurrence to the latest. An event that comes in late takes its place by when it occurred.
#[utoipa::path(get, path = "/v1/shipments/{shipment}/events", tag = "shipments",
    params(("shipment" = String, Path, description = "The shipment's reference"), Acting, ListEvents), responses(
    (status = 200, description = "A page of the history", body = Page<StoredEvent>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_events(
    State(state): State<AppState>,
    caller: Caller,
    Path(shipment): Path<String>,
    acting: Acting,
    Query(query): Query<ListEvents>,
) -> Result<Json<Page<StoredEvent>>> {
    let org = acting.member_or(PlatformRole::Operator, &caller)?;
    let mut conn = state.events.acquire().await?;
    let page = store::list(&mut conn, org, &shipment, query.after, query.limit.size()).await?;
    Ok(Json(Page { items: page.events, next: page.next.map(|next| next.to_string()) }))
}

/// Read where a shipment stands
///
/// By its actual events: once delivered, always delivered; otherwise by the latest one that has a status.
#[utoipa::path(get, path = "/v1/shipments/{shipment}/standing", tag = "shipments",
    params(("shipment" = String, Path, description = "The shipment's reference"), Acting), responses(
    (status = 200, description = "Status and position", body = Standing),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_standing(
    State(state): State<AppState>,
    caller: Caller,
    Path(shipment): Path<String>,
    acting: Acting,
) -> Result<Json<Standing>> {
    let org = acting.member_or(PlatformRole::Operator, &caller)?;
    let mut conn = state.events.acquire().await?;
    Ok(Json(store::standing(&mut conn, org, &shipment).await?))
}

#[cfg(test)]
mod tests;
