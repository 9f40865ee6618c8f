//! What people are told of reviews.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::OrderId;
use crate::orders::model::Side;

/// To those who trade for a side of a completed order that has not written about the other one. Reference: the order and the side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewAsked {
    pub order: OrderId,
    /// The reader's.
    pub side: Side,
    /// The name of the other party.
    pub other: String,
    /// Of the first line.
    pub title: String,
    /// How many lines there are besides.
    pub more: usize,
    /// Until when it can be written.
    pub until: DateTime<Utc>,
}

/// To those who trade for the side that a review is about, once it is shown. Reference: the review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewShown {
    pub order: OrderId,
    /// The reader's.
    pub side: Side,
    /// The name of its author.
    pub other: String,
    /// Of the order's first line.
    pub title: String,
    /// How many lines there are besides.
    pub more: usize,
    pub stars: i64,
    /// As its author wrote it.
    pub text: String,
}
