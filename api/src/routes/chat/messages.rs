//! Messages, and what they carry.

use std::fmt;
use std::time::Duration;

use axum::extract::State;
use chrono::{DateTime, TimeDelta, Utc};
use market::chat::model::{FILE_TYPES, Message, NewAttachment, NewMessage};
use market::chat::rules::MOST_ATTACHMENTS;
use market::chat::store::{self, Attached, ChatError};
use market::ids::{ConversationId, ImageId, MessageClientId};
use market::images::model::{Status, UploadId};
use market::images::store::{self as images, ImageError};
use market::offers::model::Party;
use serde::{Deserialize, Serialize};
use shared::blobs::Disposition;
use shared::ids::OrgId;
use shared::invalid::Invalid;
use shared::text;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::auth::Caller;
use crate::error::{Problem, Result};
use crate::extract::{Json, Path, Query};
use crate::paging::Limit;
use crate::routes::acting::Acting;
use crate::routes::images::{ImageView, private_view};
use crate::routes::uploads;
use crate::state::AppState;

/// How long the address of a file works.
const VALID_FOR: Duration = Duration::from_mins(5);

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .routes(routes!(write_message))
        .routes(routes!(list_messages))
        .routes(routes!(get_chat_attachment))
}

/// A picture or a file to carry: `image_id`, or `upload_id` and `name`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewChatAttachment {
    /// A picture of the organisation's that belongs to no listing.
    image_id: Option<ImageId>,
    /// A document, or a file of CSV, whose bytes have arrived.
    upload_id: Option<UploadId>,
    /// What the file is called.
    #[serde(default, deserialize_with = "text::one_line")]
    #[schema(schema_with = text::line_or_null_schema::<255>)]
    name: Option<String>,
}

/// A message to write. It has a text, or carries something.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WriteMessage {
    /// Made up by the program that sends it, a new one for each message: the same again is the message that there is.
    client_id: MessageClientId,
    #[serde(default, deserialize_with = "text::many_lines_or_null")]
    #[schema(pattern = "^([^\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f]|\\r\\n)*$", max_length = 4_000)]
    text: Option<String>,
    #[serde(default)]
    #[schema(max_items = 10)]
    attachments: Vec<NewChatAttachment>,
}

/// What is written is no log's business.
impl fmt::Debug for WriteMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteMessage").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

impl WriteMessage {
    /// What it is to carry.
    pub(super) fn carried(&self) -> Result<Vec<NewAttachment>> {
        // Before each one is looked for.
        if self.attachments.len() > MOST_ATTACHMENTS {
            return Err(Invalid::new("/attachments", format!("must be at most {MOST_ATTACHMENTS}")).into());
        }
        let mut carried = Vec::with_capacity(self.attachments.len());
        for (at, attachment) in self.attachments.iter().enumerate() {
            carried.push(match (attachment.image_id, attachment.upload_id, &attachment.name) {
                (Some(image), None, None) => NewAttachment::Picture(image),
                (None, Some(upload), Some(name)) => NewAttachment::File { upload, name: name.clone() },
                _ => {
                    let expected = "must have an image_id, or an upload_id and a name";
                    return Err(Invalid::new(format!("/attachments/{at}"), expected).into());
                }
            });
        }
        Ok(carried)
    }

    pub(super) fn to_write<'a>(&'a self, attachments: &'a [NewAttachment]) -> NewMessage<'a> {
        NewMessage { client: self.client_id, text: self.text.as_deref().unwrap_or_default(), attachments }
    }
}

/// Refuses files whose bytes have not arrived. Those of others are left to the store, which refuses them.
pub(super) async fn require_arrived(state: &AppState, org: OrgId, attachments: &[NewAttachment]) -> Result<()> {
    for attachment in attachments {
        let NewAttachment::File { upload, .. } = attachment else { continue };
        let announced = match images::upload(&mut *state.db.acquire().await?, *upload).await {
            Ok(announced) => announced,
            Err(ImageError::NoSuchUpload(_)) => continue,
            Err(error) => return Err(error.into()),
        };
        if announced.org == org && FILE_TYPES.contains(&announced.content_type.as_str()) {
            uploads::require_arrived(state, &announced).await?;
        }
    }
    Ok(())
}

