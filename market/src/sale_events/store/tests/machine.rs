//! Random acts on a sale event, one after the other, against a model of what its lots hold of the limits of their bidders.

mod bidding;
mod closing;
mod model;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use shared::audit::Actor;
use shared::money::BasisPoints;
use uuid::Uuid;

use self::model::{BIDDERS, Chance, LOTS, Lot, Model, OPENING, Registration, Sale, Stage};
use super::*;
use crate::ids::{ListingId, RegistrationId};
use crate::listings::model::SaleMode;
use crate::money::rules::premium::PremiumTariff;
use crate::money::store::tariffs::revise_premium;
use crate::sale_events::model::{NewSaleEvent, NewSaleEventLot};
use crate::sale_events::store as sale_events;
use crate::testing::{database_time, listing};

#[derive(Clone, Copy, Debug)]
enum Maximum {
    /// So many half euros above the least that counts.
    Above(i64),
    /// All that the bidder's limit leaves, and so much more.
    Left(i64),
}

#[derive(Clone, Copy, Debug)]
struct Offer {
    lot: usize,
    by: usize,
    maximum: Maximum,
}

/// What is said about a bid below the reserve.
#[derive(Clone, Copy, Debug)]
enum Said {
    Accept,
    Decline,
    /// The seller wants so many tenths more of what the bid is below the reserve.
    Counter(i64),
}

/// An act; where only some lots can suffer it, on the n-th of those.
#[derive(Clone, Debug)]
enum Act {
    Register(usize),
    /// A limit, or a refusal.
    Decide(usize, Option<i64>),
    /// Those of several share a transaction.
    Bid(Vec<Offer>),
    Retract(usize, usize),
    BuyNow(usize, usize),
    /// Their ends have come; several share a transaction.
    Close(BTreeSet<usize>),
    /// A moderator has suspended the lot when its end comes.
    CloseSuspended(usize),
    /// Whoever is asked answers.
    Answer(usize, Said),
    /// Nobody has answered.
    Silence(usize),
    Pay(usize),
    /// The time to pay is over.
    Default(usize),
    Renounce(usize),
    /// To the next bidder, even below the reserve if the seller consents.
    Offer(usize, bool),
    Take(usize),
    Decline(usize),
    /// The bidder has not answered.
    Expire(usize),
    /// By the seller, or by a moderator.
    Cancel(usize, bool),
    CancelEvent,
}

fn offer() -> impl Strategy<Value = Offer> {
    let maximum = prop_oneof![
        8 => (-1..30_i64).prop_map(Maximum::Above),
        2 => (30..120_i64).prop_map(Maximum::Above),
        3 => (0..2_i64).prop_map(Maximum::Left),
    ];
    (0..LOTS.len(), 0..BIDDERS, maximum).prop_map(|(lot, by, maximum)| Offer { lot, by, maximum })
}

fn limit() -> impl Strategy<Value = i64> {
    (20..120_i64).prop_map(|euros| euros * 100)
}

fn act() -> impl Strategy<Value = Act> {
    let said = prop_oneof![
        2 => Just(Said::Accept),
        1 => Just(Said::Decline),
        2 => (1..=10_i64).prop_map(Said::Counter),
    ];
    let lot = || 0..LOTS.len();
    prop_oneof![
        1 => (0..BIDDERS).prop_map(Act::Register),
        3 => (0..BIDDERS, prop::option::weighted(0.9, limit())).prop_map(|(n, limit)| Act::Decide(n, limit)),
        14 => prop::collection::vec(offer(), 1..2).prop_map(Act::Bid),
        4 => prop::collection::vec(offer(), 2..6).prop_map(Act::Bid),
        6 => (lot(), any::<usize>()).prop_map(|(lot, bid)| Act::Retract(lot, bid)),
        1 => (lot(), 0..BIDDERS).prop_map(|(lot, by)| Act::BuyNow(lot, by)),
        3 => prop::collection::btree_set(lot(), 1..3).prop_map(Act::Close),
        1 => lot().prop_map(Act::CloseSuspended),
        4 => (lot(), said).prop_map(|(lot, said)| Act::Answer(lot, said)),
        1 => lot().prop_map(Act::Silence),
        1 => lot().prop_map(Act::Pay),
        3 => lot().prop_map(Act::Default),
        1 => lot().prop_map(Act::Renounce),
        2 => (lot(), any::<bool>()).prop_map(|(lot, consent)| Act::Offer(lot, consent)),
        3 => lot().prop_map(Act::Take),
        1 => lot().prop_map(Act::Decline),
        1 => lot().prop_map(Act::Expire),
        1 => (lot(), any::<bool>()).prop_map(|(lot, by_seller)| Act::Cancel(lot, by_seller)),
        1 => Just(Act::CancelEvent),
    ]
}

