//! The queues' rows: set up from the registry, read by everybody.

use sqlx::PgConnection;

use super::job::{Carrier, Queue};

/// Adds rows for queues that have none. `carriers` are the brokers that this installation has; a queue whose usual one is
/// missing starts on `local`. Existing rows keep what an operator set.
pub async fn set_up(conn: &mut PgConnection, queues: &[Queue], carriers: &[Carrier]) -> Result<(), sqlx::Error> {
    let names: Vec<_> = queues.iter().map(|queue| queue.name.to_owned()).collect();
    let transports: Vec<_> = queues
        .iter()
        .map(|queue| if carriers.contains(&queue.carrier) { queue.carrier } else { Carrier::Local })
        .map(|carrier| carrier.name().to_owned())
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
pub async fn carrier(conn: &mut PgConnection, queue: &str) -> Result<Option<Carrier>, sqlx::Error> {
    let name = sqlx::query_scalar!("SELECT transport FROM queues WHERE name = $1", queue).fetch_optional(conn).await?;
    Ok(name.and_then(|name| name.parse().ok()))
}

/// What carries these queues now, each carrier once.
pub async fn carriers(conn: &mut PgConnection, queues: &[&str]) -> Result<Vec<Carrier>, sqlx::Error> {
    let names = sqlx::query_scalar!("SELECT DISTINCT transport FROM queues WHERE name = ANY ($1)", queues as &[&str],)
        .fetch_all(conn)
        .await?;
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}
