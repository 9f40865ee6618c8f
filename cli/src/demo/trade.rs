//! What follows from sales: buyers pay or do not, sellers send, buyers accept or dispute.
//!
//! Each step is taken from the state that is stored, so that a run that was interrupted goes on where it was.

use std::collections::HashMap;

use anyhow::{Context, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use market::ids::{DisputeId, OrderId};
use market::orders::model::OrderStatus;
use serde::Deserialize;
use serde_json::json;
use shared::ids::OrgId;
use shared::money::Money;

use super::client::{Client, Token, unless_refused};
use super::fates::Fate;
use super::journey;
use super::people::Registry;
use super::progress::Step;
use super::settle;
use super::store::Stored;
use super::store::sales::{Chance, Sale, Sent};

/// Of how many shipments one request reports.
const REPORTED_TOGETHER: usize = 20;

/// Trades for the people of the demo.
#[derive(Debug)]
pub(crate) struct Trade<'a> {
    pub(crate) client: &'a Client,
    pub(crate) registry: &'a Registry<'a>,
    /// Decides disputes.
    pub(crate) admin: &'a Token,
    pub(crate) seller: &'a Token,
    pub(crate) seller_org: OrgId,
    /// Whether a carrier reports where shipments are; otherwise buyers say that they have them.
    pub(crate) is_tracked: bool,
    pub(crate) at_once: usize,
}

/// Buyers that are logged in, by their addresses.
type Buyers = HashMap<String, Token>;

#[derive(Deserialize)]
struct Made<T> {
    id: T,
}

