use serde_json::json;

use super::*;
use crate::catalog::model::{Fit, NewItem, NewModel};
use crate::catalog::store as catalog;

/// A published part that fits `fits`.
async fn part(conn: &mut PgConnection, of: Trader, fits: Value) -> ListingId {
    let category = catalog::categories(conn).await.expect("categories");
    let category = category.iter().find(|category| category.path == "parts").expect("parts").id;
    let item = json!({"category_id": category, "sku": ItemId::generate(), "title": "Filter"});
    let item: NewItem = serde_json::from_value(item).expect("an item");
    let item = catalog::create_item(conn, of.org, &item).await.expect("an item").id;
    let fits: Vec<Fit> = serde_json::from_value(fits).expect("fits");
    catalog::set_fits(conn, of.org, item, &fits).await.expect("set");
    assert_eq!(catalog::fits_of(conn, item).await.expect("a list").len(), fits.len());
    let id = create(conn, of.org, of.user, &new(item)).await.expect("a draft");
    publish(conn, of.org, id).await.expect("published");
    id
}

#[tokio::test]
async fn a_models_page_lists_only_parts_that_fit_the_year() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (seller, admin) = (trader(&mut conn).await, member_of(&mut conn, &[]).await);
    let tractors = catalog::categories(&mut conn).await.expect("categories");
    let tractors = tractors.iter().find(|category| category.path == "machinery/tractors").expect("tractors").id;
    let mut models = Vec::new();
    for (make, name) in [("John Deere", "6130R"), ("John Deere", "6150R"), ("Fendt", "313 Vario")] {
        let new =
            NewModel { category_id: tractors, make: make.into(), name: name.into(), year_from: None, year_to: None };
        models.push(catalog::create_model(&mut conn, Actor::User(admin), &new).await.expect("a model"));
    }
    let slugs: Vec<_> = models.iter().map(|model| model.slug.as_str()).collect();
    assert_eq!(slugs, ["john-deere-6130r", "john-deere-6150r", "fendt-313-vario"]);
    let exact =
        part(&mut conn, seller, json!([{"model": "john-deere-6130r", "year_from": 2015, "year_to": 2019}])).await;
    let make = part(&mut conn, seller, json!([{"make": "JOHN DEERE", "year_from": 2018}])).await;
    let both = part(&mut conn, seller, json!([{"make": "John Deere"}, {"model": "fendt-313-vario"}])).await;
    let other = part(&mut conn, seller, json!([{"model": "fendt-313-vario", "year_to": 2012}])).await;
    let nothing = part(&mut conn, seller, json!([])).await;
    let fitting = async |conn: &mut PgConnection, model: usize, year| {
        let rows = parts_for(conn, &models[model], year, None, 10).await.expect("a list");
        rows.into_iter().map(|listing| listing.id).collect::<Vec<_>>()
    };
    for (model, year, expected) in [
        (0, None, vec![both, make, exact]),
        (0, Some(2015), vec![both, exact]),
        (0, Some(2019), vec![both, make, exact]),
        (0, Some(2020), vec![both, make]),
        (1, None, vec![both, make]),
        (2, None, vec![other, both]),
        (2, Some(2013), vec![both]),
    ] {
        let found = fitting(&mut conn, model, year).await;
        assert_eq!(found, expected, "{} of {year:?}", models[model].slug);
        assert!(!found.contains(&nothing));
    }
    let first = parts_for(&mut conn, &models[0], None, None, 1).await.expect("a page");
    let rest = parts_for(&mut conn, &models[0], None, first[0].cursor(), 10).await.expect("a page");
    assert_eq!(rest.iter().map(|listing| listing.id).collect::<Vec<_>>(), [make, exact]);
    withdraw(&mut conn, seller.org, both).await.expect("withdrawn");
    assert_eq!(fitting(&mut conn, 1, None).await, [make]);
    drop(conn);
    db.close().await;
}
