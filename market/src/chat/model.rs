//! Conversations as their two parties see them.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::ids::{OrgId, UserId};
use utoipa::ToSchema;

use crate::ids::{ChatReportId, ConversationId, ImageId, ListingId, MessageClientId, OfferId, OrderId};
use crate::images::model::UploadId;
use crate::imports::model::CSV;
use crate::orders::model::Side;

/// The type of documents.
pub const PDF: &str = "application/pdf";
/// The files that messages carry besides pictures.
pub const FILE_TYPES: [&str; 2] = [PDF, CSV];
/// More unread messages than this are not counted.
pub const MOST_COUNTED: i64 = 100;

/// What a conversation is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    Listing(ListingId),
    Offer(OfferId),
    Order(OrderId),
}

impl About {
    /// The one that is there; `None` if that is not exactly one.
    #[must_use]
    pub const fn of(listing: Option<ListingId>, offer: Option<OfferId>, order: Option<OrderId>) -> Option<Self> {
        match (listing, offer, order) {
            (Some(id), None, None) => Some(Self::Listing(id)),
            (None, Some(id), None) => Some(Self::Offer(id)),
            (None, None, Some(id)) => Some(Self::Order(id)),
            _ => None,
        }
    }

    #[must_use]
    pub const fn listing(self) -> Option<ListingId> {
        match self {
            Self::Listing(id) => Some(id),
            Self::Offer(_) | Self::Order(_) => None,
        }
    }

    #[must_use]
    pub const fn offer(self) -> Option<OfferId> {
        match self {
            Self::Offer(id) => Some(id),
            Self::Listing(_) | Self::Order(_) => None,
        }
    }

    #[must_use]
    pub const fn order(self) -> Option<OrderId> {
        match self {
            Self::Order(id) => Some(id),
            Self::Listing(_) | Self::Offer(_) => None,
        }
    }
}

/// A conversation of two organisations, as one of them has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Conversation {
    pub id: ConversationId,
    /// What it is about: one of `listing_id`, `offer_id` and `order_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub listing_id: Option<ListingId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offer_id: Option<OfferId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order_id: Option<OrderId>,
    /// The listing's, or that of the order's first line.
    pub title: String,
    /// Whether the own organisation buys or sells.
    pub side: Side,
    pub other_org_id: OrgId,
    /// The name that the other organisation trades under.
    pub other_name: String,
    /// The number of the last message.
    #[schema(minimum = 1)]
    pub last_seq: i64,
    /// When it was written.
    pub last_at: DateTime<Utc>,
    /// The last message that somebody of the own organisation has read or written; 0 for none.
    #[schema(minimum = 0)]
    pub read_seq: i64,
    /// The last message that somebody of the other organisation has read or written; 0 for none.
    #[schema(minimum = 0)]
    pub other_read_seq: i64,
    /// How many messages of the other organisation nobody of the own one has read; 100 stands for more.
    #[schema(minimum = 0, maximum = 100)]
    pub unread: i64,
    pub archived: bool,
    /// Whether the own organisation takes no messages from the other one.
    pub blocked: bool,
    /// Whether the other organisation takes no messages from the own one.
    pub blocked_by_other: bool,
    pub created_at: DateTime<Utc>,
}

/// What one organisation has written.
#[derive(Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ChatMessage)]
pub struct Message {
    /// Counts the messages of the conversation, without gaps; the first is 1.
    #[schema(minimum = 1)]
    pub seq: i64,
    /// Whose people have written it.
    pub org_id: OrgId,
    /// As the program that sent it has named it.
    pub client_id: MessageClientId,
    /// Empty if it only carries something.
    pub text: String,
    pub attachments: Vec<Attachment>,
    pub sent_at: DateTime<Utc>,
}

/// What was written is nobody else's business, and no log's.
impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("seq", &self.seq).field("org_id", &self.org_id).finish_non_exhaustive()
    }
}

/// A picture or a file of a message. Neither `image_id` nor `name`: its owner has deleted it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ChatAttachment)]
pub struct Attachment {
    /// Its place in the message; the first is 1.
    #[schema(minimum = 1, maximum = 10)]
    pub place: i16,
    /// Of a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_id: Option<ImageId>,
    /// What a file is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Of a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    /// Of a file, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
}

/// Something that a new message carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewAttachment {
    /// A picture of the organisation's that belongs to no listing.
    Picture(ImageId),
    /// A file of the organisation's that has arrived.
    File { upload: UploadId, name: String },
}

impl NewAttachment {
    /// What a file is called.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Picture(_) => None,
            Self::File { name, .. } => Some(name),
        }
    }
}

/// A message to write.
#[derive(Clone, Copy)]
pub struct NewMessage<'a> {
    pub client: MessageClientId,
    /// Empty: it only carries something.
    pub text: &'a str,
    pub attachments: &'a [NewAttachment],
}

impl fmt::Debug for NewMessage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewMessage").field("client", &self.client).finish_non_exhaustive()
    }
}

/// Why somebody reports a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ChatReportReason {
    Spam,
    Fraud,
    Harassment,
    Other,
}

/// What has become of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ChatReportStatus {
    /// Nobody has decided.
    Open,
    /// The message is abusive.
    Upheld,
    /// It is not.
    Dismissed,
}

/// What a moderator decides about a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChatReportOutcome {
    Upheld,
    Dismissed,
}

impl From<ChatReportOutcome> for ChatReportStatus {
    fn from(outcome: ChatReportOutcome) -> Self {
        match outcome {
            ChatReportOutcome::Upheld => Self::Upheld,
            ChatReportOutcome::Dismissed => Self::Dismissed,
        }
    }
}

/// A report of an abusive message, without the message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChatReport {
    pub id: ChatReportId,
    pub conversation_id: ConversationId,
    /// The number of the message.
    pub seq: i64,
    /// Who reports.
    pub org_id: OrgId,
    /// Who has written the message.
    pub reported_org_id: OrgId,
    /// The name that they trade under.
    pub reported_name: String,
    pub reason: ChatReportReason,
    pub status: ChatReportStatus,
    pub created_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<DateTime<Utc>>,
    /// As the moderator wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
}

/// A report with what it is about, for a moderator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChatReportDetail {
    pub report: ChatReport,
    /// What the reporter adds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The message, behind those just before it.
    pub messages: Vec<Message>,
}

/// What a person and their organisations have not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Inbox {
    #[serde(skip)]
    pub user: UserId,
    /// Conversations with something unread that are not archived; at most 100 of each organisation are counted.
    pub unread_conversations: i64,
    /// Notices of the person; at most 100 are counted.
    pub unread_notices: i64,
}
