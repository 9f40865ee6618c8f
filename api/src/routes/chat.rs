//! Conversations: two organisations write to each other about a listing, an offer or an order.
//!
//! Nothing here takes an `Idempotency-Key`: the kept answer would hold what was written. The client names each message itself.

mod conversations;
mod messages;
mod moderation;
mod topics;

use jobs::chat::WriteError;
use market::chat::rules::{BeginRefusal, WriteRefusal};
use market::chat::store::ChatError;
use utoipa_axum::router::OpenApiRouter;

pub(crate) use topics::{ConversationTopic, UserTopic};

use crate::error::Problem;
use crate::state::AppState;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().merge(conversations::router()).merge(messages::router()).merge(moderation::router())
}

impl From<ChatError> for Problem {
    fn from(error: ChatError) -> Self {
        let text = error.to_string();
        match error {
            ChatError::NotFound(what) => Self::not_found(what),
            ChatError::Begin(BeginRefusal::NotOnOffer) => Self::conflict("listing_status", text),
            ChatError::Begin(BeginRefusal::OwnListing) => Self::forbidden("own_listing", text),
            ChatError::Write(WriteRefusal::Blocking) => Self::conflict("blocking", text),
            ChatError::Write(WriteRefusal::Blocked) => Self::forbidden("blocked", text),
            ChatError::ClientIdReused => Self::unprocessable("client_id_reused", text.clone()).at("/client_id", text),
            ChatError::Reported => Self::conflict("reported", text),
            ChatError::OwnMessage => Self::forbidden("own_message", text),
            ChatError::Decided => Self::conflict("report_decided", text),
            ChatError::Own => Self::forbidden("own_org", text),
            ChatError::Invalid(invalid) => invalid.into(),
            ChatError::Sql(error) => error.into(),
            error @ (ChatError::Seal(_) | ChatError::Unreadable) => Self::internal(error),
        }
    }
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Chat(error) => error.into(),
            WriteError::Enqueue(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests;
