use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::NaiveDate;
use shared::testing::TestDb;
use sqlx::{Connection, PgConnection};
use tokio::sync::Barrier;

use super::*;
use crate::escrow::store as escrow;
use crate::ids::{CheckoutId, ListingId};
use crate::invoices::model::{Invoice, InvoiceKind};
use crate::listings::model::SaleMode;
use crate::money::model::NewSnapshot;
use crate::money::store::rates;
use crate::orders::model::Side;
use crate::payments::Provider;
use crate::testing::{Trader, captured, eur, listing, pay, placed, trader};

/// A trader in this country, with a tax number if it has one.
pub(super) async fn trader_in(conn: &mut PgConnection, country: &str, vat_number: Option<&str>) -> Trader {
    let trader = trader(conn).await;
    sqlx::query("UPDATE orgs SET country = $2, vat_number = $3 WHERE id = $1")
        .bind(trader.org)
        .bind(country)
        .bind(vat_number)
        .execute(conn)
        .await
        .expect("placed");
    trader
}

/// The rate of a country's tax.
pub(super) async fn taxed(conn: &mut PgConnection, country: &str, bps: i32) {
    sqlx::query("INSERT INTO vat_rates (country, kind, valid_from, bps) VALUES ($1, 'standard', '2000-01-01', $2)")
        .bind(country)
        .bind(bps)
        .execute(conn)
        .await
        .expect("a rate");
}

/// Sells for this much; the order is paid.
pub(super) async fn sold(conn: &mut PgConnection, seller: Trader, buyer: Trader, cents: i64) -> OrderId {
    let listing = listing(conn, seller, SaleMode::Fixed, 1_000).await;
    let (checkout, order) = placed(conn, buyer, listing, eur(cents)).await;
    pay(conn, buyer, checkout).await;
    order
}

pub(super) async fn documents(conn: &mut PgConnection, party: Trader, order: OrderId) -> Vec<Invoice> {
    of_order(conn, party.org, order).await.expect("a list")
}

pub(super) async fn assert_no_gaps(conn: &mut PgConnection) {
    let gaps: i64 = sqlx::query_scalar("SELECT count(*) FROM invoice_gaps").fetch_one(conn).await.expect("a count");
    assert_eq!(gaps, 0);
}

#[tokio::test]
async fn an_order_becomes_paid_with_its_invoice_which_stays_as_it_is() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    taxed(&mut conn, "DE", 1_900).await;
    let seller = trader_in(&mut conn, "DE", Some("DE123456788")).await;
    let buyer = trader_in(&mut conn, "DE", None).await;
    let listing = listing(&mut conn, seller, SaleMode::Fixed, 10).await;
    let (checkout, order) = placed(&mut conn, buyer, listing, eur(30_000)).await;
    assert_eq!(documents(&mut conn, seller, order).await, [], "nobody has paid");
    pay(&mut conn, buyer, checkout).await;
    let issued = documents(&mut conn, seller, order).await;
    let [invoice] = issued.as_slice() else { panic!("not one: {issued:?}") };
    assert_eq!((invoice.kind, invoice.number, invoice.order), (InvoiceKind::Invoice, 1, order));
    assert_eq!((invoice.net, invoice.tax, invoice.gross), (eur(30_000), eur(5_700), eur(35_700)));
    assert_eq!(invoice.lines.iter().map(|line| (line.quantity, line.net)).collect::<Vec<_>>(), [(3, eur(30_000))]);
    let rates: Vec<_> = invoice.taxes.iter().map(|tax| (tax.rate_bps, tax.net, tax.tax)).collect();
    assert_eq!(rates, [(1_900, eur(30_000), eur(5_700))]);
    assert_eq!((invoice.accounting_tax, &invoice.vat_note), (Some(eur(5_700)), &None));
    assert_eq!((invoice.seller.org, invoice.seller.vat_number.as_deref()), (seller.org, Some("DE123456788")));
    assert_eq!((invoice.buyer.org, invoice.buyer.country.as_deref()), (buyer.org, Some("DE")));

    // Whatever becomes of the parties.
    sqlx::query("UPDATE orgs SET legal_name = 'Renamed', country = 'FR' WHERE id = ANY ($1)")
        .bind([seller.org.0, buyer.org.0])
        .execute(&mut *conn)
        .await
        .expect("renamed");
    assert_eq!(documents(&mut conn, buyer, order).await, issued);
    let stranger = trader(&mut conn).await;
    assert_eq!(documents(&mut conn, stranger, order).await, []);
    assert_eq!(super::invoice(&mut conn, stranger.org, invoice.id).await.expect("read"), None);
    for (party, side, count) in
        [(seller, Side::Seller, 1), (seller, Side::Buyer, 0), (buyer, Side::Buyer, 1), (buyer, Side::Seller, 0)]
    {
        let filter = InvoiceFilter { party: party.org, side, before: None, limit: 10 };
        assert_eq!(invoices(&mut conn, filter).await.expect("a list").len(), count, "{side:?}");
    }
    drop(conn);
    db.close().await;
}

