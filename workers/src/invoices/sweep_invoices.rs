use jobs::invoices::{RenderInvoice, SweepInvoices};
use market::invoices::store;
use queue::{Handler, Job, Outcome};

use crate::sweep::Found;
use crate::{Cx, Services};

/// How many documents are looked after in one transaction.
const PAGE: i64 = 500;

impl Handler<Services> for SweepInvoices {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut found = Found::default();
        let mut last = None;
        loop {
            let mut tx = cx.begin().await?;
            // All of them, page by page: those that cannot be printed must not keep the others from it.
            let page = store::unprinted(&mut tx, last.as_ref(), PAGE).await?;
            for document in &page {
                found.add(&mut tx, &RenderInvoice { of: document.of }).await?;
            }
            last = page.last().copied();
            if last.is_none() {
                return cx.commit_with(tx, found.summary(Self::KIND.name)).await;
            }
            tx.commit().await?;
        }
    }
}
