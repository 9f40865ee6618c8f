use serde_json::json;
use shared::audit::Actor;
use shared::money::Currency;
use shared::testing::TestDb;

use super::*;
use crate::catalog::model::{Fit, NewModel};
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
        (NewItem { category_id: tractors, ..console("x") }, "/attributes/colour"),
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

#[tokio::test]
async fn bad_fits_name_their_place() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, other) = (trader(&mut conn).await, trader(&mut conn).await);
    let all = categories(&mut conn).await.expect("categories");
    let id_of = |path: &str| all.iter().find(|category| category.path == path).expect("a category").id;
    let new = json!({"category_id": id_of("machinery/tractors"), "make": "Fendt", "name": "313"});
    let new: NewModel = serde_json::from_value(new).expect("a model");
    create_model(&mut conn, Actor::System, &new).await.expect("made");
    let taken = create_model(&mut conn, Actor::System, &NewModel { name: " 313 ".to_owned(), ..new.clone() }).await;
    assert!(matches!(taken, Err(CatalogError::ModelTaken)), "{taken:?}");
    let nameless = NewModel { make: "–".to_owned(), name: "–".to_owned(), ..new };
    assert!(matches!(create_model(&mut conn, Actor::System, &nameless).await, Err(CatalogError::Invalid(_))));

    let part = NewItem { category_id: id_of("parts"), attributes: Map::new(), ..console("P-1") };
    let part = create_item(&mut conn, seller.org, &part).await.expect("a part").id;
    let no_part = create_item(&mut conn, seller.org, &console("C-1")).await.expect("a console").id;
    let fits = |json: Value| serde_json::from_value::<Vec<Fit>>(json).expect("fits");
    for (given, pointers) in [
        (json!([{"make": "Claas"}, {"model": "fendt-999"}]), vec!["/fits/1/model"]),
        (json!([{"make": "Claas", "model": "fendt-313"}]), vec!["/fits/0/make"]),
        (
            json!([{"year_from": 2000}, {"make": "Claas", "year_from": 2001, "year_to": 2000}]),
            vec!["/fits/0/make", "/fits/1/year_to"],
        ),
        (json!([{"make": "Claas", "year_from": 1700}]), vec!["/fits"]),
        (json!(vec![json!({"make": "Claas"}); 501]), vec!["/fits"]),
    ] {
        let mut tx = sqlx::Connection::begin(&mut *conn).await.expect("a transaction");
        let found = match set_fits(&mut tx, seller.org, part, &fits(given)).await {
            Err(CatalogError::Unfit(faults)) => faults.iter().map(|fault| fault.pointer.clone()).collect(),
            Err(CatalogError::Invalid(invalid)) => vec![invalid.pointer],
            other => panic!("{other:?}"),
        };
        assert_eq!(found, pointers);
        tx.rollback().await.expect("rolled back");
    }
    let claas = fits(json!([{"make": "Claas"}]));
    assert!(matches!(set_fits(&mut conn, seller.org, no_part, &claas).await, Err(CatalogError::Invalid(_))));
    assert!(matches!(set_fits(&mut conn, other.org, part, &claas).await, Err(CatalogError::NotFound)));
    set_fits(&mut conn, seller.org, part, &claas).await.expect("set");
    assert_eq!(fits_of(&mut conn, part).await.expect("a list"), claas);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_calendar_is_replaced_year_by_year() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, other) = (trader(&mut conn).await, trader(&mut conn).await);
    let all = categories(&mut conn).await.expect("categories");
    let operators = all.iter().find(|category| category.path == "services/operators").expect("operators").id;
    let operator = NewItem { category_id: operators, attributes: Map::new(), ..console("O-1") };
    let operator = create_item(&mut conn, seller.org, &operator).await.expect("an operator").id;
    let day = |text: &str| text.parse::<chrono::NaiveDate>().expect("a day");
    let [first, second, last, next] = ["2027-01-01", "2027-03-05", "2027-12-31", "2028-02-29"].map(day);
    block_days(&mut conn, seller.org, operator, 2028, &[next]).await.expect("blocked");
    block_days(&mut conn, seller.org, operator, 2027, &[last, first, first]).await.expect("blocked");
    assert_eq!(taken_days(&mut conn, operator, 2027).await.expect("days"), [first, last]);
    block_days(&mut conn, seller.org, operator, 2027, &[last, second]).await.expect("blocked");
    assert_eq!(taken_days(&mut conn, operator, 2027).await.expect("days"), [second, last]);
    assert_eq!(taken_days(&mut conn, operator, 2028).await.expect("days"), [next]);
    match block_days(&mut conn, seller.org, operator, 2027, &[first, next]).await {
        Err(CatalogError::Unfit(faults)) => assert_eq!(faults.to_string(), "/taken/1: is not a day of 2027"),
        other => panic!("{other:?}"),
    }
    let foreign = block_days(&mut conn, other.org, operator, 2027, &[]).await;
    assert!(matches!(foreign, Err(CatalogError::NotFound)), "{foreign:?}");
    let console = create_item(&mut conn, seller.org, &console("C-1")).await.expect("a console").id;
    let no_service = block_days(&mut conn, seller.org, console, 2027, &[first]).await;
    assert!(matches!(no_service, Err(CatalogError::Invalid(_))), "{no_service:?}");
    drop(conn);
    db.close().await;
}
