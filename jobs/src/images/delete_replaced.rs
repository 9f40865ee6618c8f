use std::time::Duration;

use market::ids::ImageId;
use queue::{Job, Kind, Queue, Retry};
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;

use crate::queues;

/// Removes files of a picture that others have replaced, once nobody has an address of them any more.
/// A second run finds them gone. What a picture shows in spite of all stays.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeleteReplaced {
    pub image: ImageId,
    pub org: OrgId,
    pub keys: Vec<String>,
}

impl Job for DeleteReplaced {
    const KIND: Kind = Kind::new("images.delete_replaced");
    const QUEUE: Queue = queues::IMAGES;
    const RETRY: Retry =
        Retry::exponential(Duration::from_secs(5), Duration::from_hours(1)).until_age(Duration::from_hours(96));

    fn tenant(&self) -> Option<OrgId> {
        Some(self.org)
    }
}
