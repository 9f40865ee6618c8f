use market::identity::PlatformRole;
use reqwest::Method;
use serde_json::json;

use crate::testing::TestApi;

const OPERATORS: &str = "01900000-0000-7000-8000-000000000031";

#[tokio::test]
async fn the_calendar_of_an_operator_shows_the_days_that_are_taken() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let ann = api.person("Ann").await;
    api.org(&ann, "Ann Operators", &moderator).await;
    let item = json!({"category_id": OPERATORS, "sku": "Kim", "title": "Kim drives", "unit": "day",
        "attributes": {"certificates": ["tractor"]}});
    let item = api.post(Some(&ann), "/v1/items", item).await.ok();
    let price = json!({"amount": "300.00", "currency": "EUR"});
    let new = json!({"item_id": item["id"], "title": "Kim", "sale_mode": "fixed", "currency": "EUR", "price": price});
    let listing = api.post(Some(&ann), "/v1/listings", new).await.ok();
    let listing = format!("/v1/listings/{}", listing["id"].as_str().unwrap());
    let calendar = format!("/v1/items/{}/calendar", item["id"].as_str().unwrap());
    let year = format!("{calendar}/2027");
    let taken = json!({"taken": ["2027-03-05", "2027-03-01"]});
    let taken = api.call(Some(&ann), Method::PUT, &year, taken).await.ok();
    assert_eq!(taken["taken"], json!(["2027-03-01", "2027-03-05"]));
    assert_eq!(api.get(Some(&ann), &year).await.ok(), taken);
    // Buyers see it once it is listed.
    let shown = format!("{listing}/calendar/2027");
    api.get(None, &shown).await.refused(404, "not_found");
    api.post(Some(&ann), &format!("{listing}/publish"), json!({})).await.ok();
    assert_eq!(api.get(None, &shown).await.ok(), taken);
    assert_eq!(api.get(None, &format!("{listing}/calendar/2028")).await.ok()["taken"], json!([]));
    for year in ["1999", "2101", "32768", "x"] {
        let answer = api.get(None, &format!("{listing}/calendar/{year}")).await;
        assert!(matches!(answer.status.as_u16(), 400 | 404), "{answer:?}");
    }
    let other = json!({"taken": ["2027-03-01", "2028-03-01"]});
    let answer = api.call(Some(&ann), Method::PUT, &year, other).await.refused(422, "invalid_value");
    assert_eq!(answer.body["errors"][0]["pointer"], "/taken/1");
    api.close().await;
}