/// As a provider's answer does it.
async fn settle(conn: &mut PgConnection, buyer: Trader, checkout: CheckoutId) {
    let payment =
        escrow::begin(conn, buyer.org, buyer.user, checkout, Provider::Simulator, "card").await.expect("begun");
    escrow::start_charge(conn, payment.id).await.expect("to be asked").expect("an open checkout");
    escrow::settle(conn, payment.id, &captured(payment.id, payment.amount)).await.expect("settled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_orders_at_once_leave_no_gap_in_a_sellers_numbers() {
    const ORDERS: usize = 50;
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let seller = trader(&mut conn).await;
    let listing: ListingId = listing(&mut conn, seller, SaleMode::Fixed, 1_000).await;
    let mut to_pay = Vec::new();
    for _ in 0..ORDERS {
        let buyer = trader(&mut conn).await;
        to_pay.push((buyer, placed(&mut conn, buyer, listing, eur(10_000)).await.0));
    }
    // A connection each.
    let pool = db.another_pool(50);
    let barrier = Arc::new(Barrier::new(ORDERS));
    let paying = to_pay.into_iter().enumerate().map(|(n, (buyer, checkout))| {
        let (pool, barrier) = (pool.clone(), Arc::clone(&barrier));
        tokio::spawn(async move {
            let mut conn = pool.acquire().await.expect("a connection");
            barrier.wait().await;
            // Every fifth is rolled back first, with its number.
            if n % 5 == 0 {
                let mut tx = conn.begin().await.expect("a transaction");
                settle(&mut tx, buyer, checkout).await;
                tx.rollback().await.expect("rolled back");
            }
            let mut tx = conn.begin().await.expect("a transaction");
            settle(&mut tx, buyer, checkout).await;
            tx.commit().await.expect("committed");
        })
    });
    for paid in paying.collect::<Vec<_>>() {
        paid.await.expect("paid");
    }
    pool.close().await;
    let numbers: Vec<i64> = sqlx::query_scalar("SELECT number FROM invoices WHERE seller_org_id = $1")
        .bind(seller.org)
        .fetch_all(&mut *conn)
        .await
        .expect("the numbers");
    assert_eq!(numbers.len(), ORDERS);
    assert_eq!(numbers.into_iter().collect::<BTreeSet<_>>(), (1..=50).collect());
    assert_no_gaps(&mut conn).await;
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_rolled_back_payment_gives_its_number_back() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, buyer) = (trader(&mut conn).await, trader(&mut conn).await);
    let listing = listing(&mut conn, seller, SaleMode::Fixed, 1_000).await;
    let (checkout, order) = placed(&mut conn, buyer, listing, eur(10_000)).await;
    let mut tx = conn.begin().await.expect("a transaction");
    settle(&mut tx, buyer, checkout).await;
    assert_eq!(of_order(&mut tx, seller.org, order).await.expect("a list")[0].number, 1);
    tx.rollback().await.expect("rolled back");
    assert_eq!(documents(&mut conn, seller, order).await, []);
    let next = sold(&mut conn, seller, buyer, 20_000).await;
    assert_eq!(documents(&mut conn, seller, next).await[0].number, 1);
    pay(&mut conn, buyer, checkout).await;
    assert_eq!(documents(&mut conn, seller, order).await[0].number, 2);
    // Another seller's numbers are others.
    let second = sold(&mut conn, buyer, seller, 10_000).await;
    assert_eq!(documents(&mut conn, buyer, second).await[0].number, 1);
    assert_no_gaps(&mut conn).await;
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn each_refund_has_a_credit_note_and_together_they_come_to_the_invoice() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    taxed(&mut conn, "DE", 1_900).await;
    let (seller, buyer) = (trader_in(&mut conn, "DE", None).await, trader_in(&mut conn, "DE", None).await);
    let order = sold(&mut conn, seller, buyer, 30_000).await;
    let refund = async |conn: &mut PgConnection, cents| {
        let mut tx = conn.begin().await.expect("a transaction");
        let done = escrow::refund(&mut tx, seller.org, seller.user, order, eur(cents), "scratched").await;
        let id = done.expect("given back").id;
        tx.commit().await.expect("committed");
        id
    };
    let first = refund(&mut conn, 1_001).await;
    let mut tx = conn.begin().await.expect("a transaction");
    escrow::ship(&mut tx, seller.org, seller.user, order).await.expect("sent");
    escrow::receive(&mut tx, buyer.org, buyer.user, order).await.expect("arrived");
    escrow::accept(&mut tx, buyer.org, buyer.user, order).await.expect("accepted");
    // What is the seller's already goes back with a credit note too.
    let rest = eur(35_700 - 1_001);
    escrow::take_back(&mut tx, Some(seller.org), seller.user, order, rest, "so sorry").await.expect("given back");
    tx.commit().await.expect("committed");
    let all = documents(&mut conn, buyer, order).await;
    let [invoice, one, other] = all.as_slice() else { panic!("not three: {all:?}") };
    assert_eq!((one.kind, one.number, other.number), (InvoiceKind::CreditNote, 1, 2), "a series of their own");
    assert_eq!((one.refers_to, one.refund, one.gross), (Some(invoice.id), Some(first), eur(1_001)));
    let sum = |of: fn(&Invoice) -> Money| of(one).checked_add(of(other)).expect("a sum");
    assert_eq!(sum(|it| it.net), invoice.net);
    assert_eq!(sum(|it| it.tax), invoice.tax);
    assert_eq!(sum(|it| it.taxes[0].net), invoice.taxes[0].net);
    assert_no_gaps(&mut conn).await;
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn who_buys_in_another_country_of_the_union_reads_why_no_tax_is_charged() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    taxed(&mut conn, "DE", 1_900).await;
    let seller = trader_in(&mut conn, "DE", None).await;
    for (country, number, note) in [
        ("FR", Some("FR11123456782"), Some("Reverse charge")),
        ("CH", None, Some("Exempt as an export")),
        ("FR", None, None),
    ] {
        let buyer = trader_in(&mut conn, country, number).await;
        let order = sold(&mut conn, seller, buyer, 10_000).await;
        let invoice = documents(&mut conn, buyer, order).await.remove(0);
        assert_eq!(invoice.tax == eur(0), note.is_some(), "{country}");
        let said = invoice.vat_note.as_deref().unwrap_or_default();
        assert!(said.starts_with(note.unwrap_or_default()) && said.is_empty() == note.is_none(), "{country}: {said}");
        let net: i64 = invoice.taxes.iter().map(|tax| tax.net.minor()).sum();
        assert_eq!(net, invoice.net.minor(), "every amount has a rate, be it none");
    }
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn new_rates_change_no_document_of_an_order() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    taxed(&mut conn, "SE", 2_500).await;
    let (seller, buyer) = (trader_in(&mut conn, "SE", None).await, trader_in(&mut conn, "SE", None).await);
    let sek: Currency = "SEK".parse().expect("a currency");
    let snapshot = async |conn: &mut PgConnection, day: &str, rate: &str| {
        let rates = [(sek, rate.parse().expect("a rate"))].into_iter().collect();
        let new = NewSnapshot { source: "test".to_owned(), day: day.parse().expect("a day"), checksum: [1; 32], rates };
        let mut tx = conn.begin().await.expect("a transaction");
        rates::store(&mut tx, &new).await.expect("stored");
        tx.commit().await.expect("committed");
    };
    snapshot(&mut conn, "2026-01-05", "11.5").await;
    let order = sold(&mut conn, seller, buyer, 10_000).await;
    snapshot(&mut conn, "2026-01-06", "20").await;
    let in_sek = |minor| Some(Money::from_minor(minor, sek));
    assert_eq!(documents(&mut conn, seller, order).await[0].accounting_tax, in_sek(28_750));
    let mut tx = conn.begin().await.expect("a transaction");
    escrow::refund(&mut tx, seller.org, seller.user, order, eur(12_500), "sold out").await.expect("given back");
    tx.commit().await.expect("committed");
    let all = documents(&mut conn, seller, order).await;
    assert_eq!([all[0].accounting_tax, all[1].accounting_tax], [in_sek(28_750), in_sek(28_750)]);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn an_invoice_keeps_the_days_that_were_hired_when_it_was_issued_and_so_does_the_one_in_its_place() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    taxed(&mut conn, "DE", 1_900).await;
    let seller = trader_in(&mut conn, "DE", Some("DE123456788")).await;
    let buyer = trader_in(&mut conn, "CH", None).await;
    let listing = listing(&mut conn, seller, SaleMode::Fixed, 10).await;
    let (checkout, order) = placed(&mut conn, buyer, listing, eur(30_000)).await;
    let hire = "INSERT INTO hire_days (item_id, day, order_id, line_no)
                SELECT item_id, day, order_id, line_no
                FROM order_lines
                CROSS JOIN unnest('{2099-03-05, 2099-03-03}'::date[]) AS day
                WHERE order_id = $1";
    sqlx::query(hire).bind(order).execute(&mut *conn).await.expect("hired");
    pay(&mut conn, buyer, checkout).await;
    let mut tx = conn.begin().await.expect("a transaction");
    // The time to prove the export is over, and the order has given its days up.
    for sql in [
        "SET LOCAL session_replication_role = replica",
        "UPDATE export_proofs SET due_at = due_at - interval '31 days'",
        "DELETE FROM hire_days",
    ] {
        sqlx::query(sql).execute(&mut *tx).await.expect("done");
    }
    tx.commit().await.expect("committed");
    let mut tx = conn.begin().await.expect("a transaction");
    assert!(tax_unproved(&mut tx, order).await.expect("taxed").is_some());
    tx.commit().await.expect("committed");
    let all = documents(&mut conn, buyer, order).await;
    let [first, note, second] = all.as_slice() else { panic!("not three: {all:?}") };
    let days = [3, 5].map(|day| NaiveDate::from_ymd_opt(2099, 3, day).expect("a day"));
    assert_eq!((first.lines[0].days.as_slice(), second.lines[0].days.as_slice()), (&days[..], &days[..]));
    assert!(note.lines[0].days.is_empty());
    drop(conn);
    db.close().await;
}
