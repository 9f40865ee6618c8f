use chrono::TimeDelta;
use shared::testing::TestDb;
use sqlx::{Connection, PgConnection};

use super::*;
use crate::checkout::model::CheckoutLine;
use crate::checkout::store::{self as checkouts, Expiry};
use crate::escrow::model::{Escrow, EscrowStatus, PaymentStatus, Refund, RefundCause, RefundStatus};
use crate::ids::{CheckoutId, ListingId, OrderId, PaymentId, PayoutAccountId, PayoutId, RefundId};
use crate::listings::model::SaleMode;
use crate::orders::store as orders;
use crate::payments::{
    Account, AccountState, Disbursement, DisbursementState, Payment, PaymentState, Provider, ProviderRef,
};
use crate::payouts::store as payouts;
use crate::testing::{Trader, captured, eur, listing, pay, trader};

mod machine;
mod moving;
mod paying;
mod races;
mod taking_back;

/// A checkout of two units of 100 euros from each of its sellers.
struct Sale {
    buyer: Trader,
    sellers: Vec<Trader>,
    checkout: CheckoutId,
    /// In the sellers' order.
    orders: Vec<OrderId>,
    listings: Vec<ListingId>,
}

async fn sale(conn: &mut PgConnection, sellers: usize) -> Sale {
    let buyer = trader(conn).await;
    let mut made = Vec::new();
    let mut listings = Vec::new();
    for _ in 0..sellers {
        let seller = trader(conn).await;
        listings.push(listing(conn, seller, SaleMode::Fixed, 10).await);
        made.push(seller);
    }
    let lines: Vec<_> =
        listings.iter().map(|listing| CheckoutLine { listing: *listing, quantity: 2, price: eur(10_000) }).collect();
    let mut tx = conn.begin().await.expect("a transaction");
    let checkout =
        checkouts::place(&mut tx, buyer.org, buyer.user, &lines, TimeDelta::minutes(30)).await.expect("placed");
    let placed = checkouts::checkout(&mut tx, buyer.org, checkout).await.expect("read").expect("the checkout");
    tx.commit().await.expect("committed");
    let order = |seller: &Trader| placed.orders.iter().find(|order| order.seller_org_id == seller.org).expect("one").id;
    let orders = made.iter().map(order).collect();
    Sale { buyer, sellers: made, checkout, orders, listings }
}

impl Sale {
    async fn escrow(&self, conn: &mut PgConnection, n: usize) -> Escrow {
        escrow(conn, self.buyer.org, self.orders[n]).await.expect("read").expect("paid")
    }

    async fn status(&self, conn: &mut PgConnection, n: usize) -> OrderStatus {
        orders::order(conn, self.buyer.org, self.orders[n]).await.expect("read").expect("the order").status
    }

    /// Sends the n-th order and lets it arrive.
    async fn deliver(&self, conn: &mut PgConnection, n: usize) {
        let mut tx = conn.begin().await.expect("a transaction");
        ship(&mut tx, self.sellers[n].org, self.sellers[n].user, self.orders[n]).await.expect("sent");
        receive(&mut tx, self.buyer.org, self.buyer.user, self.orders[n]).await.expect("arrived");
        tx.commit().await.expect("committed");
    }
}

/// Lets the time of inspection be over, if it has begun.
async fn age(conn: &mut PgConnection, order: OrderId) {
    let mut tx = conn.begin().await.expect("a transaction");
    // The table refuses this: a promised time does not move.
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.expect("a superuser");
    sqlx::query(
        "UPDATE escrows
         SET inspect_until = clock_timestamp() - interval '1 second'
         WHERE order_id = $1 AND inspect_until IS NOT NULL",
    )
    .bind(order)
    .execute(&mut *tx)
    .await
    .expect("changed");
    tx.commit().await.expect("committed");
}

