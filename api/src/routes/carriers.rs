//! Carriers that report about an organisation's shipments themselves, and the webhooks that they sign.

use axum::extract::State;
use axum::http::header::LOCATION;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use market::carriers::model::{Carrier, CarrierEvent, NewCarrier};
use market::carriers::rules::signature::{self, Headers, SignatureError};
use market::carriers::rules::source;
use market::carriers::store::{self, CarrierError, Sender};
use market::identity::MemberRole;
use market::ids::CarrierId;
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use shared::audit::Actor;
use shared::idempotency::{self, Answer, Begun, Key, StoreError};
use shared::ids::OrgId;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::Schema;
use utoipa::{IntoParams, PartialSchema, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use super::cargo_events::{self, Accepted, one_or_many, reporter};
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query, Raw};
use crate::paging::{Limit, Page};
use crate::state::AppState;

/// Tells a carrier that it sees the answer to an earlier webhook.
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_carriers, register_carrier))
        .routes(routes!(get_carrier, end_carrier))
        .routes(routes!(rotate_carrier_secret))
        .routes(routes!(take_carrier_webhook))
}

impl From<CarrierError> for Problem {
    fn from(error: CarrierError) -> Self {
        match error {
            CarrierError::NotFound => Self::not_found("carrier"),
            CarrierError::Invalid(invalid) => invalid.into(),
            CarrierError::Seal(error) => Self::internal(error),
            CarrierError::Sql(error) => error.into(),
        }
    }
}

/// A carrier, and where it sends its webhooks to.
#[derive(Debug, Serialize, ToSchema)]
struct CarrierView {
    #[serde(flatten)]
    carrier: Carrier,
    /// The source that its events have in the log.
    source: String,
    /// Where it sends its webhooks to.
    address: String,
}

impl CarrierView {
    fn of(carrier: Carrier, state: &AppState) -> Self {
        let address = format!("{}/v1/webhooks/carriers/{}", state.config.http.public_url, carrier.id);
        Self { source: source(&carrier.slug), address, carrier }
    }
}

/// A carrier that was just registered.
#[derive(Debug, Serialize, ToSchema)]
struct RegisteredCarrier {
    #[serde(flatten)]
    carrier: CarrierView,
    /// What it signs its webhooks with. Shown only now.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=")]
    secret: String,
}

/// The organisation, which may report cargo events, and of which the caller is an owner.
fn owner(acting: Acting, caller: &Caller) -> Result<OrgId> {
    let org = reporter(acting, caller)?;
    caller.member(org, MemberRole::Owner)?;
    Ok(org)
}

