#![expect(clippy::unwrap_used, reason = "a test that cannot go on")]

use std::net::{Ipv4Addr, SocketAddr};

use chrono::{NaiveDate, TimeDelta};
use serde_json::{Value, json};
use sinks::rates::{Rates, daily};
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur, id};
use tests::until::until_sql;
use tokio_util::sync::CancellationToken;

/// One that can be a Swedish VAT number.
const SWEDISH: &str = "SE556012579001";

/// The owner of an approved Swedish organisation, whose tax is accounted for in kronor.
async fn swede(market: &TestInstallation, admin: &Person, name: &str, vat: Option<&str>) -> Person {
    let mut owner = market.person(name).await;
    let org = json!({"legal_name": format!("{name} AB"), "kinds": ["seller", "buyer"], "time_zone": "Europe/Stockholm",
        "country": "SE", "vat_number": vat});
    owner.org = id(&owner.post("/v1/orgs", org).await.ok());
    let _ = admin.post(&format!("/v1/orgs/{}/approve", owner.org), json!({})).await.ok();
    owner
}

/// The bank states these rates of a day, and the product fetches them.
async fn stated(market: &TestInstallation, admin: &Person, bank: &Rates, day: NaiveDate, kronor: &str, snapshots: i64) {
    bank.serve(daily(day, &[("SEK", kronor), ("JPY", "163.06"), ("USD", "1.0862")]));
    let _ = admin.post("/v1/schedules/fx.refresh/run-now", json!({})).await.ok();
    until_sql(&market.db.pool, "SELECT count(*) FROM fx_snapshots", snapshots).await;
    market.until_quiet().await;
}

/// The only invoice of an order, and the bytes of its file.
async fn invoice(of: &Person, order: &str) -> (Value, Vec<u8>) {
    let invoices = of.get(&format!("/v1/orders/{order}/invoices")).await.ok();
    assert_eq!(invoices["items"].as_array().map(Vec::len), Some(1), "{invoices}");
    let invoice = invoices["items"][0].clone();
    let download = of.get(&format!("/v1/invoices/{}/file", id(&invoice))).await.ok();
    let file = reqwest::get(download["url"].as_str().unwrap()).await.unwrap();
    assert_eq!(file.status(), 200, "{download}");
    (invoice, file.bytes().await.unwrap().to_vec())
}

/// The tax of an invoice is stated in the seller's currency by the rates of the day on which it was bought. When the bank states others,
/// that invoice is what it was, to the last byte of its file, and the next one follows them.
#[tokio::test(flavor = "multi_thread")]
async fn row_an_invoice_of_before_is_unchanged_by_new_rates() {
    let stop = CancellationToken::new();
    let bank = Rates::start(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), stop.clone()).await.unwrap();
    let market = TestInstallation::with(&[("FX_URL", bank.url())]).await;
    let admin = market.admin().await;
    let ann = swede(&market, &admin, "Ann", Some(SWEDISH)).await;
    let bob = swede(&market, &admin, "Bob", None).await;
    let listing = ann.lists(json!({"sale_mode": "fixed", "price": eur("100.00"), "quantity": 5})).await;
    let today = market.time().await.date_naive();
    let sek = |amount: &str| json!({"amount": amount, "currency": "SEK"});

    stated(&market, &admin, &bank, today - TimeDelta::days(1), "11.5", 1).await;
    let first = bob.buys(&listing, 1, eur("100.00")).await;
    market.until_quiet().await;
    let (before, file) = invoice(&bob, &first).await;
    assert_eq!(
        (&before["gross"], &before["tax"], &before["accounting_tax"]),
        (&eur("125.00"), &eur("25.00"), &sek("287.50"))
    );

    stated(&market, &admin, &bank, today, "20", 2).await;
    let rates = market.get(&format!("/v1/fx/rates?day={today}")).await.ok();
    assert_eq!(rates["day"], json!(today), "{rates}");
    let second = bob.buys(&listing, 1, eur("100.00")).await;
    market.until_quiet().await;
    assert_eq!(invoice(&bob, &first).await, (before, file));
    let (after, _) = invoice(&bob, &second).await;
    assert_eq!((&after["gross"], &after["accounting_tax"]), (&eur("125.00"), &sek("500.00")));
    market.close().await;
    stop.cancel();
    bank.stopped().await.unwrap();
}

/// Yen have no decimals and dinars of Kuwait three, from the price to the commission and in the mails; an amount with more is refused.
#[tokio::test(flavor = "multi_thread")]
async fn row_yen_without_decimals_and_dinars_with_three() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    for (currency, digits, wrong, price, units, total, mailed, earned, commission) in [
        ("JPY", 0, "12000.0", "12000", 1, "12000", "12,000 JPY", "11400", 600),
        ("KWD", 3, "10.1250", "10.125", 3, "30.375", "30.375 KWD", "28.856", 1_519),
    ] {
        let money = |amount: &str| json!({"amount": amount, "currency": currency});
        let listing = json!({"sale_mode": "fixed", "currency": currency, "price": money(price), "quantity": 3, "title": currency});
        let listing = ann.lists(listing).await;
        let too_precise = json!({"price": money(wrong)});
        let refused = ann.put(&format!("/v1/listings/{listing}/price"), too_precise).await;
        refused.refused(400, "invalid_body");
        assert!(refused.body.to_string().contains(&format!("{currency} has {digits} fraction digits")), "{refused:?}");
        assert_eq!(market.get(&format!("/v1/listings/{listing}")).await.ok()["price"], money(price));

        let order = bob.buys(&listing, units, money(price)).await;
        let read = bob.get(&format!("/v1/orders/{order}")).await.ok();
        assert_eq!((&read["total"], &read["payable"]), (&money(total), &money(total)));
        let mail = market.mail_to(&bob.email, &format!("Your order: “{currency}”")).await;
        assert!(mail.contains(mailed), "{mail}");
        ann.does(&order, &["ship"]).await;
        bob.does(&order, &["receive", "accept"]).await;
        let balances = ann.get("/v1/balances").await.ok();
        let earnings = balances["items"].as_array().unwrap().iter().filter(|one| one["kind"] == "receivable");
        let earnings: Vec<_> = earnings.map(|one| &one["amount"]).filter(|it| it["currency"] == currency).collect();
        assert_eq!(earnings, [&money(earned)], "{balances}");
        let sql = "SELECT sum(e.amount_minor)::bigint
                   FROM money_entries AS e
                   JOIN money_accounts AS a ON a.id = e.account_id
                   WHERE a.kind = 'commission' AND a.currency = $1";
        let booked: i64 = sqlx::query_scalar(sql).bind(currency).fetch_one(&market.db.pool).await.unwrap();
        assert_eq!(booked, commission, "{currency}");
        let invoices = bob.get(&format!("/v1/orders/{order}/invoices")).await.ok();
        assert_eq!(invoices["items"][0]["gross"], money(total));
    }
    assert_eq!(market.imbalance().await, 0);
    market.close().await;
}
