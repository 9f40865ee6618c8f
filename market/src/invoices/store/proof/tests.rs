use std::time::Duration;

use chrono::NaiveDate;
use shared::testing::TestDb;
use sqlx::Connection;

use super::super::tests::{assert_no_gaps, documents, sold, taxed, trader_in};
use super::*;
use crate::chat::model::PDF;
use crate::escrow::store as escrow;
use crate::images::store::insert_upload;
use crate::invoices::model::{Invoice, InvoiceKind};
use crate::listings::model::SaleMode;
use crate::listings::store as listings;
use crate::money::model::{Account, AccountKind, Balance};
use crate::money::rules::premium::PremiumTariff;
use crate::money::store::ledger::{self, balances};
use crate::money::store::tariffs::revise_premium;
use crate::orders::model::{NewOrder, OrderLine, OrderSource};
use crate::orders::store as orders;
use crate::stock::model::{Holder, Want};
use crate::stock::store::reserve;
use crate::testing::{Trader, database_time, eur, listing, pay};

mod views;

/// A seller in Germany, where the rate is 19 %, and a buyer in Switzerland.
async fn parties(conn: &mut PgConnection) -> (Trader, Trader) {
    taxed(conn, "DE", 1_900).await;
    (trader_in(conn, "DE", Some("DE123456788")).await, trader_in(conn, "CH", None).await)
}

/// Lets the time of every proof be over.
async fn overdue(conn: &mut PgConnection) {
    let mut tx = conn.begin().await.expect("a transaction");
    // The table refuses this.
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.expect("set");
    let sql = "UPDATE export_proofs SET due_at = due_at - interval '31 days'";
    sqlx::query(sql).execute(&mut *tx).await.expect("aged");
    tx.commit().await.expect("committed");
}

async fn taxes(conn: &mut PgConnection, order: OrderId) -> Option<Replaced> {
    let mut tx = conn.begin().await.expect("a transaction");
    let replaced = tax_unproved(&mut tx, order).await.expect("taxed");
    tx.commit().await.expect("committed");
    replaced
}

/// With the number of a declaration of this year.
async fn new(conn: &mut PgConnection, by: Trader) -> NewProof {
    let upload = insert_upload(conn, by.org, by.user, PDF, 5, Duration::from_mins(15)).await.expect("announced").id;
    let left_on = database_time(conn).await.date_naive();
    let number = format!("{}DE586600006143E", left_on.format("%y"));
    let right =
        |digit: &u32| judge(&format!("{number}{digit}"), left_on, Days { ordered_on: left_on, today: left_on }).is_ok();
    let digit = (0..10).find(right).expect("a digit");
    NewProof { mrn: format!("{number}{digit}"), left_on, upload }
}

async fn hands_in(
    conn: &mut PgConnection,
    by: Trader,
    order: OrderId,
    new: &NewProof,
) -> Result<Option<Replaced>, ProofError> {
    let mut tx = conn.begin().await.expect("a transaction");
    let replaced = hand_in(&mut tx, by.org, by.user, order, new).await?;
    tx.commit().await.expect("committed");
    Ok(replaced)
}

async fn refunded(conn: &mut PgConnection, seller: Trader, order: OrderId, cents: i64) {
    let mut tx = conn.begin().await.expect("a transaction");
    escrow::refund(&mut tx, seller.org, seller.user, order, eur(cents), "scratched").await.expect("given back");
    tx.commit().await.expect("committed");
}

async fn status(conn: &mut PgConnection, party: Trader, order: OrderId) -> ProofStatus {
    proof(conn, party.org, order).await.expect("read").status
}

fn minor(of: &[Invoice], kind: InvoiceKind, amount: fn(&Invoice) -> Money) -> i64 {
    of.iter().filter(|it| it.kind == kind).map(|it| amount(it).minor()).sum()
}

