//! Lists: up to `limit` items and, when there are more, where the next page begins.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// The most items of one page.
pub const MAX_LIMIT: u16 = 100;
const DEFAULT_LIMIT: u16 = 50;

/// How many items to return: 1 to 100, 50 unless said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(try_from = "u16")]
pub struct Limit(u16);

impl Default for Limit {
    fn default() -> Self {
        Self(DEFAULT_LIMIT)
    }
}

impl TryFrom<u16> for Limit {
    type Error = String;
    fn try_from(limit: u16) -> Result<Self, String> {
        if (1..=MAX_LIMIT).contains(&limit) { Ok(Self(limit)) } else { Err(format!("expected 1 to {MAX_LIMIT}")) }
    }
}

impl Limit {
    /// What to ask the database for: one more than a page, which tells whether there is a next one.
    #[must_use]
    pub fn fetch(self) -> i64 {
        i64::from(self.0) + 1
    }

    /// How many items fit on a page.
    #[must_use]
    pub fn size(self) -> u32 {
        u32::from(self.0)
    }

    /// Cuts the extra row off; its predecessor's `cursor` begins the next page.
    pub fn page<R, T>(self, mut rows: Vec<R>, cursor: impl Fn(&R) -> String, item: impl FnMut(R) -> T) -> Page<T> {
        let more = rows.len() > usize::from(self.0);
        rows.truncate(usize::from(self.0));
        let next = if more { rows.last().map(cursor) } else { None };
        Page { items: rows.into_iter().map(item).collect(), next }
    }
}

/// One page of a list.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Send this as `after` to get the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Where a list that is ordered by time goes on: the time and the id of its last item. Clients send back what they got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct TimeCursor {
    pub at: DateTime<Utc>,
    pub id: Uuid,
}

const CURSOR: &str = "^[0-9]{1,17}\\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$";
/// The most digits of a cursor's microseconds: they reach to the year 5138.
const MAX_DIGITS: usize = 17;

impl utoipa::PartialSchema for TimeCursor {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        let text = utoipa::openapi::ObjectBuilder::new().schema_type(utoipa::openapi::schema::Type::String);
        text.pattern(Some(CURSOR)).description(Some("The `next` of an earlier page.")).into()
    }
}

impl ToSchema for TimeCursor {}

impl TryFrom<String> for TimeCursor {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, &'static str> {
        let parse = || {
            let (micros, id) = text.split_once('.')?;
            if micros.len() > MAX_DIGITS || !micros.bytes().all(|byte| byte.is_ascii_digit()) {
                return None;
            }
            let micros = micros.parse().ok()?;
            Some(Self { at: DateTime::from_timestamp_micros(micros)?, id: id.parse().ok()? })
        };
        parse().ok_or("expected the `next` of an earlier page")
    }
}

impl fmt::Display for TimeCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.at.timestamp_micros(), self.id)
    }
}

#[cfg(test)]
mod tests;
