use std::time::Duration;

use market::ids::PayoutAccountId;
use queue::{Job, Kind, Queue, Retry, Unique};
use serde::{Deserialize, Serialize};

use crate::queues;

/// Opens a seller's account at the provider if that has not been done, and writes down how it is; when it is active, what waits
/// for it goes on. A second run finds it as it is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckPayoutAccount {
    pub account: PayoutAccountId,
}

impl Job for CheckPayoutAccount {
    const KIND: Kind = Kind::new("payouts.account");
    const QUEUE: Queue = queues::PAYMENTS;
    const RETRY: Retry =
        Retry::exponential(Duration::from_secs(1), Duration::from_mins(15)).until_age(Duration::from_hours(72));
    const TIMEOUT: Duration = Duration::from_mins(1);

    fn unique(&self) -> Unique {
        Unique::while_open(self.account)
    }
}
