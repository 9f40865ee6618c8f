//! Conversations, and what a party notes for itself.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::LOCATION;
use axum::response::{IntoResponse, Response};
use market::chat::model::{About, Conversation, Message};
use market::chat::store::{self, ChatError};
use market::ids::{ConversationId, ListingId, OfferId, OrderId};
use market::offers::model::Party;
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;
use shared::invalid::Invalid;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::messages::{WriteMessage, require_arrived};
use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::paging::{Limit, Page, TimeCursor};
use crate::routes::acting::Acting;
use crate::state::AppState;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(begin_conversation))
        .routes(routes!(list_conversations))
        .routes(routes!(get_conversation))
        .routes(routes!(mark_conversation_read))
        .routes(routes!(archive_conversation))
        .routes(routes!(unarchive_conversation))
        .routes(routes!(block_conversation))
        .routes(routes!(unblock_conversation))
}

/// What to write, and about what: exactly one of `listing_id`, `offer_id` and `order_id`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct BeginConversation {
    /// Of somebody else, on offer.
    listing_id: Option<ListingId>,
    /// Of which the organisation is a party.
    offer_id: Option<OfferId>,
    /// Of which the organisation is a party.
    order_id: Option<OrderId>,
    message: WriteMessage,
}

/// A conversation and the message that was written.
#[derive(Debug, Serialize, ToSchema)]
struct Begun {
    conversation: Conversation,
    message: Message,
}

async fn found(state: &AppState, org: OrgId, id: ConversationId) -> Result<Conversation> {
    let found = store::conversation(&mut *state.db.acquire().await?, org, id).await?;
    Ok(found.ok_or(ChatError::NotFound("conversation"))?)
}

/// Write about a listing, an offer or an order
///
/// In the conversation that there is about it with the other party, or in a new one. The same `client_id` again is the message that
/// there is. What was written is encrypted at rest; it is not end-to-end encrypted.
#[utoipa::path(post, path = "/v1/conversations", tag = "conversations", request_body = BeginConversation, params(Acting), responses(
    (status = 201, description = "Written", body = Begun, headers(("Location" = String))),
    (status = 403, description = "`role_too_low`; `org_not_approved`; `own_listing`; `blocked`: the other party takes no messages from the organisation"),
    (status = 404, description = "`not_found`: there is no such listing on offer, or no such offer or order of the organisation's"),
    (status = 409, description = "`listing_status`: it is not on offer any more; `blocking`: unblock the other party first; `upload_missing`, `upload_expired`"),
    (status = 422, description = "`invalid_value`; `client_id_reused`: another message has it; `upload_size`"),
    (status = 503, description = "`store_unavailable`"),
))]
async fn begin_conversation(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Json(body): Json<BeginConversation>,
) -> Result<Response> {
    let org = acting.trader(&caller)?;
    let Some(about) = About::of(body.listing_id, body.offer_id, body.order_id) else {
        return Err(Invalid::new("", "name one of listing_id, offer_id and order_id").into());
    };
    let attachments = body.message.carried().map_err(|problem| problem.below("/message"))?;
    require_arrived(&state, org, &attachments).await.map_err(|problem| problem.below("/message"))?;
    let by = Party { org, user: caller.user };
    let mut tx = state.ledger.begin().await?;
    let new = body.message.to_write(&attachments);
    let begun = jobs::chat::begin(&mut tx, &state.chat_keyring, by, about, &new).await;
    let (id, posted) = begun.map_err(|error| Problem::from(error).below("/message"))?;
    tx.commit().await?;
    let body = Begun { conversation: found(&state, org, id).await?, message: posted.message };
    Ok((StatusCode::CREATED, [(LOCATION, format!("/v1/conversations/{id}"))], Json(body)).into_response())
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListConversations {
    /// Those that are archived instead of those that are not.
    #[serde(default)]
    archived: bool,
    /// The `next` of an earlier page.
    #[param(inline)]
    after: Option<TimeCursor>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// List an organisation's conversations, those with the newest messages first
#[utoipa::path(get, path = "/v1/conversations", tag = "conversations", params(Acting, ListConversations), responses(
    (status = 200, description = "A page", body = Page<Conversation>),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_conversations(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Query(query): Query<ListConversations>,
) -> Result<Json<Page<Conversation>>> {
    let org = acting.member(&caller)?;
    let after = query.after.map(|after| (after.at, ConversationId(after.id)));
    let mut conn = state.db.acquire().await?;
    let rows = store::page(&mut conn, org, query.archived, after, query.limit.fetch()).await?;
    let cursor = |one: &Conversation| TimeCursor { at: one.last_at, id: one.id.0 }.to_string();
    Ok(Json(query.limit.page(rows, cursor, |one| one)))
}

/// Read a conversation
#[utoipa::path(get, path = "/v1/conversations/{conversation}", tag = "conversations",
    params(("conversation" = ConversationId, Path), Acting), responses(
    (status = 200, description = "The conversation", body = Conversation),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_conversation(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ConversationId>,
) -> Result<Json<Conversation>> {
    Ok(Json(found(&state, acting.member(&caller)?, id).await?))
}

/// What was read.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReadMark {
    /// The number of the last message that somebody has read.
    #[schema(minimum = 1)]
    seq: i64,
}

/// Mark messages as read
///
/// For the whole organisation: what one of its people has read is read. Marks only go forward.
#[utoipa::path(put, path = "/v1/conversations/{conversation}/read", tag = "conversations", request_body = ReadMark,
    params(("conversation" = ConversationId, Path), Acting), responses(
    (status = 200, description = "Marked", body = Conversation),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
    (status = 422, description = "`invalid_value`: there is no such message yet"),
))]
async fn mark_conversation_read(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ConversationId>,
    Json(body): Json<ReadMark>,
) -> Result<Json<Conversation>> {
    let org = acting.trader(&caller)?;
    let mut tx = state.ledger.begin().await?;
    store::mark_read(&mut tx, org, id, body.seq).await?;
    tx.commit().await?;
    Ok(Json(found(&state, org, id).await?))
}