/// What must hold whenever nothing is half done: the ledger, the escrows, the payments and the refunds say the same.
pub(crate) async fn assert_books(conn: &mut PgConnection) {
    let wrong: Vec<String> = sqlx::query_scalar(
        "SELECT format('the entries in %s sum to %s', currency, sum(amount_minor))
         FROM money_entries GROUP BY currency HAVING sum(amount_minor) <> 0
         UNION ALL
         SELECT format('the ledger holds %s for seller %s, its escrows %s', coalesce(a.balance_minor, 0), held.seller, held.minor)
         FROM (SELECT o.seller_org_id AS seller, o.currency, sum(e.amount_minor - e.released_minor - e.refunded_minor) AS minor
               FROM escrows AS e JOIN orders AS o ON o.id = e.order_id GROUP BY 1, 2) AS held
         LEFT JOIN money_accounts AS a ON a.org_id = held.seller AND a.kind = 'held' AND a.currency = held.currency
         WHERE coalesce(a.balance_minor, 0) <> held.minor
         UNION ALL
         SELECT format('the ledger owes buyer %s %s, its refunds %s', owed.buyer, coalesce(a.balance_minor, 0), owed.minor)
         FROM (SELECT c.buyer_org_id AS buyer, c.currency, sum(r.amount_minor) FILTER (WHERE r.status <> 'done') AS minor
               FROM refunds AS r JOIN payments AS p ON p.id = r.payment_id JOIN checkouts AS c ON c.id = p.checkout_id
               GROUP BY 1, 2) AS owed
         LEFT JOIN money_accounts AS a ON a.org_id = owed.buyer AND a.kind = 'payable' AND a.currency = owed.currency
         WHERE coalesce(a.balance_minor, 0) <> coalesce(owed.minor, 0)
         UNION ALL
         SELECT format('the ledger has %s on its way to seller %s, its payouts %s', coalesce(a.balance_minor, 0), way.org_id, way.minor)
         FROM (SELECT org_id, currency,
                      coalesce(sum(amount_minor) FILTER (WHERE status IN ('intended', 'sent')
                                                           OR (status = 'waiting' AND transfer_ref IS NOT NULL)), 0) AS minor
               FROM payouts GROUP BY 1, 2) AS way
         LEFT JOIN money_accounts AS a ON a.org_id = way.org_id AND a.kind = 'payable' AND a.currency = way.currency
         WHERE coalesce(a.balance_minor, 0) <> way.minor
         UNION ALL
         SELECT format('seller %s has %s and owes %s', a.org_id, a.balance_minor, d.balance_minor)
         FROM money_accounts AS a
         JOIN money_accounts AS d ON d.org_id = a.org_id AND d.currency = a.currency AND d.kind = 'debt'
         WHERE a.kind = 'receivable' AND a.balance_minor > 0 AND d.balance_minor < 0
         UNION ALL
         SELECT format('seller %s has %s in the ledger, and by orders and payouts %s', seller, ledger, earned - coalesce(paid, 0))
         FROM (SELECT o.seller_org_id AS seller, o.currency,
                      sum(o.net_minor + (SELECT coalesce(sum(t.goods_minor), 0) FROM order_taxes AS t WHERE t.order_id = o.id)
                          - coalesce((SELECT sum(r.net_minor + r.goods_tax_minor) FROM refunds AS r WHERE r.order_id = o.id), 0)) AS earned,
                      (SELECT coalesce(sum(a.balance_minor), 0)
                       FROM money_accounts AS a
                       WHERE a.org_id = o.seller_org_id AND a.kind IN ('receivable', 'debt')) AS ledger,
                      (SELECT sum(p.amount_minor)
                       FROM payouts AS p
                       WHERE p.org_id = o.seller_org_id AND p.status <> 'failed'
                         AND (p.status <> 'waiting' OR p.transfer_ref IS NOT NULL)) AS paid
               FROM orders AS o
               WHERE EXISTS (SELECT FROM money_transfers WHERE kind = 'release' AND reference = o.id::text)
               GROUP BY 1, 2) AS sums
         WHERE ledger <> earned - coalesce(paid, 0)
         UNION ALL
         SELECT format('cash is %s, payments less refunds and payouts %s', cash.minor, taken.minor)
         FROM (SELECT coalesce(-sum(e.amount_minor), 0) AS minor
               FROM money_entries AS e JOIN money_accounts AS a ON a.id = e.account_id WHERE a.kind = 'cash') AS cash,
              (SELECT coalesce((SELECT sum(amount_minor) FROM payments WHERE status = 'held'), 0)
                      - coalesce((SELECT sum(amount_minor) FROM refunds WHERE status = 'done'), 0)
                      - coalesce((SELECT sum(amount_minor) FROM payouts WHERE status = 'paid'), 0) AS minor) AS taken
         WHERE cash.minor <> taken.minor
         UNION ALL
         SELECT format('order %s is %s, its escrow %s', o.id, o.status, e.status)
         FROM orders AS o
         JOIN escrows AS e ON e.order_id = o.id
         WHERE CASE e.status
             WHEN 'held' THEN o.status NOT IN ('paid', 'in_fulfilment', 'delivered')
             WHEN 'frozen' THEN o.status <> 'disputed'
             WHEN 'refunded' THEN o.status <> 'refunded'
             ELSE o.status <> 'completed' END
         UNION ALL
         SELECT format('checkout %s is %s, its order %s', c.id, c.status, o.status)
         FROM checkouts AS c
         JOIN orders AS o ON o.checkout_id = c.id
         LEFT JOIN escrows AS e ON e.order_id = o.id
         WHERE (c.status = 'paid') <> (e.order_id IS NOT NULL)",
    )
    .fetch_all(conn)
    .await
    .expect("the books");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A seller's account as its provider has it.
fn active(id: PayoutAccountId) -> Account {
    Account { reference: ProviderRef(format!("acct_{id}")), state: AccountState::Active, requirements: Vec::new() }
}

/// A refund as its provider has it.
fn given_back(id: RefundId, amount: Money, state: DisbursementState) -> Disbursement {
    Disbursement { reference: ProviderRef(format!("ref_{id}")), state, amount }
}
