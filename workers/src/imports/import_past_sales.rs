use jobs::imports::ImportPastSales;
use market::imports::rules::past_sale::PastSale;
use queue::{Handler, Outcome};

use super::run::run;
use crate::turn::Turn;
use crate::{Cx, Services};

impl Handler<Services> for ImportPastSales {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        run::<PastSale>(cx, self.import, Self::MAX_ATTEMPTS, Turn::begin()).await
    }
}
