use jobs::imports::ImportListings;
use market::imports::rules::listing::ListingRow;
use queue::{Handler, Outcome};

use super::run::run;
use crate::turn::Turn;
use crate::{Cx, Services};

impl Handler<Services> for ImportListings {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        run::<ListingRow>(cx, self.import, Self::MAX_ATTEMPTS, Turn::begin()).await
    }
}
