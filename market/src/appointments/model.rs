//! A site's hours, and appointments as the two parties of an order see them.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;
use shared::money::Money;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::identity::TimeZone;
use crate::ids::{AppointmentId, OrderId, SiteId};

/// How far ahead appointments are made.
pub const AHEAD: TimeDelta = TimeDelta::days(90);
/// Until how long before it begins an appointment is moved or cancelled.
pub const NOTICE: TimeDelta = TimeDelta::hours(2);
/// How long after an appointment its goods are still given out.
pub const GRACE: TimeDelta = TimeDelta::hours(1);
/// How long before it begins both sides are reminded.
pub const REMINDER: TimeDelta = TimeDelta::hours(24);
/// After how many appointments that nobody came to the seller is told that the sale can be undone.
pub const MISSED_TOO_OFTEN: i64 = 3;
/// The most days that keeping an order's goods costs anything.
pub const MOST_STORAGE_DAYS: i16 = 60;
/// The most days of slots in one answer.
pub const MOST_DAYS: i64 = 14;
/// The most windows of a week, and the most days on which a site is closed.
pub const MOST_WINDOWS: usize = 100;
pub const MOST_CLOSED_DAYS: usize = 366;

/// A minute of the day by the clock on the wall: 00:00 to 24:00.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WallTime(i16);

impl WallTime {
    const LAST: i16 = 24 * 60;

    /// So many minutes after the day's beginning.
    #[must_use]
    pub fn of_minute(minute: i16) -> Self {
        Self(minute.clamp(0, Self::LAST))
    }

    #[must_use]
    pub const fn minute(self) -> i16 {
        self.0
    }
}

/// The text is not a time of a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a time from 00:00 to 24:00")]
pub struct NoWallTime;

impl TryFrom<String> for WallTime {
    type Error = NoWallTime;

    fn try_from(text: String) -> Result<Self, NoWallTime> {
        let number = |digits: &str| {
            let is_number = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_digit());
            is_number.then(|| digits.parse::<i16>().ok()).flatten()
        };
        let (hours, minutes) = text.split_once(':').ok_or(NoWallTime)?;
        let (hours, minutes) = number(hours).zip(number(minutes)).ok_or(NoWallTime)?;
        let minute = hours * 60 + minutes;
        if minutes < 60 && minute <= Self::LAST { Ok(Self(minute)) } else { Err(NoWallTime) }
    }
}

impl From<WallTime> for String {
    fn from(time: WallTime) -> Self {
        format!("{:02}:{:02}", time.0 / 60, time.0 % 60)
    }
}

impl PartialSchema for WallTime {
    fn schema() -> RefOr<Schema> {
        let pattern = "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$";
        ObjectBuilder::new().schema_type(Type::String).pattern(Some(pattern)).examples(["08:30"]).into()
    }
}

impl ToSchema for WallTime {
    fn name() -> Cow<'static, str> {
        "WallTime".into()
    }
}

/// When a site is open on a day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// 1 is Monday, 7 is Sunday.
    #[schema(minimum = 1, maximum = 7)]
    pub weekday: i16,
    pub opens: WallTime,
    /// After `opens`; windows of a day do not overlap.
    pub closes: WallTime,
}

/// When goods are delivered from a site: by the clock and with the closed days of its hours, in slots of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeliveryHours {
    /// How long a slot is. Slots begin when a window opens, one after the other.
    #[schema(minimum = 5, maximum = 480)]
    pub slot_minutes: i16,
    /// How many deliveries there are at once.
    #[schema(minimum = 1, maximum = 100)]
    pub capacity: i16,
    #[schema(max_items = 100)]
    pub windows: Vec<Window>,
}

