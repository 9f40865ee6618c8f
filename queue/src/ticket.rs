//! What a broker's message says of a job.

use shared::ids::JobId;

/// Names one hand-over of a job to a broker. A message with an old epoch is stale and claims nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket {
    pub job: JobId,
    pub epoch: i32,
}
