//! News about appointments.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use shared::money::Money;

use crate::appointments::model::AppointmentKind;
use crate::ids::OrderId;
use crate::orders::model::Side;

/// What has become of an appointment, or that it is near, to those who trade for one of the sides. Reference: the appointment and its
/// version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppointmentNews {
    pub order: OrderId,
    /// The reader's.
    pub side: Side,
    /// The name of the other party.
    pub other: String,
    /// Of the order's first line.
    pub title: String,
    /// How many lines there are besides.
    pub more: usize,
    pub kind: AppointmentKind,
    /// The name of the site where goods are collected, or whose slot a delivery takes.
    pub site: Option<String>,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    /// How many appointments of the order passed without anybody coming.
    pub missed: i64,
}

/// Keeping the goods of an order costs something from now on, to those who trade for one of the sides. Reference: the order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StorageNews {
    pub order: OrderId,
    /// The reader's.
    pub side: Side,
    /// The name of the other party.
    pub other: String,
    /// Of the order's first line.
    pub title: String,
    /// How many lines there are besides.
    pub more: usize,
    pub per_day: Money,
}