/// When goods are collected at a site, and delivered from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SiteHours {
    /// The windows are by the clock on the wall there.
    pub time_zone: TimeZone,
    /// How long a slot of collections is. Slots begin when a window opens, one after the other.
    #[schema(minimum = 5, maximum = 480)]
    pub slot_minutes: i16,
    /// How many collections there are at once.
    #[schema(minimum = 1, maximum = 100)]
    pub capacity: i16,
    /// When goods are collected. Empty: they never are, and `slot_minutes` and `capacity` mean nothing.
    #[schema(max_items = 100)]
    pub windows: Vec<Window>,
    /// Absent: there are no slots of deliveries, and buyers say when they would like to get something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deliveries: Option<DeliveryHours>,
    /// Days on which the site is closed, whatever the windows say.
    #[serde(default)]
    #[schema(max_items = 366)]
    pub closed_days: Vec<NaiveDate>,
    /// How many days after its first appointment was booked an order's goods are kept for nothing.
    #[serde(default = "free_days")]
    #[schema(minimum = 0, maximum = 365)]
    pub free_days: i16,
    /// What each day after that costs, for 60 days at most: an amount for each currency. Orders in others are kept for nothing.
    #[serde(default)]
    #[schema(max_items = 200)]
    pub storage_fees: Vec<Money>,
}

const fn free_days() -> i16 {
    7
}

/// What keeping the goods of an order costs that its buyer has said to collect, as it was when that was booked first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Storage {
    pub order: OrderId,
    pub site: SiteId,
    /// For each day that has begun after `free_until`.
    pub per_day: Money,
    pub free_until: DateTime<Utc>,
    /// How many days were booked.
    pub days: i64,
    /// What the buyer owes the seller now. Until it is settled, nothing is given out.
    pub due: Money,
    /// When the next day is booked, unless the goods are collected before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_at: Option<DateTime<Utc>>,
}

/// How what is due for storage ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Settlement {
    /// The seller has got it, at the site for instance.
    Paid,
    /// The seller gives it up.
    Waived,
}

/// A time at which an order's goods can be collected at a site, or delivered from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Slot {
    pub kind: AppointmentKind,
    pub site: SiteId,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    /// How many appointments of its kind there is still room for.
    #[schema(minimum = 1, maximum = 100)]
    pub free: i64,
}

/// What happens at an appointment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum AppointmentKind {
    /// The buyer comes to a site of the seller's.
    Collection,
    /// The goods come to the buyer: in a slot of the site that they come from, or, without a site, when the buyer would like to get them.
    Delivery,
}

/// Where an appointment is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "text", rename_all = "snake_case")]
pub enum AppointmentStatus {
    /// By the seller; the buyer has not agreed yet.
    Proposed,
    Booked,
    /// The goods were given out for its pass.
    Redeemed,
    Cancelled,
    /// Nobody came.
    Missed,
    /// The time of a delivery is over, whatever became of it.
    Passed,
}

/// When goods of an order are collected or delivered, or when its buyer would like to get them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Appointment {
    pub id: AppointmentId,
    pub order: OrderId,
    pub buyer_org_id: OrgId,
    pub seller_org_id: OrgId,
    pub kind: AppointmentKind,
    /// Where goods are collected, or whose slot of deliveries it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<SiteId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site_name: Option<String>,
    pub status: AppointmentStatus,
    pub starts_at: DateTime<Utc>,
    pub ends_at: DateTime<Utc>,
    pub created_at: DateTime<Utc>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<DateTime<Utc>>,
    /// Counts every change.
    pub version: i64,
    /// How many appointments of the order passed without anybody coming.
    pub missed: i64,
}

/// An appointment to make.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAppointment {
    pub kind: AppointmentKind,
    /// Of a collection: where. Of a delivery: the site whose slot it takes; absent: none, it is when the buyer would like to get the goods.
    pub site: Option<SiteId>,
    /// At a site: when one of its slots for this begins.
    pub starts_at: DateTime<Utc>,
    /// Without a site, and only then: at most 24 hours later.
    pub ends_at: Option<DateTime<Utc>>,
}

/// What goods are given out for. It is shown once: only its hash is kept.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Pass {
    pub appointment: AppointmentId,
    /// What a QR code or a Code 128 holds; a new one takes the place of the one before.
    #[schema(pattern = "^TP[0-9A-HJKMNP-TV-Z]{26}$", example = "TP7K3M9QX2B5W8ZC4DT0123456AB")]
    pub pass: String,
    /// Nothing is given out for it after this.
    pub valid_until: DateTime<Utc>,
}
