//! How a sale is taxed today.

use shared::ids::OrgId;
use shared::money::{BasisPoints, MoneyError};
use sqlx::PgConnection;

use crate::money::rules::vat::{Party, Treatment};

/// How a sale of goods of the standard rate between these two is taxed today, and the rate: 0 where the seller charges nothing.
/// A country whose rate nobody has entered counts as unknown.
pub async fn treatment(
    conn: &mut PgConnection,
    seller: OrgId,
    buyer: OrgId,
) -> Result<Result<(Treatment, BasisPoints), MoneyError>, sqlx::Error> {
    let row = sqlx::query!(
        r#"SELECT s.country AS "sellers?", s.vat_number AS "sellers_number?", b.country AS "buyers?",
                  b.vat_number AS "buyers_number?", r.bps AS "bps?"
           FROM orgs AS s
           CROSS JOIN orgs AS b
           LEFT JOIN LATERAL (SELECT bps
                              FROM vat_rates
                              WHERE country = s.country
                                AND kind = 'standard'
                                AND valid_from <= clock_timestamp()::date
                              ORDER BY valid_from DESC
                              LIMIT 1) AS r ON true
           WHERE s.id = $1
             AND b.id = $2"#,
        seller.0,
        buyer.0,
    )
    .fetch_one(conn)
    .await?;
    let party = |country, vat_number| Party { country, vat_number };
    let treatment = Treatment::between(
        party(row.sellers.as_deref(), row.sellers_number.as_deref()),
        party(row.buyers.as_deref(), row.buyers_number.as_deref()),
    );
    Ok(match (treatment, row.bps) {
        (Treatment::SellersRate, Some(bps)) => BasisPoints::try_from(bps).map(|rate| (treatment, rate)),
        (Treatment::SellersRate, None) => BasisPoints::try_from(0).map(|rate| (Treatment::Outside, rate)),
        _ => BasisPoints::try_from(0).map(|rate| (treatment, rate)),
    })
}