/// Archive a conversation
///
/// For the whole organisation, until there is another message.
#[utoipa::path(post, path = "/v1/conversations/{conversation}/archive", tag = "conversations",
    params(("conversation" = ConversationId, Path), Acting), responses(
    (status = 204, description = "Archived"),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
))]
async fn archive_conversation(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ConversationId>,
) -> Result<StatusCode> {
    let org = acting.trader(&caller)?;
    store::archive(&mut *state.db.acquire().await?, org, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Bring an archived conversation back
#[utoipa::path(post, path = "/v1/conversations/{conversation}/unarchive", tag = "conversations",
    params(("conversation" = ConversationId, Path), Acting), responses(
    (status = 204, description = "It is not archived"),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
))]
async fn unarchive_conversation(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ConversationId>,
) -> Result<StatusCode> {
    let org = acting.trader(&caller)?;
    store::unarchive(&mut *state.db.acquire().await?, org, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take no messages from the other party any more
///
/// In any conversation with it. It is told so when it writes.
#[utoipa::path(post, path = "/v1/conversations/{conversation}/block", tag = "conversations",
    params(("conversation" = ConversationId, Path), Acting), responses(
    (status = 204, description = "Blocked"),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
))]
async fn block_conversation(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ConversationId>,
) -> Result<StatusCode> {
    let by = Party { org: acting.trader(&caller)?, user: caller.user };
    store::block(&mut *state.db.acquire().await?, by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take messages from the other party again
#[utoipa::path(post, path = "/v1/conversations/{conversation}/unblock", tag = "conversations",
    params(("conversation" = ConversationId, Path), Acting), responses(
    (status = 204, description = "It is not blocked"),
    (status = 403, description = "`role_too_low`; `org_not_approved`"),
))]
async fn unblock_conversation(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ConversationId>,
) -> Result<StatusCode> {
    let by = Party { org: acting.trader(&caller)?, user: caller.user };
    store::unblock(&mut *state.db.acquire().await?, by, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
