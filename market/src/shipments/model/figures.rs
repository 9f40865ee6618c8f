use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;

use super::Shipment;
use crate::ids::{RegionId, SiteId};

/// What was counted of shipments and levels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ShipmentCounts {
    /// Shipments that were picked up.
    pub picked_up: i64,
    /// The volume of what was picked up, in millilitres.
    pub moved_ml: i64,
    /// Its weight, in grams.
    pub moved_g: i64,
    /// Shipments that were delivered or returned.
    pub ended: i64,
    pub delivered: i64,
    /// Delivered ones whose delivery was planned.
    pub planned: i64,
    /// Those of them that were there by then.
    pub on_time: i64,
    /// Delivered ones of those that ended, in basis points; absent: none has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivered_bps: Option<i64>,
    /// Those on time of those delivered ones whose delivery was planned, in basis points; absent: there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_time_bps: Option<i64>,
    /// Levels that are low now.
    pub low_levels: i64,
}

/// What was shipped from one site in some time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct SiteFigures {
    /// Absent: of orders whose goods had no site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site_id: Option<SiteId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region_id: Option<RegionId>,
    #[serde(flatten)]
    pub counts: ShipmentCounts,
}

/// What was shipped from the sites of one region in some time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RegionFigures {
    /// The region that the sites were given; absent: of orders whose goods had no site.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region_id: Option<RegionId>,
    #[serde(flatten)]
    pub counts: ShipmentCounts,
}

/// What was shipped in some time, and what is low now.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ShipmentFigures {
    /// What was picked up and what ended from here on is counted; absent: from the beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<DateTime<Utc>>,
    /// Before this; absent: up to now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<DateTime<Utc>>,
    #[serde(flatten)]
    pub counts: ShipmentCounts,
    /// By the region of the site that they left.
    pub regions: Vec<RegionFigures>,
    /// By the site that they left.
    pub sites: Vec<SiteFigures>,
    /// The ten that were made last, of whatever time.
    #[schema(max_items = 10)]
    pub recent: Vec<Shipment>,
}
