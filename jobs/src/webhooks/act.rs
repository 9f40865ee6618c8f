//! Deliveries, with the jobs that bring them to their endpoints.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use market::ids::{DeliveryId, EndpointId, OrderId, RefundId};
use market::webhooks::store::{self, Waiting, WebhookError};
use queue::enqueue::{Enqueue, EnqueueError, Enqueued};
use queue::{JobTx, OnConflict, Origin, Unique};
use shared::audit::Actor;
use shared::ids::{JobId, OrgId};

use super::DeliverWebhook;

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    #[error(transparent)]
    Webhook(#[from] WebhookError),
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
}

/// Enqueues whatever these orders have just become for those who follow them. The deliveries are there: the table of what orders have
/// been has made them. What nobody enqueues, the sweep does.
pub async fn deliver(tx: &mut JobTx, orders: &[OrderId]) -> Result<(), EnqueueError> {
    deliver_each(tx, &orders.iter().map(|order| (*order, None)).collect::<Vec<_>>()).await
}

/// [`deliver`] for orders that have become something in different attempts.
pub async fn deliver_each(tx: &mut JobTx, orders: &[(OrderId, Option<Origin>)]) -> Result<(), EnqueueError> {
    let origins: HashMap<OrderId, Option<Origin>> = orders.iter().copied().collect();
    let ids: Vec<_> = orders.iter().map(|(order, _)| *order).collect();
    let waiting = store::unassigned(tx, &ids).await?;
    let waiting = waiting.into_iter().map(|(one, order)| (one, origins.get(&order).copied().flatten()));
    enqueue(tx, &waiting.collect::<Vec<_>>()).await?;
    Ok(())
}

/// [`deliver`] for the order that a refund is of.
pub async fn deliver_refunded(tx: &mut JobTx, refund: RefundId) -> Result<(), EnqueueError> {
    let waiting = store::unassigned_of_refund(tx, refund).await?;
    enqueue_now(tx, &waiting).await?;
    Ok(())
}

/// [`enqueue`] for what follows from what the task does.
async fn enqueue_now(tx: &mut JobTx, waiting: &[Waiting]) -> Result<Vec<JobId>, EnqueueError> {
    enqueue(tx, &waiting.iter().map(|one| (*one, None)).collect::<Vec<_>>()).await
}

async fn enqueue(tx: &mut JobTx, waiting: &[(Waiting, Option<Origin>)]) -> Result<Vec<JobId>, EnqueueError> {
    if waiting.is_empty() {
        return Ok(Vec::new());
    }
    let jobs = waiting.iter().map(|(one, origin)| {
        let job = DeliverWebhook { delivery: one.id, org: one.org };
        // One that waits for a later attempt, of a round that has ended, begins anew.
        let unique = Unique::while_open(one.id).on_conflict(OnConflict::Replace);
        Enqueue::new(&job).unique(unique).following(*origin)
    });
    let jobs: Vec<JobId> = tx.enqueue_each(jobs.collect()).await?.into_iter().map(Enqueued::id).collect();
    let assigned: Vec<_> = waiting.iter().map(|(one, _)| one.id).zip(jobs.iter().copied()).collect();
    store::assign(tx, &assigned).await?;
    Ok(jobs)
}

/// Sends a test to an endpoint of `org`.
pub async fn send_test(
    tx: &mut JobTx,
    org: OrgId,
    actor: Actor,
    endpoint: EndpointId,
) -> Result<(DeliveryId, Option<JobId>), ActError> {
    let id = store::test_delivery(tx, org, actor, endpoint).await?;
    let jobs = enqueue_now(tx, &[Waiting { id, org }]).await?;
    Ok((id, jobs.first().copied()))
}

/// Begins a delivery of `org`'s anew, unless it waits.
pub async fn replay(tx: &mut JobTx, org: OrgId, actor: Actor, id: DeliveryId) -> Result<(), ActError> {
    if store::replay(tx, org, actor, id).await? {
        enqueue_now(tx, &[Waiting { id, org }]).await?;
    }
    Ok(())
}

/// Begins anew what an endpoint of `org` did not get of what has happened in this time; returns how many deliveries.
pub async fn replay_missed(
    tx: &mut JobTx,
    org: OrgId,
    actor: Actor,
    endpoint: EndpointId,
    since: DateTime<Utc>,
    until: Option<DateTime<Utc>>,
) -> Result<usize, ActError> {
    let begun = store::replay_missed(tx, org, actor, endpoint, since, until).await?;
    let waiting: Vec<_> = begun.iter().map(|id| Waiting { id: *id, org }).collect();
    enqueue_now(tx, &waiting).await?;
    Ok(begun.len())
}

/// Enqueues the jobs that these deliveries lack; returns how many were missing.
pub async fn enqueue_missing(tx: &mut JobTx, waiting: &[Waiting]) -> Result<usize, EnqueueError> {
    let jobs = waiting.iter().map(|one| Enqueue::new(&DeliverWebhook { delivery: one.id, org: one.org }));
    let enqueued = tx.enqueue_each(jobs.collect()).await?;
    let assigned: Vec<_> = waiting.iter().map(|one| one.id).zip(enqueued.iter().map(|job| job.id())).collect();
    if !assigned.is_empty() {
        store::assign(tx, &assigned).await?;
    }
    Ok(enqueued.iter().filter(|job| job.is_new()).count())
}
