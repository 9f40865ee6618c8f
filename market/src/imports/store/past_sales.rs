//! Rows of past sales.

use std::collections::BTreeMap;

use shared::money::{Currency, FineMoney};
use sqlx::PgConnection;

use super::{Acting, Apply, ImportError};
use crate::ids::ImportId;
use crate::imports::model::{ImportRow, RowOutcome};
use crate::imports::rules::fields::{Columns, ReadRow};
use crate::imports::rules::past_sale::{PastSale, Said};
use crate::stock::model::Moved;

/// Keeps the lines of a book in their order.
impl Apply for PastSale {
    async fn apply(
        conn: &mut PgConnection,
        by: Acting,
        columns: &Columns,
        rows: &[ReadRow<Self>],
    ) -> Result<(Vec<ImportRow>, Vec<Moved>), ImportError> {
        let book = columns.terms.book.as_deref().unwrap_or_default();
        let mut said = lock(conn, by, book, rows).await?;
        let mut dealt_with = Vec::with_capacity(rows.len());
        // By what the book calls them: whoever else writes some of them does so in the same order.
        let mut kept = BTreeMap::new();
        for read in rows {
            let (outcome, faults) = match &read.row {
                Err(faults) => (RowOutcome::Refused, faults.clone()),
                Ok(sale) => match sale.after(said.get(&sale.line_id), by.import) {
                    Ok(outcome) => {
                        said.insert(sale.line_id.clone(), Said { sale: sale.clone(), import: by.import });
                        kept.insert(&sale.line_id, sale);
                        (outcome, Vec::new())
                    }
                    Err(reason) => (RowOutcome::Refused, vec![columns.fault_of("line_id", reason)]),
                },
            };
            dealt_with.push(ImportRow { line: read.line, outcome, sku: read.label.clone(), listing: None, faults });
        }
        let kept: Vec<_> = kept.into_values().collect();
        keep(conn, by, book, &kept).await?;
        Ok((dealt_with, Vec::new()))
    }
}

/// What the book has said so far of the lines that these rows name.
async fn lock(
    conn: &mut PgConnection,
    by: Acting,
    book: &str,
    rows: &[ReadRow<PastSale>],
) -> Result<BTreeMap<String, Said>, ImportError> {
    let ids: Vec<_> = rows.iter().filter_map(|read| Some(read.row.as_ref().ok()?.line_id.clone())).collect();
    let rows = sqlx::query!(
        r#"SELECT line_id, import_id AS "import_id: ImportId", order_number, sold_on, category, region, product, quantity,
                  currency AS "currency: Currency", amount_fine
           FROM past_sales
           WHERE org_id = $1
             AND book = $2
             AND line_id = ANY ($3)
           ORDER BY line_id
           FOR NO KEY UPDATE"#,
        by.org.0,
        book,
        &ids,
    )
    .fetch_all(conn)
    .await?;
    let said = rows.into_iter().map(|row| {
        let sale = PastSale {
            line_id: row.line_id.clone(),
            order_number: row.order_number,
            sold_on: row.sold_on,
            category: row.category,
            region: row.region,
            product: row.product,
            quantity: row.quantity,
            amount: FineMoney::from_parts(row.amount_fine, row.currency),
        };
        (row.line_id, Said { sale, import: row.import_id })
    });
    Ok(said.collect())
}

/// Writes lines that the book has, or that take the place of those that it had. A line that says what was so already is written as well:
/// the rest of its file must not contradict it.
async fn keep(conn: &mut PgConnection, by: Acting, book: &str, sales: &[&PastSale]) -> Result<(), ImportError> {
    let (mut ids, mut orders, mut days) = (Vec::new(), Vec::new(), Vec::new());
    let (mut categories, mut regions, mut products) = (Vec::new(), Vec::new(), Vec::new());
    let (mut quantities, mut currencies, mut amounts) = (Vec::new(), Vec::new(), Vec::new());
    for sale in sales {
        ids.push(sale.line_id.clone());
        orders.push(sale.order_number.clone());
        days.push(sale.sold_on);
        categories.push(sale.category.clone());
        regions.push(sale.region.clone());
        products.push(sale.product.clone());
        quantities.push(sale.quantity);
        currencies.push(sale.amount.currency().code().to_owned());
        amounts.push(sale.parts());
    }
    let kept = sqlx::query!(
        "INSERT INTO past_sales (org_id, book, import_id, line_id, order_number, sold_on, category, region, product, quantity, currency,
                                 amount_fine)
         SELECT $1, $2, $3, line_id, order_number, sold_on, category, region, product, quantity, currency, amount_fine
         FROM unnest($4::text[], $5::text[], $6::date[], $7::text[], $8::text[], $9::text[], $10::bigint[], $11::text[], $12::bigint[])
              AS sale (line_id, order_number, sold_on, category, region, product, quantity, currency, amount_fine)
         ON CONFLICT ON CONSTRAINT past_sales_once DO UPDATE
         SET import_id = excluded.import_id,
             order_number = excluded.order_number,
             sold_on = excluded.sold_on,
             category = excluded.category,
             region = excluded.region,
             product = excluded.product,
             quantity = excluded.quantity,
             currency = excluded.currency,
             amount_fine = excluded.amount_fine",
        by.org.0,
        book,
        by.import.0,
        &ids,
        &orders,
        &days,
        &categories,
        &regions,
        &products as &[Option<String>],
        &quantities,
        &currencies,
        &amounts,
    )
    .execute(conn)
    .await?;
    let expected = u64::try_from(ids.len()).unwrap_or(u64::MAX);
    if kept.rows_affected() == expected { Ok(()) } else { Err(ImportError::NotOpen(by.import)) }
}

#[cfg(test)]
mod tests;
