use chrono::TimeDelta;
use serde_json::{Value, json};
use sinks::simulator::AccountState;
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur, id};

use super::papers::company;

/// How long each lot is offered.
const LENGTH: TimeDelta = TimeDelta::hours(2);

/// What each lot costs, in cents: its only bid takes it at the opening price.
const PRICE: i64 = 123_453;

/// What an order adds to its price and takes of it, in cents: premium, tax, what the buyer pays, commission, what the seller gets.
type Figures = [i64; 5];

/// By the first terms. 12.5 % of 333.33 and 7.25 % of the other 901.20 are 41.66625 and 65.337: 107.00325 together, and 107.01 if each were
/// rounded. 19 % of 1,341.53 are 254.8907, and 6.25 % of 1,234.53 are 77.158125.
const FIRST: Figures = [10_700, 25_489, 159_642, 7_716, 115_737];
/// The part of the tax that is for the premium: 107.00 of 1,341.53. The rest is for the goods, and goes to the seller.
const PREMIUM_TAX: i64 = 2_033;
/// By the second. 20 % of 500.00 and 10 % of the other 734.53 are 173.453, 19 % of 1,407.98 are 267.5162, 10 % of 1,234.53 are 123.453.
const SECOND: Figures = [17_345, 26_752, 167_550, 12_345, 111_108];

fn euros(cents: i64) -> Value {
    eur(&format!("{}.{:02}", cents / 100, cents % 100))
}

/// An administrator revises the buyer's premium of everything, and the commission of those on the plan `standard`.
async fn revise(admin: &Person, tiers: &Value, fee_bps: i32) {
    let premium = json!({"currency": "EUR", "tiers": tiers});
    let _ = admin.post("/v1/admin/premium-tariffs", premium).await.ok();
    let commission = json!({"plan": "standard", "fee_bps": fee_bps});
    let _ = admin.post("/v1/admin/commission-rates", commission).await.ok();
}

/// A lot with the only bid that it gets; its auction.
async fn lot(market: &TestInstallation, seller: &Person, bidder: &Person) -> String {
    let auction = market.auction(seller, LENGTH, json!({}), json!({"opening": euros(PRICE)})).await;
    let _ = bidder.post(&format!("/v1/auctions/{auction}/bids"), json!({"maximum": eur("2000.00")})).await.ok();
    auction
}

/// Closes an auction by the workers; the winner's order.
async fn won(market: &TestInstallation, seller: &Person, auction: &str, winner: &Person) -> Value {
    market.pass(auction, LENGTH).await;
    seller.until(&format!("/v1/auctions/{auction}"), "status", "awarded").await;
    let orders = winner.get("/v1/orders?side=buyer").await.ok();
    let orders = orders["items"].as_array().map(Vec::as_slice).unwrap_or_default();
    let newest = orders.iter().find(|order| order["seller_org_id"] == seller.org.as_str());
    let path = format!("/v1/orders/{}", id(newest.unwrap_or(&Value::Null)));
    winner.get(&path).await.ok()
}

fn assert_figures(order: &Value, [premium, tax, payable, fee, net]: Figures) {
    let shown = ["total", "premium", "tax", "payable", "fee", "net"].map(|field| order[field].clone());
    assert_eq!(shown, [PRICE, premium, tax, payable, fee, net].map(euros), "{order}");
}

