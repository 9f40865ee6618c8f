use jobs::imports::ImportStock;
use market::imports::rules::stock::StockRow;
use queue::{Handler, Outcome};

use super::run::run;
use crate::turn::Turn;
use crate::{Cx, Services};

impl Handler<Services> for ImportStock {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        run::<StockRow>(cx, self.import, Self::MAX_ATTEMPTS, Turn::begin()).await
    }
}