/// Register a carrier
///
/// From then on it may report about the organisation's shipments by webhooks that follow the Standard Webhooks specification, signed
/// with the secret in the answer: nobody shows it again. If the answer is lost, replace the secret.
#[utoipa::path(post, path = "/v1/carriers", tag = "shipments", params(Acting), request_body = NewCarrier, responses(
    (status = 201, description = "Registered", body = RegisteredCarrier, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`: an owner does it; `org_not_approved`; `org_kind`: it is neither carrier nor seller"),
    (status = 422, description = "`invalid_value`"),
))]
async fn register_carrier(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Json(new): Json<NewCarrier>,
) -> Result<Response> {
    let org = owner(acting, &caller)?;
    let mut tx = state.ledger.begin().await?;
    let (carrier, secret) = store::create(&mut tx, org, Actor::User(caller.user), &new, &state.keyring).await?;
    tx.commit().await?;
    let location = format!("/v1/carriers/{}", carrier.id);
    let body = RegisteredCarrier { carrier: CarrierView::of(carrier, &state), secret: secret.shown() };
    Ok((StatusCode::CREATED, [(LOCATION, location)], Json(body)).into_response())
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListCarriers {
    /// The `next` of an earlier page.
    after: Option<CarrierId>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List the carriers that report for an organisation, oldest first
#[utoipa::path(get, path = "/v1/carriers", tag = "shipments", params(Acting, ListCarriers), responses(
    (status = 200, description = "A page", body = Page<CarrierView>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_carriers(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Query(query): Query<ListCarriers>,
) -> Result<Json<Page<CarrierView>>> {
    let org = acting.member(&caller)?;
    let rows = store::page(&mut *state.db.acquire().await?, org, query.after, query.limit.fetch()).await?;
    let view = |carrier| CarrierView::of(carrier, &state);
    Ok(Json(query.limit.page(rows, |carrier| carrier.id.to_string(), view)))
}

/// Read a carrier
#[utoipa::path(get, path = "/v1/carriers/{carrier}", tag = "shipments", params(("carrier" = CarrierId, Path), Acting), responses(
    (status = 200, description = "The carrier", body = CarrierView),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_carrier(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<CarrierId>,
) -> Result<Json<CarrierView>> {
    let org = acting.member(&caller)?;
    let found = store::get(&mut *state.db.acquire().await?, org, id).await?;
    Ok(Json(CarrierView::of(found.ok_or(CarrierError::NotFound)?, &state)))
}

/// End a carrier's reports
///
/// Its webhooks are refused from now on. What it has reported stays.
#[utoipa::path(delete, path = "/v1/carriers/{carrier}", tag = "shipments", params(("carrier" = CarrierId, Path), Acting), responses(
    (status = 204, description = "Ended"),
    (status = 403, description = "`role_too_low`: an owner does it; `org_not_approved`; `org_kind`: it is neither carrier nor seller"),
))]
async fn end_carrier(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<CarrierId>,
) -> Result<StatusCode> {
    let org = owner(acting, &caller)?;
    let mut tx = state.ledger.begin().await?;
    store::end(&mut tx, org, Actor::User(caller.user), id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// How a secret is replaced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RotateSecret {
    /// Whether the present one stays good for 24 hours. Say `false` if somebody else knows it.
    #[serde(default = "keep_old")]
    #[schema(default = true)]
    keep_old: bool,
}

const fn keep_old() -> bool {
    true
}

#[derive(Debug, Serialize, ToSchema)]
struct RotatedSecret {
    /// What the carrier signs with from now on. Shown only now.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=")]
    secret: String,
    /// Until when the one before it is good; absent: it is not.
    #[serde(skip_serializing_if = "Option::is_none")]
    old_good_until: Option<DateTime<Utc>>,
}

/// Replace a carrier's secret
///
/// The present one is good for another 24 hours, and one that was replaced before ends now.
#[utoipa::path(post, path = "/v1/carriers/{carrier}/secret", tag = "shipments", request_body = RotateSecret,
    params(("carrier" = CarrierId, Path), Acting), responses(
    (status = 200, description = "Replaced", body = RotatedSecret),
    (status = 403, description = "`role_too_low`: an owner does it; `org_not_approved`; `org_kind`: it is neither carrier nor seller"),
))]
async fn rotate_carrier_secret(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<CarrierId>,
    Json(body): Json<RotateSecret>,
) -> Result<Json<RotatedSecret>> {
    let org = owner(acting, &caller)?;
    let mut tx = state.ledger.begin().await?;
    let rotated = store::rotate(&mut tx, org, Actor::User(caller.user), id, body.keep_old, &state.keyring).await?;
    tx.commit().await?;
    Ok(Json(RotatedSecret { secret: rotated.secret.shown(), old_good_until: rotated.old_good_until }))
}

/// How the body of a carrier's webhook is documented: one event, or a list of them.
struct ReportedByCarrier;

impl PartialSchema for ReportedByCarrier {
    fn schema() -> RefOr<Schema> {
        one_or_many("CarrierEvent").into()
    }
}

impl ToSchema for ReportedByCarrier {
    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push(("CarrierEvent".to_owned(), CarrierEvent::schema()));
        CarrierEvent::schemas(schemas);
    }
}

/// The headers of a webhook, as they are documented; [`signed`] reads them.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes the headers")]
struct WebhookHeaders {
    /// The sender's own name for this webhook, the same when it is sent again.
    #[param(
        rename = "webhook-id",
        required = true,
        pattern = "^[!-~]{1,255}$",
        example = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"
    )]
    id: String,
    /// When it is sent, in seconds since 1970; at most 300 s from our clock.
    #[param(rename = "webhook-timestamp", required = true, pattern = "^[0-9]{1,11}$", example = "1674087231")]
    timestamp: String,
    /// `v1,` and the HMAC-SHA256, in base64, of id, timestamp and body with full stops between them; several with spaces between them.
    #[param(
        rename = "webhook-signature",
        required = true,
        pattern = "^v1,[A-Za-z0-9+/=]{1,100}( v1,[A-Za-z0-9+/=]{1,100}){0,7}$",
        example = "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4="
    )]
    signature: String,
}

/// Take a carrier's webhook
///
/// By the Standard Webhooks specification, at the address and signed with the secret that the carrier was registered with. All events are
/// taken or none, by the rules of `POST /v1/cargo-events`; their source follows from the address. The same webhook again gets the
/// same answer, with `Idempotent-Replayed: true`.
#[utoipa::path(post, path = "/v1/webhooks/carriers/{carrier}", tag = "shipments", security(()), request_body = ReportedByCarrier,
    params(("carrier" = CarrierId, Path), WebhookHeaders), responses(
    (status = 202, description = "Taken", body = Accepted),
    (status = 400, description = "`webhook_headers`: one is missing or unreadable; `webhook_time`: sent too long before or after our time"),
    (status = 401, description = "`invalid_signature`"),
    (status = 403, description = "`org_not_approved`: the organisation may not report now"),
    (status = 422, description = "`invalid_events`, `no_events`, `too_many_events`; `webhook_id_reused`: another webhook had this id"),
    (status = 503, description = "`events_unavailable`: send it again later"),
))]
async fn take_carrier_webhook(
    State(state): State<AppState>,
    Path(carrier): Path<CarrierId>,
    headers: HeaderMap,
    Raw(body): Raw,
) -> Result<Response> {
    let headers = signed(&headers);
    let sender = store::sender(&mut *state.db.acquire().await?, carrier, &state.keyring).await?;
    let secrets = sender.iter().flat_map(|sender| &sender.secrets);
    let keys: Vec<&[u8]> = secrets.map(ExposeSecret::expose_secret).collect();
    signature::check(&keys, headers, &body, state.clock.now()).map_err(refused)?;
    // Without a sender there was no key.
    let Sender { org, may_report, source, .. } = sender.ok_or_else(|| refused(SignatureError::Foreign))?;
    if !may_report {
        let detail = "the organisation that registered this carrier may not report cargo events now";
        return Err(Problem::forbidden("org_not_approved", detail));
    }
    let hash = Sha256::digest(&body).into();
    let key = Key { owner: carrier.0, key: headers.id, hash: &hash };
    if let Some(before) = before(&state, key).await? {
        return Ok(before);
    }
    let (events, is_list) = cargo_events::read::<CarrierEvent>(&body)?;
    let events = events.into_iter().map(|event| event.from(&source)).collect();
    let accepted = cargo_events::take(&state, org, events, is_list, true).await?;
    let response = serde_json::to_vec(&accepted).map_err(Problem::internal)?;
    let answer = Answer { status: StatusCode::ACCEPTED.as_u16(), headers: None, response };
    if let Err(error) = keep(&state, key, &answer).await {
        // The events are safe: a repeat is published again, and the log knows each of them.
        tracing::warn!(carrier.id = %carrier, %error, "the answer to a webhook was not kept");
    }
    Ok((StatusCode::ACCEPTED, Json(accepted)).into_response())
}

/// The three headers; what is missing, sent twice or not text is empty.
fn signed(headers: &HeaderMap) -> Headers<'_> {
    let one = |name: &str| {
        let mut values = headers.get_all(name).iter();
        let value = values.next().filter(|_| values.next().is_none());
        value.and_then(|value| value.to_str().ok()).unwrap_or_default()
    };
    Headers { id: one(signature::ID), timestamp: one(signature::TIMESTAMP), signature: one(signature::SIGNATURE) }
}

fn refused(error: SignatureError) -> Problem {
    let text = error.to_string();
    match error {
        SignatureError::Header(name, expected) => {
            Problem::bad_request("webhook_headers", "the headers are not those of a webhook").header(name, expected)
        }
        SignatureError::Foreign => Problem::unauthenticated("invalid_signature", text),
        SignatureError::Time(_) => Problem::bad_request("webhook_time", text).header(signature::TIMESTAMP, "not now"),
    }
}

/// What was answered to this webhook before.
async fn before(state: &AppState, key: Key<'_>) -> Result<Option<Response>> {
    let mut tx = state.db.begin().await?;
    let begun = idempotency::begin(&mut tx, key).await?;
    tx.rollback().await?;
    match begun {
        // Of two at the same moment both are published, rather than one refused: the log has each event once.
        Begun::New | Begun::InFlight => Ok(None),
        Begun::Mismatch => {
            let detail = "another webhook of this carrier had this webhook-id and other contents";
            Err(Problem::unprocessable("webhook_id_reused", detail).header(signature::ID, "was used before"))
        }
        Begun::Answered(Answer { status, response, .. }) => {
            let status = StatusCode::from_u16(status).map_err(Problem::internal)?;
            let headers = [
                (axum::http::header::CONTENT_TYPE, HeaderValue::from_static("application/json")),
                (REPLAYED, HeaderValue::from_static("true")),
            ];
            Ok(Some((status, headers, response).into_response()))
        }
    }
}

async fn keep(state: &AppState, key: Key<'_>, answer: &Answer) -> Result<(), StoreError> {
    let mut tx = state.db.begin().await?;
    match idempotency::begin(&mut tx, key).await? {
        Begun::New => idempotency::store(&mut tx, &[(key, answer)]).await?,
        // Somebody else keeps it, or has kept it.
        Begun::InFlight | Begun::Mismatch | Begun::Answered(_) => {}
    }
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests;
