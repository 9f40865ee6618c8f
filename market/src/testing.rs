//! Organisations, listings and auctions for tests of everything that deals with auctions.

#![expect(clippy::expect_used, reason = "a test without its data ends here")]

use chrono::{DateTime, TimeDelta, Utc};
use shared::ids::{OrgId, UserId};
use shared::money::{Currency, Money};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::auctions::model::{LotMode, NewAuction, SecretMoney};
use crate::auctions::store;
use crate::catalog::model::NewItem;
use crate::catalog::store as catalog;
use crate::checkout::model::CheckoutLine;
use crate::checkout::store as checkouts;
use crate::escrow::store::{self as escrow, Settled};
use crate::ids::{AuctionId, CategoryId, CheckoutId, ListingId, OrderId, PaymentId, SaleEventId};
use crate::listings::model::{Language, NewListing, SaleMode};
use crate::listings::store as listings;
use crate::payments::{Payment, PaymentState, Provider, ProviderRef};
use crate::sale_events::model::{NewSaleEvent, NewSaleEventLot, OwnRegistration};
use crate::sale_events::store as sale_events;

/// The category `electronics/consoles`, which requires no attributes.
pub const CONSOLES: CategoryId = CategoryId(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0012));

/// An organisation and one of its people.
#[derive(Clone, Copy, Debug)]
pub struct Trader {
    pub org: OrgId,
    pub user: UserId,
}

/// Makes an approved organisation that buys and sells, with an owner.
pub async fn trader(conn: &mut PgConnection) -> Trader {
    trader_as(conn, "approved", &["seller", "buyer"]).await
}

/// Makes an organisation with this status and these kinds.
pub async fn trader_as(conn: &mut PgConnection, status: &str, kinds: &[&str]) -> Trader {
    let trader = Trader { org: OrgId::generate(), user: UserId::generate() };
    let kinds: Vec<String> = kinds.iter().map(ToString::to_string).collect();
    sqlx::query(
        "INSERT INTO users (id, email, email_verified_at, name, password_hash) VALUES ($1, $2, now(), 'Kim Test', '-')",
    )
    .bind(trader.user)
    .bind(format!("{}@example.test", trader.user))
    .execute(&mut *conn)
    .await
    .expect("a user");
    sqlx::query(
        "INSERT INTO orgs (id, legal_name, kinds, time_zone, status, created_by) VALUES ($1, 'Test Ltd', $2, 'UTC', $3, $4)",
    )
    .bind(trader.org)
    .bind(kinds)
    .bind(status)
    .bind(trader.user)
    .execute(&mut *conn)
    .await
    .expect("an organisation");
    sqlx::query("INSERT INTO memberships (org_id, user_id, role) VALUES ($1, $2, 'owner')")
        .bind(trader.org)
        .bind(trader.user)
        .execute(conn)
        .await
        .expect("an owner");
    trader
}

/// How often this connection has executed prepared statements with this in their text by plans that it has kept.
pub async fn by_kept_plans(conn: &mut PgConnection, text: &str) -> i64 {
    let kept =
        "SELECT coalesce(sum(generic_plans), 0)::bigint FROM pg_prepared_statements WHERE strpos(statement, $1) > 0";
    sqlx::query_scalar(kept).bind(text).fetch_one(conn).await.expect("the connection's statements")
}

/// Puts organisations on the plan that publishes as much as it likes.
pub async fn on_pro(conn: &mut PgConnection, traders: &[Trader]) {
    let orgs: Vec<_> = traders.iter().map(|trader| trader.org.0).collect();
    sqlx::query("UPDATE orgs SET plan = 'pro' WHERE id = ANY ($1)")
        .bind(orgs)
        .execute(conn)
        .await
        .expect("on the plan");
}

/// Makes a person who trades for each of these organisations.
pub async fn member_of(conn: &mut PgConnection, orgs: &[OrgId]) -> UserId {
    let user = UserId::generate();
    sqlx::query("INSERT INTO users (id, email, name, password_hash) VALUES ($1, $2, 'Kim Test', '-')")
        .bind(user)
        .bind(format!("{user}@example.test"))
        .execute(&mut *conn)
        .await
        .expect("a user");
    for org in orgs {
        sqlx::query("INSERT INTO memberships (org_id, user_id, role) VALUES ($1, $2, 'trader')")
            .bind(org)
            .bind(user)
            .execute(&mut *conn)
            .await
            .expect("a member");
    }
    user
}

