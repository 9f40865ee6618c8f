//! Messages that buyers write to sellers through the API: sealed, numbered, and durable before they are answered.
//!
//! Sixteen connections, each with one message on its way. Each writes for one buyer after the other, because what one organisation
//! writes in a day is counted with each message, and nobody writes thousands.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context;
use market::ids::{ConversationId, ListingId};
use serde::Deserialize;
use serde_json::json;
use shared::config::Config;
use sqlx::PgPool;
use uuid::Uuid;

use crate::http::CONNECTIONS;
use crate::http::client::{Answer, Connection};
use crate::http::load::{self, Load, expect, post};
use crate::http::market::{Market, clear};
use crate::http::server::Server;
use crate::limits;
use crate::report::Report;
use crate::run::{CALLERS, CALLS, Extent, note};

/// Buyers that each connection writes for.
const BUYERS: usize = 8;
const TEXT: &str =
    "Is it still there, and could you send it to Rotterdam by Friday? We would take both controllers as well.";

/// Writes for some buyers by turns, each in a conversation of its own.
#[derive(Debug)]
struct Writer {
    /// Access tokens, and where each writes.
    buyers: Vec<(String, ConversationId)>,
    turn: usize,
    written: Arc<AtomicU64>,
}

#[derive(Deserialize)]
struct Begun {
    conversation: Conversation,
}

#[derive(Deserialize)]
struct Conversation {
    id: ConversationId,
}

pub(crate) async fn measure(
    config: &Config,
    pool: &PgPool,
    extent: &Extent,
    report: &mut Report,
) -> anyhow::Result<()> {
    note("buyers who write");
    let market = Market::fill(pool, CONNECTIONS * BUYERS).await?;
    let before = stored(pool).await?;
    let written = Arc::new(AtomicU64::new(0));
    let (mut rates, mut plain, mut shares) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..extent.runs {
        note(&format!("messages, run {}", run + 1));
        clear(pool).await?;
        let running = Server::Api.start(config, None).await?;
        let tokens = market.log_in(running.addresses[0]).await?;
        let writers = Writer::all(running.addresses[0], &market.listings, &tokens.buyers, &written).await?;
        let rate = load::measure(&running.addresses, writers, extent.measured).await?;
        running.stop().await;
        let rows = limits::transactions(pool, CALLERS, CALLS, 2).await?;
        rates.push(rate);
        plain.push(rows);
        shares.push(rate / rows);
    }
    clear(pool).await?;
    let lost = written.load(Ordering::Relaxed).abs_diff(stored(pool).await? - before);
    report.put("chat_messages_per_s", &rates, "through the API, encrypted, durable, 16 connections");
    report.put("chat_two_rows_per_s", &plain, "BEGIN, two plain rows, COMMIT, 16 callers, no API");
    report.put("chat_share_of_two_rows", &shares, "the first by the second, run by run");
    report.put(
        "chat_wrong",
        &[f64::from(u32::try_from(lost)?)],
        "messages that were answered and are not stored, or stored twice",
    );
    Ok(())
}

/// How many messages there are.
async fn stored(pool: &PgPool) -> anyhow::Result<u64> {
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM chat_messages").fetch_one(pool).await?;
    Ok(count.try_into()?)
}

impl Writer {
    /// One for each connection; everybody's conversation is begun, or found.
    async fn all(
        api: SocketAddr,
        listings: &[ListingId],
        tokens: &[String],
        written: &Arc<AtomicU64>,
    ) -> anyhow::Result<Vec<Self>> {
        let mut connection = Connection::open(api).await?;
        let mut writers = Vec::with_capacity(CONNECTIONS);
        for (place, tokens) in tokens.chunks(BUYERS).enumerate() {
            let mut buyers = Vec::with_capacity(BUYERS);
            for (n, token) in tokens.iter().enumerate() {
                let listing = listings[(place * BUYERS + n) % listings.len()];
                buyers.push((token.clone(), begin(&mut connection, token, listing).await?));
                written.fetch_add(1, Ordering::Relaxed);
            }
            writers.push(Self { buyers, turn: 0, written: Arc::clone(written) });
        }
        Ok(writers)
    }
}

async fn begin(connection: &mut Connection, token: &str, listing: ListingId) -> anyhow::Result<ConversationId> {
    let message = json!({"client_id": Uuid::now_v7(), "text": TEXT});
    let body = json!({"listing_id": listing, "message": message}).to_string();
    let mut request = Vec::new();
    post(&mut request, "/v1/conversations", token, None, &body)?;
    let answer = connection.ask(&request).await?;
    expect(answer, 201)?;
    Ok(serde_json::from_slice::<Begun>(answer.body).context("a conversation")?.conversation.id)
}

impl Load for Writer {
    fn write(&mut self, request: &mut Vec<u8>) -> anyhow::Result<()> {
        self.turn = (self.turn + 1) % self.buyers.len();
        let (token, conversation) = &self.buyers[self.turn];
        let body = json!({"client_id": Uuid::now_v7(), "text": TEXT}).to_string();
        post(request, format_args!("/v1/conversations/{conversation}/messages"), token, None, &body)
    }

    fn check(&mut self, answer: Answer<'_>) -> anyhow::Result<()> {
        expect(answer, 200)?;
        self.written.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}
