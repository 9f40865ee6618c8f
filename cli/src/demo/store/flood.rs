//! What is stored of a flood of cargo events.

use shared::ids::OrgId;

use super::{Stored, unsigned};

impl Stored {
    /// How many events of this organisation the log has.
    pub(crate) async fn events_of(&mut self, org: OrgId) -> sqlx::Result<u64> {
        let count = sqlx::query_scalar!(r#"SELECT count(*) AS "count!" FROM cargo_events WHERE org = $1"#, org.0)
            .fetch_one(&mut self.events)
            .await?;
        Ok(unsigned(count))
    }

    /// How many rejects hold an event that has this text in it.
    pub(crate) async fn rejects_with(&mut self, text: &str) -> sqlx::Result<u64> {
        let count = sqlx::query_scalar!(
            r#"SELECT count(*) AS "count!" FROM cargo_rejects WHERE position($1::bytea IN bytes) > 0"#,
            text.as_bytes(),
        )
        .fetch_one(&mut self.events)
        .await?;
        Ok(unsigned(count))
    }
}
