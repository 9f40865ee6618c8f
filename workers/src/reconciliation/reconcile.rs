use std::collections::HashSet;

use chrono::{DateTime, TimeDelta, Utc};
use jobs::reconciliation::Reconcile;
use market::payments::{Payment, ProviderRef};
use market::reconciliation::model::{Found, OurMovement};
use market::reconciliation::rules;
use market::reconciliation::store::{self, After, Seen};
use queue::{Handler, Outcome};
use uuid::Uuid;

use crate::payments::gateway::Gateway;
use crate::{Cx, Services};

/// How far back a daily run looks: whatever one day's run has missed, the next ones find.
const PERIOD: TimeDelta = TimeDelta::days(3);

/// What is younger may be on its way.
const UNDER_WAY: TimeDelta = TimeDelta::minutes(15);

/// How many things are looked at together.
const BATCH: i64 = 100;

/// When so much differs, somebody has to look before more is compared.
const MOST: usize = 1_000;

impl Handler<Services> for Reconcile {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let Some(gateway) = cx.gateway.as_deref() else {
            cx.log("no payment provider is configured here");
            return Ok(Outcome::Done);
        };
        let now = store::now(&mut *cx.db().acquire().await?).await?;
        let (since, until) = (self.since.unwrap_or(now - PERIOD), self.until.unwrap_or(now - UNDER_WAY));
        if since >= until {
            cx.log("nothing is old enough to be compared");
            return Ok(Outcome::Done);
        }
        let mut run = Run { cx, gateway, since, until, compared: 0, found: Vec::new() };
        run.payments().await?;
        run.refunds().await?;
        run.payouts().await?;
        let Run { compared, mut found, .. } = run;
        let all = found.len();
        found.truncate(MOST);
        let provider = gateway.provider();
        let mut tx = cx.begin().await?;
        let new = store::record(&mut tx, Seen { provider, since, until, compared, found: &found }).await?;
        cx.log(format!("{compared} compared, {all} differ, {new} of them new"));
        if new > 0 {
            tracing::error!(differences.new = new, "the payment provider and we disagree: look at the differences");
        }
        cx.commit(tx).await
    }
}

struct Run<'a> {
    cx: &'a Cx,
    gateway: &'a dyn Gateway,
    since: DateTime<Utc>,
    until: DateTime<Utc>,
    compared: i64,
    found: Vec<Found>,
}

impl Run<'_> {
    const fn is_over(&self) -> bool {
        self.found.len() >= MOST
    }

    const fn start(&self) -> After {
        (self.since, Uuid::nil())
    }

    /// Those of the provider, then those of ours that were not among them.
    async fn payments(&mut self) -> anyhow::Result<()> {
        let mut seen = HashSet::new();
        let mut after: Option<ProviderRef> = None;
        while !self.is_over() {
            let page = self.gateway.list(&(self.since..self.until), after.as_ref(), 100).await?;
            let names: Vec<String> = page.payments.iter().map(|payment| payment.reference.0.clone()).collect();
            self.compare(&page.payments, &names).await?;
            after = page.payments.last().map(|payment| payment.reference.clone());
            seen.extend(names);
            if !page.more || after.is_none() {
                break;
            }
        }
        let mut after = self.start();
        while !self.is_over() {
            let mut conn = self.cx.db().acquire().await?;
            let page = store::payments(&mut conn, self.gateway.provider(), after, self.until, BATCH).await?;
            drop(conn);
            let Some(last) = page.last() else { break };
            after = last.0;
            for (_, name) in page {
                if seen.contains(&name) {
                    continue;
                }
                // It may have been made just outside the period.
                let theirs = self.gateway.payment(&ProviderRef(name.clone())).await?;
                let mut conn = self.cx.db().acquire().await?;
                let ours = store::named(&mut conn, self.gateway.provider(), &[name]).await?;
                drop(conn);
                self.compared += 1;
                self.found.extend(ours.iter().flat_map(|ours| rules::payment(ours, theirs.as_ref())));
            }
        }
        Ok(())
    }

    async fn compare(&mut self, theirs: &[Payment], names: &[String]) -> anyhow::Result<()> {
        let mut conn = self.cx.db().acquire().await?;
        let ours = store::named(&mut conn, self.gateway.provider(), names).await?;
        drop(conn);
        for theirs in theirs {
            let ours = ours.iter().find(|ours| ours.reference == theirs.reference);
            self.compared += 1;
            self.found.extend(rules::of_provider(ours, theirs));
        }
        Ok(())
    }

    async fn refunds(&mut self) -> anyhow::Result<()> {
        let mut after = self.start();
        while !self.is_over() {
            let mut conn = self.cx.db().acquire().await?;
            let page = store::refunds(&mut conn, self.gateway.provider(), after, self.until, BATCH).await?;
            drop(conn);
            let Some(last) = page.last() else { break };
            after = last.0;
            for (_, refund) in page {
                self.movement(&refund).await?;
            }
        }
        Ok(())
    }

    async fn payouts(&mut self) -> anyhow::Result<()> {
        let mut after = self.start();
        while !self.is_over() {
            let mut conn = self.cx.db().acquire().await?;
            let page = store::payouts(&mut conn, self.gateway.provider(), after, self.until, BATCH).await?;
            drop(conn);
            let Some(last) = page.last() else { break };
            after = last.0;
            for way in page.into_iter().flat_map(|(_, ways)| ways) {
                self.movement(&way).await?;
            }
        }
        Ok(())
    }

    async fn movement(&mut self, ours: &OurMovement) -> anyhow::Result<()> {
        let theirs = self.gateway.disbursement(&ours.reference).await?;
        self.compared += 1;
        self.found.extend(rules::movement(ours, theirs.as_ref()));
        Ok(())
    }
}
