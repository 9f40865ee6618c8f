//! How a sale is taxed today.

use shared::ids::OrgId;
use shared::money::{BasisPoints, MoneyError};
use sqlx::PgConnection;

use crate::money::rules::vat::{Party, Treatment};

/// How sales of goods of the standard rate, a seller and a buyer each, are taxed today, and the rates, in their order: 0 where the
/// seller charges nothing. A country whose rate nobody has entered counts as unknown.
pub async fn treatments(
    conn: &mut PgConnection,
    sales: &[(OrgId, OrgId)],
) -> Result<Result<Vec<(Treatment, BasisPoints)>, MoneyError>, sqlx::Error> {
    let sellers: Vec<_> = sales.iter().map(|(seller, _)| seller.0).collect();
    let buyers: Vec<_> = sales.iter().map(|(_, buyer)| buyer.0).collect();
    let rows = sqlx::query!(
        r#"SELECT s.country AS "sellers?", s.vat_number AS "sellers_number?", b.country AS "buyers?",
                  b.vat_number AS "buyers_number?", r.bps AS "bps?"
           FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS sale (seller, buyer, place)
           JOIN orgs AS s ON s.id = sale.seller
           JOIN orgs AS b ON b.id = sale.buyer
           LEFT JOIN LATERAL (SELECT bps
                              FROM vat_rates
                              WHERE country = s.country
                                AND kind = 'standard'
                                AND valid_from <= clock_timestamp()::date
                              ORDER BY valid_from DESC
                              LIMIT 1) AS r ON true
           WHERE s.id = ANY ($1)
             AND b.id = ANY ($2)
           ORDER BY sale.place"#,
        &sellers,
        &buyers,
    )
    .fetch_all(conn)
    .await?;
    if rows.len() < sales.len() {
        return Err(sqlx::Error::RowNotFound);
    }
    let party = |country, vat_number| Party { country, vat_number };
    let treatments = rows.iter().map(|row| {
        let treatment = Treatment::between(
            party(row.sellers.as_deref(), row.sellers_number.as_deref()),
            party(row.buyers.as_deref(), row.buyers_number.as_deref()),
        );
        match (treatment, row.bps) {
            (Treatment::SellersRate, Some(bps)) => BasisPoints::try_from(bps).map(|rate| (treatment, rate)),
            (Treatment::SellersRate, None) => BasisPoints::try_from(0).map(|rate| (Treatment::Outside, rate)),
            _ => BasisPoints::try_from(0).map(|rate| (treatment, rate)),
        }
    });
    Ok(treatments.collect())
}
