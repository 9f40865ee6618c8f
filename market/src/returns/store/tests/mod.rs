use chrono::TimeDelta;
use shared::audit::Actor;
use shared::money::{BasisPoints, Currency};
use shared::testing::TestDb;
use sqlx::{Connection, PgConnection};

use super::*;
use crate::checkout::store as checkouts;
use crate::escrow::model::{Escrow, EscrowStatus, RefundCause};
use crate::escrow::rules::INSPECTION;
use crate::escrow::store as escrow;
use crate::escrow::store::tests::assert_books;
use crate::ids::{CheckoutId, ItemId, ListingId, SiteId};
use crate::listings::model::SaleMode;
use crate::listings::store as listings;
use crate::money::rules::premium::PremiumTariff;
use crate::money::store::tariffs::revise_premium;
use crate::orders::model::{NewOrder, OrderLine, OrderSource, OrderStatus};
use crate::orders::store as orders;
use crate::returns::model::{Disposition, Return, ReturnReason};
use crate::returns::rules::Wanted;
use crate::stock::model::{Holder, Level, Want};
use crate::stock::rules::reserve::Count;
use crate::stock::store as stock;
use crate::stock::store::tests::{assert_books as assert_stock, new_site};
use crate::testing::{Trader, database_time, draft, eur, listing, pay, trader};

mod acting;
mod lapsing;
mod money;
mod races;

/// What was on hand before the sale.
const STOCK: i64 = 10;

/// An order of three units out of a stock book and two without one, at different commissions; taxed, and with a buyer's premium.
struct Sale {
    seller: Trader,
    buyer: Trader,
    checkout: CheckoutId,
    order: OrderId,
    item: ItemId,
    site: SiteId,
}

impl Sale {
    /// Ordered and reserved.
    async fn placed(conn: &mut PgConnection) -> Self {
        let (seller, buyer) = (trader(conn).await, trader(conn).await);
        sqlx::query("UPDATE orgs SET country = 'DE' WHERE id = ANY ($1)")
            .bind([seller.org.0, buyer.org.0])
            .execute(&mut *conn)
            .await
            .expect("in Germany");
        // A number of its own.
        let numbered = "UPDATE orgs SET vat_number = 'DE' || 100000000 + (SELECT count(*) FROM orgs) WHERE id = $1";
        sqlx::query(numbered).bind(seller.org).execute(&mut *conn).await.expect("numbered");
        sqlx::query(
            "INSERT INTO vat_rates (country, kind, valid_from, bps)
             SELECT 'DE', 'standard', '2000-01-01', 1900
             WHERE NOT EXISTS (SELECT FROM vat_rates WHERE country = 'DE')",
        )
        .execute(&mut *conn)
        .await
        .expect("a rate");
        let rate = BasisPoints::try_from(700).expect("a rate");
        let tariff = PremiumTariff::new(Currency::EUR, Vec::new(), vec![rate], 0).expect("a tariff");
        let premium = revise_premium(conn, Actor::User(seller.user), None, &tariff).await.expect("a tariff");
        let site = new_site(conn, seller.org, Some(STOCK + 5)).await.expect("a site").id;
        let stocked = draft(conn, seller, SaleMode::Fixed, 1_000).await;
        let item: ItemId = sqlx::query_scalar("UPDATE listings SET site_id = $2 WHERE id = $1 RETURNING item_id")
            .bind(stocked)
            .bind(site)
            .fetch_one(&mut *conn)
            .await
            .expect("the draft");
        listings::publish(conn, seller.org, stocked).await.expect("published");
        let count = Count::To(STOCK);
        let mut tx = conn.begin().await.expect("a transaction");
        let counted = stock::Adjust { org: seller.org, item, site, count, reason: None, actor: seller.user };
        stock::adjust(&mut tx, &counted).await.expect("counted");
        tx.commit().await.expect("committed");
        let own = listing(conn, seller, SaleMode::Fixed, 5).await;
        let uncounted = listings::listing(conn, own).await.expect("read").expect("the listing").item_id;
        let line = |listing_id, item_id, quantity, amount, fee_bps| OrderLine {
            listing_id: Some(listing_id),
            item_id,
            title: "Console".to_owned(),
            quantity,
            unit: "piece".to_owned(),
            unit_price: None,
            amount: eur(amount),
            fee_bps,
            days: Vec::new(),
        };
        let lines = vec![line(stocked, item, 3, 10_000, 500), line(own, uncounted, 2, 9_999, 1_000)];
        let new = NewOrder {
            source: OrderSource::Checkout,
            award: None,
            offer: None,
            buyer: buyer.org,
            seller: seller.org,
            placed_by: buyer.user,
            created_at: database_time(conn).await,
            premium: Some(premium),
            lines,
        };
        let mut tx = conn.begin().await.expect("a transaction");
        let order = orders::create(&mut tx, &new).await.expect("an order").id;
        let want =
            |listing: ListingId, line_no, quantity| Want { listing, quantity, holder: Holder::Line { order, line_no } };
        stock::reserve(&mut tx, &[want(stocked, 1, 3), want(own, 2, 2)]).await.expect("reserved");
        tx.commit().await.expect("committed");
        let checkout = orders::find(conn, order).await.expect("read").expect("the order").checkout;
        assert!(checkouts::find(conn, checkout).await.expect("read").is_some());
        Self { seller, buyer, checkout, order, item, site }
    }

