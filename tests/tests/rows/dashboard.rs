#![expect(clippy::expect_used, reason = "a test without its data ends here")]

use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur, id};
use tests::until::until_sql;
use uuid::Uuid;

/// Requires no attributes.
const CONSOLES: &str = "01900000-0000-7000-8000-000000000012";

/// Puts a hundred consoles on offer at 100 euros each.
async fn offered(by: &Person, title: &str) -> String {
    let item = id(&by.post("/v1/items", json!({"category_id": CONSOLES, "sku": title, "title": title})).await.ok());
    let new = json!({"item_id": item, "title": title, "sale_mode": "fixed", "currency": "EUR", "price": eur("100.00"),
        "quantity": 100});
    let listing = id(&by.post("/v1/listings", new).await.ok());
    let _ = by.post(&format!("/v1/listings/{listing}/publish"), json!({})).await.ok();
    listing
}

/// People look, ask, buy and change their minds at random; what the seller is shown is what the rows say.
#[tokio::test(flavor = "multi_thread")]
async fn row_dashboard_equals_the_rows() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let ann = market.trader(&admin, "Ann").await;
    let buyers = [market.trader(&admin, "Bob").await, market.trader(&admin, "Eve").await];
    let listings = [offered(&ann, "One").await, offered(&ann, "Two").await, offered(&ann, "Three").await];
    // The same walk each time.
    let mut state: u64 = 46;
    let mut below = |bound: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % bound
    };
    // Nobody's own looks count.
    for listing in &listings {
        let _ = ann.get(&format!("/v1/listings/{listing}")).await.ok();
    }
    let (mut views, mut open) = (std::collections::BTreeSet::new(), Vec::new());
    for _ in 0..60 {
        let (place, who) = (usize::try_from(below(3)).expect("small"), usize::try_from(below(2)).expect("small"));
        let (path, buyer) = (format!("/v1/listings/{}", listings[place]), &buyers[who]);
        match below(6) {
            0 | 1 => {
                let _ = buyer.get(&path).await.ok();
                views.insert((place, who));
            }
            2 => {
                let _ = market.get(&path).await.ok();
                views.insert((place, buyers.len()));
            }
            3 => {
                let _ = buyer.post(&format!("{path}/inquiries"), json!({"text": "How old is it?"})).await.ok();
            }
            4 => {
                let buy = json!({"quantity": 1 + below(3), "price": eur("100.00")});
                open.push((who, id(&buyer.post(&format!("{path}/buy"), buy).await.ok())));
            }
            _ => {
                if let Some((who, checkout)) = open.pop() {
                    let _ = buyers[who].post(&format!("/v1/checkouts/{checkout}/cancel"), json!({})).await.ok();
                }
            }
        }
    }
    let expected = i64::try_from(views.len()).expect("not so many");
    until_sql(&market.db.pool, "SELECT count(*) FROM listing_views", expected).await;
    let today: String = sqlx::query_scalar("SELECT (now() AT TIME ZONE 'UTC')::date::text")
        .fetch_one(&market.db.pool)
        .await
        .expect("a day");
    // Around midnight the walk has two days.
    let tomorrow: String =
        sqlx::query_scalar("SELECT ($1::date + 1)::text").bind(&today).fetch_one(&market.db.pool).await.expect("a day");
    let yesterday: String =
        sqlx::query_scalar("SELECT ($1::date - 1)::text").bind(&today).fetch_one(&market.db.pool).await.expect("a day");
    let shown = ann.get(&format!("/v1/dashboard?first_day={yesterday}&last_day={tomorrow}")).await.ok();
    let total = raw(&market, None).await;
    assert_eq!(shown["total"], total, "{shown}");
    assert!(total["orders"].as_i64() > Some(0) && total["inquiries"].as_i64() > Some(0), "{total}");
    for listing in &listings {
        let mut one = shown["listings"]
            .as_array()
            .and_then(|all| all.iter().find(|one| one["listing_id"] == json!(listing)))
            .expect("every listing has figures")
            .clone();
        let fields = one.as_object_mut().expect("an object");
        fields.remove("listing_id");
        fields.remove("title");
        assert_eq!(one, raw(&market, Some(listing)).await);
    }
    let others = buyers[0].get(&format!("/v1/dashboard?first_day={yesterday}&last_day={tomorrow}")).await.ok();
    assert_eq!((&others["total"]["views"], &others["listings"]), (&json!(0), &json!([])));
    market.close().await;
}

/// The figures of one listing or of all, from the rows themselves.
async fn raw(market: &TestInstallation, listing: Option<&str>) -> Value {
    let listing = listing.map(|listing| listing.parse::<Uuid>().expect("an id"));
    let (views, inquiries, orders, cents): (i64, i64, i64, i64) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM listing_views WHERE $1 IS NULL OR listing_id = $1),
                (SELECT count(*) FROM inquiries WHERE $1 IS NULL OR listing_id = $1),
                count(DISTINCT o.id), coalesce(sum(n.amount_minor), 0)::bigint
         FROM orders AS o
         JOIN order_lines AS n ON n.order_id = o.id
         WHERE ($1 IS NULL OR n.listing_id = $1)
           AND o.status NOT IN ('expired', 'cancelled', 'refunded')",
    )
    .bind(listing)
    .fetch_one(&market.db.pool)
    .await
    .expect("figures");
    let revenue = if cents > 0 { json!([eur(&format!("{}.00", cents / 100))]) } else { json!([]) };
    let mut figures = json!({"views": views, "inquiries": inquiries, "orders": orders, "revenue": revenue});
    if views > 0 {
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let conversion = orders as f64 / views as f64;
        figures["conversion"] = json!(conversion);
    }
    figures
}
