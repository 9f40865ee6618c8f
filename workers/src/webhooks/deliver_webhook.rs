use std::time::Duration;

use anyhow::Context;
use chrono::TimeDelta;
use jobs::webhooks::{DeliverWebhook, TryLater, mail};
use market::ids::DeliveryId;
use market::webhooks::model::{Attempt, AttemptOutcome, Sending};
use market::webhooks::store::{self, Recorded, Start};
use queue::{Handler, Outcome};
use serde_json::{Value, json};

use crate::{Cx, Services};

/// How long a delivery is put off whose endpoint is busy with as many as it gets at a time.
const BUSY: Duration = Duration::from_secs(5);

impl Handler<Services> for DeliverWebhook {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let keyring = cx.webhooks.keyring()?;
        let start = store::start(&mut *cx.db().acquire().await?, self.delivery, keyring).await?;
        let sending = match start {
            Start::Send(sending) => sending,
            Start::NotYet(delay) => return Ok(Outcome::Snooze(positive(delay))),
            Start::Nothing => return end_unless_waiting(cx, self.delivery).await,
        };
        let Some(_turn) = cx.webhooks.turn(sending.endpoint).await else { return Ok(Outcome::Snooze(BUSY)) };
        // No connection is held meanwhile.
        let attempt = cx.webhooks.send(self.delivery, &sending).await;
        cx.log(said(&attempt));
        if attempt.outcome == AttemptOutcome::Delivered {
            delivered(cx, self.delivery, &sending, &attempt).await
        } else {
            failed(cx, self.delivery, &sending, &attempt).await
        }
    }
}

/// Ends a job that has found nothing to send, unless a replay has begun the delivery anew since. A replay enqueues no second job while this
/// one is open; it waits for the delivery's lock, and so sees whether this one is.
async fn end_unless_waiting(cx: &Cx, id: DeliveryId) -> anyhow::Result<Outcome> {
    let mut tx = cx.begin().await?;
    if store::lock_waiting(&mut tx, id).await? {
        return Ok(Outcome::Snooze(positive(TimeDelta::zero())));
    }
    cx.commit(tx).await
}

/// Records that the endpoint has taken it, repeatedly if need be: a database that restarts between its answer and our commit must not
/// cause a second one.
async fn delivered(cx: &Cx, id: DeliveryId, sending: &Sending, attempt: &Attempt) -> anyhow::Result<Outcome> {
    cx.commit_after_effect(Some(result(attempt)), |mut tx| async move {
        store::record(&mut tx, id, sending.endpoint, cx.id(), attempt).await?;
        Ok(tx)
    })
    .await
}

/// Records that it has not, and what follows.
async fn failed(cx: &Cx, id: DeliveryId, sending: &Sending, attempt: &Attempt) -> anyhow::Result<Outcome> {
    let mut tx = cx.begin().await?;
    match store::record(&mut tx, id, sending.endpoint, cx.id(), attempt).await.context("record an attempt")? {
        Recorded::Again(delay) => {
            let what = said(attempt);
            // Another attempt of ours, which has taken the job over, counts for itself.
            cx.checkpoint(&mut tx, 0, &what, &result(attempt)).await?;
            tx.commit().await?;
            Err(TryLater { after: positive(delay), what }.into())
        }
        Recorded::Stopped(stopped) => {
            tracing::warn!(webhook.endpoint = %stopped.endpoint, reason = ?stopped.reason, "an endpoint was stopped");
            mail::stopped(&mut tx, &stopped).await?;
            cx.commit_with(tx, result(attempt)).await
        }
        Recorded::Delivered | Recorded::GaveUp | Recorded::Ended => cx.commit_with(tx, result(attempt)).await,
    }
}

fn result(attempt: &Attempt) -> Value {
    json!({"outcome": attempt.outcome, "status_code": attempt.status_code})
}

/// What came of an attempt, for operators; nothing of what the endpoint has said.
fn said(attempt: &Attempt) -> String {
    let latency = attempt.latency.as_millis();
    match attempt.status_code {
        Some(status) => format!("the endpoint answered {status} after {latency} ms"),
        None => format!("{:?} after {latency} ms", attempt.outcome),
    }
}

/// At least a moment: a wait of no time would be asked for again and again.
fn positive(delay: TimeDelta) -> Duration {
    delay.to_std().unwrap_or_default().max(Duration::from_millis(20))
}
