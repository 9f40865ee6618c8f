//! Runs the demo: finds out what is already there and makes what is missing, in order.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use chrono::{DateTime, Utc};
use market::ids::SaleEventId;
use shared::config::Config;
use shared::ids::OrgId;
use tokio::time::Instant;

use super::client::{Client, Token};
use super::documents::{self, DOCUMENTS, Documents};
use super::figures::{Figures, Wanted};
use super::hooks::Hooks;
use super::lots::LotMaker;
use super::people::{Registry, Trader};
use super::plan::Plan;
use super::play::{Answers, Play, TooSlow};
use super::progress::{Step, line};
use super::sale::{self, Sale};
use super::settle::{self, Round};
use super::store::{Lots, People, Stored};
use super::timeline;
use super::tries::Tries;
use crate::failure::advised;

/// How many requests are under way at once during the preparations.
pub(super) const AT_ONCE: usize = 16;
/// The same during the play, when more may wait: each auction has at most one.
const IN_FLIGHT: usize = 64;
/// Pools that the demo cannot do without.
const POOLS: [&str; 6] = ["auctions", "emails", "images", "reports", "cargo", "chat"];
/// The most bids per second that the machine is given, as a share of the requests per second that
/// it managed during the preparations.
const SHARE: f64 = 0.35;
/// How long preparing the auctions may take before the first one starts: this long for each, on top
/// of a fixed time.
const LEAD_EACH: Duration = Duration::from_millis(20);
const LEAD: Duration = Duration::from_secs(3);

/// One run of the demo.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) config: &'a Config,
    /// The API's address, without a trailing slash.
    pub(crate) base: String,
    /// How long the auctions run, if a length was given.
    pub(crate) seconds: Option<u64>,
    /// How many orders the shop sells.
    pub(crate) orders: usize,
    /// Where documents are saved.
    pub(crate) folder: &'a Path,
    pub(crate) hooks: Hooks,
}

/// The outcome of a run.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) figures: Figures,
    pub(crate) wanted: Wanted,
    /// Shown to people, below the table.
    pub(crate) notes: String,
}

/// How far the newest round has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// No auction has been made yet.
    Preparing,
    /// Some bids are missing, and their auctions are running or have ended.
    Interrupted,
    /// Every accepted bid is stored.
    Played,
}