/// A lot is won across two tiers of the buyer's premium: that is added up by tiers and rounded once, and the commission is that of the
/// seller's plan. Both are revised before anybody pays. What was awarded before is shown, paid, held, invoiced, booked and paid out by the
/// terms of its award; a lot that was open meanwhile is awarded by the new ones.
#[tokio::test(flavor = "multi_thread")]
async fn row_buyers_premium_is_tiered_and_frozen_at_award() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let ann = company(&market, &admin, "Ann", "DE", Some("DE123456788")).await;
    let (eve, bob) =
        (company(&market, &admin, "Eve", "DE", None).await, company(&market, &admin, "Bob", "DE", None).await);
    let plan = format!("/v1/admin/orgs/{}/plan", ann.org);
    assert_eq!(admin.put(&plan, json!({"plan": "standard"})).await.status, 204);
    revise(&admin, &json!([{"upto": 33_333, "bps": 1_250}, {"bps": 725}]), 625).await;
    let (first, eves) = (lot(&market, &ann, &bob).await, lot(&market, &eve, &bob).await);
    let later = lot(&market, &ann, &bob).await;

    let order = won(&market, &ann, &first, &bob).await;
    assert_figures(&order, FIRST);
    assert_eq!(order["fee_bps"], 625);
    // Who is on another plan pays what the category says: 5 %, which are 61.7265.
    let of_eve = won(&market, &eve, &eves, &bob).await;
    assert_eq!([&of_eve["premium"], &of_eve["fee"]], [&order["premium"], &eur("61.73")], "{of_eve}");

    revise(&admin, &json!([{"upto": 50_000, "bps": 2_000}, {"bps": 1_000}]), 1_000).await;
    let next = won(&market, &ann, &later, &bob).await;
    assert_figures(&next, SECOND);

    // What was awarded before, from the checkout to the bank.
    let [premium, tax, payable, fee, net] = FIRST;
    let (path, checkout) = (format!("/v1/orders/{}", id(&order)), order["checkout"].as_str().unwrap());
    assert_figures(&bob.get(&path).await.ok(), FIRST);
    let shown = bob.get(&format!("/v1/checkouts/{checkout}")).await.ok();
    assert_eq!(shown["payable"], euros(payable), "{shown}");
    assert_figures(&shown["orders"][0], FIRST);
    let payment = id(&bob.post(&format!("/v1/checkouts/{checkout}/pay"), json!({"method": "card"})).await.ok());
    let held = bob.until(&format!("/v1/payments/{payment}"), "status", "held").await;
    assert_eq!(held["amount"], euros(payable), "{held}");
    let escrow = ann.get(&format!("{path}/escrow")).await.ok();
    assert_eq!((&escrow["status"], &escrow["amount"]), (&json!("held"), &euros(payable)));
    assert_eq!((market.booked("held").await, market.booked("cash").await), (payable, -payable));

    let invoices = bob.get(&format!("{path}/invoices")).await.ok();
    let invoice = &invoices["items"][0];
    let sums = ["net", "tax", "gross"].map(|field| invoice[field].clone());
    assert_eq!(sums, [PRICE + premium, tax, payable].map(euros), "{invoice}");
    let lines =
        [0_usize, 1].map(|line| [invoice["lines"][line]["part"].clone(), invoice["lines"][line]["net"].clone()]);
    assert_eq!(lines, [[json!("goods"), euros(PRICE)], [json!("premium"), euros(premium)]], "{invoice}");
    let taxes = json!([{"rate_bps": 1_900, "net": euros(PRICE + premium), "tax": euros(tax)}]);
    assert_eq!(invoice["taxes"], taxes, "{invoice}");

    ann.does(&id(&order), &["ship"]).await;
    bob.does(&id(&order), &["receive", "accept"]).await;
    let earned = net + tax - PREMIUM_TAX;
    for (kind, cents) in
        [("receivable", earned), ("commission", fee), ("premium", premium), ("tax", PREMIUM_TAX), ("held", 0)]
    {
        assert_eq!(market.booked(kind).await, cents, "{kind}");
    }

    let account = format!("/v1/payout-accounts/{}", id(&ann.post("/v1/payout-accounts", json!({})).await.ok()));
    ann.until_that(&account, |account| account["checked_at"].is_string()).await;
    let name: String =
        sqlx::query_scalar("SELECT provider_ref FROM payout_accounts").fetch_one(&market.db.pool).await.unwrap();
    assert!(market.payments.set_account(&name, AccountState::Active));
    ann.until(&account, "status", "active").await;
    let _ = admin.post("/v1/schedules/payouts.run/run-now", json!({})).await.ok();
    let payouts = ann.until_that("/v1/payouts", |payouts| payouts["items"][0]["status"] == "paid").await;
    assert_eq!(payouts["items"][0]["amount"], euros(earned), "{payouts}");
    market.until_quiet().await;
    assert_eq!((market.booked("receivable").await, market.booked("cash").await), (0, earned - payable));
    assert_eq!(market.imbalance().await, 0);
    assert_figures(&ann.get(&path).await.ok(), FIRST);
    assert_figures(&bob.get(&format!("/v1/orders/{}", id(&next))).await.ok(), SECOND);
    market.close().await;
}
