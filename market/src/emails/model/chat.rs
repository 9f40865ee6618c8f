//! What people are told of conversations. Mails never have what was written.

use serde::{Deserialize, Serialize};

use crate::ids::ConversationId;

/// To those who trade for a party that has not read for 15 minutes. Reference: the conversation and its last message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnreadMessages {
    pub conversation: ConversationId,
    /// Of the listing, or of the order's first line.
    pub title: String,
    /// Who has written.
    pub other: String,
    /// 100 stands for more.
    pub unread: i64,
}
