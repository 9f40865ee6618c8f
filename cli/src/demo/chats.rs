//! What buyers and sellers write to each other about what was won.
//!
//! A message's name is made from its order and its place, and marks only go forward: a run that was interrupted writes the same again,
//! and finds what is there.

use anyhow::{Context, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use market::ids::{ConversationId, MessageClientId, OrderId};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use shared::ids::OrgId;

use super::client::{Client, Token};
use super::people::Registry;
use super::plan::Plan;
use super::progress::Step;
use super::store::Stored;
use super::store::sales::Sale;

/// About how many orders people write, if there are so many.
const ORDERS: usize = 60;
/// What the buyer asks, and then the seller's answer.
const QUESTIONS: [&str; 2] = ["When will you send it?", "And please pack it well: the last one arrived in pieces."];
const ANSWER: &str = "Today, in a box of its own with a lot of paper.";

/// How many messages there must be in the end, all of them read by both sides.
pub(crate) fn wanted(plan: &Plan) -> u64 {
    let sold = plan.endings.iter().filter(|ending| ending.price.is_some()).count();
    (sold.min(ORDERS) * (QUESTIONS.len() + 1)) as u64
}

/// Writes and reads for the people of the demo.
#[derive(Debug)]
pub(crate) struct Chats<'a> {
    pub(crate) client: &'a Client,
    pub(crate) registry: &'a Registry<'a>,
    pub(crate) seller: &'a Token,
    pub(crate) seller_org: OrgId,
    pub(crate) at_once: usize,
}

#[derive(Deserialize)]
struct Begun {
    conversation: Conversation,
}

#[derive(Deserialize)]
struct Conversation {
    id: ConversationId,
}

#[derive(Deserialize)]
struct Messages {
    items: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    seq: i64,
    text: String,
}

impl Chats<'_> {
    /// Has buyers ask about their orders, and the seller answer: whatever is missing of that.
    pub(crate) async fn write(&self, stored: &mut Stored, plan: &Plan) -> anyhow::Result<()> {
        if stored.chat_messages(self.seller_org).await? == wanted(plan) {
            return Ok(());
        }
        let sales = stored.sales(self.seller_org).await?;
        // The first orders of their lots: how many there are does not depend on who pays.
        let orders: Vec<_> = sales.iter().filter(|sale| !sale.second_chance).take(ORDERS).collect();
        let step = Step::begin("writing about what was won", orders.len() as u64);
        stream::iter(orders)
            .map(async |sale| {
                self.about(sale).await.with_context(|| format!("messages about order {}", sale.order))?;
                step.inc();
                anyhow::Ok(())
            })
            .buffer_unordered(self.at_once)
            .try_collect::<()>()
            .await?;
        step.end();
        Ok(())
    }

    async fn about(&self, sale: &Sale) -> anyhow::Result<()> {
        let buyer = &self.registry.token(&sale.buyer).await?;
        let [first, second] = QUESTIONS;
        let body = json!({"order_id": sale.order, "message": message(sale.order, 1, first)});
        let begun = self.client.post("/v1/conversations").repeatable().as_(buyer).json(&body);
        let path = format!("/v1/conversations/{}", begun.send::<Begun>().await?.conversation.id);
        self.post(&path, buyer, &message(sale.order, 2, second)).await?;
        self.read(&path, self.seller, &QUESTIONS).await?;
        self.post(&path, self.seller, &message(sale.order, 3, ANSWER)).await?;
        self.read(&path, buyer, &[first, second, ANSWER]).await
    }

    async fn post(&self, path: &str, by: &Token, message: &Value) -> anyhow::Result<()> {
        self.client.post(format!("{path}/messages")).repeatable().as_(by).json(message).done().await
    }

    /// Reads the conversation, which must begin with these texts, and marks them as read.
    async fn read(&self, path: &str, by: &Token, texts: &[&str]) -> anyhow::Result<()> {
        let Messages { items } = self.client.get(format!("{path}/messages?after=0")).as_(by).send().await?;
        let there: Vec<_> = items.iter().map(|message| message.text.as_str()).collect();
        ensure!(there.starts_with(texts), "{} messages are not those that were written", there.len());
        let last = items.get(texts.len() - 1).context("the last message that was written")?.seq;
        self.client.put(format!("{path}/read")).repeatable().as_(by).json(&json!({"seq": last})).done().await
    }
}

/// A message, named by its order and its place.
fn message(order: OrderId, place: u8, text: &str) -> Value {
    let digest = Sha256::digest(format!("tradeyard demo message\n{order}\n{place}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    json!({"client_id": MessageClientId(uuid::Builder::from_random_bytes(bytes).into_uuid()), "text": text})
}

#[cfg(test)]
mod tests;
