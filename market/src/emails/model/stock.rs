//! Stock that runs low, and recovers.

use serde::{Deserialize, Serialize};

use crate::ids::{ItemId, SiteId};

/// To those who trade for the owner. Reference: the item, the site and the number of the crossing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockLow {
    pub item: ItemId,
    pub site: SiteId,
    /// The item's.
    pub title: String,
    pub site_name: String,
    pub on_hand: i64,
    /// On hand at or below this is low.
    pub low_at: Option<i64>,
}

/// To those who trade for the owner. Reference: the item, the site and the number of the crossing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockRecovered {
    pub item: ItemId,
    pub site: SiteId,
    /// The item's.
    pub title: String,
    pub site_name: String,
    pub on_hand: i64,
    /// On hand at or below this is low; absent: nothing is any more.
    pub low_at: Option<i64>,
}
