//! Whom and what the requests deal with: auctions to read and to bid in, listings to buy from, people who are logged in.

use std::net::SocketAddr;

use anyhow::Context;
use market::identity::{PlatformRole, store as identity};
use market::ids::{AuctionId, ListingId};
use market::listings::model::SaleMode;
use market::testing::{self, Trader};
use serde::Deserialize;
use serde_json::json;
use shared::audit::Actor;
use shared::crypto::password;
use shared::ids::OrgId;
use sqlx::{Connection as _, PgConnection, PgPool};
use uuid::Uuid;

use super::client::Connection;

/// How many auctions are read.
const AUCTIONS: usize = 1_000;
/// A seller has some of them.
const PER_SELLER: usize = 100;
const LISTINGS: usize = 64;
/// More units than a measurement buys.
const STOCK: i64 = 10_000_000;
/// An organisation has at most 20 reports made at once.
const REPORTING_ORGS: i32 = 4_000;
/// As good as any here: the database is the benchmark's own, and gone at its end.
const PASSWORD: &str = "correct horse battery";

#[derive(Debug)]
pub(crate) struct Market {
    pub(crate) auctions: Vec<AuctionId>,
    pub(crate) listings: Vec<ListingId>,
    /// Whose reports are asked for, by an administrator of the platform.
    pub(crate) orgs: Vec<Uuid>,
    seller: Trader,
    buyers: Vec<Trader>,
    /// An administrator, whose organisation sells.
    pub(crate) admin: Trader,
}

/// The access tokens of everybody who sends requests; they work for 15 minutes.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) buyers: Vec<String>,
    pub(crate) admin: String,
}

impl Market {
    /// Makes everything but the auctions that are bid in.
    pub(crate) async fn fill(pool: &PgPool, buyers: usize) -> anyhow::Result<Self> {
        let mut conn = pool.acquire().await?;
        let mut auctions = Vec::with_capacity(AUCTIONS);
        let mut sellers = Vec::new();
        while auctions.len() < AUCTIONS {
            let mut tx = conn.begin().await?;
            let seller = testing::trader(&mut tx).await;
            testing::on_pro(&mut tx, &[seller]).await;
            auctions.append(&mut new_auctions(&mut tx, seller, PER_SELLER).await);
            tx.commit().await?;
            sellers.push(seller);
        }
        let seller = *sellers.first().context("there are sellers")?;
        let mut tx = conn.begin().await?;
        let mut listings = Vec::with_capacity(LISTINGS);
        for place in 0..LISTINGS {
            let seller = sellers[place % sellers.len()];
            listings.push(testing::listing(&mut tx, seller, SaleMode::Fixed, STOCK).await);
        }
        let mut people = Vec::with_capacity(buyers);
        for _ in 0..buyers {
            people.push(testing::trader_as(&mut tx, "approved", &["buyer"]).await);
        }
        let admin = testing::trader(&mut tx).await;
        identity::set_platform_role(&mut tx, Actor::System, admin.user, PlatformRole::Admin).await?;
        let hash = password::hash(PASSWORD, 4)?;
        let users: Vec<_> = people.iter().chain([&admin]).map(|person| person.user.0).collect();
        sqlx::query("UPDATE users SET password_hash = $1 WHERE id = ANY ($2)")
            .bind(hash)
            .bind(&users)
            .execute(&mut *tx)
            .await?;
        // Past the bound of how many one person may found: rows are made, not acts. Those before join the audit log now, which could not
        // number them afterwards.
        sqlx::raw_sql("SET CONSTRAINTS ALL IMMEDIATE; SET LOCAL session_replication_role = replica")
            .execute(&mut *tx)
            .await?;
        let orgs = sqlx::query_scalar(
            "INSERT INTO orgs (id, legal_name, kinds, time_zone, status, created_by)
             SELECT gen_random_uuid(), 'Reporting Ltd', '{seller}', 'UTC', 'approved', $1
             FROM generate_series(1, $2)
             RETURNING id",
        )
        .bind(admin.user)
        .bind(REPORTING_ORGS)
        .fetch_all(&mut *tx)
        .await?;
        tx.commit().await?;
        sqlx::raw_sql("ANALYZE").execute(&mut *conn).await?;
        Ok(Self { auctions, listings, orgs, seller, buyers: people, admin })
    }

