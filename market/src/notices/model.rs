//! Notices as their person sees them.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::ids::NoticeId;

/// Something that happened, as it was mailed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Notice {
    pub id: NoticeId,
    /// What has happened, such as `order_paid`: the name of the mail.
    pub kind: String,
    /// What the mail shows: ids, titles and amounts.
    #[schema(value_type = Object)]
    pub data: Value,
    pub created_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_at: Option<DateTime<Utc>>,
}