impl Run<'_> {
    /// Plays to the end. If the API goes away in the meantime or the pace turns out to be too fast,
    /// this goes on like a new run would: what is stored shows what is missing.
    pub(crate) async fn run(&self) -> anyhow::Result<Outcome> {
        let begin = Instant::now();
        let client = Client::new(&self.base, IN_FLIGHT)?;
        client.knock().await?;
        let (mut pace, mut tries) = (1, Tries::default());
        loop {
            let unanswered = client.unanswered();
            let error = match self.once(&client, begin, pace, &mut tries).await {
                Ok(outcome) => return Ok(outcome),
                Err(error) => error,
            };
            let error = tries.end(error, client.unanswered() > unanswered)?;
            line(&format!("{error}: going on from what is stored"));
            client.until_there().await?;
            if error.is::<TooSlow>() {
                pace *= 2;
            }
        }
    }

    async fn once(&self, client: &Client, begin: Instant, pace: u32, tries: &mut Tries) -> anyhow::Result<Outcome> {
        let mut stored = Stored::open(self.config, self.plan).await?;
        let idle = stored.idle_pools(&POOLS).await?;
        if !idle.is_empty() {
            return Err(advised(
                format!("no worker runs for {}: the demo would wait for ever", idle.join(", ")),
                "`./dev up` starts everything; `tradeyard workers` shows what runs",
            ));
        }
        let registry = self.registry(client)?;
        let people = stored.people(self.plan).await?;
        let (round, seller, lots) = newest_round(&mut stored, &people).await?;
        let stage = stage(self.plan, &lots);
        let events = match seller {
            Some(org) => stored.events(org).await?,
            None => 0,
        };
        tries.begin(reached(self.plan, &people, &lots, stage, events));
        let (round, answers) = match (stage, seller) {
            (Stage::Played, Some(org)) => {
                line(&format!("round {round} is played already: nothing is added"));
                (Round { number: round, seller: org }, None)
            }
            (Stage::Interrupted, _) => {
                line(&format!("round {round} was interrupted while its auctions ran: playing another one"));
                let admin = registry.admin(self.config, &mut stored, &people).await?;
                let old = registry.log_in(&self.plan.seller_email(round)).await?;
                self.lot_maker(client, &old).take_back(&admin, &lots).await?;
                self.play(&mut stored, client, round + 1, &people, &Lots::new(), pace).await?
            }
            (Stage::Preparing | Stage::Played, _) => {
                self.play(&mut stored, client, round, &people, &lots, pace).await?
            }
        };
        settle::until_closed(&mut stored, self.plan, &round).await?;
        let shop = self.follow_up(&mut stored, &registry, &round).await?;
        let documents = self.documents(&mut stored, &registry, &round, shop).await?;
        let since = stored.began(self.plan).await?.context("nobody of the demo is registered")?;
        let sellers = [round.seller, shop];
        settle::until_quiet(&mut stored, self.plan, &round, &sellers, since).await?;
        let webhooks = self.hooks.received(&mut stored, &sellers).await?;
        let known = settle::Known { since, sellers, shop_orders: self.orders, answers, webhooks, documents };
        let mut outcome = settle::outcome(&mut stored, self.plan, &round, &known).await?;
        outcome.notes += &self.notes(client, begin, answers);
        stored.close().await;
        Ok(outcome)
    }

    fn registry<'a>(&'a self, client: &'a Client) -> anyhow::Result<Registry<'a>> {
        let secret = self.config.jwt_secret()?;
        Ok(Registry { client, plan: self.plan, secret, at_once: AT_ONCE, hooks: Some(&self.hooks) })
    }

    fn lot_maker<'a>(&'a self, client: &'a Client, seller: &'a Token) -> LotMaker<'a> {
        LotMaker { client, plan: self.plan, seller, at_once: AT_ONCE }
    }

    /// Prepares whatever the round lacks, and plays it.
    async fn play(
        &self,
        stored: &mut Stored,
        client: &Client,
        round: u32,
        people: &People,
        lots: &Lots,
        pace: u32,
    ) -> anyhow::Result<(Round, Option<Answers>)> {
        let registry = self.registry(client)?;
        let (begin, before) = (Instant::now(), client.answered());
        let admin = registry.admin(self.config, stored, people).await?;
        let seller = registry.seller(self.config, stored, &admin, round, people).await?;
        let lot_maker = self.lot_maker(client, &seller.token);
        let step = Step::begin("listing lots with photographs", self.plan.auctions.len() as u64);
        let listings = lot_maker.list_all(lots, &step).await?;
        step.end();
        let step = Step::begin("registering and approving bidders", self.plan.bidders.len() as u64);
        let bidders = registry.bidders(self.config, stored, &admin, people, &step).await?;
        step.end();
        let rate = per_second(client.answered() - before, begin.elapsed()) / f64::from(pace);
        let round = Round { number: round, seller: seller.org };
        // The play has the machine to itself, so that other work does not make closings late.
        settle::until_photographs_are_ready(stored, self.plan, &round).await?;
        let auctioneer = registry.auctioneer(self.config, stored, &admin, people).await?;
        let sale = Sale { client, seller: &auctioneer.token, at_once: AT_ONCE, lots: sale::lots_of(self.orders) };
        let event = if stored.sale_lots(Some(auctioneer.org)).await?.is_published() {
            None
        } else {
            Some((&sale, sale.prepare().await?))
        };
        let answers = self.play_bids(stored, &lot_maker, &listings, &bidders, rate, event).await?;
        Ok((round, Some(answers)))
    }

    async fn play_bids(
        &self,
        stored: &mut Stored,
        lot_maker: &LotMaker<'_>,
        listings: &[market::ids::ListingId],
        bidders: &[Trader],
        rate: f64,
        event: Option<(&Sale<'_>, SaleEventId)>,
    ) -> anyhow::Result<Answers> {
        let length = self.seconds.map_or_else(|| length(self.plan.bids(), rate), Duration::from_secs);
        let slots = timeline::lay_out(&self.plan.auctions, length);
        let lead = LEAD + LEAD_EACH * u32::try_from(listings.len())?;
        let (zero, zero_at): (Instant, DateTime<Utc>) = (Instant::now() + lead, stored.now().await? + lead);
        let step = Step::begin("opening auctions", listings.len() as u64);
        let auctions = lot_maker.auction_all(listings, &slots, zero_at, &step).await?;
        step.end();
        let name = "placing bids, time compressed";
        let step = Step::begin(name, self.plan.bids());
        let play = Play { client: lot_maker.client, plan: self.plan, bidders, zero };
        let now = stored.now().await?;
        let sale = async {
            match event {
                Some((sale, event)) => sale.run(event, now, bidders).await,
                None => Ok(()),
            }
        };
        let (answers, ()) = tokio::try_join!(play.run(&auctions, &slots, &step), sale)?;
        step.end();
        Ok(answers)
    }

    /// Has documents printed of what was sold, unless they are there; returns where they are.
    async fn documents(
        &self,
        stored: &mut Stored,
        registry: &Registry<'_>,
        round: &Round,
        shop: OrgId,
    ) -> anyhow::Result<Vec<PathBuf>> {
        // A shop of another database has another folder.
        let folder = self.folder.join(shop.to_string());
        let saved = documents::saved(&folder)?;
        if saved.len() == DOCUMENTS {
            return Ok(saved);
        }
        let people = stored.people(self.plan).await?;
        let admin = registry.admin(self.config, stored, &people).await?;
        let keeper = registry.shop_keeper(self.config, stored, &admin, &people).await?;
        let recycler = registry.recycler(self.config, stored, &admin, &people).await?;
        let documents =
            Documents { client: registry.client, plan: self.plan, registry, admin: &admin, folder: &folder };
        documents.save(stored, round, &keeper, &recycler).await
    }

    fn notes(&self, client: &Client, begin: Instant, answers: Option<Answers>) -> String {
        let cost = self.config.auth.password_cost;
        let mut notes = format!(
            "\n{} requests in {:.0} s; passwords hashed at cost {cost} (PASSWORD_COST; production refuses less than 10)",
            client.answered(),
            begin.elapsed().as_secs_f64(),
        );
        if let Some(answers) = answers {
            let behind = format!("\nno bid was more than {:.1} s behind its moment", answers.behind.as_secs_f64());
            notes.push_str(&behind);
        }
        notes
    }
}

