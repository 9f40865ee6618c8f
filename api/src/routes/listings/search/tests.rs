use market::identity::PlatformRole;
use serde_json::{Value, json};

use crate::testing::{Person, TestApi};

const TRACTORS: &str = "01900000-0000-7000-8000-000000000011";

/// A tractor on offer at a place: its title.
async fn tractor(api: &TestApi, seller: &Person, title: &str, attributes: Value, price: &str, place: (f64, f64)) {
    let item = json!({"category_id": TRACTORS, "sku": title, "title": title, "attributes": attributes});
    let item = api.post(Some(seller), "/v1/items", item).await.ok();
    let (currency, amount) = price.split_once(' ').unwrap();
    let new = json!({"item_id": item["id"], "title": title, "sale_mode": "fixed", "currency": currency,
        "price": {"amount": amount, "currency": currency}});
    let listing = api.post(Some(seller), "/v1/listings", new).await.ok();
    let id: uuid::Uuid = listing["id"].as_str().unwrap().parse().unwrap();
    sqlx::query(
        "WITH site AS (
             INSERT INTO sites (id, org_id, region_id, name, kind, body, latitude, longitude)
             SELECT gen_random_uuid(), l.seller_org_id, r.id, 'Yard', 'depot', r.body, $2, $3
             FROM listings AS l, regions AS r
             WHERE l.id = $1 AND r.code = 'earth/de'
             RETURNING id
         )
         UPDATE listings SET site_id = site.id FROM site WHERE listings.id = $1",
    )
    .bind(id)
    .bind(place.0)
    .bind(place.1)
    .execute(&api.db.pool)
    .await
    .unwrap();
    api.post(Some(seller), &format!("/v1/listings/{id}/publish"), json!({})).await.ok();
}

async fn market() -> TestApi {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let ann = api.person("Ann").await;
    api.org(&ann, "Ann Farm", &moderator).await;
    let (hamburg, munich) = ((53.55, 9.99), (48.14, 11.58));
    let of = |make: &str, horsepower: u32, condition: &str| json!({"make": make, "model": "X", "horsepower": horsepower, "year": 2015, "condition": condition});
    for (title, attributes, price, place) in [
        ("Strong", of("Fendt", 200, "used"), "EUR 90000.00", hamburg),
        ("Cheap", of("Fendt", 85, "used"), "EUR 12000.00", hamburg),
        ("Weak", of("fendt", 60, "new"), "EUR 11000.00", hamburg),
        ("Far", of("Fendt", 90, "used"), "EUR 13000.00", munich),
        ("Other", of("John Deere", 90, "used"), "USD 13000.00", hamburg),
    ] {
        tractor(&api, &ann, title, attributes, price, place).await;
    }
    api
}