#[tokio::test]
async fn an_export_that_is_proved_in_time_keeps_its_invoice() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, buyer) = parties(&mut conn).await;
    let order = sold(&mut conn, seller, buyer, 10_000).await;
    assert_eq!(status(&mut conn, buyer, order).await, ProofStatus::Awaited);
    let new_proof = new(&mut conn, seller).await;
    assert!(matches!(hands_in(&mut conn, buyer, order, &new_proof).await, Err(ProofError::NotFound("order"))));
    assert_eq!(hands_in(&mut conn, seller, order, &new_proof).await.expect("taken"), None);
    assert_eq!(status(&mut conn, buyer, order).await, ProofStatus::Proved);
    overdue(&mut conn).await;
    assert_eq!(unproved(&mut conn, 10).await.expect("read"), []);
    assert_eq!(taxes(&mut conn, order).await, None);
    assert_eq!(documents(&mut conn, seller, order).await.len(), 1);
    // A better one takes its place; its file is no other order's.
    let better = new(&mut conn, seller).await;
    assert_eq!(hands_in(&mut conn, seller, order, &better).await.expect("taken"), None);
    let other = sold(&mut conn, seller, buyer, 10_000).await;
    let Err(ProofError::File(DocumentError::Invalid(refused))) = hands_in(&mut conn, seller, other, &better).await
    else {
        panic!("taken twice");
    };
    assert_eq!(refused.pointer, "/upload");
    let at_home = trader_in(&mut conn, "DE", None).await;
    let domestic = sold(&mut conn, seller, at_home, 10_000).await;
    assert_eq!(status(&mut conn, at_home, domestic).await, ProofStatus::NotNeeded);
    assert!(matches!(hands_in(&mut conn, seller, domestic, &new_proof).await, Err(ProofError::NotNeeded)));
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn an_unproved_export_is_taxed_once_and_a_late_proof_lifts_the_tax() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, buyer) = parties(&mut conn).await;
    let order = sold(&mut conn, seller, buyer, 1_190_000).await;
    assert_eq!((unproved(&mut conn, 10).await.expect("read"), taxes(&mut conn, order).await), (vec![], None));
    overdue(&mut conn).await;
    assert_eq!(unproved(&mut conn, 10).await.expect("read"), [order]);
    let replaced = taxes(&mut conn, order).await.expect("taxed");
    assert_eq!((unproved(&mut conn, 10).await.expect("read"), taxes(&mut conn, order).await), (vec![], None));
    assert_eq!(status(&mut conn, seller, order).await, ProofStatus::Taxed);
    let all = documents(&mut conn, buyer, order).await;
    let [first, note, second] = all.as_slice() else { panic!("not three: {all:?}") };
    assert_eq!((note.id, second.id), (replaced.credit_note, replaced.invoice));
    assert_eq!(
        (note.kind, note.refers_to, note.refund, note.gross),
        (InvoiceKind::CreditNote, Some(first.id), None, first.gross)
    );
    assert_eq!(
        (second.replaces, second.vat_treatment, &second.vat_note),
        (Some(first.id), Treatment::SellersRate, &None)
    );
    assert_eq!((second.net, second.tax, second.gross), (eur(1_000_000), eur(190_000), eur(1_190_000)));
    assert_eq!((second.lines[0].net, second.taxes[0].rate_bps), (eur(1_000_000), 1_900));

    // A part goes back, then the proof comes.
    refunded(&mut conn, seller, order, 119_000).await;
    let all = documents(&mut conn, buyer, order).await;
    assert_eq!((all[3].refers_to, all[3].net, all[3].tax), (Some(second.id), eur(100_000), eur(19_000)));
    let proof = new(&mut conn, seller).await;
    let lifted = hands_in(&mut conn, seller, order, &proof).await.expect("taken").expect("invoiced anew");
    assert_eq!(status(&mut conn, seller, order).await, ProofStatus::Proved);
    let all = documents(&mut conn, seller, order).await;
    let (note, third) = (&all[4], &all[5]);
    assert_eq!((note.id, note.refers_to, note.tax), (lifted.credit_note, Some(second.id), eur(171_000)));
    assert_eq!((third.id, third.replaces), (lifted.invoice, Some(second.id)));
    assert_eq!((third.net, third.tax, third.vat_treatment), (eur(1_071_000), eur(0), Treatment::Export));
    // The same proof again, or another one, issues nothing more; what is left goes back.
    assert_eq!(hands_in(&mut conn, seller, order, &proof).await.expect("taken"), None);
    refunded(&mut conn, seller, order, 1_071_000).await;
    let all = documents(&mut conn, seller, order).await;
    assert_eq!(all.len(), 7);
    let amounts: [fn(&Invoice) -> Money; 3] = [|it| it.gross, |it| it.net, |it| it.tax];
    for amount in amounts {
        assert_eq!(minor(&all, InvoiceKind::Invoice, amount), minor(&all, InvoiceKind::CreditNote, amount));
    }
    assert_no_gaps(&mut conn).await;
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn what_was_given_back_whole_and_what_has_no_rate_is_not_taxed() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, buyer) = parties(&mut conn).await;
    let order = sold(&mut conn, seller, buyer, 10_000).await;
    refunded(&mut conn, seller, order, 10_000).await;
    let mut tx = conn.begin().await.expect("a transaction");
    // The table refuses this: what a rate was stays.
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.expect("set");
    sqlx::query("DELETE FROM vat_rates WHERE country = 'LU'").execute(&mut *tx).await.expect("forgotten");
    tx.commit().await.expect("committed");
    let elsewhere = trader_in(&mut conn, "LU", None).await;
    let waiting = sold(&mut conn, elsewhere, buyer, 10_000).await;
    overdue(&mut conn).await;
    assert_eq!(unproved(&mut conn, 10).await.expect("read"), []);
    assert_eq!((taxes(&mut conn, order).await, taxes(&mut conn, waiting).await), (None, None));
    taxed(&mut conn, "LU", 1_700).await;
    assert_eq!(unproved(&mut conn, 10).await.expect("read"), [waiting]);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_seller_is_reminded_of_a_missing_proof_once_in_the_last_week() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, buyer) = parties(&mut conn).await;
    let [soon, proved] = [sold(&mut conn, seller, buyer, 10_000).await, sold(&mut conn, seller, buyer, 10_000).await];
    assert_eq!(missing(&mut conn, 10).await.expect("read"), []);
    let mut tx = conn.begin().await.expect("a transaction");
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.expect("set");
    let sql = "UPDATE export_proofs SET due_at = due_at - interval '24 days'";
    sqlx::query(sql).execute(&mut *tx).await.expect("aged");
    tx.commit().await.expect("committed");
    let new = new(&mut conn, seller).await;
    hands_in(&mut conn, seller, proved, &new).await.expect("taken");
    assert_eq!(missing(&mut conn, 10).await.expect("read"), [soon]);
    assert!(!note_reminded(&mut conn, proved).await.expect("noted"));
    assert!(note_reminded(&mut conn, soon).await.expect("noted"));
    assert!(!note_reminded(&mut conn, soon).await.expect("noted"), "again");
    assert_eq!(missing(&mut conn, 10).await.expect("read"), []);
    let about = missing_proof(&mut conn, soon).await.expect("read").expect("an export");
    assert_eq!((about.seller, about.tax), (seller.org, None));
    drop(conn);
    db.close().await;
}

