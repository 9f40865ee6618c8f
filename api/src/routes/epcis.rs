//! EPCIS 2.0 (GS1): events in the standard's own form. Here they come in; [`find`], [`lists`] and [`shipment`] have what goes out.

mod find;
mod lists;
mod shipment;

use std::convert::Infallible;

use axum::extract::{FromRequestParts, State};
use axum::http::header::LOCATION;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, IntoResponseParts, Response, ResponseParts};
use chrono::{DateTime, Utc};
use market::cargo::{Bounds, CargoEvent};
use market::epcis::model::{Capture, CaptureId, ErrorBehaviour, Fault, MAX_EVENTS, NewEvent, Outcome, Verdict};
use market::epcis::store::{self, EpcisError, NewCapture};
use market::epcis::{Document, judge};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::value::RawValue;
use shared::ids::OrgId;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{AdditionalProperties, ObjectBuilder, Schema, Type};
use utoipa::{IntoParams, PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use super::cargo_events::reporter;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path};
use crate::state::AppState;

/// The version of the standard that is spoken.
const VERSION: HeaderValue = HeaderValue::from_static("2.0.0");
const EPCIS_VERSION: &str = "GS1-EPCIS-Version";
const ERROR_BEHAVIOUR: &str = "GS1-Capture-Error-Behaviour";

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(capture_epcis))
        .routes(routes!(get_epcis_capture))
        .routes(routes!(create_epcis_event, find::query_epcis_events))
        .routes(routes!(find::get_epcis_event))
        .routes(routes!(lists::list_epcis_event_types))
        .routes(routes!(lists::list_epcis_events_of_type))
        .routes(routes!(lists::list_epcis_epcs))
        .routes(routes!(lists::list_epcis_events_of_epc))
        .routes(routes!(lists::list_epcis_biz_steps))
        .routes(routes!(lists::list_epcis_events_of_biz_step))
        .routes(routes!(shipment::get_shipment_epcis))
}

impl From<EpcisError> for Problem {
    fn from(error: EpcisError) -> Self {
        match error {
            EpcisError::NotFound => Self::not_found("event or capture"),
            EpcisError::Sql(error) => error.into(),
        }
    }
}

/// How bodies in the standard's form are documented: GS1's own JSON schema says the rest.
struct Epcis;

impl PartialSchema for Epcis {
    fn schema() -> RefOr<Schema> {
        let kind = ObjectBuilder::new().schema_type(Type::String);
        let text = "JSON-LD as https://ref.gs1.org/standards/epcis/2.0.0/epcis-json-schema.json describes it.";
        ObjectBuilder::new()
            .schema_type(Type::Object)
            .description(Some(text))
            .property("type", kind)
            .required("type")
            .additional_properties(Some(AdditionalProperties::FreeForm(true)))
            .into()
    }
}

impl ToSchema for Epcis {}

/// The headers by which both sides say what they speak.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes the header; `Spoken` reads it")]
struct Version {
    /// The version that the request is written in.
    #[param(rename = "GS1-EPCIS-Version", required = false, value_type = String, pattern = "^2\\.0(\\.[0-9]{1,3})?$")]
    version: Option<String>,
}

/// What to do when an event is rejected.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes the header; `Spoken` reads it")]
struct Behaviour {
    /// `proceed` takes the other events, `rollback` none. Without the header it is `proceed`.
    #[param(rename = "GS1-Capture-Error-Behaviour", required = false, value_type = ErrorBehaviour)]
    behaviour: Option<ErrorBehaviour>,
}

/// The standard's headers, read.
#[derive(Clone, Copy, Debug)]
struct Spoken {
    error_behaviour: ErrorBehaviour,
}

