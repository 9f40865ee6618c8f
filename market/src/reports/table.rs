//! Tables as every writer of files takes them: sections with typed columns, rows of cells, charts, sums. Nothing here knows a kind of
//! report, and no writer does.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Tz;
use serde::Serialize;
use shared::money::{Currency, FineMoney, Money, MoneyError};
use uuid::Uuid;

/// What the cells of a column hold. A cell may be empty in any of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    Text,
    Integer,
    /// Summed by currency, never across currencies.
    Money,
    /// Money that is no part of a sum, such as a price for each unit.
    Price,
    Currency,
    Decimal,
    Percent,
    Day,
    Time,
    Id,
}

/// A column of a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// What programs call it; permanent.
    pub name: &'static str,
    /// What people read above it.
    pub title: &'static str,
    pub shape: Shape,
    /// Of decimals: kg, m³.
    pub unit: Option<&'static str>,
}

impl Column {
    pub const fn new(name: &'static str, title: &'static str, shape: Shape) -> Self {
        Self { name, title, shape, unit: None }
    }

    pub const fn text(name: &'static str, title: &'static str) -> Self {
        Self::new(name, title, Shape::Text)
    }

    pub const fn integer(name: &'static str, title: &'static str) -> Self {
        Self::new(name, title, Shape::Integer)
    }

    pub const fn money(name: &'static str, title: &'static str) -> Self {
        Self::new(name, title, Shape::Money)
    }

    pub const fn decimal(name: &'static str, title: &'static str, unit: &'static str) -> Self {
        Self { unit: Some(unit), ..Self::new(name, title, Shape::Decimal) }
    }

    /// The currency of the row's amounts.
    pub const CURRENCY: Self = Self::new("currency", "Currency", Shape::Currency);

    /// The title with what a number of the column is of: times carry their zone here and their offset in the cell.
    pub fn heading(&self, zone: Tz) -> Cow<'static, str> {
        match (self.shape, self.unit) {
            (Shape::Time, _) => format!("{} ({zone})", self.title).into(),
            (_, Some(unit)) => format!("{} ({unit})", self.title).into(),
            (_, None) => self.title.into(),
        }
    }
}

/// A decimal number with a fixed number of digits after the point: `digits` 12345 and `places` 3 are 12.345.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    pub digits: i64,
    pub places: u8,
}

impl Decimal {
    /// A share in hundredths of a percent, as the number of percent.
    pub const fn percent(basis_points: i64) -> Self {
        Self { digits: basis_points, places: 2 }
    }

    /// The number with all of its places: `-0.05`.
    pub fn text(self) -> String {
        let places = usize::from(self.places);
        let digits = format!("{:0>width$}", self.digits.unsigned_abs(), width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        let sign = if self.digits < 0 { "-" } else { "" };
        let point = if places == 0 { "" } else { "." };
        format!("{sign}{whole}{point}{fraction}")
    }
}

/// The value in one column of one row, of the column's shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    Empty,
    Text(String),
    Integer(i64),
    Money(Money),
    /// Money that stands for a finer amount: the cell shows the first, and sums are made of the second.
    Rounded(Money, FineMoney),
    Currency(Currency),
    Decimal(Decimal),
    Percent(Decimal),
    Day(NaiveDate),
    Time(DateTime<Utc>),
    Id(Uuid),
}

impl Cell {
    /// The cell of what may be missing.
    pub fn of<T>(value: Option<T>, cell: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Empty, cell)
    }

    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The cell of an amount that may be finer than money.
    pub fn amount(exact: FineMoney) -> Result<Self, MoneyError> {
        let shown = exact.rounded()?;
        Ok(if exact.is_whole() { Self::Money(shown) } else { Self::Rounded(shown, exact) })
    }
}

/// The cells of a row, in the order of the section's columns.
pub type Row = Vec<Cell>;

/// How a chart shows its columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChartKind {
    /// Over time.
    Line,
    /// Side by side.
    Bar,
}

/// A chart of a section. Rows of one currency stand together, so that each currency has a chart of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chart {
    pub title: &'static str,
    pub kind: ChartKind,
    /// The column that names the points.
    pub along: &'static str,
    /// The columns that are shown.
    pub values: &'static [&'static str],
}

/// One table of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Section {
    /// What programs call it; permanent.
    pub name: &'static str,
    pub title: &'static str,
    pub columns: &'static [Column],
    pub charts: &'static [Chart],
}

impl Section {
    /// Where a column stands.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }
}

/// What the amounts of a column in one currency add up to: exactly, and rounded once. Rounded rows may come to some minor units more or
/// less.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sum {
    pub section: String,
    pub column: String,
    /// How many amounts.
    pub rows: i64,
    pub amount: Money,
}

#[cfg(test)]
mod tests;
