//! What monthly analytics read.

use chrono::NaiveDate;
use futures::stream::StreamExt as _;
use shared::money::Currency;
use sqlx::PgConnection;

use super::{growth, percent};
use crate::reports::definitions::{Rows, fine, money};
use crate::reports::model::Scope;
use crate::reports::table::Cell;

/// The listings with the most revenue in a currency.
const TOP: i64 = 20;

/// Each month in each currency in which something was sold, those in which nothing was sold included. Lines of books of past sales are
/// counted as in the reports of sales.
pub(super) fn months<'c>(conn: &'c mut PgConnection, scope: &'c Scope) -> Rows<'c> {
    sqlx::query!(
        r#"
        WITH lines AS (
            SELECT
                date_trunc('month', sold_at AT TIME ZONE $3::text)::date AS month, currency, order_id, NULL::text AS book,
                NULL::text AS order_number, quantity, amount_minor, NULL::bigint AS amount_fine
            FROM sold_lines
            WHERE seller_org_id = $1
              AND sold_at >= (SELECT ($4::date - interval '1 month') AT TIME ZONE $3::text)
              AND sold_at < $2
            UNION ALL
            SELECT date_trunc('month', sold_on::timestamp)::date, currency, NULL, book, order_number, quantity, NULL, amount_fine
            FROM past_sales
            WHERE org_id = $1
              AND sold_on >= ($4::date - interval '1 month')::date
              AND sold_on <= $5::date
        ), sold AS (
            SELECT
                month, currency,
                count(DISTINCT order_id) + count(DISTINCT (book, order_number)) FILTER (WHERE book IS NOT NULL) AS orders,
                sum(quantity)::bigint AS units,
                coalesce(sum(amount_minor), 0) * 10000 + coalesce(sum(amount_fine), 0) AS revenue
            FROM lines
            GROUP BY month, currency
        )
        SELECT
            m.month::date AS "month!", c.currency AS "currency!: Currency", coalesce(s.orders, 0) AS "orders!",
            coalesce(s.units, 0) AS "units!", coalesce(s.revenue, 0)::text AS "revenue!", b.revenue::text AS before
        FROM (SELECT DISTINCT currency FROM sold) AS c
        CROSS JOIN generate_series($4::date::timestamp, $5::date::timestamp, interval '1 month') AS m (month)
        LEFT JOIN sold AS s ON s.currency = c.currency AND s.month = m.month::date
        LEFT JOIN sold AS b ON b.currency = c.currency AND b.month = (m.month - interval '1 month')::date
        ORDER BY c.currency, m.month
        "#,
        scope.org.0,
        scope.period.ends_at(),
        scope.period.zone().name(),
        scope.period.first_day(),
        scope.period.last_day(),
    )
    .fetch(conn)
    .map(|row| {
        let row = row?;
        let revenue = fine(&row.revenue, row.currency)?;
        let before = row.before.map(|before| fine(&before, row.currency)?.rounded()).transpose()?;
        Ok(vec![
            Cell::Day(row.month),
            Cell::Integer(row.orders),
            Cell::Integer(row.units),
            Cell::amount(revenue)?,
            growth(revenue.rounded()?, before),
            Cell::Currency(row.currency),
        ])
    })
    .boxed()
}

pub(super) fn buyers<'c>(conn: &'c mut PgConnection, scope: &'c Scope) -> Rows<'c> {
    sqlx::query!(
        r#"
        WITH active AS (
            SELECT DISTINCT date_trunc('month', created_at AT TIME ZONE $3::text)::date AS month, buyer_org_id
            FROM orders
            WHERE seller_org_id = $1
              AND created_at < $2
              AND status NOT IN ('expired', 'cancelled', 'refunded')
        ), first AS (
            SELECT buyer_org_id, min(month) AS month
            FROM active
            GROUP BY buyer_org_id
        )
        SELECT a.month AS "month!", count(*) AS "buyers!", count(*) FILTER (WHERE f.month = a.month) AS "new!"
        FROM active AS a
        JOIN first AS f ON f.buyer_org_id = a.buyer_org_id
        WHERE a.month >= $4
        GROUP BY a.month
        ORDER BY a.month
        "#,
        scope.org.0,
        scope.period.ends_at(),
        scope.period.zone().name(),
        scope.period.first_day(),
    )
    .fetch(conn)
    .map(|row| {
        let row = row?;
        let counts = [row.buyers, row.new, row.buyers - row.new];
        Ok(std::iter::once(Cell::Day(row.month)).chain(counts.map(Cell::Integer)).collect())
    })
    .boxed()
}

