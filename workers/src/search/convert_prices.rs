use jobs::search::ConvertPrices;
use market::search::store::convert_prices;
use queue::{Handler, Outcome};

use crate::turn::{Turn, work_through};
use crate::{Cx, Services};

/// How many prices one statement converts.
const PAGE: i64 = 1_000;

impl Handler<Services> for ConvertPrices {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        work_through(cx, Turn::begin(), "converted", || async move {
            Ok(convert_prices(&mut *cx.db().acquire().await?, PAGE).await?)
        })
        .await
    }
}

#[cfg(test)]
mod tests;
