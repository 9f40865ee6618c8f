use serde_json::{Value, json};

use super::drafts::waste;
use super::*;

const COMPLETE: &str = r#"{"material": "LDPE", "ewc_code": "15 01 02", "origin": "post_consumer"}"#;

async fn submitted(conn: &mut PgConnection, seller: Trader) -> ListingId {
    let item = waste(conn, seller, serde_json::from_str(COMPLETE).expect("attributes")).await;
    let id = create(conn, seller.org, seller.user, &new(item)).await.expect("a draft");
    assert_eq!(publish(conn, seller.org, id).await.expect("complete"), ListingStatus::InReview);
    id
}

#[tokio::test]
async fn what_waits_for_a_moderator_is_seen_by_nobody_until_it_is_approved() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, moderator) = (trader(&mut conn).await, member_of(&mut conn, &[]).await);
    let by = Actor::User(moderator);
    let (first, second) = (submitted(&mut conn, seller).await, submitted(&mut conn, seller).await);
    let waiting = async |conn: &mut PgConnection, after| {
        let rows = in_review(conn, after, 10).await.expect("a list");
        rows.into_iter().map(|listing| (listing.submitted_at.expect("a time"), listing.id)).collect::<Vec<_>>()
    };
    let queue = waiting(&mut conn, None).await;
    assert_eq!(queue.iter().map(|(_, id)| *id).collect::<Vec<_>>(), [first, second]);
    assert_eq!(waiting(&mut conn, Some(queue[0])).await, queue[1..]);
    assert_eq!(ids(&mut conn, Query::default()).await, []);

    let shown = decide(&mut conn, by, first, Decision::Approve).await.expect("approved").listing;
    assert_eq!((shown.status, shown.published_at.is_some()), (ListingStatus::Published, true));
    assert_eq!(ids(&mut conn, Query::default()).await, [first]);
    let back = decide(&mut conn, by, second, Decision::Refuse("another code")).await.expect("refused").listing;
    assert_eq!((back.status, back.status_reason.as_deref()), (ListingStatus::Draft, Some("another code")));
    for (id, decision) in [(first, Decision::Approve), (second, Decision::Refuse("again")), (second, Decision::Approve)]
    {
        let again = decide(&mut conn, by, id, decision).await;
        assert!(matches!(again, Err(ListingError::WrongStatus(_))), "{again:?}");
    }
    // Once it is sent again, the old reason is gone.
    publish(&mut conn, seller.org, second).await.expect("sent again");
    let again = listing(&mut conn, second).await.expect("read").expect("the listing");
    assert_eq!((again.status, again.status_reason), (ListingStatus::InReview, None));
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn new_sellers_are_looked_at_until_they_are_known() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, moderator) = (trader(&mut conn).await, member_of(&mut conn, &[]).await);
    sqlx::query("UPDATE categories SET review = 'new_sellers'").execute(&mut *conn).await.expect("done");
    let mut statuses = Vec::new();
    for _ in 0..4 {
        let id = draft(&mut conn, seller, SaleMode::Fixed, 1).await;
        let status = publish(&mut conn, seller.org, id).await.expect("complete");
        statuses.push(status);
        if status == ListingStatus::InReview {
            decide(&mut conn, Actor::User(moderator), id, Decision::Approve).await.expect("approved");
        }
    }

    assert_eq!(statuses, [[ListingStatus::InReview; 3].as_slice(), &[ListingStatus::Published]].concat());
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn every_category_accepts_its_own_example() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let examples = json!({
        "machinery/tractors": {"make": "John Deere", "model": "6130R", "year": 2018, "condition": "used", "horsepower": 130,
            "operating_hours": 4200, "weight_kg": 6200, "four_wheel_drive": true},
        "machinery/implements": {"make": "Lemken", "working_width_m": 3, "needed_horsepower": 120},
        "parts": {"part_number": "AL203061", "make": "John Deere", "condition": "new"},
        "services/operators": {"certificates": ["tractor", "crop_protection"], "languages": ["de", "pl"],
            "experience_years": 12, "radius_km": 80, "rate_per": "hectare", "minimum_hours": 4},
        "waste/plastic": {"material": "LDPE", "ewc_code": "15 01 02", "origin": "post_consumer", "contamination_percent": 3.5,
            "packaging": "baled", "processing": ["sorted", "washed"], "delivery": "collection"},
        "shop/clothing": {"make": "Engelbert", "size": "XL", "colour": "green"},
        "resources/ores": {"purity": 61.5, "grade": "B", "body": "ceres", "form": "crushed"},
    });
    let categories = crate::catalog::store::categories(&mut conn).await.expect("categories");
    for (path, example) in examples.as_object().expect("examples") {
        let category = categories.iter().find(|category| category.path == *path).expect(path);
        let schema = crate::catalog::rules::schema::Schema::read(&category.attribute_schema, "").expect(path);
        let fits = schema.check(example.as_object().expect("attributes"));
        assert!(fits.is_ok(), "{path}: {fits:?}");
    }
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn an_operators_price_is_for_an_hour_a_day_or_a_hectare() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let categories = crate::catalog::store::categories(&mut conn).await.expect("categories");
    let operators = categories.iter().find(|category| category.path == "services/operators").expect("operators");
    let schema = crate::catalog::rules::schema::Schema::read(&operators.attribute_schema, "").expect("a schema");
    let fits = |attributes: Value| schema.check(attributes.as_object().expect("attributes")).is_ok();
    assert!(fits(json!({"certificates": ["tractor"]})), "who was listed before there were rates");
    for per in ["hour", "day", "hectare"] {
        assert!(fits(json!({"certificates": ["tractor"], "rate_per": per, "minimum_hours": 0.5})), "{per}");
    }
    assert!(!fits(json!({"certificates": ["tractor"], "rate_per": "week"})));
    assert!(!fits(json!({"certificates": ["tractor"], "minimum_hours": -1})));
    drop(conn);
    db.close().await;
}