/// Whoever comes first, one invoice is in force, and it says what the proof says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proof_and_the_tax_at_once_leave_one_invoice_without_tax() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, buyer) = parties(&mut conn).await;
    for _ in 0..10 {
        let order = sold(&mut conn, seller, buyer, 10_000).await;
        overdue(&mut conn).await;
        let new = new(&mut conn, seller).await;
        let (mut one, mut other) =
            (db.pool.acquire().await.expect("a connection"), db.pool.acquire().await.expect("a connection"));
        let (handed_in, _) = tokio::join!(hands_in(&mut one, seller, order, &new), taxes(&mut other, order));
        handed_in.expect("taken");
        let all = documents(&mut conn, seller, order).await;
        let gross = |kind| minor(&all, kind, |it| it.gross);
        assert_eq!(gross(InvoiceKind::Invoice) - gross(InvoiceKind::CreditNote), 10_000);
        let last = all.iter().rfind(|it| it.kind == InvoiceKind::Invoice).expect("an invoice");
        assert_eq!((last.vat_treatment, last.tax), (Treatment::Export, eur(0)), "{all:?}");
    }
    assert_no_gaps(&mut conn).await;
    drop(conn);
    db.close().await;
}

/// What a seller has, and what the platform owes the state.
async fn books(conn: &mut PgConnection, seller: Trader) -> (i64, i64) {
    let all: Vec<Balance> = balances(conn, seller.org).await.expect("balances");
    let own = all.iter().filter(|it| [AccountKind::Receivable, AccountKind::Debt].contains(&it.kind));
    let state: i64 = sqlx::query_scalar(
        "SELECT coalesce(sum(e.amount_minor), 0)::bigint
         FROM money_entries AS e
         JOIN money_accounts AS a ON a.id = e.account_id
         WHERE a.org_id IS NULL AND a.kind = 'tax'",
    )
    .fetch_one(conn)
    .await
    .expect("a sum");
    (own.map(|it| it.amount.minor()).sum(), state)
}

