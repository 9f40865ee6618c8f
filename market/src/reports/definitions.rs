//! What each kind of report is: its title, who may ask for it and how, its sections with their columns and charts, and the statements
//! that read them. One file a kind, which is the one place besides the stores where SQL stands: a column and the expression that fills
//! it are read together. What two kinds read alike stands in `sold`.
//!
//! How to get this wrong: give a row another number of cells than its section has columns; let rows of two currencies alternate in a
//! section with charts; add up amounts in SQL without their currency in the GROUP BY; hold what a statement streams.

mod cargo_volume;
mod commissions;
mod inventory_check;
mod job_activity;
mod monthly_analytics;
mod payouts;
mod platform_sales;
mod sales;
mod sold;
mod user_activity;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use shared::money::{Currency, FineMoney, Money, MoneyError};
use sqlx::PgConnection;

use super::model::{Grouping, Kind, Scope};
use super::store::ReportError;
use super::table::{Column, Decimal, Row, Section, Shape};
use crate::identity::PlatformRole;

/// The rows of a section as a stream: the server sends as fast as the caller reads.
pub type Rows<'c> = BoxStream<'c, Result<Row, ReportError>>;

/// About how many rows a report will have, for its progress.
pub type Expected<'c> = BoxFuture<'c, Result<Option<i64>, ReportError>>;

/// Who may ask for a report and read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Those who trade for the organisation, and the platform's administrators for any. Every member reads it.
    Members,
    /// Those with this role on the platform: it is of everybody.
    Platform(PlatformRole),
}

impl Audience {
    /// The role on the platform that may ask for any organisation.
    pub const fn platform(self) -> PlatformRole {
        match self {
            Self::Members => PlatformRole::Admin,
            Self::Platform(role) => role,
        }
    }
}

/// Everything about a kind of report but its figures.
#[derive(Clone, Copy, Debug)]
pub struct Definition {
    /// What people call it: "Sales".
    pub title: &'static str,
    pub audience: Audience,
    /// How it can be grouped; the first unless somebody asks otherwise. Empty: it is not grouped.
    pub groupings: &'static [Grouping],
    /// Whether it can be filtered by currency, category and region.
    pub filtered: bool,
    /// Whether its period is of whole months: what is compared with the month before must be one.
    pub whole_months: bool,
    /// Its tables, in order.
    pub sections: fn(&Scope) -> Vec<Section>,
    /// `None`: nobody counts them first.
    pub expected: for<'c> fn(&'c mut PgConnection, &'c Scope) -> Expected<'c>,
    /// The rows of the section with this name.
    pub rows: for<'c> fn(&'c mut PgConnection, &'c Scope, &'static str) -> Rows<'c>,
}

impl Kind {
    pub const fn definition(self) -> &'static Definition {
        match self {
            Self::Sales => &sales::DEFINITION,
            Self::InventoryCheck => &inventory_check::DEFINITION,
            Self::MonthlyAnalytics => &monthly_analytics::DEFINITION,
            Self::Commissions => &commissions::DEFINITION,
            Self::Payouts => &payouts::DEFINITION,
            Self::CargoVolume => &cargo_volume::DEFINITION,
            Self::PlatformSales => &platform_sales::DEFINITION,
            Self::UserActivity => &user_activity::DEFINITION,
            Self::JobActivity => &job_activity::DEFINITION,
        }
    }
}

impl Scope {
    /// How the report is grouped, unless asked otherwise in the first way that its definition names.
    fn grouping(&self, definition: &Definition) -> Grouping {
        self.parameters.group_by.or(definition.groupings.first().copied()).unwrap_or(Grouping::None)
    }
}

/// By day, week or month.
const BY_TIME: &[Grouping] = &[Grouping::Month, Grouping::Week, Grouping::Day];

/// The first day of a row that stands for a day, a week from Monday, or a month.
const FROM: Column = Column::new("from", "From", Shape::Day);

/// For reports whose rows are counted by nobody before they are read: there are few, or counting them is as much work as reading them.
fn uncounted<'c>(_: &'c mut PgConnection, _: &'c Scope) -> Expected<'c> {
    Box::pin(std::future::ready(Ok(None)))
}

/// A sum of amounts, which may be more than one amount can be.
fn money(total: &str, currency: Currency) -> Result<Money, MoneyError> {
    Ok(Money::from_minor(total.parse().map_err(|_| MoneyError::Overflow)?, currency))
}

/// A sum of amounts in ten-thousandths of a minor unit.
fn fine(total: &str, currency: Currency) -> Result<FineMoney, MoneyError> {
    let parts: i128 = total.parse().map_err(|_| MoneyError::Overflow)?;
    Ok(FineMoney::from_parts(parts, currency))
}

/// A sum of weights or volumes in thousandths.
fn thousandths(total: &str) -> Result<Decimal, MoneyError> {
    Ok(Decimal { digits: total.parse().map_err(|_| MoneyError::Overflow)?, places: 3 })
}

#[cfg(test)]
mod tests;
