//! The demo's people: an administrator, a seller, and the bidders, each with an organisation.

use anyhow::Context;
use futures::{StreamExt, TryStreamExt, stream};
use market::identity::rules::vat_numbers::judge;
use market::identity::{OrgStatus, PlatformRole, store};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use shared::config::Config;
use shared::ids::OrgId;
use sqlx::Connection;

use super::client::{ApiError, Client, Token, unless_refused};
use super::hooks::Hooks;
use super::plan::{ADMIN, HOME, Plan};
use super::progress::Step;
use super::settle;
use super::store::{People, Person, Stored};
use crate::commands::admin;
use crate::connect;
use crate::failure::advised;

/// Registers people who are not registered yet, and logs them in.
#[derive(Debug)]
pub(crate) struct Registry<'a> {
    pub(crate) client: &'a Client,
    pub(crate) plan: &'a Plan,
    /// Passwords are derived from it, so that the next run knows them and nobody else does.
    pub(crate) secret: &'a SecretString,
    /// How many people are handled at once.
    pub(crate) at_once: usize,
    /// Where the webhooks of sellers go, if anywhere.
    pub(crate) hooks: Option<&'a Hooks>,
}

/// Somebody who is logged in and may trade.
#[derive(Clone, Debug)]
pub(crate) struct Trader {
    pub(crate) token: Token,
    pub(crate) org: OrgId,
}

#[derive(Deserialize)]
struct Tokens {
    access_token: String,
}

#[derive(Deserialize)]
struct Me {
    platform_role: PlatformRole,
}

#[derive(Deserialize)]
struct Org {
    id: OrgId,
}