/// What an event begins with.
#[derive(Clone, Copy, Debug)]
struct Setup {
    default_limit: Option<i64>,
    /// Of the first two bidders.
    limits: [i64; 2],
    /// The premium, in hundredths of a percent.
    premium: i32,
}

fn setup() -> impl Strategy<Value = Setup> {
    (prop::option::of(limit()), [limit(), limit()], prop::sample::select(vec![0, 1_000]))
        .prop_map(|(default_limit, limits, premium)| Setup { default_limit, limits, premium })
}

/// Half of it for what lies above 50.00.
fn tariff(premium: i32) -> PremiumTariff {
    let rates = [premium, premium / 2].map(|rate| BasisPoints::try_from(rate).expect("a rate"));
    PremiumTariff::new(Currency::EUR, vec![5_000], rates.to_vec(), 0).expect("a tariff")
}

/// Changes one row as if time had passed, which the tables refuse.
async fn age(conn: &mut PgConnection, sql: &'static str, row: Uuid) {
    let mut tx = conn.begin().await.expect("a transaction");
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.expect("a superuser");
    sqlx::query(sql).bind(row).execute(&mut *tx).await.expect("aged");
    tx.commit().await.expect("aged");
}

/// What was done, or why it was refused; other errors are faults.
fn judged<T>(tried: Result<T, AuctionError>) -> Result<T, Refused> {
    tried.map_err(|error| match error {
        AuctionError::Refused { refusal, .. } => refusal,
        error => panic!("{error:?}"),
    })
}

struct Machine {
    seller: Trader,
    bidders: [Trader; BIDDERS],
    event: SaleEventId,
    lots: Vec<AuctionId>,
    listings: Vec<ListingId>,
    registrations: [Option<RegistrationId>; BIDDERS],
    model: Model,
}

impl Machine {
    async fn new(conn: &mut PgConnection, setup: Setup) -> Self {
        let seller = trader(conn).await;
        let bidders = [trader(conn).await, trader(conn).await, trader(conn).await];
        let now = database_time(conn).await;
        let new = NewSaleEvent {
            title: "Autumn sale".to_owned(),
            description: String::new(),
            currency: Currency::EUR,
            starts_at: now - TimeDelta::minutes(1),
            first_ends_at: now + TimeDelta::days(10),
            step_ms: None,
            soft_close_seconds: None,
            hard_close_seconds: None,
            default_limit: setup.default_limit.map(eur),
        };
        let mut tx = conn.begin().await.expect("a transaction");
        let premium = tariff(setup.premium);
        revise_premium(&mut tx, Actor::System, None, &premium).await.expect("a tariff");
        let event = create(&mut tx, seller.org, seller.user, &new).await.expect("a draft");
        let mut listings = Vec::new();
        for terms in LOTS {
            let mode = if terms.buy_now.is_some() { SaleMode::AuctionBuyNow } else { SaleMode::Auction };
            let listing_id = listing(&mut tx, seller, mode, 1).await;
            let lot = NewSaleEventLot {
                listing_id,
                lot_no: None,
                group: terms.group,
                opening: eur(OPENING),
                reserve: terms.reserve.map(secret),
                buy_now: terms.buy_now.map(eur),
            };
            add_lot(&mut tx, seller.org, event, &lot).await.expect("a lot");
            listings.push(listing_id);
        }
        let lots = publish(&mut tx, seller.org, seller.user, event).await.expect("published");
        // A later tariff is not that of the limits.
        revise_premium(&mut tx, Actor::System, None, &tariff(700)).await.expect("a tariff");
        tx.commit().await.expect("committed");
        let model = Model::new(premium, setup.default_limit);
        Self { seller, bidders, event, lots, listings, registrations: [None; BIDDERS], model }
    }

    /// The n-th of the lots that are so.
    fn nth(&self, n: usize, so: impl Fn(&Lot) -> bool) -> Option<usize> {
        let lots: Vec<_> = (0..LOTS.len()).filter(|lot| so(&self.model.lots[*lot])).collect();
        if lots.is_empty() { None } else { Some(lots[n % lots.len()]) }
    }

    fn sold(&self, n: usize) -> Option<(usize, Sale)> {
        let lot = self.nth(n, |lot| matches!(lot.stage, Stage::Sold(_)))?;
        match self.model.lots[lot].stage {
            Stage::Sold(sale) => Some((lot, sale)),
            _ => None,
        }
    }

    fn offered(&self, n: usize) -> Option<(usize, Chance)> {
        let lot = self.nth(n, |lot| lot.chance.is_some())?;
        Some((lot, self.model.lots[lot].chance?))
    }

