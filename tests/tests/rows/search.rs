#![expect(clippy::expect_used, reason = "a test without its data ends here")]

use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur, id};
use uuid::Uuid;

const TRACTORS: &str = "01900000-0000-7000-8000-000000000011";
const PARTS: &str = "01900000-0000-7000-8000-000000000002";
const HAMBURG: (f64, f64) = (53.55, 9.99);

/// Puts something on offer at a place; returns its item.
async fn offered(
    market: &TestInstallation,
    by: &Person,
    item: Value,
    price: (&str, &str),
    at: Option<(f64, f64)>,
) -> String {
    let title = item["title"].clone();
    let item = id(&by.post("/v1/items", item).await.ok());
    let (amount, currency) = price;
    let draft = json!({"item_id": item, "title": title, "sale_mode": "fixed", "currency": currency,
        "price": {"amount": amount, "currency": currency}});
    let listing = id(&by.post("/v1/listings", draft).await.ok());
    if let Some((latitude, longitude)) = at {
        sqlx::query(
            "WITH site AS (
                 INSERT INTO sites (id, org_id, region_id, name, kind, body, latitude, longitude)
                 SELECT gen_random_uuid(), l.seller_org_id, r.id, 'Yard', 'dealership', r.body, $2, $3
                 FROM listings AS l, regions AS r
                 WHERE l.id = $1 AND r.code = 'earth/de'
                 RETURNING id
             )
             UPDATE listings SET site_id = site.id FROM site WHERE listings.id = $1",
        )
        .bind(listing.parse::<Uuid>().expect("as the API answers"))
        .bind(latitude)
        .bind(longitude)
        .execute(&market.db.pool)
        .await
        .expect("as the API answers");
    }
    let _ = by.post(&format!("/v1/listings/{listing}/publish"), json!({})).await.ok();
    item
}

async fn found(market: &TestInstallation, path: &str) -> Vec<String> {
    let page = market.get(path).await.ok();
    page["items"]
        .as_array()
        .expect("as the API answers")
        .iter()
        .map(|one| one["title"].as_str().expect("as the API answers").to_owned())
        .collect()
}

/// A buyer looks for tractors of a make with at least 80 horsepower, at a price, within 50 km: each listing that misses one of the
/// four is left out. The page of a tractor's model lists only the parts that fit it.
#[tokio::test(flavor = "multi_thread")]
async fn row_search_finds_only_matches() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let ann = market.trader(&admin, "Ann").await;
    let rates = "WITH snapshot AS (
             INSERT INTO fx_snapshots (source, day, rates, checksum) VALUES ('ecb', '2026-01-05', 1, sha256('a')) RETURNING id
         )
         INSERT INTO fx_rates (snapshot_id, rate_no, rates, currency, per_euro) SELECT id, 1, 1, 'USD', 1.25 FROM snapshot";
    sqlx::raw_sql(rates).execute(&market.db.pool).await.expect("as the API answers");
    for (title, make, horsepower, price, place) in [
        ("Match", "Fendt", 80, ("25000.00", "EUR"), Some(HAMBURG)),
        ("Match in dollars", "fendt", 240, ("25000.00", "USD"), Some((53.9, 10.2))),
        ("Another make", "Deutz-Fahr", 120, ("25000.00", "EUR"), Some(HAMBURG)),
        ("Too weak", "Fendt", 79, ("25000.00", "EUR"), Some(HAMBURG)),
        ("Too dear", "Fendt", 120, ("30000.01", "EUR"), Some(HAMBURG)),
        ("Too cheap in dollars", "Fendt", 120, ("18749.99", "USD"), Some(HAMBURG)),
        ("Too far", "Fendt", 120, ("25000.00", "EUR"), Some((54.1, 9.99))),
        ("Nowhere", "Fendt", 120, ("25000.00", "EUR"), None),
    ] {
        let attributes = json!({"make": make, "model": "Vario", "horsepower": horsepower});
        let item = json!({"category_id": TRACTORS, "sku": title, "title": title, "attributes": attributes});
        offered(&market, &ann, item, price, place).await;
    }
    let query = "category=machinery/tractors&where=make:Fendt&where=horsepower:80..\
                 &price_from=15000&price_to=30000&currency=EUR&near=53.55,9.99&within_km=50";
    assert_eq!(found(&market, &format!("/v1/listings?{query}")).await, ["Match in dollars", "Match"]);
    assert_eq!(found(&market, &format!("/v1/listings?{query}&sort=distance")).await, ["Match", "Match in dollars"]);
    assert_eq!(found(&market, &format!("/v1/listings?{query}&q=dollars")).await, ["Match in dollars"]);

    for name in ["313", "724"] {
        let _ = admin.post("/v1/models", json!({"category_id": TRACTORS, "make": "Fendt", "name": name})).await.ok();
    }
    for (title, fits) in [
        ("For the 313 until 2015", json!([{"model": "fendt-313", "year_to": 2015}])),
        ("For the 724", json!([{"model": "fendt-724"}])),
        ("For every Fendt", json!([{"make": "Fendt"}])),
        ("For whatever", json!([])),
    ] {
        let item = json!({"category_id": PARTS, "sku": title, "title": title});
        let item = offered(&market, &ann, item, ("90.00", "EUR"), None).await;
        let _ = ann.put(&format!("/v1/items/{item}/fits"), json!({"fits": fits})).await.ok();
    }
    for path in ["/v1/models/fendt-313/parts?", "/v1/listings?fits=fendt-313&"] {
        assert_eq!(found(&market, path).await, ["For every Fendt", "For the 313 until 2015"], "{path}");
    }
    for path in ["/v1/models/fendt-313/parts?year=2016", "/v1/listings?fits=fendt-313&fits_year=2016"] {
        assert_eq!(found(&market, path).await, ["For every Fendt"], "{path}");
    }
    market.close().await;
}