impl Trade<'_> {
    /// Brings every sale to its end; `fate` says which, by the sale and its place among all sales. `title` names the step.
    pub(crate) async fn finish(
        &self,
        stored: &mut Stored,
        title: &'static str,
        fate: impl Fn(usize, &Sale) -> Fate,
    ) -> anyhow::Result<()> {
        self.pay(stored, &fate).await?;
        if self.is_tracked {
            self.send(stored).await?;
        }
        let sales = stored.sales(self.seller_org).await?;
        let open: Vec<_> = (0..).zip(&sales).filter(|(place, sale)| is_open(sale, fate(*place, sale))).collect();
        if open.is_empty() {
            return Ok(());
        }
        let buyers = self.log_in(open.iter().map(|(_, sale)| sale.buyer.as_str())).await?;
        let step = Step::begin(title, open.len() as u64);
        self.each(open, async |(place, sale)| {
            self.end(sale, fate(place, sale), token(&buyers, &sale.buyer)?).await?;
            step.inc();
            Ok(())
        })
        .await?;
        step.end();
        Ok(())
    }

    /// Pays what is to be paid and waits until the money is held.
    pub(crate) async fn pay(&self, stored: &mut Stored, fate: impl Fn(usize, &Sale) -> Fate) -> anyhow::Result<()> {
        let sales = stored.sales(self.seller_org).await?;
        let is_due = |(place, sale): &(usize, Sale)| {
            sale.status == OrderStatus::PendingPayment && fate(*place, sale) != Fate::Unpaid
        };
        let due: Vec<_> = (0..).zip(sales).filter(is_due).map(|(_, sale)| sale).collect();
        if due.is_empty() {
            return Ok(());
        }
        let buyers = self.log_in(due.iter().map(|sale| sale.buyer.as_str())).await?;
        let step = Step::begin("paying what was bought", due.len() as u64);
        self.each(&due, async |sale| {
            let path = format!("/v1/checkouts/{}/pay", sale.checkout);
            let call = self.client.post(path).as_(token(&buyers, &sale.buyer)?);
            let paid = call.idempotent(format!("demo-{}", sale.checkout)).json(&json!({"method": "card"})).done().await;
            // By an earlier run, under way or done.
            unless_refused(unless_refused(paid, "payment_running"), "checkout_ended")?;
            step.inc();
            Ok(())
        })
        .await?;
        step.end();
        let orders: Vec<_> = due.iter().map(|sale| sale.order).collect();
        let look = async || Ok(stored.orders_that_are(&orders, &[OrderStatus::PendingPayment]).await?);
        let missing = settle::wait("waiting for the payments", due.len() as u64, look).await?;
        ensure!(missing == 0, "{missing} orders are still not paid: `tradeyard jobs list` shows why");
        Ok(())
    }

    /// Sends what is paid, reports each shipment's journey for its carrier, and waits until that has delivered them.
    async fn send(&self, stored: &mut Stored) -> anyhow::Result<()> {
        const UNDER_WAY: [OrderStatus; 2] = [OrderStatus::Paid, OrderStatus::InFulfilment];
        let sales = stored.sales(self.seller_org).await?;
        let due: Vec<_> = sales.iter().enumerate().filter(|(_, sale)| UNDER_WAY.contains(&sale.status)).collect();
        if due.is_empty() {
            return Ok(());
        }
        let total = due.len() as u64;
        let step = Step::begin("shipping what was won", total);
        self.each(&due, async |(_, sale)| {
            if sale.status == OrderStatus::Paid {
                self.act(sale.order, "ship", self.seller).await?;
            }
            step.inc();
            Ok(())
        })
        .await?;
        step.end();
        let places: HashMap<_, _> = due.iter().map(|(place, sale)| (sale.order, *place)).collect();
        let orders: Vec<_> = due.iter().map(|(_, sale)| sale.order).collect();
        self.report(&places, &stored.sent(&orders).await?).await?;
        let look = async || Ok(stored.orders_that_are(&orders, &UNDER_WAY).await?);
        let missing = settle::wait("waiting for the deliveries", total, look).await?;
        ensure!(missing == 0, "{missing} orders are still on their way: `tradeyard jobs list` shows why");
        Ok(())
    }

    /// Reports for the carrier, some shipments at a time. The log takes each event once, however often it is sent.
    async fn report(&self, places: &HashMap<OrderId, usize>, sent: &[Sent]) -> anyhow::Result<()> {
        self.each(sent.chunks(REPORTED_TOGETHER), async |some| {
            let events = some.iter().flat_map(|sent| {
                let place = places.get(&sent.order).copied().unwrap_or_default();
                journey::events(&sent.tracking, place, sent.picked_up_at)
            });
            let events: Vec<_> = events.collect();
            self.client.post("/v1/cargo-events").repeatable().as_(self.seller).json(&events).done().await
        })
        .await
    }

    /// Gives up what will not be paid; the next bidders take what they are offered then, or leave it.
    pub(crate) async fn give_up(
        &self,
        stored: &mut Stored,
        fate: impl Fn(&Sale) -> Fate,
        is_taken: impl Fn(&str) -> bool,
    ) -> anyhow::Result<()> {
        let sales = stored.sales(self.seller_org).await?;
        let given_up: Vec<_> = sales
            .iter()
            .filter(|sale| sale.status == OrderStatus::PendingPayment && fate(sale) == Fate::Unpaid)
            .collect();
        let buyers = self.log_in(given_up.iter().map(|sale| sale.buyer.as_str())).await?;
        self.each(given_up, async |sale| {
            let path = format!("/v1/orders/{}/renounce", sale.order);
            let call = self.client.post(path).repeatable().as_(token(&buyers, &sale.buyer)?);
            unless_refused(call.done().await, "checkout_ended")
        })
        .await?;
        let chances = stored.chances(self.seller_org).await?;
        let bidders = self.log_in(chances.iter().map(|chance| chance.bidder.as_str())).await?;
        self.each(&chances, async |chance: &Chance| {
            let act = if is_taken(&chance.lot) { "accept" } else { "decline" };
            let call = self.client.post(format!("/v1/second-chances/{}/{act}", chance.id));
            let call = call.as_(token(&bidders, &chance.bidder)?).idempotent(format!("demo-{}", chance.id));
            unless_refused(call.json(&json!({})).done().await, "second_chance_ended")
        })
        .await
    }

    /// Brings one sale to its end.
    async fn end(&self, sale: &Sale, fate: Fate, buyer: &Token) -> anyhow::Result<()> {
        let order = sale.order;
        let mut status = sale.status;
        if status == OrderStatus::Paid {
            self.act(order, "ship", self.seller).await?;
            status = OrderStatus::InFulfilment;
        }
        if status == OrderStatus::InFulfilment {
            self.act(order, "receive", buyer).await?;
            status = OrderStatus::Delivered;
        }
        let mut dispute = sale.dispute;
        if status == OrderStatus::Delivered {
            match fate {
                Fate::Accepted => return self.act(order, "accept", buyer).await,
                Fate::Inspected | Fate::Unpaid => return Ok(()),
                Fate::Refunded | Fate::Halved => dispute = Some(self.dispute(order, buyer).await?),
            }
        }
        match dispute {
            Some(dispute) => self.decide(dispute, sale.payable, fate).await,
            None => Ok(()),
        }
    }

    async fn act(&self, order: OrderId, act: &str, by: &Token) -> anyhow::Result<()> {
        let done = self.client.post(format!("/v1/orders/{order}/{act}")).repeatable().as_(by).done().await;
        // Its answer may have been lost.
        unless_refused(unless_refused(done, "order_status"), "escrow_released")
    }

    async fn dispute(&self, order: OrderId, buyer: &Token) -> anyhow::Result<DisputeId> {
        let body = json!({"reason": "not_as_described", "text": "It is not what the pictures show."});
        let call = self.client.post(format!("/v1/orders/{order}/disputes")).as_(buyer);
        Ok(call.idempotent(format!("demo-{order}")).json(&body).send::<Made<DisputeId>>().await?.id)
    }

    async fn decide(&self, dispute: DisputeId, payable: Money, fate: Fate) -> anyhow::Result<()> {
        let back = match fate {
            Fate::Refunded => payable,
            _ => Money::from_minor(payable.minor() / 2, payable.currency()),
        };
        let body = json!({"amount": back, "reason": "The pictures show another one."});
        let call = self.client.post(format!("/v1/admin/disputes/{dispute}/resolve")).repeatable().as_(self.admin);
        unless_refused(call.json(&body).done().await, "dispute_ended")
    }

    async fn log_in(&self, emails: impl Iterator<Item = &str>) -> anyhow::Result<Buyers> {
        let mut emails: Vec<_> = emails.map(str::to_owned).collect();
        emails.sort_unstable();
        emails.dedup();
        stream::iter(emails)
            .map(async |email| anyhow::Ok((email.clone(), self.registry.token(&email).await?)))
            .buffer_unordered(self.at_once)
            .try_collect()
            .await
    }

    async fn each<T>(
        &self,
        all: impl IntoIterator<Item = T>,
        one: impl AsyncFn(T) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        stream::iter(all).map(|it| one(it)).buffer_unordered(self.at_once).try_collect().await
    }
}

fn token<'t>(buyers: &'t Buyers, email: &str) -> anyhow::Result<&'t Token> {
    buyers.get(email).with_context(|| format!("{email} is not logged in"))
}

/// Whether there is something left to do for an order that is paid.
fn is_open(sale: &Sale, fate: Fate) -> bool {
    match sale.status {
        OrderStatus::Paid | OrderStatus::InFulfilment | OrderStatus::Disputed => true,
        OrderStatus::Delivered => fate != Fate::Inspected,
        _ => false,
    }
}
