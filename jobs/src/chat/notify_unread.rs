use std::time::Duration;

use market::ids::ConversationId;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;

use crate::queues;

/// Tells those who trade for one party by mail that there are messages which nobody has read for 15 minutes. A second run finds that a
/// mail has told, or that somebody has read, and does nothing.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotifyUnread {
    pub conversation: ConversationId,
    /// Who has not read.
    pub org: OrgId,
}

impl Job for NotifyUnread {
    const KIND: Kind = Kind::new("chat.notify_unread");
    const QUEUE: Queue = queues::CHAT;
    const RETRY: Retry = Retry::exponential(Duration::from_secs(1), Duration::from_mins(5)).forever();
    const TIMEOUT: Duration = Duration::from_secs(30);

    fn unique(&self) -> Unique {
        Unique::while_open(format!("{}:{}", self.conversation, self.org))
    }
}
