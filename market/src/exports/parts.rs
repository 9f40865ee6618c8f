//! What each file of an export holds: its columns, and the statement that reads the next batch of its rows. As in the definitions of
//! reports, SQL stands here besides in the stores: a column and the expression that fills it are read together.
//!
//! Rows come in batches, each by a statement of its own that begins behind the last row's key. So nothing holds a snapshot for as long as
//! an export takes, and a batch costs the same wherever it begins.
//!
//! How to get this wrong: order by what is not unique; skip rows with OFFSET; read a batch by a condition that no index serves; select a
//! column of somebody else's that the API does not show them.

mod bids;
mod cargo_events;
mod listings;
mod orders;

use futures::future::BoxFuture;
use serde_json::{Map, Value};
use sqlx::PgConnection;
use sqlx::types::Json;

use super::model::{Kind, Scope};
use super::own_data;

/// A column of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// What programs call it; permanent.
    pub name: &'static str,
    /// What it is, for people.
    pub about: &'static str,
    /// Whether it is in the minor unit of the row's `currency` when it is read.
    pub is_amount: bool,
}

impl Column {
    pub const fn new(name: &'static str, about: &'static str) -> Self {
        Self { name, about, is_amount: false }
    }

    pub const fn amount(name: &'static str, about: &'static str) -> Self {
        Self { name, about, is_amount: true }
    }

    /// The currency of the row's amounts.
    pub const CURRENCY: Self = Self::new("currency", "The currency of the row's amounts.");
}

/// The values of a row, by the names of columns.
pub type Row = Json<Map<String, Value>>;

/// A row as it is read.
#[derive(Debug)]
pub struct Line {
    /// Where the next batch begins.
    pub key: String,
    pub row: Row,
}

/// A batch of rows, in the order of their keys.
pub type Lines<'c> = BoxFuture<'c, Result<Vec<Line>, sqlx::Error>>;

/// One file.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// What it is called, without its ending.
    pub name: &'static str,
    /// What it holds, for people.
    pub about: &'static str,
    pub columns: &'static [Column],
    /// Columns of the database that name a person, and whose rows it holds when they name the one who asks.
    pub covers: &'static [(&'static str, &'static str)],
    /// Up to so many rows behind a key.
    pub read: for<'c> fn(&'c mut PgConnection, &'c Scope, Option<&'c str>, i64) -> Lines<'c>,
}

/// Which database has the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    Market,
    /// The cargo event log.
    Events,
}

impl Kind {
    /// What is in the file, or in the files of the archive.
    pub const fn parts(self) -> &'static [Part] {
        match self {
            Self::Listings => &[listings::PART],
            Self::Orders => &[orders::PART],
            Self::Bids => &[bids::PART],
            Self::CargoEvents => &[cargo_events::PART],
            Self::OwnData => own_data::PARTS,
        }
    }

    pub const fn place(self) -> Place {
        match self {
            Self::CargoEvents => Place::Events,
            _ => Place::Market,
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