    /// Paid, sent and arrived.
    async fn delivered(conn: &mut PgConnection) -> Self {
        let sale = Self::placed(conn).await;
        pay(conn, sale.buyer, sale.checkout).await;
        let mut tx = conn.begin().await.expect("a transaction");
        escrow::ship(&mut tx, sale.seller.org, sale.seller.user, sale.order).await.expect("sent");
        escrow::receive(&mut tx, sale.buyer.org, sale.buyer.user, sale.order).await.expect("arrived");
        tx.commit().await.expect("committed");
        sale
    }

    const fn by_seller(&self) -> Party {
        Party { org: self.seller.org, user: self.seller.user }
    }

    const fn by_buyer(&self) -> Party {
        Party { org: self.buyer.org, user: self.buyer.user }
    }

    async fn accept(&self, conn: &mut PgConnection) {
        let mut tx = conn.begin().await.expect("a transaction");
        escrow::accept(&mut tx, self.buyer.org, self.buyer.user, self.order).await.expect("accepted");
        tx.commit().await.expect("committed");
    }

    async fn request(&self, conn: &mut PgConnection, lines: &[(i16, i64)]) -> Result<ReturnId, ReturnError> {
        let (by, order) = (self.by_buyer(), self.order);
        let lines: Vec<_> = lines.iter().map(|&(line, quantity)| Wanted { line, quantity }).collect();
        let new = NewReturn { order, reason: ReturnReason::NotNeeded, text: Some("too many"), lines: &lines };
        act(conn, async |tx| request(tx, by, new).await).await
    }

    /// Approved, and on its way.
    async fn sent(&self, conn: &mut PgConnection, lines: &[(i16, i64)]) -> ReturnId {
        let id = self.request(conn, lines).await.expect("requested");
        act(conn, async |tx| approve(tx, self.by_seller(), id, Some("Depot 3")).await).await.expect("approved");
        act(conn, async |tx| send(tx, self.by_buyer(), id, "by hand").await).await.expect("sent");
        id
    }

    async fn receive(
        &self,
        conn: &mut PgConnection,
        id: ReturnId,
        lines: &[(i16, Disposition)],
    ) -> Result<Received, ReturnError> {
        act(conn, async |tx| receive(tx, self.by_seller(), id, lines).await).await
    }

    /// All the way: sent, and received where it can be sold again.
    async fn returned(&self, conn: &mut PgConnection, lines: &[(i16, i64)]) -> Return {
        let id = self.sent(conn, lines).await;
        let hand: Vec<_> = lines.iter().map(|&(line, _)| (line, Disposition::OnHand)).collect();
        self.receive(conn, id, &hand).await.expect("received");
        found(conn, id).await
    }

    async fn level(&self, conn: &mut PgConnection) -> Level {
        stock::level(conn, self.seller.org, self.item, self.site).await.expect("read").expect("the level")
    }

    async fn escrow(&self, conn: &mut PgConnection) -> Escrow {
        escrow::escrow(conn, self.buyer.org, self.order).await.expect("read").expect("paid")
    }