/// Write a message
///
/// The same `client_id` again is the message that there is. The other party hears of it by email if nobody there has read it after 15
/// minutes.
#[utoipa::path(post, path = "/v1/conversations/{conversation}/messages", tag = "conversations", request_body = WriteMessage,
    params(("conversation" = ConversationId, Path), Acting), responses(
    (status = 200, description = "Written", body = Message),
    (status = 403, description = "`role_too_low`; `org_not_approved`; `blocked`: the other party takes no messages from the organisation"),
    (status = 409, description = "`blocking`: unblock the other party first; `upload_missing`, `upload_expired`"),
    (status = 422, description = "`invalid_value`; `client_id_reused`: another message has it; `upload_size`"),
    (status = 503, description = "`store_unavailable`"),
))]
async fn write_message(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ConversationId>,
    Json(body): Json<WriteMessage>,
) -> Result<Json<Message>> {
    let org = acting.trader(&caller)?;
    let attachments = body.carried()?;
    require_arrived(&state, org, &attachments).await?;
    let by = Party { org, user: caller.user };
    let mut tx = state.ledger.begin().await?;
    let posted = jobs::chat::post(&mut tx, &state.chat_keyring, by, id, &body.to_write(&attachments)).await?;
    tx.commit().await?;
    Ok(Json(posted.message))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListMessages {
    /// The messages that follow this number; without it, the newest ones.
    #[param(minimum = 0)]
    after: Option<i64>,
    /// Only messages before this number.
    #[param(minimum = 1)]
    before: Option<i64>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// Some messages of a conversation.
#[derive(Debug, Serialize, ToSchema)]
struct ChatMessages {
    /// Oldest first.
    items: Vec<Message>,
    /// Whether there are more: newer ones if `after` was given, older ones otherwise.
    more: bool,
}

/// List messages
///
/// Oldest first: those that follow `after`, to catch up, or the newest ones before `before`, to read back.
#[utoipa::path(get, path = "/v1/conversations/{conversation}/messages", tag = "conversations",
    params(("conversation" = ConversationId, Path), Acting, ListMessages), responses(
    (status = 200, description = "The messages", body = ChatMessages),
    (status = 403, description = "`role_too_low`"),
))]
async fn list_messages(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path(id): Path<ConversationId>,
    Query(query): Query<ListMessages>,
) -> Result<Json<ChatMessages>> {
    let org = acting.member(&caller)?;
    let before = query.before.unwrap_or(i64::MAX);
    let mut conn = state.db.acquire().await?;
    let mut items = match query.after {
        Some(after) => store::after(&mut conn, &state.chat_keyring, org, id, after, query.limit.fetch()).await?,
        None => store::before(&mut conn, &state.chat_keyring, org, id, before, query.limit.fetch()).await?,
    };
    drop(conn);
    items.retain(|message| message.seq < before);
    let size = usize::try_from(query.limit.size()).map_err(Problem::internal)?;
    let more = items.len() > size;
    items.truncate(size);
    if query.after.is_none() {
        items.reverse();
    }
    Ok(Json(ChatMessages { items, more }))
}

/// What stands at a place of a message: a picture or a file.
#[derive(Debug, Serialize, ToSchema)]
struct ChatAttachmentView {
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<ImageView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<ChatFile>,
}

/// Where a file is downloaded from.
#[derive(Debug, Serialize, ToSchema)]
struct ChatFile {
    name: String,
    /// Whoever has it may read the file, so keep it to yourself.
    url: String,
    valid_until: DateTime<Utc>,
}

/// Read what a message carries
///
/// Nobody has looked into a file: it is what the other party has sent.
#[utoipa::path(get, path = "/v1/conversations/{conversation}/messages/{seq}/attachments/{place}", tag = "conversations",
    params(("conversation" = ConversationId, Path), ("seq" = i64, Path, minimum = 1),
        ("place" = i16, Path, minimum = 1, maximum = 10), Acting), responses(
    (status = 200, description = "A picture with its sizes, or where the file is", body = ChatAttachmentView),
    (status = 403, description = "`role_too_low`"),
))]
async fn get_chat_attachment(
    State(state): State<AppState>,
    caller: Caller,
    acting: Acting,
    Path((id, seq, place)): Path<(ConversationId, i64, i16)>,
) -> Result<Json<ChatAttachmentView>> {
    let org = acting.member(&caller)?;
    let mut conn = state.db.acquire().await?;
    match store::attachment(&mut conn, &state.chat_keyring, org, id, seq, place).await? {
        Attached::Picture(image) => {
            let image = images::get(&mut conn, image).await?;
            if image.status == Status::Deleting {
                return Err(ChatError::NotFound("attachment").into());
            }
            let files = images::variants(&mut conn, image.id).await?;
            drop(conn);
            let picture = Some(private_view(&state.blobs, image, files).await?);
            Ok(Json(ChatAttachmentView { picture, file: None }))
        }
        Attached::File { object_key, name } => {
            drop(conn);
            // Never shown by a browser as if it were ours.
            let disposition = Disposition::Attachment(name.clone());
            let url = state.blobs.presign_get(&object_key, &disposition, VALID_FOR).await?;
            let valid_until = state.clock.now() + TimeDelta::from_std(VALID_FOR).map_err(Problem::internal)?;
            Ok(Json(ChatAttachmentView { picture: None, file: Some(ChatFile { name, url, valid_until }) }))
        }
    }
}
