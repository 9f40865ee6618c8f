use std::sync::Arc;

use serde_json::json;
use tokio::sync::Barrier;

use super::*;
use crate::catalog::model::{ItemChange, NewItem};
use crate::catalog::store as catalog;
use crate::listings::model::ListingChange;

/// An item of the waste category with these attributes.
pub(super) async fn waste(conn: &mut PgConnection, of: Trader, attributes: Value) -> ItemId {
    let category = catalog::categories(conn).await.expect("categories");
    let category = category.iter().find(|category| category.path == "waste/plastic").expect("plastic").id;
    let item = json!({"category_id": category, "sku": ItemId::generate(), "title": "Film", "attributes": attributes});
    let item: NewItem = serde_json::from_value(item).expect("an item");
    catalog::create_item(conn, of.org, &item).await.expect("an item").id
}

fn changed(change: Value) -> ListingChange {
    serde_json::from_value(change).expect("a change")
}

async fn patch(conn: &mut PgConnection, id: ListingId, change: Value) -> Result<Listing, ListingError> {
    let draft = lock(conn, id).await?;
    super::change(conn, &draft, &changed(change)).await?;
    lock(conn, id).await
}

fn pointers(faults: &[Invalid]) -> Vec<&str> {
    faults.iter().map(|fault| fault.pointer.as_str()).collect()
}

#[tokio::test]
async fn a_draft_grows_step_by_step_and_publish_lists_all_that_is_missing() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let seller = trader(&mut conn).await;
    let item = waste(&mut conn, seller, json!({"moisture_percent": 4})).await;
    let id =
        create(&mut conn, seller.org, seller.user, &NewListing { price: None, ..new(item) }).await.expect("a draft");
    let needed = ["/price", "/attributes/material", "/attributes/ewc_code", "/attributes/origin"];
    let draft = lock(&mut conn, id).await.expect("the draft");
    assert_eq!(pointers(&missing(&mut conn, &draft).await.expect("a list")), needed);
    match publish(&mut conn, seller.org, id).await {
        Err(ListingError::Incomplete(faults)) => {
            assert_eq!(faults.iter().map(|fault| fault.pointer.as_str()).collect::<Vec<_>>(), needed);
        }
        other => panic!("{other:?}"),
    }
    patch(&mut conn, id, json!({"price": {"amount": "12.50", "currency": "EUR"}})).await.expect("changed");
    let attributes = json!({"material": "LDPE", "ewc_code": "15 01 02"});
    let attributes = ItemChange { attributes: attributes.as_object().cloned(), ..ItemChange::default() };
    catalog::change_item(&mut conn, seller.org, item, &attributes).await.expect("still incomplete");
    assert_eq!(pointers(&missing(&mut conn, &draft).await.expect("a list")), ["/price", "/attributes/origin"]);
    let attributes = json!({"material": "LDPE", "ewc_code": "15 01 02", "origin": "post_consumer"});
    let attributes = ItemChange { attributes: attributes.as_object().cloned(), ..ItemChange::default() };
    catalog::change_item(&mut conn, seller.org, item, &attributes).await.expect("complete");
    assert_eq!(publish(&mut conn, seller.org, id).await.expect("complete"), ListingStatus::InReview);

    // From now on the item stays complete.
    let bare = ItemChange { attributes: Some(serde_json::Map::new()), ..ItemChange::default() };
    match catalog::change_item(&mut conn, seller.org, item, &bare).await {
        Err(CatalogError::Unfit(faults)) => assert_eq!(faults.iter().count(), 3, "{faults}"),
        other => panic!("{other:?}"),
    }
    drop(conn);
    db.close().await;
}

type Check = fn(&Listing) -> bool;

#[tokio::test]
async fn every_field_of_a_draft_is_changed_alone() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let seller = trader(&mut conn).await;
    let id = draft(&mut conn, seller, SaleMode::Fixed, 3).await;
    let before = lock(&mut conn, id).await.expect("the draft");
    let other = waste(&mut conn, seller, json!({})).await;
    let cases: [(Value, Check); 9] = [
        (json!({"title": "Two"}), |now| now.title == "Two"),
        (json!({"description": "a\nb"}), |now| now.description == "a\nb"),
        (json!({"language": "de"}), |now| now.language == Language::De),
        (json!({"language": "xx"}), |now| now.language == Language::Other),
        (json!({"price": null}), |now| now.price.is_none()),
        (json!({"quantity": 9, "min_quantity": 4}), |now| (now.quantity, now.min_quantity) == (9, 4)),
        (json!({"sale_mode": "auction"}), |now| now.sale_mode == SaleMode::Auction),
        (json!({"currency": "JPY", "sale_mode": "fixed", "price": {"amount": "700", "currency": "JPY"}}), |now| {
            now.price == Some(Money::from_minor(700, Currency::JPY))
        }),
        (json!({"delivery_options": ["freight"]}), |now| now.delivery_options == ["freight"]),
    ];
    for (change, check) in cases {
        let now = patch(&mut conn, id, change.clone()).await.expect("changed");
        assert!(check(&now), "{change}: {now:?}");
        assert_eq!((now.id, now.status, now.item_id), (id, ListingStatus::Draft, before.item_id));
    }
    assert_eq!(patch(&mut conn, id, json!({"item_id": other})).await.expect("changed").item_id, other);
    for (change, pointer) in [
        (json!({"currency": "EUR"}), "/currency"),
        (json!({"price": {"amount": "1.00", "currency": "EUR"}}), "/price/currency"),
        (json!({"sale_mode": "auction"}), "/price"),
        (json!({"min_quantity": 10}), "/min_quantity"),
        (json!({"title": ""}), "/title"),
        (json!({"item_id": ItemId::generate()}), "/item_id"),
        (json!({"delivery_options": []}), "/delivery_options"),
    ] {
        match patch(&mut conn, id, change.clone()).await {
            Err(ListingError::Invalid(invalid)) => assert_eq!(invalid.pointer, pointer, "{change}"),
            other => panic!("{change}: {other:?}"),
        }
    }
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn what_is_published_cannot_be_changed() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let seller = trader(&mut conn).await;
    let id = published(&mut conn, seller, SaleMode::Fixed, 1).await;
    let refused = patch(&mut conn, id, json!({"title": "Another"})).await;
    assert!(matches!(refused, Err(ListingError::WrongStatus(ListingStatus::Published))), "{refused:?}");
    drop(conn);
    db.close().await;
}