/// The number, seller and lots of the newest round, or an empty round 1 if there is none.
async fn newest_round(stored: &mut Stored, people: &People) -> anyhow::Result<(u32, Option<OrgId>, Lots)> {
    let newest =
        people.iter().filter_map(|(email, person)| Some((Plan::round_of(email)?, person))).max_by_key(|it| it.0);
    let Some((round, person)) = newest else { return Ok((1, None, Lots::new())) };
    let lots = match person.org {
        Some(org) => stored.lots(org).await?,
        None => Lots::new(),
    };
    Ok((round, person.org, lots))
}

fn stage(plan: &Plan, lots: &Lots) -> Stage {
    if lots.values().all(|lot| lot.auction.is_none()) {
        return Stage::Preparing;
    }
    let whole = plan.auctions.iter().zip(&plan.endings).all(|(auction, ending)| {
        lots.get(&auction.name).is_some_and(|lot| lot.auction.is_some() && lot.bids.unsigned_abs() >= ending.accepted)
    });
    if whole { Stage::Played } else { Stage::Interrupted }
}

/// How much is stored that another try need not do again. What is there of a round that was interrupted does not count.
fn reached(plan: &Plan, people: &People, lots: &Lots, stage: Stage, events: u64) -> u64 {
    let bidders = people.keys().filter(|email| Plan::round_of(email).is_none()).count();
    let listed = lots.values().map(|lot| 1 + usize::from(lot.listing.is_some())).sum::<usize>();
    let count = |it: usize| u64::try_from(it).unwrap_or(u64::MAX);
    count(bidders)
        + match stage {
            Stage::Interrupted => 0,
            Stage::Preparing => count(listed),
            Stage::Played => count(listed) + plan.bids() + events,
        }
}

fn per_second(requests: u64, time: Duration) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a few thousand requests")]
    let requests = requests as f64;
    requests / time.as_secs_f64().max(0.001)
}

/// How long the auctions run on a machine that answers `rate` requests per second.
fn length(bids: u64, rate: f64) -> Duration {
    #[expect(clippy::cast_precision_loss, reason = "at most 20,000 bids")]
    let bids = bids as f64;
    Duration::from_secs_f64((bids / (rate * SHARE).max(1.0)).clamp(30.0, 600.0))
}

#[cfg(test)]
mod tests;
