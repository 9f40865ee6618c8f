//! The queues' rows: set up from the registry, read by everybody.

use sqlx::PgConnection;

use crate::job::Queue;
use crate::transport::Transport;

/// Adds rows for queues that have none. `transports` are the brokers that this installation has; a queue whose usual one is
/// missing starts on `local`. Existing rows keep what an operator set.
pub async fn set_up(conn: &mut PgConnection, queues: &[Queue], transports: &[Transport]) -> Result<(), sqlx::Error> {
    let names: Vec<_> = queues.iter().map(|queue| queue.name.to_owned()).collect();
    let transports: Vec<_> = queues
        .iter()
        .map(|queue| if transports.contains(&queue.transport) { queue.transport } else { Transport::Local })
        .map(|transport| transport.name().to_owned())
        .collect();
    sqlx::query!(
        r#"
        INSERT INTO queues (name, transport)
        SELECT name, transport
        FROM unnest($1::text[], $2::text[]) AS new (name, transport)
        ON CONFLICT (name) DO NOTHING
        "#,
        &names,
        &transports,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// What carries the queue now; `None` when it is not set up.
pub async fn transport(conn: &mut PgConnection, queue: &str) -> Result<Option<Transport>, sqlx::Error> {
    let name = sqlx::query_scalar!("SELECT transport FROM queues WHERE name = $1", queue).fetch_optional(conn).await?;
    Ok(name.and_then(|name| name.parse().ok()))
}

/// What carries these queues now, each transport once.
pub async fn transports(conn: &mut PgConnection, queues: &[&str]) -> Result<Vec<Transport>, sqlx::Error> {
    let names = sqlx::query_scalar!("SELECT DISTINCT transport FROM queues WHERE name = ANY ($1)", queues as &[&str],)
        .fetch_all(conn)
        .await?;
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}
