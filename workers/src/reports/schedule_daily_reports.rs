use jobs::reports::ScheduleDailyReports;
use market::reports::model::Kind;
use market::reports::rules::Cadence;
use queue::{Handler, Outcome};

use super::schedule::request_due;
use crate::{Cx, Services};

impl Handler<Services> for ScheduleDailyReports {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        request_due(cx, Kind::Sales, Cadence::Daily).await
    }
}
