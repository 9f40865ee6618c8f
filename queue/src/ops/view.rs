//! A job as those for whom it works see it.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use shared::ids::{JobId, OrgId};
use sqlx::PgConnection;

use super::JobState;

/// What a job's owner sees of it: the result, but neither the payload nor the errors, which are for operators.
#[derive(Clone, Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct JobView {
    #[schema(value_type = i64)]
    pub id: JobId,
    pub kind: String,
    pub state: JobState,
    /// How many attempts have begun.
    pub attempt: i32,
    /// Percent.
    pub progress: Option<i16>,
    pub progress_text: Option<String>,
    #[schema(value_type = Option<Object>)]
    pub result: Option<Value>,
    pub created_at: DateTime<Utc>,
    pub finished_at: Option<DateTime<Utc>>,
    #[serde(skip)]
    pub tenant: Option<OrgId>,
    #[serde(skip)]
    pub epoch: i32,
}

impl JobView {
    /// Rises with every change that is shown: the hand-over, the place in its life, the progress.
    #[must_use]
    pub fn seq(&self) -> i64 {
        let place = match self.state {
            JobState::Queued => 1,
            JobState::Running => 2,
            // Before its first hand-over, or back from one.
            JobState::Scheduled | JobState::Available if self.epoch == 0 => 0,
            JobState::Scheduled | JobState::Available => 3,
            JobState::Succeeded | JobState::Cancelled | JobState::Dead => 4,
        };
        let progress = if place >= 2 { i64::from(self.progress.unwrap_or(0)) } else { 0 };
        i64::from(self.epoch) * 1_000 + place * 200 + progress
    }
}

/// Reads those of the jobs that exist.
pub async fn read(conn: &mut PgConnection, ids: &[JobId]) -> Result<Vec<JobView>, sqlx::Error> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    sqlx::query_as!(
        JobView,
        r#"
        SELECT
            id AS "id: JobId", kind, state AS "state: JobState", attempt, progress, progress_text, result, created_at,
            finished_at, tenant AS "tenant: OrgId", epoch
        FROM jobs
        WHERE id = ANY ($1)
        "#,
        &ids,
    )
    .fetch_all(conn)
    .await
}
