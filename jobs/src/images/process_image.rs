use std::time::Duration;

use market::ids::ImageId;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;

use crate::queues;

/// Makes the variants of an uploaded photograph, or notes why it is refused. One that is ready, and of an older recipe, is made anew and
/// shown as it is until then.
/// A second run finds it ready or rejected and does nothing; a run that died halfway left files that the next one writes again
/// under the same keys.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessImage {
    pub image: ImageId,
    pub org: OrgId,
}

impl Job for ProcessImage {
    const KIND: Kind = Kind::new("images.process");
    const QUEUE: Queue = queues::IMAGES;
    const RETRY: Retry =
        Retry::exponential(Duration::from_secs(2), Duration::from_mins(10)).until_age(Duration::from_hours(24));
    /// A large photograph waits for its slot, then takes seconds.
    const TIMEOUT: Duration = Duration::from_mins(10);

    fn unique(&self) -> Unique {
        Unique::while_open(self.image)
    }

    fn tenant(&self) -> Option<OrgId> {
        Some(self.org)
    }
}
