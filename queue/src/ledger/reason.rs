//! Why a job went back in line: a column that whoever puts it there writes, and nobody guesses from texts.

use serde::{Deserialize, Serialize};

/// Why a job last went back in line. In a job that runs or has ended it is history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::Type, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[sqlx(type_name = "job_reason", rename_all = "snake_case")]
#[schema(as = JobReason)]
pub enum Reason {
    /// Its attempt failed.
    Failed,
    /// Its handler asked for a later time.
    Snoozed,
    /// Its worker shut down, or lost sight of it.
    WorkerStopped,
    /// Its worker's lease ran out.
    WorkerLost,
    /// Its worker does not know the kind.
    NoHandler,
    /// Its worker's version reads only older payloads of the kind.
    NewerPayload,
    /// The queue was paused.
    Paused,
    /// The queue was moved to another transport.
    Moved,
    /// The queue's limits were changed.
    Limits,
    /// Its message was not taken.
    TransportRefused,
}
