use jobs::imports::ImportStock;
use market::imports::model::{Import, ImportRow};
use market::imports::rules::reader::Row;
use market::imports::rules::shape::{Shape, Unreadable};
use market::imports::rules::stock::{ReadRow, StockColumns};
use market::imports::store::{self, Acting};
use queue::{Handler, JobTx, Outcome};

use super::run::{Apply, run};
use crate::turn::Turn;
use crate::{Cx, Services};

impl Handler<Services> for ImportStock {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        run::<Stock>(cx, self.import, Self::MAX_ATTEMPTS, Turn::begin()).await
    }
}

pub(super) struct Stock {
    columns: StockColumns,
    names: Vec<String>,
}

impl Apply for Stock {
    fn prepare(_: &Import, shape: &Shape) -> Result<Self, Unreadable> {
        Ok(Self { columns: StockColumns::find(&shape.columns)?, names: shape.columns.clone() })
    }

    async fn apply(&self, tx: &mut JobTx, import: &Import, rows: &[Row]) -> anyhow::Result<Vec<ImportRow>> {
        let read: Vec<_> = rows.iter().map(|row| ReadRow::of(&self.columns, &self.names, row)).collect();
        let (dealt_with, moved) = store::apply_stock(tx, Acting::of(import), &read).await?;
        for level in &moved {
            jobs::stock::mail::moved(tx, level).await?;
        }
        Ok(dealt_with)
    }
}
