//! Exchange rates: a snapshot is stored whole, and stays as it is.
//!
//! How to get this wrong: to look whether a day is there and then to insert it, since two at once both see nothing; to read
//! the rates through a floating-point number.

use chrono::NaiveDate;
use shared::money::Currency;
use sqlx::PgConnection;

use crate::money::model::{NewSnapshot, Snapshot, SnapshotId, Stored};
use crate::money::rules::fx::{BadRate, PerEuro};

/// Why a snapshot is not stored.
#[derive(Debug, thiserror::Error)]
pub enum RatesError {
    #[error("a snapshot has at least one rate and none of the euro")]
    Unusable,
    #[error("the rates of {source_name} of {day} are stored already, from a file with other content")]
    DayTaken { source_name: String, day: NaiveDate },
    #[error("the database failed")]
    Sql(#[from] sqlx::Error),
}

/// Stores a snapshot whole, unless the same one is stored.
pub async fn store(conn: &mut PgConnection, new: &NewSnapshot) -> Result<Stored, RatesError> {
    let count = i16::try_from(new.rates.len()).map_err(|_| RatesError::Unusable)?;
    if count == 0 || new.rates.contains_key(&Currency::EUR) {
        return Err(RatesError::Unusable);
    }
    let currencies: Vec<String> = new.rates.keys().map(ToString::to_string).collect();
    let per_euro: Vec<String> = new.rates.values().map(ToString::to_string).collect();
    let stored = sqlx::query_scalar!(
        "WITH snapshot AS (
             INSERT INTO fx_snapshots (source, day, rates, checksum)
             VALUES ($1, $2, $3, $4)
             ON CONFLICT (source, day) DO NOTHING
             RETURNING id
         ), inserted AS (
             INSERT INTO fx_rates (snapshot_id, rate_no, rates, currency, per_euro)
             SELECT snapshot.id, n, $3, currency, per_euro::numeric
             FROM snapshot, unnest($5::text[], $6::text[]) WITH ORDINALITY AS r (currency, per_euro, n)
         )
         SELECT id FROM snapshot",
        new.source,
        new.day,
        count,
        &new.checksum[..],
        &currencies,
        &per_euro,
    )
    .fetch_optional(&mut *conn)
    .await?;
    if let Some(id) = stored {
        return Ok(Stored::Now(SnapshotId(id)));
    }
    let before =
        sqlx::query!("SELECT id, checksum FROM fx_snapshots WHERE source = $1 AND day = $2", new.source, new.day)
            .fetch_one(conn)
            .await?;
    if before.checksum == new.checksum {
        Ok(Stored::Before(SnapshotId(before.id)))
    } else {
        Err(RatesError::DayTaken { source_name: new.source.clone(), day: new.day })
    }
}

/// The newest rates.
pub async fn newest(conn: &mut PgConnection) -> Result<Option<Snapshot>, sqlx::Error> {
    let id = sqlx::query_scalar!("SELECT id FROM fx_snapshots ORDER BY day DESC, id DESC LIMIT 1")
        .fetch_optional(&mut *conn)
        .await?;
    with_rates(conn, id).await
}

/// The rates that held on a day: on a day without rates of its own, those of the last day before that has some.
pub async fn of_day(conn: &mut PgConnection, day: NaiveDate) -> Result<Option<Snapshot>, sqlx::Error> {
    let id = sqlx::query_scalar!("SELECT id FROM fx_snapshots WHERE day <= $1 ORDER BY day DESC, id DESC LIMIT 1", day)
        .fetch_optional(&mut *conn)
        .await?;
    with_rates(conn, id).await
}

async fn with_rates(conn: &mut PgConnection, id: Option<i64>) -> Result<Option<Snapshot>, sqlx::Error> {
    let Some(id) = id else { return Ok(None) };
    let found = sqlx::query!("SELECT source, day, fetched_at FROM fx_snapshots WHERE id = $1", id)
        .fetch_one(&mut *conn)
        .await?;
    let rows = sqlx::query!(
        r#"SELECT currency AS "currency: Currency", per_euro::text AS "per_euro!" FROM fx_rates WHERE snapshot_id = $1"#,
        id,
    )
    .fetch_all(conn)
    .await?;
    let rates = rows.into_iter().map(|row| Ok((row.currency, row.per_euro.parse::<PerEuro>()?)));
    let rates = rates.collect::<Result<_, BadRate>>().map_err(|error| sqlx::Error::Decode(error.into()))?;
    Ok(Some(Snapshot { id: SnapshotId(id), source: found.source, day: found.day, fetched_at: found.fetched_at, rates }))
}

#[cfg(test)]
mod tests;