/// Of the buyers who bought for the first time in a month, how many bought in each month of the period.
pub(super) fn cohorts<'c>(conn: &'c mut PgConnection, scope: &'c Scope) -> Rows<'c> {
    sqlx::query!(
        r#"
        WITH active AS (
            SELECT DISTINCT date_trunc('month', created_at AT TIME ZONE $3::text)::date AS month, buyer_org_id
            FROM orders
            WHERE seller_org_id = $1
              AND created_at < $2
              AND status NOT IN ('expired', 'cancelled', 'refunded')
        ), first AS (
            SELECT buyer_org_id, min(month) AS month
            FROM active
            GROUP BY buyer_org_id
        ), sizes AS (
            SELECT month, count(*) AS size
            FROM first
            GROUP BY month
        )
        SELECT f.month AS "cohort!", a.month AS "month!", s.size AS "size!", count(*) AS "buyers!"
        FROM active AS a
        JOIN first AS f ON f.buyer_org_id = a.buyer_org_id
        JOIN sizes AS s ON s.month = f.month
        WHERE a.month >= $4
        GROUP BY f.month, a.month, s.size
        ORDER BY f.month, a.month
        "#,
        scope.org.0,
        scope.period.ends_at(),
        scope.period.zone().name(),
        scope.period.first_day(),
    )
    .fetch(conn)
    .map(|row| {
        let row = row?;
        let (cohort, month): (NaiveDate, NaiveDate) = (row.cohort, row.month);
        let share = percent(row.buyers.into(), row.size.into());
        Ok(vec![Cell::Day(cohort), Cell::Day(month), Cell::Integer(row.size), Cell::Integer(row.buyers), share])
    })
    .boxed()
}

pub(super) fn listings<'c>(conn: &'c mut PgConnection, scope: &'c Scope) -> Rows<'c> {
    sqlx::query!(
        r#"
        SELECT
            rank AS "rank!", title AS "title!", listing_id AS "listing!", orders AS "orders!", units AS "units!",
            revenue::text AS "revenue!", currency AS "currency!: Currency"
        FROM (
            SELECT
                row_number() OVER (PARTITION BY currency ORDER BY sum(amount_minor) DESC, listing_id) AS rank, max(title) AS title,
                listing_id, count(DISTINCT order_id) AS orders, sum(quantity)::bigint AS units, sum(amount_minor) AS revenue, currency
            FROM sold_lines
            WHERE seller_org_id = $1
              AND sold_at >= $2
              AND sold_at < $3
              AND listing_id IS NOT NULL
            GROUP BY listing_id, currency
        ) AS ranked
        WHERE rank <= $4
        ORDER BY currency, rank
        "#,
        scope.org.0,
        scope.period.starts_at(),
        scope.period.ends_at(),
        TOP,
    )
    .fetch(conn)
    .map(|row| {
        let row = row?;
        Ok(vec![
            Cell::Integer(row.rank),
            Cell::Text(row.title),
            Cell::Id(row.listing),
            Cell::Integer(row.orders),
            Cell::Integer(row.units),
            Cell::Money(money(&row.revenue, row.currency)?),
            Cell::Currency(row.currency),
        ])
    })
    .boxed()
}

/// By when they ended, whatever became of them later.
pub(super) fn auctions<'c>(conn: &'c mut PgConnection, scope: &'c Scope) -> Rows<'c> {
    sqlx::query!(
        r#"
        SELECT
            date_trunc('month', a.closed_at AT TIME ZONE $4::text)::date AS "month!", count(*) AS "ended!",
            count(*) FILTER (WHERE a.status = 'awarded') AS "awarded!", count(*) FILTER (WHERE a.status = 'unsold') AS "unsold!",
            count(*) FILTER (WHERE a.status = 'defaulted') AS "defaulted!",
            count(*) FILTER (WHERE a.status = 'cancelled') AS "cancelled!",
            coalesce(sum(w.amount_minor), 0)::text AS "awards!", a.currency AS "currency: Currency"
        FROM auctions AS a
        CROSS JOIN LATERAL (
            SELECT sum(amount_minor) AS amount_minor
            FROM awards
            WHERE auction_id = a.id
              AND status = 'standing'
        ) AS w
        WHERE a.seller_org_id = $1
          AND a.closed_at >= $2
          AND a.closed_at < $3
        GROUP BY 1, a.currency
        ORDER BY a.currency, 1
        "#,
        scope.org.0,
        scope.period.starts_at(),
        scope.period.ends_at(),
        scope.period.zone().name(),
    )
    .fetch(conn)
    .map(|row| {
        let row = row?;
        let awards = Cell::Money(money(&row.awards, row.currency)?);
        let counts = [row.ended, row.awarded, row.unsold, row.defaulted, row.cancelled].map(Cell::Integer);
        let mut cells = vec![Cell::Day(row.month)];
        cells.extend(counts);
        cells.extend([awards, Cell::Currency(row.currency)]);
        Ok(cells)
    })
    .boxed()
}
