//! SQL for regions, sites and stock.
//!
//! Every act needs a transaction, which is rolled back after an error. It locks the listings concerned, then their levels by item
//! and site, decides, writes, and changes the sites last, by id. What a capacity does not allow is refused by the tables.
//!
//! How to get this wrong:
//! - Lock levels in the order of somebody's lines: two orders that cross wait for each other.
//! - Count what a site stores before the last level is locked: two transfers that cross wait for each other.
//! - Commit after an error, or act without a transaction: the level stays changed when its site refuses.

mod carry;
mod levels;
mod moves;
mod places;
mod put_back;
mod read;
mod regions;
mod reserve;
mod write_off;

use shared::invalid::{ConstraintMessages, Invalid, constraint_message, violated};

use crate::ids::{ItemId, ListingId, SiteId};

pub use carry::{Carriage, Load, carry, has_book};
pub use levels::{change, lock};
pub use moves::{Adjust, Transfer, Transferred, adjust, import, lock_all, transfer};
pub use places::{archive_site, change_site, create_site, lock_site, site, sites_of};
pub use put_back::{Back, Inspect, PutBack, inspect, put_back};
pub use read::{LevelFilter, level, levels_of, levels_of_items, movements, names};
pub use regions::{archive_region, change_region, create_region, lock_region, region, regions};
pub use reserve::{Kept, Part, free, hand_over, reserve, reserve_at, take};
pub(crate) use write_off::write_off;

/// Why an act on stock is refused.
#[derive(Debug, thiserror::Error)]
pub enum StockError {
    #[error("there is no such site or stock level")]
    NotFound,
    /// Fewer units are available than were asked for.
    #[error("only {available} units are available")]
    OutOfStock { listing: Option<ListingId>, item: ItemId, site: Option<SiteId>, available: i64 },
    #[error("the item's capacity at the site does not allow that many units")]
    LevelFull,
    #[error("the site's capacity does not allow that many units")]
    SiteFull,
    /// The level has another version than the one that the change was made for.
    #[error("the level has changed: it has version {version}")]
    Changed { version: i64 },
    #[error("the site is not used any more")]
    SiteArchived,
    #[error("the site has stock")]
    SiteInUse,
    #[error("there is no such region")]
    NoRegion,
    #[error("there is a region of this code, or was one")]
    RegionTaken,
    #[error("sites or other regions lie in the region")]
    RegionInUse,
    #[error("a site with stock neither gets nor loses a capacity")]
    CapacitySettled,
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("the database failed")]
    Database(#[source] sqlx::Error),
}

const CONSTRAINTS: &ConstraintMessages = &[
    ("stock_levels_own_item", "/item_id", "the organisation has no such item"),
    ("stock_levels_own_site", "/site_id", "the organisation has no such site"),
    ("stock_levels_bound", "/quantity", "a level has at most 1000000000 units"),
    ("stock_levels_capacity_range", "/capacity", "must lie between 1 and 1000000000"),
    ("stock_levels_low_at", "/low_at", "must lie between 0 and 1000000000"),
    ("stock_movements_reason_length", "/reason", "must have 1 to 500 characters"),
    ("reservations_quantity_range", "/quantity", "must lie between 1 and 1000000000"),
    ("regions_code_form", "/slug", "makes a code of more than 100 characters"),
    ("regions_name_length", "/name", "must have 1 to 100 characters"),
    ("sites_in_region", "/region_id", "there is no such region"),
    ("sites_name_length", "/name", "must have 1 to 100 characters"),
    ("sites_latitude", "/latitude", "must lie between -90 and 90"),
    ("sites_longitude", "/longitude", "must lie between -180 and 180"),
    ("sites_capacity_range", "/capacity", "must lie between 1 and 1000000000000"),
    ("sites_per_org", "", "the organisation has 1000 sites: archive some first"),
];

impl From<sqlx::Error> for StockError {
    fn from(error: sqlx::Error) -> Self {
        match violated(&error) {
            Some("stock_levels_within_capacity") => return Self::LevelFull,
            Some("sites_within_capacity") => return Self::SiteFull,
            Some("sites_capacity_settled") => return Self::CapacitySettled,
            Some("regions_code_unique") => return Self::RegionTaken,
            _ => {}
        }
        constraint_message(&error, CONSTRAINTS).map_or(Self::Database(error), Self::Invalid)
    }
}

#[cfg(test)]
pub(crate) mod tests;
