//! What figures add up to, and the shares that follow from them.

use std::collections::BTreeMap;

use crate::ids::RegionId;
use crate::shipments::model::{RegionFigures, ShipmentCounts, SiteFigures};

/// The same with the shares that follow.
#[must_use]
pub fn with_shares(counts: ShipmentCounts) -> ShipmentCounts {
    let share = |part: i64, all: i64| (all > 0).then(|| part * 10_000 / all);
    ShipmentCounts {
        delivered_bps: share(counts.delivered, counts.ended),
        on_time_bps: share(counts.on_time, counts.planned),
        ..counts
    }
}

/// All of these together. Shares do not add up: they follow from the sums.
#[must_use]
pub fn sum(all: impl IntoIterator<Item = ShipmentCounts>) -> ShipmentCounts {
    with_shares(all.into_iter().fold(ShipmentCounts::default(), |sum, one| ShipmentCounts {
        picked_up: sum.picked_up + one.picked_up,
        moved_ml: sum.moved_ml + one.moved_ml,
        moved_g: sum.moved_g + one.moved_g,
        ended: sum.ended + one.ended,
        delivered: sum.delivered + one.delivered,
        planned: sum.planned + one.planned,
        on_time: sum.on_time + one.on_time,
        delivered_bps: None,
        on_time_bps: None,
        low_levels: sum.low_levels + one.low_levels,
    }))
}

/// The figures of sites by their region, what had no site last.
#[must_use]
pub fn by_region(sites: &[SiteFigures]) -> Vec<RegionFigures> {
    let mut regions: BTreeMap<(bool, Option<RegionId>), Vec<ShipmentCounts>> = BTreeMap::new();
    for site in sites {
        regions.entry((site.region_id.is_none(), site.region_id)).or_default().push(site.counts);
    }
    regions.into_iter().map(|((_, region_id), counts)| RegionFigures { region_id, counts: sum(counts) }).collect()
}
