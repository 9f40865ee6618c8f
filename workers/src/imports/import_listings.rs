use jobs::imports::ImportListings;
use market::imports::model::{Import, ImportRow};
use market::imports::rules::listing::{ListingColumns, ReadListing};
use market::imports::rules::reader::Row;
use market::imports::rules::shape::{Shape, Unreadable};
use market::imports::store::{self, Acting};
use queue::{Handler, JobTx, Outcome};

use super::run::{Apply, run};
use crate::turn::Turn;
use crate::{Cx, Services};

impl Handler<Services> for ImportListings {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        run::<Listings>(cx, self.import, Self::MAX_ATTEMPTS, Turn::begin()).await
    }
}

struct Listings {
    columns: ListingColumns,
}

impl Apply for Listings {
    fn prepare(import: &Import, shape: &Shape) -> Result<Self, Unreadable> {
        Ok(Self { columns: ListingColumns::find(shape, &import.terms)? })
    }

    async fn apply(&self, tx: &mut JobTx, import: &Import, rows: &[Row]) -> anyhow::Result<Vec<ImportRow>> {
        let read: Vec<_> = rows.iter().map(|row| ReadListing::of(&self.columns, row)).collect();
        let publish = import.terms.publish;
        Ok(store::apply_listings(tx, Acting::of(import), &self.columns, publish, &read).await?)
    }
}