async fn found(api: &TestApi, query: &str) -> Vec<String> {
    let page = api.get(None, &format!("/v1/listings?{query}")).await.ok();
    page["items"].as_array().unwrap().iter().map(|one| one["title"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn tractors_are_found_by_make_power_price_and_distance() {
    let api = market().await;
    for (query, wanted) in [
        ("where=make:fendt", vec!["Far", "Weak", "Cheap", "Strong"]),
        ("where=make:Fendt&where=make:John%20Deere&where=horsepower:90", vec!["Other", "Far"]),
        ("where=horsepower:80..", vec!["Other", "Far", "Cheap", "Strong"]),
        ("price_from=11000&price_to=12000.00&sort=price", vec!["Weak", "Cheap"]),
        // Without rates, a price is compared in its own currency alone.
        ("price_from=1&currency=USD", vec!["Other"]),
        ("near=53.5,10&within_km=50&sort=price_desc", vec!["Strong", "Cheap", "Weak"]),
        ("near=48,11.5&sort=distance&limit=1", vec!["Far"]),
        ("near=53.55,9.99,moon&within_km=50", vec![]),
        ("q=weak%20or%20far&sort=relevance&lang=en", vec!["Far", "Weak"]),
        ("lang=de", vec![]),
        ("mode=auction", vec![]),
        ("sort=ending", vec![]),
        (
            "category=machinery/tractors&where=make:Fendt&where=horsepower:80..&price_to=15000&near=53.5,10&within_km=50",
            vec!["Cheap"],
        ),
    ] {
        assert_eq!(found(&api, query).await, wanted, "{query}");
    }
    api.close().await;
}

#[tokio::test]
async fn facets_say_what_else_could_be_chosen() {
    let api = market().await;
    let page =
        api.get(None, "/v1/listings?category=machinery&where=make:fendt&where=horsepower:80..&facets=true").await.ok();
    let facet = |name: &str| {
        let facet = page["facets"].as_array().unwrap().iter().find(|facet| facet["name"] == name);
        facet.unwrap_or_else(|| panic!("{name}: {page}")).clone()
    };
    assert_eq!(page["items"].as_array().unwrap().len(), 3);
    let makes = json!([{"value": "fendt", "count": 3}, {"value": "john deere", "count": 1}]);
    assert_eq!(facet("make"), json!({"name": "make", "exact": true, "values": makes}));
    assert_eq!(facet("condition")["values"], json!([{"value": "used", "count": 3}]));
    let categories = json!([{"value": "machinery", "count": 3}, {"value": "machinery/tractors", "count": 3}]);
    assert_eq!(facet("category")["values"], categories);
    let plain = api.get(None, "/v1/listings?category=machinery").await.ok();
    assert_eq!(plain["facets"], Value::Null);
    api.close().await;
}

#[tokio::test]
async fn pages_follow_each_other_in_every_order() {
    let api = market().await;
    for sort in [
        "sort=newest",
        "sort=price",
        "sort=price_desc",
        "sort=distance&near=50,10",
        "sort=relevance&q=far%20or%20cheap",
    ] {
        let all = found(&api, sort).await;
        let (mut pages, mut after) = (Vec::new(), String::new());
        loop {
            let page = api.get(None, &format!("/v1/listings?{sort}&limit=1{after}")).await.ok();
            pages.push(page["items"][0]["title"].as_str().unwrap().to_owned());
            let Some(next) = page["next"].as_str() else { break };
            after = format!("&after={next}");
        }
        assert_eq!(pages, all, "{sort}");
        assert!(all.len() > 1, "{sort}");
    }
    let next = api.get(None, "/v1/listings?limit=1").await.ok()["next"].as_str().unwrap().to_owned();
    for other in ["q=far", "sort=price", "where=make:fendt", "near=1,1&within_km=5", "price_to=5"] {
        let answer = api.get(None, &format!("/v1/listings?{other}&after={next}")).await;
        let answer = answer.refused(422, "cursor_of_another_query");
        assert_eq!(answer.body["errors"][0]["parameter"], "after", "{answer:?}");
    }
    api.get(None, &format!("/v1/listings?limit=2&facets=true&after={next}")).await.ok();
    api.close().await;
}

#[tokio::test]
async fn a_bad_search_says_what_is_wrong_and_where() {
    let api = TestApi::new().await;
    for (query, parameter, detail) in [
        ("where=make", "where", "name:value"),
        ("where=horsepower:many", "where", "horsepower is a number"),
        ("category=machinery/tractors&where=condition:broken", "where", "condition is one of new, used, for_parts"),
        ("within_km=5", "within_km", "needs near"),
        ("near=53,10", "near", "needs within_km"),
        ("near=53&within_km=5", "near", "53.55,9.99"),
        ("near=91,10&within_km=5", "near", "between -90 and 90"),
        ("near=NaN,10&within_km=5", "near", "between -90 and 90"),
        ("near=9,181&within_km=5", "near", "between -180 and 180"),
        ("near=9,18,pluto&within_km=5", "near", "no body pluto"),
        ("near=9,18&within_km=0", "within_km", "between"),
        ("near=9,18&within_km=NaN", "within_km", "between"),
        ("near=9,18&within_km=x", "within_km", "float"),
        ("sort=distance", "sort", "needs near"),
        ("sort=relevance", "sort", "needs q"),
        ("price_from=x", "price_from", ""),
        ("price_from=-1", "price_from", "below zero"),
        ("price_to=1.005", "price_to", ""),
        ("price_to=99999999999999999999", "price_to", ""),
        ("price_from=2&price_to=1", "price_from", "above price_to"),
        ("currency=EUR", "currency", "needs price_from"),
        ("fits=nothing", "fits", "no such model"),
        ("fits_year=2000", "fits_year", "needs fits"),
        ("fits=x&fits_year=1", "fits_year", "between 1800 and 2100"),
        ("after=AAAA", "after", "the `next` of an earlier page"),
    ] {
        // What the document rules out, and what it cannot.
        let ruled_out = ["near=53&", "within_km=0", "within_km=NaN", "within_km=x", "fits=x&fits_year=1", "after=AAAA"];
        let ruled_out = ruled_out.iter().any(|part| query.contains(part));
        let (status, code) = if ruled_out { (400, "invalid_query") } else { (422, "invalid_search") };
        let answer = api.get(None, &format!("/v1/listings?{query}")).await.refused(status, code);
        let error = &answer.body["errors"][0];
        assert_eq!(error["parameter"], parameter, "{query}: {answer:?}");
        assert!(error["detail"].as_str().unwrap().contains(detail), "{query}: {answer:?}");
    }
    for query in ["sort=best", "lang=klingon", "mode=raffle", "facets=maybe", "colour=red", "limit=101"] {
        api.get(None, &format!("/v1/listings?{query}")).await.refused(400, "invalid_query");
    }
    let long = "where=make:a&".repeat(11);
    api.get(None, &format!("/v1/listings?{long}")).await.refused(400, "invalid_query");
    api.get(None, "/v1/listings?where=make:%00").await.refused(400, "zero_character");
    let answer = api.get(None, "/v1/listings?category=machinery/tractors&where=colour:red").await;
    let answer = answer.refused(422, "unknown_filter");
    let detail = answer.body["errors"][0]["detail"].as_str().unwrap();
    assert!(detail.contains("colour") && detail.contains("four_wheel_drive, horsepower, make"), "{detail}");
    api.get(None, "/v1/listings?category=nowhere&where=make:x").await.refused(422, "unknown_filter");
    assert_eq!(api.get(None, "/v1/listings?category=nowhere").await.ok()["items"], json!([]));
    api.close().await;
}