/// Makes and publishes a listing of `quantity` units in EUR.
pub async fn listing(conn: &mut PgConnection, seller: Trader, sale_mode: SaleMode, quantity: i64) -> ListingId {
    let draft = draft(conn, seller, sale_mode, quantity).await;
    listings::publish(conn, seller.org, draft).await.expect("published");
    draft
}

/// Makes a draft of `quantity` units in EUR.
pub async fn draft(conn: &mut PgConnection, seller: Trader, sale_mode: SaleMode, quantity: i64) -> ListingId {
    let item = NewItem {
        category_id: CONSOLES,
        sku: Uuid::now_v7().to_string(),
        title: "Console".to_owned(),
        unit: "piece".to_owned(),
        attributes: serde_json::Map::new(),
        compatibility: Vec::new(),
    };
    let item = catalog::create_item(conn, seller.org, &item).await.expect("an item");
    let new = NewListing {
        item_id: item.id,
        site_id: None,
        title: "A console with two controllers".to_owned(),
        description: "Hardly used.".to_owned(),
        language: Language::En,
        sale_mode,
        currency: Currency::EUR,
        price: (!sale_mode.is_auction()).then(|| eur(10_000)),
        takes_offers: false,
        quantity,
        min_quantity: 1,
        delivery_options: vec!["pickup".to_owned()],
    };
    listings::create(conn, seller.org, seller.user, &new).await.expect("a draft")
}

/// Makes a live auction of one new listing with these terms.
pub async fn auction(conn: &mut PgConnection, seller: Trader, terms: &NewAuction) -> AuctionId {
    let sale_mode = if terms.buy_now.is_some() { SaleMode::AuctionBuyNow } else { SaleMode::Auction };
    let quantity = if terms.lot_mode == LotMode::Divisible { 100 } else { 1 };
    let listing = listing(conn, seller, sale_mode, quantity).await;
    store::create(conn, seller.org, seller.user, listing, terms).await.expect("an auction")
}

/// Ten days from now, opening at 10.00 EUR, without reserve, buy-now or soft close.
pub async fn terms(conn: &mut PgConnection) -> NewAuction {
    let now = database_time(conn).await;
    NewAuction {
        starts_at: None,
        ends_at: now + TimeDelta::days(10),
        hard_ends_at: None,
        soft_close_seconds: Some(0),
        opening: eur(1_000),
        reserve: None,
        buy_now: None,
        lot_mode: LotMode::Whole,
        brokers_excluded: false,
        second_chances: None,
    }
}

/// Hundredths of a euro.
#[must_use]
pub const fn eur(cents: i64) -> Money {
    Money::from_minor(cents, Currency::EUR)
}

#[must_use]
pub const fn secret(cents: i64) -> SecretMoney {
    SecretMoney::new(eur(cents))
}

/// The database's clock.
pub async fn database_time(conn: &mut PgConnection) -> DateTime<Utc> {
    sqlx::query_scalar("SELECT clock_timestamp()").fetch_one(conn).await.expect("the time")
}

/// Moves the whole course of an auction, bids included, so that it ends `from_now` from now (or
/// ended that long ago, when negative).
pub async fn end_in(conn: &mut PgConnection, auction: AuctionId, from_now: TimeDelta) {
    let mut tx = conn.begin().await.expect("a transaction");
    // The tables refuse this: promised times do not move, and bids do not change.
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.expect("a superuser");
    let by: sqlx::postgres::types::PgInterval = sqlx::query_scalar(
        "SELECT make_interval(secs => extract(epoch FROM clock_timestamp() - ends_at)::float8 + $2::float8 / 1000)
         FROM auctions
         WHERE id = $1",
    )
    .bind(auction)
    .bind(from_now.num_milliseconds())
    .fetch_one(&mut *tx)
    .await
    .expect("the auction");
    sqlx::query(
        "UPDATE auctions
         SET starts_at = starts_at + $2, ends_at = ends_at + $2, original_ends_at = original_ends_at + $2,
             hard_ends_at = hard_ends_at + $2
         WHERE id = $1",
    )
    .bind(auction)
    .bind(by)
    .execute(&mut *tx)
    .await
    .expect("moved");
    sqlx::query("UPDATE bids SET placed_at = placed_at + $2 WHERE auction_id = $1")
        .bind(auction)
        .bind(by)
        .execute(&mut *tx)
        .await
        .expect("moved");
    tx.commit().await.expect("moved");
}

