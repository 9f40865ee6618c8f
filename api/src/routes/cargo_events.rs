//! Events about shipments: in by the events lane, out by the log.

use axum::extract::{FromRequest, Request, State};
use axum::http::StatusCode;
use jobs::cargo::LaneError;
use market::cargo::store::{self, Cursor};
use market::cargo::{Bounds, CargoEvent, Fault, Standing, StoredEvent, cleaned_payload};
use market::carriers::rules::SIGNED;
use market::identity::{OrgKind, PlatformRole};
use serde::de::DeserializeOwned;
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
pub(super) const MAX_EVENTS: usize = 1000;
/// A request can be wrong in more ways than anybody reads.
const MAX_FAULTS: usize = 100;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(report_events)).routes(routes!(list_events)).routes(routes!(get_standing))
}

/// How the body of [`Reported`] is documented: one event, or a list of them.
struct ReportedEvents;

impl PartialSchema for ReportedEvents {
    fn schema() -> RefOr<Schema> {
        one_or_many("CargoEvent").into()
    }
}

/// The schema of one event of this name, or a list of them.
pub(super) fn one_or_many(name: &str) -> OneOfBuilder {
    let one = Ref::from_schema_name(name);
    let many = ArrayBuilder::new().items(one.clone()).min_items(Some(1)).max_items(Some(MAX_EVENTS));
    OneOfBuilder::new().description(Some("One event, or up to 1,000 of them.")).item(one).item(many)
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
        let (events, is_list) = read(&extract::json_bytes(request, state).await?)?;
        Ok(Self { events, is_list })
    }
}

/// The events of a body, and whether they came as a list.
pub(super) fn read<E: DeserializeOwned>(body: &[u8]) -> Result<(Vec<E>, bool)> {
    let is_list = body.trim_ascii_start().first() == Some(&b'[');
    let events: Vec<E> = if is_list { extract::parse(body)? } else { vec![extract::parse(body)?] };
    if events.is_empty() {
        return Err(Problem::unprocessable("no_events", "send at least one event"));
    }
    if events.len() > MAX_EVENTS {
        return Err(Problem::unprocessable("too_many_events", format!("a request has at most {MAX_EVENTS} events")));
    }
    Ok((events, is_list))
}

/// An event that was taken, but is not recorded as it is.
#[derive(Debug, Serialize, ToSchema)]
struct Quarantined {
    /// Where the fault is in the request.
    pointer: String,
    problem: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Accepted {
    /// How many events were taken. Those that the log has already are among them, and are not recorded again.
    accepted: usize,
    /// The events of the list with an impossible time: they wait for an operator to mend them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    quarantined: Vec<Quarantined>,
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
///
/// Whoever sends a list passes on what others measured, and a clock that was never set must not hold up the rest: events that only have
/// an impossible time (more than two years ago, actual ones more than a day ahead, others more than two years) go to quarantine, and
/// the answer names them. Everything else that is wrong, and such a time in a single event, is refused.
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
    let accepted = take(&state, org, reported.events, reported.is_list, false).await?;
    Ok((StatusCode::ACCEPTED, Json(accepted)))
}

/// Hands events over to the lane, all of them or none; `is_signed` are those that a carrier has signed, of its own source.
pub(super) async fn take(
    state: &AppState,
    org: OrgId,
    events: Vec<CargoEvent>,
    is_list: bool,
    is_signed: bool,
) -> Result<Accepted> {
    let bounds = Bounds::at(state.clock.now());
    let Judged { good, strange, quarantined } = judge(events, is_list, &bounds, is_signed)?;
    if !good.is_empty() {
        state.lane.publish(org, &good).await?;
    }
    if !strange.is_empty() {
        state.lane.quarantine(org, &strange).await?;
    }
    Ok(Accepted { accepted: good.len(), quarantined })
}

/// The events of a request that is not refused.
struct Judged {
    good: Vec<CargoEvent>,
    /// Those for quarantine, with the reason, and what the answer says of them.
    strange: Vec<(CargoEvent, String)>,
    quarantined: Vec<Quarantined>,
}

fn judge(events: Vec<CargoEvent>, is_list: bool, bounds: &Bounds, is_signed: bool) -> Result<Judged> {
    let mut judged = Judged { good: Vec::with_capacity(events.len()), strange: Vec::new(), quarantined: Vec::new() };
    let mut faults = Vec::new();
    let mut refused = false;
    for (place, mut event) in events.into_iter().enumerate() {
        let within = if is_list { format!("/{place}") } else { String::new() };
        let mut wrong = bounds.check(&event);
        if !is_signed && event.source.starts_with(SIGNED) {
            let problem = format!("a source that begins with {SIGNED} is of what carriers sign");
            wrong.insert(0, Fault { pointer: "/source", problem });
        }
        event.payload = event.payload.take().map(cleaned_payload);
        refused |= wrong.iter().any(|fault| !is_list || !fault.is_of_time());
        let Some(first) = wrong.first() else {
            judged.good.push(event);
            continue;
        };
        judged.strange.push((event, format!("{} {}", first.pointer, first.problem)));
        let named =
            |fault: Fault| Quarantined { pointer: format!("{within}{}", fault.pointer), problem: fault.problem };
        faults.extend(wrong.into_iter().map(named));
    }
    if refused {
        let problem = Problem::unprocessable("invalid_events", "no event was taken");
        let faults = faults.into_iter().take(MAX_FAULTS);
        return Err(faults.fold(problem, |problem, fault| problem.at(fault.pointer, fault.problem)));
    }
    judged.quarantined = faults;
    Ok(judged)
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
/// By its actual events, whatever the order in which they were reported: once delivered, always delivered; a cancellation holds if it
/// occurred before the pick-up; otherwise by the latest one that has a status. An event that another one corrects does not count, and
/// one more than five minutes ahead waits until its time has come.
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
