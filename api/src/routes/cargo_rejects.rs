//! Events that could not be recorded: operators see them, mend them and send them again.

use axum::extract::State;
use axum::http::StatusCode;
use jobs::cargo::{RejectError, discard_reject, replay_reject};
use market::cargo::store::{self, KeptReject, RejectedMessage};
use market::cargo::{Bounds, CargoEvent, EventMessage};
use market::identity::PlatformRole;
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::jobs::actor;
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::paging::{Limit, Page};
use crate::state::AppState;

/// The most events of an edited message, as of a request that reports events.
const MAX_EVENTS: usize = 1000;
/// A message can be wrong in more ways than anybody reads.
const MAX_FAULTS: usize = 100;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(list_rejects))
        .routes(routes!(get_reject, delete_reject))
        .routes(routes!(replay))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListRejects {
    /// The `next` of an earlier page.
    after: Option<i64>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List the events that could not be recorded, newest first
///
/// Messages that could not be read, and events with an impossible time or a value that the log refuses. The same one again is only
/// counted. They are kept for 30 days. Messages that RabbitMQ gave up, because they came back from the consumer too often,
/// are among them (`parked`), and stay until somebody decides about them.
#[utoipa::path(get, path = "/v1/admin/cargo-rejects", tag = "admin", params(ListRejects), responses(
    (status = 200, description = "A page", body = Page<KeptReject>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_rejects(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<ListRejects>,
) -> Result<Json<Page<KeptReject>>> {
    caller.platform(PlatformRole::Operator)?;
    let mut conn = state.events.acquire().await?;
    let rows = store::page_rejects(&mut conn, query.after, query.limit.fetch()).await?;
    Ok(Json(query.limit.page(rows, |reject| reject.id.to_string(), |reject| reject)))
}

/// Read what arrived and could not be recorded
#[utoipa::path(get, path = "/v1/admin/cargo-rejects/{reject}", tag = "admin", params(("reject" = i64, Path)), responses(
    (status = 200, description = "The reject with what arrived", body = RejectedMessage),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_reject(
    State(state): State<AppState>,
    caller: Caller,
    Path(reject): Path<i64>,
) -> Result<Json<RejectedMessage>> {
    caller.platform(PlatformRole::Operator)?;
    let found = store::get_reject(&mut *state.events.acquire().await?, reject).await?;
    found.map(Json).ok_or(Problem::not_found("reject"))
}

/// Give up an event that could not be recorded
#[utoipa::path(delete, path = "/v1/admin/cargo-rejects/{reject}", tag = "admin", params(("reject" = i64, Path)), responses(
    (status = 204, description = "Gone"),
    (status = 403, description = "`role_too_low`"),
))]
async fn delete_reject(State(state): State<AppState>, caller: Caller, Path(reject): Path<i64>) -> Result<StatusCode> {
    caller.platform(PlatformRole::Operator)?;
    let (mut events, mut conn) = (state.events.acquire().await?, state.db.acquire().await?);
    let discarded = discard_reject(&mut events, &mut conn, actor(&caller), reject).await;
    discarded.map_err(|error| problem(error, ""))?;
    Ok(StatusCode::NO_CONTENT)
}

/// A message of events as it should have arrived.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct EditedMessage {
    /// The organisation that reports.
    org: OrgId,
    #[schema(min_items = 1, max_items = 1000)]
    events: Vec<CargoEvent>,
}

#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReplayReject {
    /// What to send; without it, what arrived.
    message: Option<EditedMessage>,
}

/// How many events were sent.
#[derive(Debug, Serialize, ToSchema)]
struct ReplayedReject {
    sent: usize,
}

/// Send an event that could not be recorded again, mended if need be
///
/// The reject is gone once its events are safe. Events that the log already holds are not recorded again.
#[utoipa::path(post, path = "/v1/admin/cargo-rejects/{reject}/replay", tag = "admin", request_body = ReplayReject,
    params(("reject" = i64, Path)), responses(
    (status = 200, description = "Sent", body = ReplayedReject),
    (status = 403, description = "`role_too_low`"),
    (status = 422, description = "`invalid_events`; `too_many_events`, `no_events`; `reject_unreadable`: it can only be sent in an edited form"),
    (status = 503, description = "`events_unavailable`: send it again later"),
))]
async fn replay(
    State(state): State<AppState>,
    caller: Caller,
    Path(reject): Path<i64>,
    Json(body): Json<ReplayReject>,
) -> Result<Json<ReplayedReject>> {
    caller.platform(PlatformRole::Operator)?;
    let edited = body.message.map(|EditedMessage { org, events }| EventMessage { org, events });
    if let Some(message) = &edited {
        if message.events.is_empty() {
            return Err(
                Problem::unprocessable("no_events", "send at least one event").at("/message/events", "is empty")
            );
        }
        if message.events.len() > MAX_EVENTS {
            let text = format!("a message has at most {MAX_EVENTS} events");
            return Err(Problem::unprocessable("too_many_events", text));
        }
    }
    let within = if edited.is_some() { "/message" } else { "" };
    let bounds = Bounds::at(state.clock.now());
    let (mut events, mut conn) = (state.events.acquire().await?, state.db.acquire().await?);
    let sent = replay_reject(&state.lane, &mut events, &mut conn, actor(&caller), reject, edited, &bounds).await;
    Ok(Json(ReplayedReject { sent: sent.map_err(|error| problem(error, within))? }))
}

/// `within`: where the message is in the request; empty for the one that is kept.
fn problem(error: RejectError, within: &str) -> Problem {
    match error {
        RejectError::NotFound => Problem::not_found("reject"),
        RejectError::Unreadable(_) => Problem::unprocessable("reject_unreadable", error.to_string()),
        RejectError::Invalid(faults) => {
            let refused = Problem::unprocessable("invalid_events", "events of it would be refused again");
            faults.into_iter().take(MAX_FAULTS).fold(refused, |refused, (place, fault)| {
                refused.at(format!("{within}/events/{place}{}", fault.pointer), fault.problem)
            })
        }
        RejectError::Lane(error) => error.into(),
        RejectError::Sql(error) => error.into(),
    }
}

#[cfg(test)]
mod tests;
