use jobs::imports::ImportPastSales;
use market::imports::model::{Import, ImportRow};
use market::imports::rules::past_sale::{PastSaleColumns, ReadPastSale};
use market::imports::rules::reader::Row;
use market::imports::rules::shape::{Shape, Unreadable};
use market::imports::store::{self, Acting};
use queue::{Handler, JobTx, Outcome};

use super::run::{Apply, run};
use crate::turn::Turn;
use crate::{Cx, Services};

impl Handler<Services> for ImportPastSales {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        run::<PastSales>(cx, self.import, Self::MAX_ATTEMPTS, Turn::begin()).await
    }
}

struct PastSales {
    columns: PastSaleColumns,
}

impl Apply for PastSales {
    fn prepare(import: &Import, shape: &Shape) -> Result<Self, Unreadable> {
        Ok(Self { columns: PastSaleColumns::find(shape, &import.terms)? })
    }

    async fn apply(&self, tx: &mut JobTx, import: &Import, rows: &[Row]) -> anyhow::Result<Vec<ImportRow>> {
        let read: Vec<_> = rows.iter().map(|row| ReadPastSale::of(&self.columns, row)).collect();
        Ok(store::apply_past_sales(tx, Acting::of(import), &self.columns, &read).await?)
    }
}