/// Runs `a` and `b` at once on a listing made by `prepare`, and counts how often each was done.
async fn race(db: &TestDb, rounds: usize, mode: Race) -> [usize; 2] {
    let mut conn = db.pool.acquire().await.expect("a connection");
    let seller = trader(&mut conn).await;
    let mut done = [0, 0];
    for _ in 0..rounds {
        let id = draft(&mut conn, seller, SaleMode::Fixed, 1).await;
        let barrier = Arc::new(Barrier::new(2));
        let (pool, at) = (db.pool.clone(), Arc::clone(&barrier));
        let publishes = tokio::spawn(async move {
            let mut tx = pool.begin().await.expect("a transaction");
            at.wait().await;
            let result = publish(&mut tx, seller.org, id).await;
            tx.commit().await.expect("commits");
            result.map(drop)
        });
        let (pool, at) = (db.pool.clone(), barrier);
        let other = tokio::spawn(async move {
            let mut tx = pool.begin().await.expect("a transaction");
            at.wait().await;
            let result = match mode {
                Race::Withdraw => withdraw(&mut tx, seller.org, id).await,
                Race::Change => patch(&mut tx, id, json!({"price": null})).await.map(drop),
            };
            tx.commit().await.expect("commits");
            result
        });
        let (first, second) = (publishes.await.expect("no panic"), other.await.expect("no panic"));
        let now = lock(&mut conn, id).await.expect("the listing");
        match (&first, &second, mode) {
            // Withdrawn after it was published, or before.
            (Ok(()) | Err(ListingError::WrongStatus(ListingStatus::Withdrawn)), Ok(()), Race::Withdraw) => {
                assert_eq!(now.status, ListingStatus::Withdrawn);
            }
            (Ok(()), Err(ListingError::WrongStatus(ListingStatus::Published)), Race::Change) => {
                assert_eq!((now.status, now.price), (ListingStatus::Published, Some(eur(10_000))));
            }
            (Err(ListingError::Incomplete(_)), Ok(()), Race::Change) => assert_eq!(now.status, ListingStatus::Draft),
            other => panic!("{other:?}"),
        }
        done[0] += usize::from(first.is_ok());
        done[1] += usize::from(second.is_ok());
    }
    done
}

/// A change of the item that waited for the publication meets a listing that must stay complete.
#[tokio::test]
async fn an_item_that_is_being_published_stays_complete() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let seller = trader(&mut conn).await;
    let attributes = json!({"material": "LDPE", "ewc_code": "15 01 02", "origin": "post_consumer"});
    let item = waste(&mut conn, seller, attributes).await;
    let id = create(&mut conn, seller.org, seller.user, &new(item)).await.expect("a draft");
    let mut tx = db.pool.begin().await.expect("a transaction");
    publish(&mut tx, seller.org, id).await.expect("complete");
    let pool = db.pool.clone();
    let change = tokio::spawn(async move {
        let bare = ItemChange { attributes: Some(serde_json::Map::new()), ..ItemChange::default() };
        let mut tx = pool.begin().await.expect("a transaction");
        let result = catalog::change_item(&mut tx, seller.org, item, &bare).await;
        tx.commit().await.expect("commits");
        result
    });
    let waits =
        "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')";
    while !change.is_finished() && !sqlx::query_scalar::<_, bool>(waits).fetch_one(&db.pool).await.expect("an answer") {
        tokio::task::yield_now().await;
    }
    tx.commit().await.expect("commits");
    let refused = change.await.expect("no panic");
    assert!(matches!(refused, Err(CatalogError::Unfit(_))), "{refused:?}");
    drop(conn);
    db.close().await;
}

#[derive(Clone, Copy, Debug)]
enum Race {
    Withdraw,
    Change,
}

#[tokio::test]
async fn of_publish_and_withdraw_at_once_the_listing_is_withdrawn() {
    let db = TestDb::new().await;
    let [_, withdrawn] = race(&db, 200, Race::Withdraw).await;
    assert_eq!(withdrawn, 200);
    db.close().await;
}

#[tokio::test]
async fn of_publish_and_change_at_once_one_happens() {
    let db = TestDb::new().await;
    let [published, changed] = race(&db, 200, Race::Change).await;
    assert_eq!(published + changed, 200);
    db.close().await;
}
