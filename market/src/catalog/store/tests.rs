use serde_json::json;
use shared::money::Currency;
use shared::testing::TestDb;

use super::*;
use crate::testing::{CONSOLES, trader};

fn console(sku: &str) -> NewItem {
    let json = json!({"category_id": CONSOLES, "sku": sku, "title": "Console", "attributes": {"colour": "green"}});
    serde_json::from_value(json).expect("an item")
}

#[tokio::test]
async fn the_database_knows_the_programs_currencies() {
    let db = TestDb::new().await;
    let mut stored: Vec<(String, i16)> =
        sqlx::query_as("SELECT code, exponent FROM currencies").fetch_all(&db.pool).await.expect("currencies");
    let mut known: Vec<_> =
        Currency::all().map(|currency| (currency.code().to_owned(), i16::from(currency.exponent()))).collect();
    stored.sort();
    known.sort();
    assert_eq!(stored, known);
    db.close().await;
}

#[tokio::test]
async fn categories_come_parents_first() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let all = categories(&mut conn).await.expect("categories");
    assert!(all.iter().any(|category| category.id == CONSOLES && category.path == "electronics/consoles"));
    for (place, category) in all.iter().enumerate() {
        if let Some(parent) = category.parent_id {
            let above = all[..place].iter().find(|other| other.id == parent).expect("the parent comes before");
            assert!(category.path.starts_with(&format!("{}/", above.path)), "{}", category.path);
        }
    }
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn items_belong_to_their_organisation() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (mine, other) = (trader(&mut conn).await.org, trader(&mut conn).await.org);
    let made = create_item(&mut conn, mine, &console("A-1")).await.expect("made");
    assert_eq!((made.unit.as_str(), &made.attributes), ("piece", &json!({"colour": "green"})));
    assert_eq!(item(&mut conn, mine, made.id).await.expect("read"), Some(made.clone()));
    assert_eq!(item(&mut conn, other, made.id).await.expect("read"), None);
    let taken = create_item(&mut conn, mine, &console("A-1")).await;
    assert!(matches!(taken, Err(CatalogError::SkuTaken)), "{taken:?}");
    create_item(&mut conn, other, &console("A-1")).await.expect("another's sku");

    let change = ItemChange { title: Some("Console, green".to_owned()), ..ItemChange::default() };
    let foreign = change_item(&mut conn, other, made.id, &change).await;
    assert!(matches!(foreign, Err(CatalogError::NotFound)), "{foreign:?}");
    let changed = change_item(&mut conn, mine, made.id, &change).await.expect("changed");
    assert_eq!((changed.title.as_str(), &changed.attributes), ("Console, green", &made.attributes));

    let second = create_item(&mut conn, mine, &console("A-2")).await.expect("made");
    let page = items_of(&mut conn, mine, None, 1).await.expect("list");
    assert_eq!(page.iter().map(|item| item.id).collect::<Vec<_>>(), [made.id]);
    let page = items_of(&mut conn, mine, Some(made.id), 5).await.expect("list");
    assert_eq!(page.iter().map(|item| item.id).collect::<Vec<_>>(), [second.id]);
    let foreign = archive_item(&mut conn, other, made.id).await;
    assert!(matches!(foreign, Err(CatalogError::NotFound)), "{foreign:?}");
    archive_item(&mut conn, mine, made.id).await.expect("archived");
    assert_eq!(item(&mut conn, mine, made.id).await.expect("read"), None);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn bad_items_name_their_field() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let org = trader(&mut conn).await.org;
    let tractors = categories(&mut conn).await.expect("categories");
    let tractors = tractors.iter().find(|category| category.path == "machinery/tractors").expect("tractors").id;
    let cases = [
        (NewItem { category_id: CategoryId::generate(), ..console("x") }, "/category_id"),
        (NewItem { category_id: tractors, ..console("x") }, "/attributes/make"),
        (console(""), "/sku"),
        (NewItem { title: "x".repeat(201), ..console("x") }, "/title"),
        (NewItem { unit: String::new(), ..console("x") }, "/unit"),
        (NewItem { compatibility: vec![String::new(); 501], ..console("x") }, "/compatibility"),
    ];
    for (new, pointer) in cases {
        match create_item(&mut conn, org, &new).await {
            Err(CatalogError::Invalid(invalid)) => assert_eq!(invalid.pointer, pointer),
            Err(CatalogError::Unfit(faults)) => {
                assert!(faults.iter().any(|fault| fault.pointer == pointer), "{faults}");
            }
            other => panic!("{pointer}: {other:?}"),
        }
    }
    let unknown = json!({"category_id": CONSOLES, "sku": "x", "title": "x", "colour": "green"});
    assert!(serde_json::from_value::<NewItem>(unknown).is_err(), "unknown fields are refused");
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn every_stored_schema_is_one_and_a_foreign_one_is_told() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    for category in categories(&mut conn).await.expect("categories") {
        let read = Schema::read(&category.attribute_schema, "");
        assert!(read.is_ok(), "{}: {read:?}", category.path);
    }
    let org = trader(&mut conn).await.org;
    sqlx::query(r#"UPDATE categories SET attribute_schema = '{"oneOf": []}'"#).execute(&mut *conn).await.expect("set");
    let refused = create_item(&mut conn, org, &console("x")).await;
    assert!(matches!(refused, Err(CatalogError::BrokenSchema(_))), "{refused:?}");
    drop(conn);
    db.close().await;
}