/// Sells for 1,000 euros and 10 % of premium; the order is paid.
async fn sold_with_premium(conn: &mut PgConnection, seller: Trader, buyer: Trader) -> OrderId {
    let goods = listing(conn, seller, SaleMode::Fixed, 10).await;
    let item = listings::listing(conn, goods).await.expect("read").expect("the listing").item_id;
    let rate = BasisPoints::try_from(1_000).expect("a rate");
    let tariff = PremiumTariff::new(Currency::EUR, Vec::new(), vec![rate], 0).expect("a tariff");
    let premium = revise_premium(conn, Actor::User(seller.user), None, &tariff).await.expect("a tariff");
    let new_order = NewOrder {
        source: OrderSource::Checkout,
        award: None,
        offer: None,
        buyer: buyer.org,
        seller: seller.org,
        placed_by: buyer.user,
        created_at: database_time(conn).await,
        premium: Some(premium),
        lines: vec![OrderLine {
            listing_id: Some(goods),
            item_id: item,
            title: "Console".to_owned(),
            quantity: 1,
            unit: "piece".to_owned(),
            unit_price: None,
            amount: eur(100_000),
            fee_bps: 500,
            days: Vec::new(),
        }],
    };
    let mut tx = conn.begin().await.expect("a transaction");
    let order = orders::create(&mut tx, &new_order).await.expect("an order").id;
    let want = Want { listing: goods, quantity: 1, holder: Holder::Line { order, line_no: 1 } };
    reserve(&mut tx, &[want]).await.expect("reserved");
    tx.commit().await.expect("committed");
    let checkout = orders::find(conn, order).await.expect("read").expect("the order").checkout;
    pay(conn, buyer, checkout).await;
    order
}