    async fn play(&mut self, conn: &mut PgConnection, act: Act) {
        match act {
            Act::Register(n) => self.register(conn, n).await,
            Act::Decide(n, limit) => self.decide(conn, n, limit).await,
            Act::Bid(offers) => self.bid(conn, &offers).await,
            Act::Retract(n, bid) => self.retract(conn, n, bid).await,
            Act::BuyNow(lot, by) => self.buy_now(conn, lot, by).await,
            Act::Close(lots) => self.close(conn, &lots).await,
            Act::CloseSuspended(n) => self.close_suspended(conn, n).await,
            Act::Answer(n, said) => self.answer(conn, n, said).await,
            Act::Silence(n) => self.silence(conn, n).await,
            Act::Pay(n) => self.pay(conn, n).await,
            Act::Default(n) => self.default(conn, n).await,
            Act::Renounce(n) => self.renounce(conn, n).await,
            Act::Offer(lot, consent) => self.offer(conn, lot, consent).await,
            Act::Take(n) => self.take(conn, n).await,
            Act::Decline(n) => self.decline(conn, n).await,
            Act::Expire(n) => self.expire(conn, n).await,
            Act::Cancel(lot, by_seller) => self.cancel(conn, lot, by_seller).await,
            Act::CancelEvent => self.cancel_event(conn).await,
        }
    }

    /// What lots hold, and the sums that the tables keep of it, are the model's.
    async fn assert_as_modelled(&self, conn: &mut PgConnection) {
        type Row = (Option<OrgId>, Option<i64>, AuctionStatus, i64, Option<OrgId>, Option<i64>);
        let lots: Vec<Row> = sqlx::query_as(
            "SELECT l.held_org_id, l.held_minor, a.status, a.price_minor, a.leader_org_id, a.leader_max_minor
             FROM sale_event_lots AS l
             JOIN auctions AS a ON a.id = l.auction_id
             WHERE l.event_id = $1
             ORDER BY l.lot_no",
        )
        .bind(self.event)
        .fetch_all(&mut *conn)
        .await
        .expect("the lots");
        assert_eq!(lots.len(), LOTS.len());
        let org = |n: usize| self.bidders[n].org;
        for (n, (lot, found)) in self.model.lots.iter().zip(lots).enumerate() {
            let (held_for, held) = self.model.held(n).map(|(by, minor)| (org(by), minor)).unzip();
            let (leader, maximum) = lot.leader().map(|bid| (org(bid.by), bid.maximum)).unzip();
            assert_eq!(found, (held_for, held, lot.status(), lot.price(), leader, maximum), "lot {n}");
        }
        let bidders: Vec<(OrgId, Option<i64>, i64, i64)> = sqlx::query_as(
            "SELECT b.org_id, b.limit_minor, b.reserved_minor,
                    (SELECT coalesce(sum(l.held_minor), 0)::bigint
                     FROM sale_event_lots AS l
                     WHERE l.event_id = b.event_id
                       AND l.held_org_id = b.org_id)
             FROM sale_event_bidders AS b
             WHERE b.event_id = $1",
        )
        .bind(self.event)
        .fetch_all(conn)
        .await
        .expect("the bidders");
        let found: BTreeMap<_, _> =
            bidders.into_iter().map(|(of, limit, kept, sum)| (of, (limit, kept, sum))).collect();
        let mut wanted = BTreeMap::new();
        for (n, bidder) in self.model.bidders.iter().enumerate() {
            let limit = match bidder {
                Registration::Absent => continue,
                Registration::Approved(limit) => Some(*limit),
                Registration::Requested | Registration::Refused => None,
            };
            let reserved = self.model.reserved(n);
            assert!(reserved <= limit.unwrap_or(0), "{reserved} of {limit:?}");
            wanted.insert(org(n), (limit, reserved, reserved));
        }
        assert_eq!(found, wanted);
    }
}

#[test]
fn limits_across_lots_in_the_store_are_as_modelled() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for cases in shared::testing::cases(32) {
        let db = runtime.block_on(TestDb::new());
        let config = Config { cases, max_shrink_iters: 200, failure_persistence: None, ..Config::default() };
        let played = (setup(), prop::collection::vec(act(), 1..60));
        let result = TestRunner::new(config).run(&played, |(setup, acts)| {
            runtime.block_on(async {
                let mut conn = db.pool.acquire().await.expect("a connection");
                let mut machine = Machine::new(&mut conn, setup).await;
                let approved = (0..2).flat_map(|n| [Act::Register(n), Act::Decide(n, Some(setup.limits[n]))]);
                for act in approved.chain(acts) {
                    machine.play(&mut conn, act).await;
                    machine.assert_as_modelled(&mut conn).await;
                }
            });
            Ok(())
        });
        runtime.block_on(db.close());
        result.expect("as modelled");
    }
}
