use std::time::Duration;

use market::ids::ImageId;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;

use crate::queues;

/// Removes a hidden image: its files, then its rows.
/// A second run finds no row and does nothing; files that are already gone count as removed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteImage {
    pub image: ImageId,
    pub org: OrgId,
}

impl Job for DeleteImage {
    const KIND: Kind = Kind::new("images.delete");
    const QUEUE: Queue = queues::IMAGES;
    const RETRY: Retry =
        Retry::exponential(Duration::from_secs(5), Duration::from_hours(1)).until_age(Duration::from_hours(72));

    fn unique(&self) -> Unique {
        Unique::while_open(self.image)
    }

    fn tenant(&self) -> Option<OrgId> {
        Some(self.org)
    }
}