impl Registry<'_> {
    /// Logs in the administrator. Everybody registers through the API; only the first
    /// administrator's role is given on the command line, as on every installation.
    pub(crate) async fn admin(&self, config: &Config, stored: &mut Stored, known: &People) -> anyhow::Result<Token> {
        if !known.contains_key(ADMIN) {
            self.register(ADMIN, "Demo administrator").await?;
        }
        self.confirm(config, stored, &[ADMIN.to_owned()]).await?;
        let token = self.log_in(ADMIN).await?;
        let me: Me = self.client.get("/v1/me").as_(&token).send().await?;
        if me.platform_role != PlatformRole::Admin {
            admin::promote(config, ADMIN).await.context("make the demo's administrator")?;
        }
        Ok(token)
    }

    /// Logs in the seller of a round, who may trade afterwards.
    pub(crate) async fn seller(
        &self,
        config: &Config,
        stored: &mut Stored,
        admin: &Token,
        round: u32,
        known: &People,
    ) -> anyhow::Result<Trader> {
        let name = format!("Demo auctions {} round {round}", self.plan.run);
        let seller = self.newcomer(config, stored, admin, &self.plan.seller_email(round), &name, known).await?;
        self.follow(stored, &seller.token).await?;
        Ok(seller)
    }

    /// Lets a seller's webhooks come to the demo's receiver.
    pub(crate) async fn follow(&self, stored: &mut Stored, seller: &Token) -> anyhow::Result<()> {
        match self.hooks {
            Some(hooks) => hooks.follow(self.client, stored, seller).await,
            None => Ok(()),
        }
    }

    /// Registers a seller who is not registered yet.
    async fn newcomer(
        &self,
        config: &Config,
        stored: &mut Stored,
        admin: &Token,
        email: &str,
        name: &str,
        known: &People,
    ) -> anyhow::Result<Trader> {
        if !known.contains_key(email) {
            self.register(email, name).await?;
        }
        self.confirm(config, stored, &[email.to_owned()]).await?;
        let body = json!({"legal_name": name, "kinds": ["seller"], "time_zone": "UTC", "country": HOME,
            "vat_number": vat_number(email)});
        self.trader(admin, email, &body, known.get(email)).await
    }

    /// Logs in whoever keeps the shop, who may trade afterwards.
    pub(crate) async fn shop_keeper(
        &self,
        config: &Config,
        stored: &mut Stored,
        admin: &Token,
        known: &People,
    ) -> anyhow::Result<Trader> {
        let name = format!("Demo shop {}", self.plan.run);
        let keeper = self.newcomer(config, stored, admin, &self.plan.shop_email(), &name, known).await?;
        self.follow(stored, &keeper.token).await?;
        Ok(keeper)
    }

    /// Logs in whoever reports floods of cargo events.
    pub(crate) async fn reporter(
        &self,
        config: &Config,
        stored: &mut Stored,
        admin: &Token,
        known: &People,
    ) -> anyhow::Result<Trader> {
        let name = format!("Demo trackers {}", self.plan.run);
        self.newcomer(config, stored, admin, &self.plan.reporter_email(), &name, known).await
    }

    /// Logs in whoever holds the sale event.
    pub(crate) async fn auctioneer(
        &self,
        config: &Config,
        stored: &mut Stored,
        admin: &Token,
        known: &People,
    ) -> anyhow::Result<Trader> {
        let name = format!("Demo auctioneer {}", self.plan.run);
        self.newcomer(config, stored, admin, &self.plan.auctioneer_email(), &name, known).await
    }

    /// Logs in whoever sells waste.
    pub(crate) async fn recycler(
        &self,
        config: &Config,
        stored: &mut Stored,
        admin: &Token,
        known: &People,
    ) -> anyhow::Result<Trader> {
        let name = format!("Demo recycling {}", self.plan.run);
        self.newcomer(config, stored, admin, &self.plan.recycler_email(), &name, known).await
    }

    /// Logs in every bidder, in the order of [`Plan::bidders`].
    pub(crate) async fn bidders(
        &self,
        config: &Config,
        stored: &mut Stored,
        admin: &Token,
        known: &People,
        step: &Step,
    ) -> anyhow::Result<Vec<Trader>> {
        let emails: Vec<_> = (0..self.plan.bidders.len()).map(|place| self.plan.bidder_email(place)).collect();
        let missing = self.plan.bidders.iter().zip(&emails).filter(|(_, email)| !known.contains_key(*email));
        stream::iter(missing.map(Ok))
            .try_for_each_concurrent(self.at_once, async |(name, email)| self.register(email, name).await)
            .await?;
        self.confirm(config, stored, &emails).await?;
        stream::iter(self.plan.bidders.iter().zip(&emails).enumerate())
            .map(async |(place, (name, email))| {
                let country = Plan::country(place);
                let body = json!({"legal_name": name, "kinds": ["buyer"], "time_zone": "UTC", "country": country});
                let trader = self.trader(admin, email, &body, known.get(email)).await?;
                step.inc();
                anyhow::Ok(trader)
            })
            .buffered(self.at_once)
            .try_collect()
            .await
    }

    /// Confirms the addresses of people who are registered. Nobody reads the demo's mail: once it
    /// is sent, a token like the one in it is made in the database, and is used as the mail's link
    /// would be.
    async fn confirm(&self, config: &Config, stored: &mut Stored, emails: &[String]) -> anyhow::Result<()> {
        let people = stored.people(self.plan).await?;
        let strangers: Vec<_> = emails
            .iter()
            .filter_map(|email| people.get(email))
            .filter(|person| !person.verified)
            .map(|person| person.user)
            .collect();
        if strangers.is_empty() {
            return Ok(());
        }
        let look = async || Ok(stored.unasked(&strangers).await?);
        settle::wait("mailing people to confirm their addresses", strangers.len() as u64, look).await?;
        let mut conn = connect::open(config).await?;
        let mut tokens = Vec::new();
        for user in strangers {
            tokens.extend(store::mint_email_verification(&mut conn, user).await?);
        }
        conn.close().await?;
        stream::iter(tokens.into_iter().map(Ok))
            .try_for_each_concurrent(self.at_once, async |(email, token)| {
                let body = json!({"token": token, "password": self.password(&email)});
                let confirmed = self.client.post("/v1/auth/verify-email").repeatable().json(&body).done().await;
                // If the answer to its first use was lost, the token is used up.
                unless_refused(confirmed, "token_invalid")
            })
            .await
    }

    /// Logs in somebody who is registered, and adds the organisation, as `body` describes it, and its approval if missing.
    async fn trader(&self, admin: &Token, email: &str, body: &Value, known: Option<&Person>) -> anyhow::Result<Trader> {
        let token = self.log_in(email).await?;
        let org = if let Some(org) = known.and_then(|person| person.org) {
            org
        } else {
            let org: Org = self.client.post("/v1/orgs").as_(&token).json(body).send().await?;
            org.id
        };
        if known.and_then(|person| person.org_status) != Some(OrgStatus::Approved) {
            let approved = self.client.post(format!("/v1/orgs/{org}/approve")).repeatable().as_(admin).done().await;
            unless_refused(approved, "org_status")?;
        }
        Ok(Trader { token, org })
    }

    async fn register(&self, email: &str, name: &str) -> anyhow::Result<()> {
        let body = json!({"email": email, "name": name, "password": self.password(email)});
        self.client.post("/v1/auth/register").repeatable().json(&body).done().await
    }

    /// The login of the last minutes of somebody who is registered, or another one. Checking a password is meant to be slow.
    pub(crate) async fn token(&self, email: &str) -> anyhow::Result<Token> {
        match self.client.recent_login(email) {
            Some(token) => Ok(token),
            None => self.log_in(email).await,
        }
    }

    /// Logs in somebody who is registered.
    pub(crate) async fn log_in(&self, email: &str) -> anyhow::Result<Token> {
        let body: Value = json!({"email": email, "password": self.password(email)});
        let answer = self.client.post("/v1/auth/login").repeatable().json(&body).send::<Tokens>().await;
        match answer {
            Ok(tokens) => {
                let token = Token(tokens.access_token);
                self.client.keep_login(email, &token);
                Ok(token)
            }
            Err(error) if error.downcast_ref().and_then(ApiError::code) == Some("invalid_credentials") => Err(advised(
                format!("{email} was registered with another password"),
                "the demo's passwords are made from JWT_SECRET, which has changed since, or the API uses another one: \
                 set the old one, or start over with an empty database (./dev reset)",
            )),
            Err(error) => Err(error),
        }
    }

    fn password(&self, email: &str) -> String {
        let digest = Sha256::digest(format!("tradeyard demo password\n{}\n{email}", self.secret.expose_secret()));
        hex::encode(digest)
    }
}

/// A VAT number that nobody else of the demo has, with its check digit.
fn vat_number(email: &str) -> String {
    let digest = Sha256::digest(email);
    // No number begins with 0.
    let first = char::from(b'1' + digest[0] % 9);
    let digits = digest.iter().skip(1).take(7).map(|byte| char::from(b'0' + byte % 10));
    let body = format!("{HOME}{first}{}", digits.collect::<String>());
    (0..10).map(|check| format!("{body}{check}")).find(|number| judge(number).is_ok()).unwrap_or(body)
}
