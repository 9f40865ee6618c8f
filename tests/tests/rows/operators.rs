use std::collections::BTreeSet;

use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::{Answer, Person, eur, id};

const OPERATORS: &str = "01900000-0000-7000-8000-000000000031";
const EARTH: &str = "01900000-0000-7000-8001-000000000001";
const HAMBURG: (f64, f64) = (53.55, 9.99);

/// Somebody for hire: the item, the listing, both as paths.
struct Operator {
    item: String,
    listing: String,
}

impl Operator {
    fn id(path: &str) -> &str {
        path.rsplit('/').next().unwrap_or_default()
    }

    /// Drafts a listing of 40 units from a yard of the contractor's, with neither data nor a price.
    async fn draft(by: &Person, name: &str, yard: (f64, f64)) -> Self {
        let (latitude, longitude) = yard;
        let site =
            json!({"region_id": EARTH, "name": name, "kind": "depot", "latitude": latitude, "longitude": longitude});
        let site = id(&by.post("/v1/sites", site).await.ok());
        let item = json!({"category_id": OPERATORS, "sku": name, "title": name, "unit": "day"});
        let item = format!("/v1/items/{}", id(&by.post("/v1/items", item).await.ok()));
        let _ = by.post(&format!("{item}/stock/{site}/adjust"), json!({"to": 40})).await.ok();
        let draft = json!({"item_id": Self::id(&item), "site_id": site, "title": name, "sale_mode": "fixed", "currency": "EUR",
            "takes_offers": true, "quantity": 40});
        let listing = format!("/v1/listings/{}", id(&by.post("/v1/listings", draft).await.ok()));
        Self { item, listing }
    }

    /// Says what the operator can do, for how much and when not, and publishes it.
    async fn publish(&self, by: &Person, attributes: Value, price: Value, taken: Value) {
        let _ = by.patch(&self.item, json!({"attributes": attributes})).await.ok();
        let _ = by.patch(&self.listing, json!({"price": price})).await.ok();
        let _ = by.put(&format!("{}/calendar/2099", self.item), json!({"taken": taken})).await.ok();
        assert_eq!(by.post(&format!("{}/publish", self.listing), json!({})).await.ok()["status"], "published");
    }
}

/// What somebody who knows the work asks for.
fn skilled(rate_per: &str, certificates: &[&str]) -> Value {
    json!({"certificates": certificates, "languages": ["de", "pl"], "rate_per": rate_per, "minimum_hours": 8,
        "experience_years": 12, "radius_km": 60})
}

fn pointers(answer: &Answer) -> BTreeSet<&str> {
    let errors = answer.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    errors.iter().map(|fault| fault["pointer"].as_str().unwrap_or_default()).collect()
}

/// The days of May 2099.
fn may(days: &[u32]) -> Value {
    days.iter().map(|day| format!("2099-05-{day:02}")).collect()
}

fn hire(days: &[u32]) -> Value {
    json!({"quantity": days.len(), "price": eur("320.00"), "days": may(days)})
}

async fn pay(who: &Person, checkout: &str) {
    let payment = id(&who.post(&format!("/v1/checkouts/{checkout}/pay"), json!({"method": "card"})).await.ok());
    who.until(&format!("/v1/payments/{payment}"), "status", "held").await;
}