impl<S: Send + Sync> FromRequestParts<S> for Spoken {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let bad = |name: &str, detail: &str| {
            let problem =
                Problem::bad_request("invalid_epcis_header", "a header of the standard has a value that is not known");
            Err(problem.header(name, detail))
        };
        let sent =
            |name: &str| parts.headers.get(name).map(|value| value.to_str().unwrap_or_default().trim().to_owned());
        match sent(EPCIS_VERSION).as_deref() {
            None | Some("2.0") => {}
            Some(version) if version.strip_prefix("2.0.").is_some_and(is_revision) => {}
            Some(_) => return bad(EPCIS_VERSION, "expected 2.0"),
        }
        let error_behaviour = match sent(ERROR_BEHAVIOUR).as_deref() {
            None | Some("proceed") => ErrorBehaviour::Proceed,
            Some("rollback") => ErrorBehaviour::Rollback,
            Some(_) => return bad(ERROR_BEHAVIOUR, "expected proceed or rollback"),
        };
        Ok(Self { error_behaviour })
    }
}

fn is_revision(text: &str) -> bool {
    (1..=3).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Adds the version to an answer.
struct Speaks;

impl IntoResponseParts for Speaks {
    type Error = Infallible;

    fn into_response_parts(self, mut answer: ResponseParts) -> std::result::Result<ResponseParts, Infallible> {
        answer.headers_mut().insert(HeaderName::from_static("gs1-epcis-version"), VERSION);
        answer.headers_mut().insert(HeaderName::from_static("gs1-cbv-version"), VERSION);
        Ok(answer)
    }
}

/// Why an event was rejected, as the standard has it.
#[derive(Debug, Serialize, ToSchema)]
struct CaptureError {
    r#type: &'static str,
    title: &'static str,
    detail: String,
}

/// What became of a capture.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct CaptureView {
    #[serde(rename = "captureID")]
    capture_id: CaptureId,
    created_at: DateTime<Utc>,
    finished_at: DateTime<Utc>,
    /// Never: a capture is done when it is answered.
    running: bool,
    /// Whether no event was rejected.
    success: bool,
    capture_error_behaviour: ErrorBehaviour,
    errors: Vec<CaptureError>,
    /// What became of each event, in the order of the document.
    verdicts: Vec<Verdict>,
}

impl From<Capture> for CaptureView {
    fn from(capture: Capture) -> Self {
        let faults = capture.verdicts.iter().flat_map(|verdict| &verdict.faults);
        let errors: Vec<_> = faults
            .map(|fault| CaptureError {
                r#type: "epcisException:ValidationException",
                title: "The event was rejected.",
                detail: format!("{}: {}", fault.pointer, fault.detail),
            })
            .collect();
        Self {
            capture_id: capture.id,
            created_at: capture.created_at,
            finished_at: capture.finished_at,
            running: false,
            success: capture.verdicts.iter().all(|verdict| verdict.outcome != Outcome::Rejected),
            capture_error_behaviour: capture.error_behaviour,
            errors,
            verdicts: capture.verdicts,
        }
    }
}

/// A refusal that names the places.
fn refused(code: &'static str, detail: &'static str, faults: Vec<Fault>) -> Problem {
    let problem = Problem::unprocessable(code, detail);
    faults.into_iter().fold(problem, |problem, fault| problem.at(fault.pointer, fault.detail))
}

/// Hands what the events say about shipments to their log. What says nothing needs no broker.
async fn report<'a>(state: &AppState, org: OrgId, events: impl Iterator<Item = &'a NewEvent>) -> Result<()> {
    let reports: Vec<CargoEvent> = events.filter_map(|event| event.cargo.clone()).collect();
    if !reports.is_empty() {
        state.lane.publish(org, &reports).await?;
    }
    Ok(())
}