/// Pays a checkout as a provider that answers at once would.
///
/// # Panics
/// When the checkout cannot be paid.
pub async fn pay(conn: &mut PgConnection, buyer: Trader, checkout: CheckoutId) -> PaymentId {
    let mut tx = conn.begin().await.expect("a transaction");
    let provider = Provider::Simulator;
    let payment = escrow::begin(&mut tx, buyer.org, buyer.user, checkout, provider, "card").await.expect("begun");
    escrow::start_charge(&mut tx, payment.id).await.expect("to be asked").expect("an open checkout");
    let taken = captured(payment.id, payment.amount);
    let settled = escrow::settle(&mut tx, payment.id, &taken).await.expect("settled");
    assert!(matches!(settled, Settled::Held { .. }), "{settled:?}");
    tx.commit().await.expect("committed");
    payment.id
}

/// Sells for this much, a multiple of 100 euros, what is paid, delivered and accepted.
///
/// # Panics
/// When it cannot be.
pub async fn earn(conn: &mut PgConnection, seller: Trader, buyer: Trader, price: Money) -> OrderId {
    let listing = listing(conn, seller, SaleMode::Fixed, 1_000).await;
    let (checkout, order) = placed(conn, buyer, listing, price).await;
    pay(conn, buyer, checkout).await;
    let mut tx = conn.begin().await.expect("a transaction");
    escrow::ship(&mut tx, seller.org, seller.user, order).await.expect("sent");
    escrow::receive(&mut tx, buyer.org, buyer.user, order).await.expect("arrived");
    escrow::accept(&mut tx, buyer.org, buyer.user, order).await.expect("accepted");
    tx.commit().await.expect("committed");
    order
}

/// Places an order of as many units of a listing at 100 euros as make up this price.
///
/// # Panics
/// When it cannot be.
pub async fn placed(conn: &mut PgConnection, buyer: Trader, listing: ListingId, price: Money) -> (CheckoutId, OrderId) {
    let lines = [CheckoutLine { listing, quantity: price.minor() / 10_000, price: eur(10_000) }];
    let mut tx = conn.begin().await.expect("a transaction");
    let id = checkouts::place(&mut tx, buyer.org, buyer.user, &lines, TimeDelta::minutes(30)).await.expect("placed");
    let order = checkouts::checkout(&mut tx, buyer.org, id).await.expect("read").expect("the checkout").orders[0].id;
    tx.commit().await.expect("committed");
    (id, order)
}

/// A payment as its provider has it when all of it was taken.
#[must_use]
pub fn captured(payment: PaymentId, amount: Money) -> Payment {
    Payment {
        reference: ProviderRef(format!("pay_{payment}")),
        state: PaymentState::Captured,
        amount,
        captured: amount,
        refunded: Money::from_minor(0, amount.currency()),
        failure: None,
        confirm_at: None,
    }
}

/// Publishes a sale event of new listings in EUR: one lot for each of `groups`, numbered from 1, opening at 10.00 EUR. The first ends in
/// ten days, each after it a minute later, and late bids leave five minutes; `limit`: who registers is approved with it.
pub async fn sale_event(
    conn: &mut PgConnection,
    seller: Trader,
    groups: &[Option<i32>],
    limit: Option<Money>,
) -> (SaleEventId, Vec<AuctionId>) {
    let now = database_time(conn).await;
    let new = NewSaleEvent {
        title: "Autumn sale".to_owned(),
        description: String::new(),
        currency: Currency::EUR,
        starts_at: now - TimeDelta::minutes(1),
        first_ends_at: now + TimeDelta::days(10),
        step_ms: Some(60_000),
        soft_close_seconds: Some(300),
        hard_close_seconds: Some(3_600),
        default_limit: limit,
    };
    let mut tx = conn.begin().await.expect("a transaction");
    let event = sale_events::create(&mut tx, seller.org, seller.user, &new).await.expect("a sale event");
    for group in groups {
        let listing = listing(&mut tx, seller, SaleMode::Auction, 1).await;
        let lot = NewSaleEventLot {
            listing_id: listing,
            lot_no: None,
            group: *group,
            opening: eur(1_000),
            reserve: None,
            buy_now: None,
        };
        sale_events::add_lot(&mut tx, seller.org, event, &lot).await.expect("a lot");
    }
    let lots = sale_events::publish(&mut tx, seller.org, seller.user, event).await.expect("published");
    tx.commit().await.expect("committed");
    (event, lots)
}

/// Registers an organisation as a bidder of a sale event.
pub async fn register(conn: &mut PgConnection, event: SaleEventId, bidder: Trader) -> OwnRegistration {
    let mut tx = conn.begin().await.expect("a transaction");
    let own = sale_events::register(&mut tx, bidder.org, bidder.user, event).await.expect("registered");
    tx.commit().await.expect("committed");
    own
}
