use chrono_tz::Tz;
use jobs::reports::{RequestSubscribed, request};
use market::ids::ReportSubscriptionId;
use market::reports::model::NewReport;
use market::reports::store;
use queue::{Handler, Outcome};
use serde_json::json;

use crate::{Cx, Services};

/// How many subscriptions are looked at together, in one transaction.
const PAGE: i64 = 500;

impl Handler<Services> for RequestSubscribed {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        // The database's clock decides which periods have ended, whatever this machine believes.
        let now = store::now(&mut *cx.db().acquire().await?).await?;
        let mut requested = 0;
        let mut after = ReportSubscriptionId(uuid::Uuid::nil());
        loop {
            let mut tx = cx.begin().await?;
            let page = store::subscribed(&mut tx, after, PAGE).await?;
            let Some(last) = page.last() else {
                return Ok(Outcome::DoneWith(json!({ "requested": requested })));
            };
            after = last.subscription.id;
            for it in &page {
                // A zone that a newer time zone database has dropped is read as UTC.
                let zone = it.zone.parse().unwrap_or(Tz::UTC);
                let subscription = &it.subscription;
                let Ok(period) = subscription.cadence.due(now, zone) else { continue };
                let is_over = period.ends_at() <= subscription.created_at;
                let is_requested = it.last_day.is_some_and(|day| day >= period.last_day());
                if is_over
                    || is_requested
                    || !store::note_requested(&mut tx, subscription.id, period.last_day()).await?
                {
                    continue;
                }
                let report = NewReport {
                    org: subscription.org,
                    requested_by: Some(it.user),
                    subscription: Some(subscription.id),
                    kind: subscription.kind,
                    format: subscription.format,
                    period,
                    parameters: subscription.parameters,
                };
                requested += u32::from(request(&mut tx, &report).await?.is_some());
            }
            tx.commit().await?;
        }
    }
}
