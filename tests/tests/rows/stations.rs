use chrono::TimeDelta;
use market::testing;
use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::id;

use super::notices::noticed;
use super::shipments::{site, stocked};

/// A trader keeps ice at a station on the moon and at a plant on Earth: counts it, is kept to the station's capacity, moves some of
/// it, and gets one mail when the station runs low and one when it has recovered. A lot that is auctioned from there stays reserved
/// until its auction is cancelled.
#[tokio::test(flavor = "multi_thread")]
async fn row_stations_resources_inventories() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let categories = market.get("/v1/categories").await.ok();
    let ice = categories["items"].as_array().unwrap().iter().find(|one| one["path"] == "resources/ice").unwrap();
    let bodies = market.get("/v1/regions").await.ok();
    let body = |code: &str| id(bodies["items"].as_array().unwrap().iter().find(|one| one["code"] == code).unwrap());
    let countries = market.get(&format!("/v1/regions?parent={}&limit=1", body("earth"))).await.ok();

    let station = json!({"region_id": body("moon"), "name": "Shackleton", "kind": "station", "latitude": -89.9,
        "longitude": 0, "capacity": 100});
    let station = ann.post("/v1/sites", station).await.ok();
    assert_eq!((&station["body"], &station["kind"]), (&json!("moon"), &json!("station")));
    let plant = json!({"region_id": id(&countries["items"][0]), "name": "Plant", "kind": "plant", "latitude": 48.2,
        "longitude": 16.4});
    let plant = ann.post("/v1/sites", plant).await.ok();
    let item = json!({"category_id": ice["id"], "sku": "ICE", "title": "Ice, 1 t",
        "attributes": {"purity": 98.5}});
    let item = id(&ann.post("/v1/items", item).await.ok());
    let at = |site: &Value| format!("/v1/items/{item}/stock/{}", id(site));
    let (up, down) = (at(&station), at(&plant));

    ann.post(&format!("{up}/adjust"), json!({"to": 101})).await.refused(409, "site_full");
    let _ = ann.post(&format!("{up}/adjust"), json!({"to": 90, "reason": "first count"})).await.ok();
    let _ = ann.patch(&up, json!({"capacity": 95})).await.ok();
    bob.get(&up).await.refused(404, "not_found");
    let transfer = |from: &Value, to: &Value, quantity: i64| json!({"item_id": item, "from": from["id"], "to": to["id"], "quantity": quantity});
    ann.post("/v1/stock/transfer", transfer(&station, &plant, 91)).await.refused(409, "out_of_stock");
    let moved = ann.post("/v1/stock/transfer", transfer(&station, &plant, 82)).await.ok();
    assert_eq!((&moved["from"]["on_hand"], &moved["to"]["on_hand"]), (&json!(8), &json!(82)));
    let mail = market.mail_to(&ann.email, "Running low").await;
    assert!(mail.contains("Shackleton"), "{mail}");
    let low = ann.get("/v1/stock?low=true").await.ok();
    assert_eq!((low["items"].as_array().unwrap().len(), &low["items"][0]["site_id"]), (1, &station["id"]));

    // What is auctioned is not moved or sold twice.
    let listing = json!({"item_id": item, "site_id": plant["id"], "title": "Ice from the pole", "sale_mode": "auction",
        "currency": "EUR", "quantity": 80});
    let listing = format!("/v1/listings/{}", id(&ann.post("/v1/listings", listing).await.ok()));
    assert_eq!(ann.post(&format!("{listing}/publish"), json!({})).await.ok()["available"], 82);
    let mut conn = market.db.pool.acquire().await.unwrap();
    let ends_at = testing::database_time(&mut conn).await + TimeDelta::days(9);
    drop(conn);
    let terms = json!({"ends_at": ends_at, "opening": {"amount": "10.00", "currency": "EUR"}});
    let auction = id(&ann.post(&format!("{listing}/auctions"), terms).await.ok());
    assert_eq!(market.get(&listing).await.ok()["available"], 2);
    ann.post("/v1/stock/transfer", transfer(&plant, &station, 3)).await.refused(409, "out_of_stock");
    let _ = ann.post(&format!("/v1/auctions/{auction}/cancel"), json!({})).await.ok();
    let back = ann.post("/v1/stock/transfer", transfer(&plant, &station, 3)).await.ok();
    assert_eq!((&back["from"]["reserved"], &back["to"]["on_hand"]), (&json!(0), &json!(11)));
    market.mail_to(&ann.email, "No longer low").await;

    // The last unit of another station, which two take at once.
    let depot =
        json!({"region_id": body("moon"), "name": "Malapert", "kind": "station", "latitude": -86, "longitude": 3});
    let last = at(&ann.post("/v1/sites", depot).await.ok());
    let _ = ann.post(&format!("{last}/adjust"), json!({"to": 1})).await.ok();
    let remove = async || ann.post(&format!("{last}/adjust"), json!({"by": -1, "reason": "used"})).await;
    let (one, other) = tokio::join!(remove(), remove());
    let (taken, refused) = if one.status == 200 { (one, other) } else { (other, one) };
    assert_eq!(taken.ok()["on_hand"], 0);
    refused.refused(409, "out_of_stock");
    assert_eq!(ann.get(&last).await.ok()["on_hand"], 0);

    let kinds = |page: &Value| -> Vec<String> {
        page["items"].as_array().unwrap().iter().map(|it| it["kind"].as_str().unwrap().to_owned()).collect()
    };
    let movements = ann.get(&format!("{down}/movements")).await.ok();
    assert_eq!(kinds(&movements), ["transfer_out", "free", "reserve", "transfer_in"]);
    market.until_quiet().await;
    let mails = market.mail.list();
    for subject in ["Running low", "No longer low"] {
        let count = mails.iter().filter(|one| one.is_to(&ann.email) && one.subject.contains(subject)).count();
        assert_eq!(count, 1, "{subject}");
    }
    market.close().await;
}

