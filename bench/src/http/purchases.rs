//! Purchases of one unit, by the API and by its peers; what they leave behind is compared afterwards.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use sqlx::PgPool;
use uuid::Uuid;

use super::CONNECTIONS;
use super::load::{self, Buy};
use super::market::{Market, Tokens, clear};
use super::server::Server;

/// What purchases have left behind: each has a unit that is reserved, an answer and two jobs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bought {
    /// What was written of purchases and answered to them, but for ids and times, and how many had that.
    forms: BTreeMap<String, i64>,
    units: i64,
    answers: i64,
    jobs: i64,
}

impl Bought {
    fn purchases(&self) -> i64 {
        self.forms.values().sum()
    }

    /// Refuses what a server has sold unless nothing is missing of it, and unless it was sold as the API sells.
    fn check(&self, server: Server, api: Option<&Self>) -> anyhow::Result<()> {
        let (count, Self { units, answers, jobs, .. }) = (self.purchases(), self);
        anyhow::ensure!(
            count > 0 && (*units, *answers, *jobs) == (count, count, 2 * count),
            "{server:?} left {count} orders, {units} reserved units, {answers} answers and {jobs} jobs",
        );
        let Some(api) = api else { return Ok(()) };
        if let Some(form) = self.forms.keys().find(|form| !api.forms.contains_key(*form)) {
            anyhow::bail!("{server:?} has sold {form}, the API {:?}", api.forms.keys());
        }
        Ok(())
    }
}

/// Buys one listing after the other and compares with what the API, whose turn is the first, has `made`.
pub(super) async fn measure(
    server: Server,
    addresses: &[SocketAddr],
    pool: &PgPool,
    market: &Market,
    tokens: &Tokens,
    measured: Duration,
    made: &mut Option<Bought>,
) -> anyhow::Result<f64> {
    clear(pool).await?;
    let (first, before) = (Uuid::now_v7(), reserved(pool, market).await?);
    let purchases = Buy::all(&market.listings, &tokens.buyers[..CONNECTIONS]);
    let rate = load::measure(addresses, purchases, measured).await?;
    let bought = bought(pool, first, reserved(pool, market).await? - before).await?;
    bought.check(server, made.as_ref())?;
    if made.is_none() {
        *made = Some(bought);
    }
    Ok(rate)
}

/// How many units of the listings are kept for somebody.
async fn reserved(pool: &PgPool, market: &Market) -> Result<i64, sqlx::Error> {
    let listings: Vec<_> = market.listings.iter().map(|listing| listing.0).collect();
    sqlx::query_scalar("SELECT sum(reserved)::bigint FROM listings WHERE id = ANY ($1)")
        .bind(listings)
        .fetch_one(pool)
        .await
}

/// What the purchases have made whose orders have ids above `first`. Nothing else has left answers or jobs.
async fn bought(pool: &PgPool, first: Uuid, units: i64) -> Result<Bought, sqlx::Error> {
    // They have grown from nothing: by older figures the planner would go through all answers and jobs for each order.
    sqlx::raw_sql("ANALYZE orders, checkouts, reservations, idempotency_keys, jobs").execute(pool).await?;
    let forms: Vec<(Value, i64)> =
        sqlx::query_as(include_str!("purchases/forms.sql")).bind(first).fetch_all(pool).await?;
    let counts = "SELECT (SELECT count(*) FROM idempotency_keys), (SELECT count(*) FROM jobs)";
    let (answers, jobs): (i64, i64) = sqlx::query_as(counts).fetch_one(pool).await?;
    let forms = forms.into_iter().map(|(form, count)| (form.to_string(), count)).collect();
    Ok(Bought { forms, units, answers, jobs })
}

#[cfg(test)]
mod tests;
