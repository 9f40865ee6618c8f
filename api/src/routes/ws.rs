//! The way into real time: a ticket, then a WebSocket.

use axum::extract::ws::{WebSocketUpgrade, rejection::WebSocketUpgradeRejection};
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use market::identity::store::{self, SessionRef, TICKET_SECONDS};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::acting::Acting;
use crate::auth::Session;
use crate::auth::caller::bearer;
use crate::error::{Problem, Result};
use crate::extract::{Json, Query};
use crate::realtime;
use crate::state::AppState;

/// Commands are short; nothing else is read.
const MAX_MESSAGE: usize = 4096;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(mint)).routes(routes!(open))
}

#[derive(Serialize, ToSchema)]
struct Ticket {
    /// Open `/v1/ws?ticket=…` with it, once.
    ticket: String,
    /// Seconds until it expires.
    expires_in: i32,
}

/// The turn to get a ticket. Who has no good token need not wait to hear that. [`Session`] comes after it, so that those who wait have cost
/// no statement yet.
#[derive(Debug)]
struct Turn;

impl FromRequestParts<AppState> for Turn {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self> {
        let claims = bearer(&parts.headers).and_then(|token| state.tokens.check(token).ok());
        if let Some(claims) = claims {
            let entered = state.shutdown.run_until_cancelled(state.admission.enter(claims.sub)).await;
            entered.ok_or_else(|| Problem::unavailable("busy", "the server restarts"))??;
        }
        Ok(Self)
    }
}

/// Get a ticket for a WebSocket
///
/// The socket acts for the organisation that `Tradeyard-Org` names here. When many ask at the same time, as after a restart, the answer
/// waits for its turn, which takes 20 seconds at most.
#[utoipa::path(post, path = "/v1/ws/ticket", tag = "realtime", params(Acting), responses(
    (status = 200, description = "A ticket", body = Ticket),
    (status = 503, description = "`busy`: too many ask, or the person waits for thirty already"),
))]
async fn mint(
    State(state): State<AppState>,
    _: Turn,
    Session(caller): Session,
    acting: Acting,
) -> Result<Json<Ticket>> {
    let org = acting.named_own(&caller)?;
    let session = SessionRef { user: caller.user, session: caller.session, version: caller.session_version };
    // One statement, answered when the connection goes back: nobody needs to ask whether it is well, and thousands come back at once.
    let mut conn = state.reads.acquire().await?;
    let ticket = store::mint_ticket(&mut conn, session, org).await?;
    conn.give_back();
    Ok(Json(Ticket { ticket, expires_in: TICKET_SECONDS }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Open {
    ticket: String,
}

/// Open a WebSocket
///
/// Send `{"subscribe": "auction:<id>", "since": <last seq>}` or `{"unsubscribe": "…"}`. Receive
/// `{topic, seq, type, data, server_time}`; the type of the first is `snapshot`, or `subscribed` when nothing happened since.
/// A gap is filled with a snapshot; most events need none, because each carries the whole: of many within 50 ms only the
/// last is sent. A topic's seq only grows, and what has a lower one than the client has seen is old; a job's alone may fall when it
/// does less than it did.
///
/// Whoever may read a thing may follow it; unless another type is named, what happens to it is `changed`:
///
/// - `auction:<id>`: `opened`, `bid`, `retraction`, `bought`, `awarded`, `unsold`, `cancelled`, or `changed`
/// - `listing:<id>`: its status, title, price and mode of sale; `price:<listing id>`: its price alone; `stock:<listing id>`: how much
///   of it is left
/// - `event:<sale event id>`: how many of its lots are open, and the one that ends next with its price, once a second
/// - `levels:<item id>`: the organisation's own stock of an item, at each site
/// - `order:<id>`, `shipment:<tracking number>`: for the two parties
/// - `conversation:<id>`: each new `message`, for the two parties
/// - `user:<id>`: how much the person has not read
/// - `job:<id>`: for the organisation that it works for
///
/// Bad messages get `{"type": "error", code, detail}`, and so does who may not follow a topic: `not_found`, with the topic. That may
/// come later as well, when a listing is withdrawn or the person leaves the organisation: the topic has ended then, and nothing more is
/// sent of it. `unavailable`: it could not be read; subscribe to it again in a moment. Close codes: 4401 the session has ended, and only
/// logging in again makes sense; 4408 the client was too slow, 1001 the server restarts, and 1013 what changed could not be read: connect
/// again for snapshots; 4429 the person has too many sockets.
///
/// Connect again after a random time of up to five seconds, and of up to twice as long after each further failure, a minute at most: when
/// a server restarts, everybody comes back at once.
#[utoipa::path(get, path = "/v1/ws", tag = "realtime", security(()), params(Open), responses(
    (status = 101, description = "A WebSocket"),
    (status = 401, description = "`ticket_invalid`: unknown, used or expired"),
    (status = 403, description = "`origin_refused`"),
    (status = 426, description = "`not_a_websocket`: the request asks for no upgrade"),
))]
async fn open(
    State(state): State<AppState>,
    Query(query): Query<Open>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response> {
    // Browsers send cookies and tickets from any page that asks; ours is not any page. Programs send no origin.
    if let Some(origin) = headers.get(header::ORIGIN)
        && !state.allows_origin(origin.to_str().unwrap_or_default())
    {
        return Err(Problem::forbidden("origin_refused", "pages of this origin may not connect"));
    }
    let upgrade =
        upgrade.map_err(|no| Problem::new(StatusCode::UPGRADE_REQUIRED, "not_a_websocket", no.body_text()))?;
    let refused = || Problem::unauthenticated("ticket_invalid", "the ticket is unknown, used or expired");
    let mut conn = state.reads.acquire().await?;
    let used = store::use_ticket(&mut conn, &query.ticket).await?;
    let authority = match used {
        Some((session, _)) => store::authorize(&mut conn, session).await?,
        None => None,
    };
    conn.give_back();
    let ((session, org), authority) = used.zip(authority).ok_or_else(refused)?;
    // The library's read buffer is 128 KiB for each socket, all of it touched by the first read.
    let upgrade = upgrade.max_message_size(MAX_MESSAGE).max_frame_size(MAX_MESSAGE).read_buffer_size(MAX_MESSAGE);
    Ok(upgrade.on_upgrade(move |socket| realtime::run_socket(state, super::TOPICS, session, org, authority, socket)))
}

#[cfg(test)]
mod tests;