/// A level falls below a tenth of its capacity, goes on falling and rising below it, recovers, and falls again, the last time by two
/// movements at once: each crossing is one mail and one notice, and no other movement is any.
#[tokio::test(flavor = "multi_thread")]
async fn row_low_stock_raises_one_alert_per_crossing() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let ann = market.trader(&admin, "Ann").await;
    let (station, depot) = (site(&ann, "Shackleton", None).await, site(&ann, "Tycho", None).await);
    let (item, levels) = stocked(&ann, &station, 50).await;
    let level = format!("{levels}/{station}");
    assert_eq!(ann.patch(&level, json!({"capacity": 100})).await.ok()["is_low"], false);

    let by = async |units: i64| ann.post(&format!("{level}/adjust"), json!({"by": units})).await.ok();
    for (units, on_hand, is_low) in [
        // A tenth is not low.
        (-40, 10, false),
        (-1, 9, true),
        (-2, 7, true),
        (-3, 4, true),
        (5, 9, true),
        (-9, 0, true),
        (10, 10, false),
        (-1, 9, true),
        (-1, 8, true),
        (4, 12, false),
    ] {
        let moved = by(units).await;
        assert_eq!((&moved["on_hand"], &moved["is_low"]), (&json!(on_hand), &json!(is_low)), "{units}");
    }
    // Each of these alone would be a crossing.
    let (one, other) = tokio::join!(by(-5), by(-5));
    assert_eq!((&one["is_low"], &other["is_low"]), (&json!(true), &json!(true)));
    let transfer = json!({"item_id": item, "from": station, "to": depot, "quantity": 1});
    assert_eq!(ann.post("/v1/stock/transfer", transfer).await.ok()["from"]["on_hand"], 1);

    market.until_quiet().await;
    for (subject, kind, crossings) in [("Running low", "stock_low", 3), ("No longer low", "stock_recovered", 2)] {
        assert_eq!((market.mails(&ann, subject), noticed(&ann, kind).await), (crossings, crossings), "{subject}");
    }
    market.close().await;
}