    async fn status(&self, conn: &mut PgConnection) -> OrderStatus {
        orders::find(conn, self.order).await.expect("read").expect("the order").status
    }
}

/// In a transaction of its own, which is rolled back after an error.
async fn act<T>(
    conn: &mut PgConnection,
    act: impl AsyncFnOnce(&mut PgConnection) -> Result<T, ReturnError>,
) -> Result<T, ReturnError> {
    let mut tx = conn.begin().await.expect("a transaction");
    let done = act(&mut tx).await;
    if done.is_ok() {
        tx.commit().await.expect("committed");
    } else {
        tx.rollback().await.expect("rolled back");
    }
    done
}

async fn found(conn: &mut PgConnection, id: ReturnId) -> Return {
    find(conn, id).await.expect("read").expect("the return")
}

/// What the tables refuse: times that were promised do not move.
async fn move_time(conn: &mut PgConnection, sql: &'static str, id: uuid::Uuid) {
    let mut tx = conn.begin().await.expect("a transaction");
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.expect("a superuser");
    sqlx::query(sql).bind(id).execute(&mut *tx).await.expect("moved");
    tx.commit().await.expect("committed");
}

/// Lets time decide about a return now.
async fn age(conn: &mut PgConnection, id: ReturnId) {
    move_time(conn, "UPDATE returns SET due_at = clock_timestamp() - interval '1 second' WHERE id = $1", id.0).await;
}

/// Money and stock say the same as ever, and each return that is over has moved each of its units and its money once.
async fn assert_sound(conn: &mut PgConnection) {
    assert_books(conn).await;
    assert_stock(conn).await;
    let wrong: Vec<String> = sqlx::query_scalar(
        "SELECT format('return %s has put back %s and %s', r.id, m.on_hand, m.quarantined)
         FROM returns AS r
         CROSS JOIN LATERAL (
             SELECT coalesce(sum(quantity) FILTER (WHERE restocked AND disposition = 'on_hand'), 0) AS on_hand,
                    coalesce(sum(quantity) FILTER (WHERE restocked AND disposition = 'quarantine'), 0) AS quarantined
             FROM return_lines
             WHERE return_id = r.id
         ) AS l
         CROSS JOIN LATERAL (
             SELECT coalesce(sum(on_hand_delta), 0) AS on_hand, coalesce(sum(quarantined_delta), 0) AS quarantined
             FROM stock_movements
             WHERE reference = r.id
         ) AS m
         WHERE (l.on_hand, l.quarantined) <> (m.on_hand, m.quarantined)
         UNION ALL
         SELECT format('refund %s is of %s returns', f.id, (SELECT count(*) FROM returns WHERE refund_id = f.id))
         FROM refunds AS f
         WHERE (f.cause = 'return') <> (1 = (SELECT count(*) FROM returns WHERE refund_id = f.id))
         UNION ALL
         SELECT format('refund %s has no credit note of its amount', f.id)
         FROM refunds AS f
         WHERE f.cause = 'return'
           AND f.amount_minor IS DISTINCT FROM (SELECT gross_minor FROM invoices WHERE refund_id = f.id)
         UNION ALL
         SELECT format('of line %s of order %s %s of %s went back', n.line_no, n.order_id, b.units, n.quantity)
         FROM order_lines AS n
         CROSS JOIN LATERAL (
             SELECT coalesce(sum(l.quantity), 0) AS units
             FROM return_lines AS l
             JOIN returns AS r ON r.id = l.return_id
             WHERE l.order_id = n.order_id AND l.line_no = n.line_no AND r.status IN ('received', 'refunded')
         ) AS b
         WHERE b.units > n.quantity",
    )
    .fetch_all(conn)
    .await
    .expect("the returns");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What the platform has of an order: commission, premium, and the tax that it owes, in cents.
async fn platform(conn: &mut PgConnection) -> Vec<(String, i64)> {
    sqlx::query_as(
        "SELECT a.kind, sum(e.amount_minor)::bigint
         FROM money_entries AS e
         JOIN money_accounts AS a ON a.id = e.account_id
         WHERE a.kind IN ('commission', 'premium', 'tax')
         GROUP BY a.kind
         ORDER BY a.kind",
    )
    .fetch_all(conn)
    .await
    .expect("balances")
}