/// The listings of a page, by their ids.
fn ids(page: &Value) -> Vec<String> {
    page["items"].as_array().expect("as the API answers").iter().map(id).collect()
}

/// A visitor reads what a search finds page by page. Between the pages the seller withdraws the listing that the cursor names, one before it
/// and one that was still to come, and publishes more than that. What stays comes once, in its order; what is new comes where it belongs
/// after the cursor, and not at all where it belongs before it.
#[tokio::test(flavor = "multi_thread")]
async fn row_search_pages_while_listings_come_and_go() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    for (name, sort) in [("Ann", "newest"), ("Bob", "price"), ("Cid", "price_desc")] {
        let seller = market.trader(&admin, name).await;
        let publish =
            async |euros: i32| seller.lists(json!({"sale_mode": "fixed", "price": eur(&format!("{euros}.00"))})).await;
        // Three have each price, so that a page of four ends among equals.
        for number in 0..15 {
            publish(20 + number / 3).await;
        }
        let search = format!("/v1/listings?seller={}&sort={sort}", seller.org);
        let found = ids(&market.get(&format!("{search}&limit=100")).await.ok());
        assert_eq!(found.len(), 15, "{sort}");

        let (mut seen, mut missed) = (Vec::<String>::new(), Vec::<String>::new());
        let (mut cheap, mut dear, mut rounds) = (Vec::new(), Vec::new(), 0);
        let mut path = format!("{search}&limit=4");
        loop {
            let page = market.get(&path).await.ok();
            seen.extend(ids(&page));
            let Some(next) = page["next"].as_str() else { break };
            path = format!("{search}&limit=4&after={next}");
            let to_come = found.iter().filter(|id| !seen.contains(*id) && !missed.contains(*id)).nth(1);
            let Some(to_come) = to_come.cloned() else { continue };
            for leaving in [&seen[seen.len() - 2], &seen[seen.len() - 1], &to_come] {
                let _ = seller.post(&format!("/v1/listings/{leaving}/withdraw"), json!({})).await.ok();
            }
            missed.push(to_come);
            // Four come where two have gone before the cursor, or one, or three.
            cheap.push(publish(9 - rounds).await);
            for more in 0..3 {
                dear.push(publish(90 + 3 * rounds + more).await);
            }
            rounds += 1;
        }
        assert_eq!(rounds, 2, "{sort}");
        let stays = found.into_iter().filter(|id| !missed.contains(id));
        let new = match sort {
            "price" => dear,
            "price_desc" => cheap,
            _ => Vec::new(),
        };
        assert_eq!(seen, stays.chain(new).collect::<Vec<_>>(), "{sort}");
    }
    market.close().await;
}
