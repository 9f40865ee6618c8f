//! Reviews as their parties, the public and moderators see them.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;
use utoipa::ToSchema;

use crate::ids::{OrderId, ReviewId, ReviewReportId};
use crate::orders::model::Side;

/// How long after the completion of an order its sides may write about each other.
pub const WRITING_TERM: TimeDelta = TimeDelta::days(60);
/// How long after the completion of an order its sides are asked to write; a trigger of `order_events` knows it, too.
pub const ASKING_TERM: TimeDelta = TimeDelta::days(3);
/// How long a review waits for the other side's.
pub const BLIND_TERM: TimeDelta = TimeDelta::days(7);

/// What the organisation that a review is about says to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReviewAnswer {
    pub text: String,
    pub answered_at: DateTime<Utc>,
}

/// Why a moderator has hidden a review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReviewHidden {
    /// As the moderator wrote it.
    pub reason: String,
    pub hidden_at: DateTime<Utc>,
}

/// A review as the sides of its order see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct OrderReview {
    pub id: ReviewId,
    pub order: OrderId,
    /// Which side has written it.
    pub side: Side,
    pub author_org_id: OrgId,
    /// The name that the author trades under.
    pub author_name: String,
    /// Whom it is about.
    pub subject_org_id: OrgId,
    #[schema(minimum = 1, maximum = 5)]
    pub stars: i16,
    pub text: String,
    pub written_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<DateTime<Utc>>,
    /// When it is shown, whether or not the other side has written; until then it can be changed.
    pub due_at: DateTime<Utc>,
    /// Since when others can read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shown_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<ReviewAnswer>,
    /// Nobody but its author can read it any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hidden: Option<ReviewHidden>,
}

impl OrderReview {
    /// Whether others than its author may read it.
    #[must_use]
    pub const fn is_public(&self) -> bool {
        self.shown_at.is_some() && self.hidden.is_none()
    }
}

/// A review as everybody sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct PublicReview {
    pub id: ReviewId,
    /// On which side of the sale its author was.
    pub side: Side,
    /// The name that the author trades under.
    pub author_name: String,
    #[schema(minimum = 1, maximum = 5)]
    pub stars: i16,
    pub text: String,
    pub written_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<ReviewAnswer>,
}

impl From<OrderReview> for PublicReview {
    fn from(review: OrderReview) -> Self {
        Self {
            id: review.id,
            side: review.side,
            author_name: review.author_name,
            stars: review.stars,
            text: review.text,
            written_at: review.written_at,
            answer: review.answer,
        }
    }
}

/// How an organisation was reviewed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Rating {
    /// How often.
    #[schema(minimum = 0)]
    pub reviews: i64,
    /// The average number of stars in hundredths, rounded half up: 467 is 4.67. Absent without reviews.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 100, maximum = 500)]
    pub average_hundredths: Option<i64>,
}

impl Rating {
    /// The rating that so many stars in so many reviews make.
    #[must_use]
    pub const fn of(reviews: i64, stars: i64) -> Self {
        if reviews < 1 {
            return Self { reviews: 0, average_hundredths: None };
        }
        Self { reviews, average_hundredths: Some((200 * stars + reviews) / (2 * reviews)) }
    }
}

/// An approved organisation as everybody sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct OrgProfile {
    pub id: OrgId,
    /// The name that it trades under.
    pub name: String,
    pub rating: Rating,
    /// Since when it is registered.
    pub since: DateTime<Utc>,
}

/// Why somebody reports a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ReviewReportReason {
    Insulting,
    Untrue,
    PrivateData,
    Spam,
    Other,
}

/// What has become of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum ReviewReportStatus {
    /// Nobody has decided.
    Open,
    /// The review is hidden.
    Upheld,
    /// It stays.
    Dismissed,
}

/// What a moderator decides about a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReviewReportOutcome {
    /// Hide the review.
    Upheld,
    Dismissed,
}

impl From<ReviewReportOutcome> for ReviewReportStatus {
    fn from(outcome: ReviewReportOutcome) -> Self {
        match outcome {
            ReviewReportOutcome::Upheld => Self::Upheld,
            ReviewReportOutcome::Dismissed => Self::Dismissed,
        }
    }
}

/// A report of a review, with what it is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReviewReport {
    pub id: ReviewReportId,
    pub review: ReviewId,
    pub author_org_id: OrgId,
    pub author_name: String,
    /// Whom the review is about.
    pub subject_org_id: OrgId,
    pub subject_name: String,
    #[schema(minimum = 1, maximum = 5)]
    pub stars: i16,
    /// What the review says.
    pub text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
    /// Who reports.
    pub org_id: OrgId,
    pub reason: ReviewReportReason,
    /// What the reporter adds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    pub status: ReviewReportStatus,
    pub created_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<DateTime<Utc>>,
    /// As the moderator wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
}

#[cfg(test)]
mod tests;
