//! Figures of a seller, and what they are made of.

use chrono::{DateTime, Utc};
use serde::Serialize;
use shared::ids::OrgId;
use shared::money::Money;
use utoipa::ToSchema;

use crate::ids::{InquiryId, ListingId};

/// What happened in a period.
#[derive(Clone, Debug, Default, PartialEq, Serialize, ToSchema)]
pub struct Figures {
    /// Each visitor counts once a day.
    #[schema(minimum = 0)]
    pub views: i64,
    #[schema(minimum = 0)]
    pub inquiries: i64,
    /// Made in the period, without those that came to nothing: expired, cancelled, refunded.
    #[schema(minimum = 0)]
    pub orders: i64,
    /// What the lines of these orders cost, without premium and tax: an amount for each currency, by its code.
    pub revenue: Vec<Money>,
    /// Orders for each view; absent without views.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 0.05)]
    pub conversion: Option<f64>,
}

impl Figures {
    /// With the conversion that follows from the rest.
    #[must_use]
    pub fn new(views: i64, inquiries: i64, orders: i64, revenue: Vec<Money>) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "counts are far below what a double tells apart")]
        let conversion = (views > 0).then(|| orders as f64 / views as f64);
        Self { views, inquiries, orders, revenue, conversion }
    }
}

/// Figures of one listing.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ListingFigures {
    pub listing_id: ListingId,
    pub title: String,
    #[serde(flatten)]
    pub figures: Figures,
}

/// A question about a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Inquiry {
    pub id: InquiryId,
    pub listing_id: ListingId,
    /// Who asks.
    pub org_id: OrgId,
    pub text: String,
    pub created_at: DateTime<Utc>,
}