/// Capture EPCIS events
///
/// Takes an `EPCISDocument`, an `EPCISQueryDocument` or one event. Each event is judged by itself: what is fit is taken,
/// what is not is rejected with the place of its faults, and what is there already is a duplicate. An event without an
/// `eventID` gets the standard's hash. What speaks of one shipment is in its log as well.
#[utoipa::path(post, path = "/v1/epcis/capture", tag = "epcis", params(Acting, Version, Behaviour), request_body = Epcis, responses(
    (status = 202, description = "Done; `Location` names the capture", body = CaptureView, headers(("Location" = String))),
    (status = 400, description = "`invalid_epcis_header`"),
    (status = 403, description = "`role_too_low`; `org_not_approved`; `org_kind`: it is neither carrier nor seller"),
    (status = 422, description = "`invalid_document`: it cannot be read as one; `too_many_events`"),
    (status = 503, description = "`events_unavailable`: send it again later"),
))]
async fn capture_epcis(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    spoken: Spoken,
    Json(body): Json<Box<RawValue>>,
) -> Result<Response> {
    let org = reporter(acting, &caller)?;
    let document = Document::read(&body)
        .map_err(|faults| refused("invalid_document", "the body is not a document of the standard", faults))?;
    if document.events.len() > MAX_EVENTS {
        let detail = format!("a capture has at most {MAX_EVENTS} events");
        return Err(Problem::unprocessable("too_many_events", detail));
    }
    let bounds = Bounds::at(state.clock.now());
    let judged: Vec<_> = (0..)
        .zip(&document.events)
        .map(|(index, raw)| {
            let at = document.pointer(index);
            judge(raw, &document.context, &bounds).map_err(|faults| placed(&at, faults))
        })
        .collect();
    let new = NewCapture { id: CaptureId::generate(), org, error_behaviour: spoken.error_behaviour, judged: &judged };
    if !new.is_rolled_back() {
        // First, because both sides know what they have: whoever is refused after this sends everything again.
        report(&state, org, judged.iter().filter_map(|one| one.as_ref().ok())).await?;
    }
    let capture = store::capture(&mut *state.events.acquire().await?, new).await?;
    let location = format!("/v1/epcis/capture/{}", capture.id);
    Ok((StatusCode::ACCEPTED, [(LOCATION, location)], Speaks, Json(CaptureView::from(capture))).into_response())
}

/// Faults with their places in the document.
fn placed(at: &str, mut faults: Vec<Fault>) -> Vec<Fault> {
    for fault in &mut faults {
        fault.pointer.insert_str(0, at);
    }
    faults
}

/// Read what became of a capture
#[utoipa::path(get, path = "/v1/epcis/capture/{capture}", tag = "epcis", params(("capture" = CaptureId, Path), Acting), responses(
    (status = 200, description = "The capture, for 90 days", body = CaptureView),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_epcis_capture(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<CaptureId>,
) -> Result<Response> {
    let capture = store::get_capture(&mut *state.events.acquire().await?, id).await?;
    acting.owner(capture.org, &caller, "event or capture")?;
    Ok((Speaks, Json(CaptureView::from(capture))).into_response())
}

/// Capture one EPCIS event
#[utoipa::path(post, path = "/v1/epcis/events", tag = "epcis", params(Acting, Version), request_body = Epcis, responses(
    (status = 201, description = "Taken; `Location` names it", body = Epcis, headers(("Location" = String))),
    (status = 400, description = "`invalid_epcis_header`"),
    (status = 403, description = "`role_too_low`; `org_not_approved`; `org_kind`: it is neither carrier nor seller"),
    (status = 409, description = "`event_exists`: one of this id is there already"),
    (status = 422, description = "`invalid_event`"),
    (status = 503, description = "`events_unavailable`: send it again later"),
))]
async fn create_epcis_event(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    _: Spoken,
    Json(body): Json<Box<RawValue>>,
) -> Result<Response> {
    let org = reporter(acting, &caller)?;
    let bounds = Bounds::at(state.clock.now());
    let event = judge(&body, &[], &bounds).and_then(with_context);
    let event = event.map_err(|faults| refused("invalid_event", "the event was not taken", faults))?;
    report(&state, org, std::iter::once(&event)).await?;
    let mut conn = state.events.acquire().await?;
    if !store::record(&mut conn, org, &event).await? {
        return Err(Problem::conflict("event_exists", "an event of this id is there already"));
    }
    let kept = store::get(&mut conn, org, &event.event_id).await?;
    let location = format!("/v1/epcis/events/{}", utf8_percent_encode(&event.event_id, NON_ALPHANUMERIC));
    Ok((StatusCode::CREATED, [(LOCATION, location)], Speaks, Json(kept.json)).into_response())
}

/// An event that stands alone needs a context of its own.
fn with_context(event: NewEvent) -> std::result::Result<NewEvent, Vec<Fault>> {
    if event.has_context {
        return Ok(event);
    }
    Err(vec![Fault { pointer: "/@context".to_owned(), detail: "missing".to_owned() }])
}

#[cfg(test)]
mod tests;