    /// Puts the buyers and the sellers of the listings into one country, so that purchases bear its tax.
    pub(crate) async fn tax(&self, pool: &PgPool) -> anyhow::Result<()> {
        let buyers: Vec<_> = self.buyers.iter().map(|buyer| buyer.org.0).collect();
        let listings: Vec<_> = self.listings.iter().map(|listing| listing.0).collect();
        let mut tx = pool.begin().await?;
        // Rows are changed, not acted on.
        sqlx::raw_sql("SET LOCAL session_replication_role = replica").execute(&mut *tx).await?;
        sqlx::query(
            "UPDATE orgs
             SET country = 'DE'
             WHERE id = ANY ($1)
                OR id IN (SELECT seller_org_id FROM listings WHERE id = ANY ($2))",
        )
        .bind(buyers)
        .bind(listings)
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(())
    }

    /// Makes auctions that nobody has bid in.
    pub(crate) async fn lots(&self, pool: &PgPool, count: usize) -> anyhow::Result<Vec<AuctionId>> {
        let mut tx = pool.begin().await?;
        let lots = new_auctions(&mut tx, self.seller, count).await;
        tx.commit().await?;
        Ok(lots)
    }

    /// The access tokens of so many new people of the administrator's organisation.
    pub(crate) async fn colleagues(&self, pool: &PgPool, api: SocketAddr, count: usize) -> anyhow::Result<Vec<String>> {
        let people = members(&mut *pool.acquire().await?, self.admin.org, count).await?;
        let mut api = Connection::open(api).await?;
        let mut tokens = Vec::with_capacity(count);
        for person in people {
            tokens.push(log_in(&mut api, person).await?);
        }
        Ok(tokens)
    }

    /// Logs everybody in through the API.
    pub(crate) async fn log_in(&self, api: SocketAddr) -> anyhow::Result<Tokens> {
        let mut api = Connection::open(api).await?;
        let mut buyers = Vec::with_capacity(self.buyers.len());
        for buyer in &self.buyers {
            buyers.push(log_in(&mut api, *buyer).await?);
        }
        Ok(Tokens { buyers, admin: log_in(&mut api, self.admin).await? })
    }
}

/// People who trade for this organisation.
async fn members(conn: &mut PgConnection, org: OrgId, count: usize) -> anyhow::Result<Vec<Trader>> {
    let mut people = Vec::with_capacity(count);
    for _ in 0..count {
        people.push(Trader { org, user: testing::member_of(conn, &[org]).await });
    }
    let users: Vec<_> = people.iter().map(|person| person.user.0).collect();
    sqlx::query("UPDATE users SET password_hash = $1, email_verified_at = now() WHERE id = ANY ($2)")
        .bind(password::hash(PASSWORD, 4)?)
        .bind(&users)
        .execute(conn)
        .await?;
    Ok(people)
}

/// Makes live auctions that end in ten days.
async fn new_auctions(conn: &mut PgConnection, seller: Trader, count: usize) -> Vec<AuctionId> {
    let terms = testing::terms(conn).await;
    let mut auctions = Vec::with_capacity(count);
    for _ in 0..count {
        auctions.push(testing::auction(conn, seller, &terms).await);
    }
    auctions
}

#[derive(Deserialize)]
struct LoggedIn {
    access_token: String,
}

async fn log_in(api: &mut Connection, person: Trader) -> anyhow::Result<String> {
    let body = json!({"email": format!("{}@example.test", person.user), "password": PASSWORD}).to_string();
    let request = format!(
        "POST /v1/auth/login HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let answer = api.ask(request.as_bytes()).await?;
    anyhow::ensure!(answer.status == 200, "a login was answered {}: {}", answer.status, answer.text());
    Ok(serde_json::from_slice::<LoggedIn>(answer.body)?.access_token)
}

/// Empties what requests have left behind and what bounds how many more there may be. Rows are removed, not acted on.
pub(crate) async fn clear(pool: &PgPool) -> anyhow::Result<()> {
    let mut conn = pool.acquire().await?.detach();
    sqlx::raw_sql(
        "SET session_replication_role = replica;
         TRUNCATE jobs, job_attempts, job_logs, local_messages, idempotency_keys, reports CASCADE",
    )
    .execute(&mut conn)
    .await?;
    conn.close().await?;
    Ok(())
}