/// 10 % of premium: 100 euros of 1,100, of which 175.63 are tax, 15.97 of them in the premium.
#[tokio::test]
async fn the_tax_on_the_premium_of_an_unproved_export_is_kept_back_from_the_seller_and_given_back() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, buyer) = parties(&mut conn).await;
    let order = sold_with_premium(&mut conn, seller, buyer).await;
    overdue(&mut conn).await;
    taxes(&mut conn, order).await.expect("taxed");
    // Nothing is earned yet: it is owed.
    assert_eq!(books(&mut conn, seller).await, (-1_597, 1_597));
    // Accounts are locked by their ids, and what is earned is locked before what is owed.
    let kinds: Vec<String> = sqlx::query_scalar("SELECT kind FROM money_accounts WHERE org_id = $1 ORDER BY id")
        .bind(seller.org)
        .fetch_all(&mut *conn)
        .await
        .expect("accounts");
    assert_eq!(kinds, ["held", "receivable", "debt"]);
    let mut tx = conn.begin().await.expect("a transaction");
    escrow::ship(&mut tx, seller.org, seller.user, order).await.expect("sent");
    escrow::receive(&mut tx, buyer.org, buyer.user, order).await.expect("arrived");
    escrow::accept(&mut tx, buyer.org, buyer.user, order).await.expect("accepted");
    tx.commit().await.expect("committed");
    assert_eq!(books(&mut conn, seller).await, (95_000 - 1_597, 1_597));
    // Half of all goes back, and half of the tax is not owed any more.
    let mut tx = conn.begin().await.expect("a transaction");
    escrow::take_back(&mut tx, Some(seller.org), seller.user, order, eur(55_000), "so sorry")
        .await
        .expect("given back");
    tx.commit().await.expect("committed");
    let (has, state) = books(&mut conn, seller).await;
    assert!((798..=799).contains(&state) && has == 47_500 - state, "{has} and {state}");
    let proof = new(&mut conn, seller).await;
    hands_in(&mut conn, seller, order, &proof).await.expect("taken").expect("invoiced anew");
    assert_eq!(books(&mut conn, seller).await, (47_500, 0));
    assert_no_gaps(&mut conn).await;
    drop(conn);
    db.close().await;
}

/// Another refund of the same parties has locked what is earned, and locks what the buyer gets next.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_of_what_was_taxed_locks_the_accounts_in_their_order() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, buyer) = parties(&mut conn).await;
    let order = sold_with_premium(&mut conn, seller, buyer).await;
    overdue(&mut conn).await;
    taxes(&mut conn, order).await.expect("taxed");
    // The buyer's account is made after the seller's.
    refunded(&mut conn, seller, order, 10_000).await;

    let mut tx = conn.begin().await.expect("a transaction");
    let earned = Account::of(seller.org, AccountKind::Receivable);
    ledger::open(&mut tx, earned, Currency::EUR).await.expect("locked");
    let pool = db.pool.clone();
    let refunding = tokio::spawn(async move {
        let mut conn = pool.acquire().await.expect("a connection");
        refunded(&mut conn, seller, order, 50_000).await;
    });
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    while sqlx::query_scalar::<_, i64>(waiting).fetch_one(&db.pool).await.expect("a count") == 0 {
        assert!(!refunding.is_finished(), "it waits for what is earned");
    }
    let to_buyer = Account::of(buyer.org, AccountKind::Payable);
    ledger::open(&mut tx, to_buyer, Currency::EUR).await.expect("no deadlock");
    tx.commit().await.expect("committed");
    refunding.await.expect("no deadlock");
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_proof_is_in_time_to_the_end_of_the_day_that_mails_name() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, buyer) = parties(&mut conn).await;
    for zone in ["Pacific/Kiritimati", "America/Los_Angeles"] {
        let sql = "UPDATE orgs SET time_zone = $2 WHERE id = $1";
        sqlx::query(sql).bind(seller.org).bind(zone).execute(&mut *conn).await.expect("moved");
        let order = sold(&mut conn, seller, buyer, 10_000).await;
        let (midnight, late_enough, early_enough, last_day): (bool, bool, bool, NaiveDate) = sqlx::query_as(
            "SELECT (p.due_at AT TIME ZONE $2)::time = '00:00', p.due_at >= i.issued_at + interval '30 days',
                    p.due_at <= i.issued_at + interval '31 days 2 hours', (p.due_at AT TIME ZONE $2)::date - 1
             FROM export_proofs AS p
             JOIN invoices AS i ON i.order_id = p.order_id
             WHERE p.order_id = $1",
        )
        .bind(order.0)
        .bind(zone)
        .fetch_one(&mut *conn)
        .await
        .expect("awaited");
        assert!(midnight && late_enough && early_enough, "{zone}");
        let about = missing_proof(&mut conn, order).await.expect("read").expect("an export");
        assert_eq!(about.due_on, last_day, "{zone}");
    }
    drop(conn);
    db.close().await;
}