/// A contractor lists an operator with rates, certificates and a calendar, told what is missing and what is wrong. Farmers find the
/// operator by certificate, rate, distance and free days. Two want the same days at once: one gets and pays them, and nobody else can
/// have them; both sides are mailed which days they are, once, and order and invoice name them. The other haggles for other days, and
/// answers that a wanted request gets are hired like any other; days of what is given back are free again. The work is done, and the order
/// is complete.
#[tokio::test(flavor = "multi_thread")]
async fn row_operators_for_hire_rates_certificates_and_a_calendar() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let ann = market.trader(&admin, "Ann").await;
    let (bob, eve) = (market.trader(&admin, "Bob").await, market.trader(&admin, "Eve").await);

    // Listed step by step.
    let kim = Operator::draft(&ann, "Kim", HAMBURG).await;
    let incomplete = ann.post(&format!("{}/publish", kim.listing), json!({})).await;
    incomplete.refused(422, "listing_incomplete");
    assert_eq!(pointers(&incomplete), BTreeSet::from(["/price", "/attributes/certificates"]));
    let wrong = json!({"certificates": ["tractor", "spaceship"], "rate_per": "week", "minimum_hours": -1, "languages": ["German"]});
    let wrong = ann.patch(&kim.item, json!({"attributes": wrong})).await;
    wrong.refused(422, "invalid_value");
    let each = ["certificates/1", "rate_per", "minimum_hours", "languages/0"].map(|name| format!("/attributes/{name}"));
    assert_eq!(pointers(&wrong), each.iter().map(String::as_str).collect::<BTreeSet<_>>());
    let dollars = json!({"price": {"amount": "320.00", "currency": "USD"}});
    let dollars = ann.patch(&kim.listing, dollars).await;
    dollars.refused(422, "invalid_value");
    assert_eq!(pointers(&dollars), BTreeSet::from(["/price/currency"]));
    let calendar = format!("{}/calendar/2099", kim.item);
    let another_year = ann.put(&calendar, json!({"taken": ["2099-05-01", "2098-05-01"]})).await;
    another_year.refused(422, "invalid_value");
    assert_eq!(pointers(&another_year), BTreeSet::from(["/taken/1"]));
    let harvest = || skilled("day", &["tractor", "harvester"]);
    kim.publish(&ann, harvest(), eur("320.00"), may(&[1, 2])).await;

    // Each of the others misses one of the criteria.
    for (name, attributes, price, taken, yard) in [
        ("Without the certificate", skilled("day", &["tractor"]), "320.00", may(&[]), HAMBURG),
        ("By the hour", skilled("hour", &["harvester"]), "320.00", may(&[]), HAMBURG),
        ("Too dear", harvest(), "400.01", may(&[]), HAMBURG),
        ("Too far", harvest(), "320.00", may(&[]), (54.1, 9.99)),
        ("Busy on one of the days", harvest(), "320.00", may(&[5]), HAMBURG),
    ] {
        Operator::draft(&ann, name, yard).await.publish(&ann, attributes, eur(price), taken).await;
    }
    let found = async |days: &str| {
        let query = "category=services/operators&where=certificates:harvester&where=rate_per:day&price_from=200&price_to=400\
                     &near=53.55,9.99&within_km=50&sort=distance";
        let page = market.get(&format!("/v1/listings?{query}{days}")).await.ok();
        let items = page["items"].as_array().cloned().unwrap_or_default();
        items.iter().map(|one| one["title"].as_str().unwrap_or_default().to_owned()).collect::<BTreeSet<_>>()
    };
    let busy = "Busy on one of the days".to_owned();
    assert_eq!(found("").await, BTreeSet::from(["Kim".to_owned(), busy.clone()]));
    assert_eq!(found("&free_from=2099-05-04&free_to=2099-05-06").await, BTreeSet::from(["Kim".to_owned()]));
    assert_eq!(found("&free_from=2099-05-02&free_to=2099-05-04").await, BTreeSet::from([busy.clone()]));

    // Two want the same days at once.
    let buy = format!("{}/buy", kim.listing);
    let (one, other) = tokio::join!(bob.post(&buy, hire(&[4, 5, 6])), eve.post(&buy, hire(&[6, 5, 4])));
    let (hirer, late, placed, refused) =
        if one.status == 201 { (&bob, &eve, one, other) } else { (&eve, &bob, other, one) };
    refused.refused(409, "days_taken");
    assert_eq!(pointers(&refused), BTreeSet::from(["/days/0", "/days/1", "/days/2"]));
    assert_eq!(late.get("/v1/checkouts").await.ok()["items"], json!([]));
    let placed = placed.ok();
    assert_eq!(placed["payable"], eur("960.00"));
    let order = format!("/v1/orders/{}", id(&placed["orders"][0]));
    let days = format!("{order}/lines/1/days");
    pay(hirer, &id(&placed)).await;
    assert_eq!(ann.get(&days).await.ok()["days"], may(&[4, 5, 6]));
    // Everybody knows which days: the order, a mail to each side, and the invoice.
    assert_eq!(ann.get(&order).await.ok()["lines"][0]["days"], may(&[4, 5, 6]));
    for who in [&ann, hirer] {
        let mail = market.mail_to(&who.email, "Days hired: “Kim”").await;
        assert!(mail.contains("Days: 4–6 May 2099"), "{mail}");
    }
    let invoices = hirer.until_that(&format!("{order}/invoices"), |page| page["items"][0].is_object()).await;
    assert_eq!(invoices["items"][0]["lines"][0]["days"], may(&[4, 5, 6]));
    // What is said again is no news.
    let _ = hirer.put(&days, json!({"days": may(&[6, 5, 4])})).await.ok();

    // Nobody else can have them, whoever asks.
    assert_eq!(found("&free_from=2099-05-06&free_to=2099-05-07").await, BTreeSet::from([busy]));
    let taken = async || market.get(&format!("{}/calendar/2099", kim.listing)).await.ok()["taken"].clone();
    assert_eq!(taken().await, may(&[1, 2, 4, 5, 6]));
    assert_eq!(ann.put(&calendar, json!({"taken": may(&[1])})).await.ok()["taken"], may(&[1, 4, 5, 6]));
    late.post(&buy, hire(&[6])).await.refused(409, "days_taken");
    hirer.put(&days, json!({"days": may(&[7, 8, 9])})).await.refused(409, "days_fixed");

    // The other one haggles, and chooses days for what was agreed.
    let terms = json!({"price": eur("300.00"), "quantity": 2, "note": "From the Monday after?"});
    let offer = format!("/v1/offers/{}", id(&late.post(&format!("{}/offers", kim.listing), terms).await.ok()));
    let agreed = ann.post(&format!("{offer}/accept"), json!({"version": 1})).await.ok();
    let haggled = format!("/v1/orders/{}", agreed["order"].as_str().unwrap_or_default());
    let chosen = format!("{haggled}/lines/1/days");
    let refused = late.put(&chosen, json!({"days": may(&[6, 7])})).await;
    refused.refused(409, "days_taken");
    assert_eq!(pointers(&refused), BTreeSet::from(["/days/0"]));
    late.put(&chosen, json!({"days": may(&[7])})).await.refused(422, "invalid_value");
    assert_eq!(late.put(&chosen, json!({"days": may(&[7, 8])})).await.ok()["days"], may(&[7, 8]));
    pay(late, agreed["checkout"].as_str().unwrap_or_default()).await;
    assert_eq!(taken().await, may(&[1, 4, 5, 6, 7, 8]));
    let all = json!({"amount": eur("600.00"), "reason": "Kim has broken an arm."});
    let _ = ann.post(&format!("{haggled}/refunds"), all).await.ok();
    assert_eq!(late.get(&haggled).await.ok()["status"], "refunded");
    assert_eq!(taken().await, may(&[1, 4, 5, 6]));

    // Somebody is wanted, and Kim is the answer.
    let wanted = json!({"category_id": OPERATORS, "sku": "wanted", "title": "Help with the hay", "unit": "day",
        "attributes": {"certificates": ["tractor"]}});
    let wanted = id(&late.post("/v1/items", wanted).await.ok());
    let wanted = json!({"item_id": wanted, "title": "Help with the hay", "sale_mode": "wanted", "currency": "EUR", "quantity": 2});
    let wanted = format!("/v1/listings/{}", id(&late.post("/v1/listings", wanted).await.ok()));
    let _ = late.post(&format!("{wanted}/publish"), json!({})).await.ok();
    let answer = json!({"price": eur("310.00"), "quantity": 2, "item_id": Operator::id(&kim.item)});
    let answer = format!("/v1/offers/{}", id(&ann.post(&format!("{wanted}/offers"), answer).await.ok()));
    let accepted = late.post(&format!("{answer}/accept"), json!({"version": 1})).await.ok();
    let hay = format!("/v1/orders/{}/lines/1/days", accepted["order"].as_str().unwrap_or_default());
    let _ = late.put(&hay, json!({"days": may(&[20, 21])})).await.ok();
    assert_eq!(taken().await, may(&[1, 4, 5, 6, 20, 21]));

    // The work begins, is done and found good.
    for (who, act) in [(&ann, "ship"), (hirer, "receive"), (hirer, "accept")] {
        let _ = who.post(&format!("{order}/{act}"), json!({})).await.ok();
    }
    hirer.until(&order, "status", "completed").await;
    hirer.put(&days, json!({"days": may(&[9, 10, 11])})).await.refused(409, "order_status");
    assert_eq!(ann.get(&days).await.ok()["days"], may(&[4, 5, 6]));
    market.mail_to(&ann.email, "Completed: “Kim”").await;
    market.until_quiet().await;
    let mails = [&ann, hirer, late].map(|who| market.mails(who, "Days hired: "));
    assert_eq!(mails, [3, 1, 2], "one for each choice");
    market.close().await;
}
