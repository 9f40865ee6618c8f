use jobs::invoices::{TaxExports, tax};
use market::invoices::store;
use queue::{Handler, Outcome};

use crate::turn::{Turn, work_through};
use crate::{Cx, Services};

/// How many exports are looked at together.
const PAGE: i64 = 100;

impl Handler<Services> for TaxExports {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let turn = Turn::begin();
        work_through(cx, turn, "taxed", || page(cx, turn)).await
    }
}

/// Taxes one page, each export in a transaction of its own; returns how many.
async fn page(cx: &Cx, turn: Turn) -> anyhow::Result<u64> {
    let found = store::unproved(&mut *cx.db().acquire().await?, PAGE).await?;
    let mut taxed = 0;
    for order in found {
        let mut tx = cx.begin().await?;
        taxed += u64::from(tax(&mut tx, order).await?);
        tx.commit().await?;
        if turn.cuts_short(cx) {
            break;
        }
    }
    Ok(taxed)
}

#[cfg(test)]
mod tests;
