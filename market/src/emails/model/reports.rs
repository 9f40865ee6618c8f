//! Mail with reports.

use chrono::NaiveDate;
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use shared::money::Money;

use crate::ids::ReportId;
use crate::reports::model::Kind;
use crate::reports::rules::Fall;

/// To whoever asked for the report, or the owners of the organisation for a scheduled one. Reference: the report. The download
/// link is made when the mail is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportReady {
    pub report: ReportId,
    #[serde(default = "sales")]
    pub kind: Kind,
    pub org_name: String,
    /// First day of the period.
    pub first_day: NaiveDate,
    /// Last day of the period, inclusive.
    pub last_day: NaiveDate,
    pub zone: Tz,
    /// `CSV`, `XLSX`, `JSON` or `PDF`.
    pub format: String,
    pub rows: i64,
    /// The report's first sums, one for each currency.
    pub totals: Vec<Money>,
    /// Of one that is mailed only when they fall: the totals that did.
    #[serde(default)]
    pub falls: Vec<Fall>,
    /// Whether it comes after each period, by a subscription or the schedule; otherwise somebody has asked for this one.
    #[serde(default)]
    pub regular: bool,
}

/// What mails were about that were stored when there was nothing else.
const fn sales() -> Kind {
    Kind::Sales
}
