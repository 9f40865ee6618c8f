use market::testing::{earn, eur, trader_as};
use serde_json::{Value, json};
use shared::money::{Currency, Money};

use crate::routes::escrow::tests::TestSale;

/// An amount in euros, in cents.
fn cents(amount: &Value) -> i64 {
    Money::parse(amount["amount"].as_str().unwrap(), Currency::EUR).unwrap().minor()
}

/// What these parts of a statement say of an account, in cents.
fn of(balances: &Value, kind: &str) -> Option<i64> {
    let found = balances.as_array().unwrap().iter().find(|balance| balance["kind"] == kind)?;
    Some(cents(&found["amount"]))
}

#[tokio::test]
async fn a_statement_shows_what_came_what_went_and_what_is_there() {
    let sale = TestSale::new().await;
    let (api, ann, bob) = (&sale.api, &sale.ann, &sale.bob);
    let path = "/v1/statement?currency=EUR&first_day=2026-01-01&last_day=2026-12-31";
    let year: String = sqlx::query_scalar("SELECT to_char(now() AT TIME ZONE 'Europe/Berlin', 'YYYY')")
        .fetch_one(&api.db.pool)
        .await
        .unwrap();
    let path = path.replace("2026", &year);
    let nothing = api.get(Some(ann), &path).await.ok();
    assert_eq!((&nothing["opening"], &nothing["transfers"], &nothing["totals"]), (&json!([]), &json!([]), &json!([])));

    let mut conn = api.db.pool.acquire().await.unwrap();
    let buyer = trader_as(&mut conn, "approved", &["buyer"]).await;
    for price in [30_000, 20_000] {
        earn(&mut conn, sale.seller(), buyer, eur(price)).await;
    }
    drop(conn);
    let statement = api.get(Some(ann), &path).await.ok();
    let transfers = statement["transfers"].as_array().unwrap();
    let kinds: Vec<_> = transfers.iter().map(|transfer| transfer["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["capture", "release", "capture", "release"]);
    // A payment may be for several orders.
    let of_orders = transfers.iter().filter(|transfer| transfer["order_id"].is_string());
    assert!(of_orders.eq(transfers.iter().filter(|transfer| transfer["kind"] == "release")), "{statement}");
    assert_eq!((of(&statement["opening"], "held"), of(&statement["closing"], "held")), (Some(0), Some(0)));
    let earned: i64 = transfers.iter().filter_map(|transfer| of(&transfer["moved"], "receivable")).sum();
    assert_eq!(of(&statement["closing"], "receivable"), Some(earned));
    let balances = api.get(Some(ann), "/v1/balances").await.ok();
    assert_eq!(statement["closing"], balances["items"]);
    let released = statement["totals"]
        .as_array()
        .unwrap()
        .iter()
        .find(|total| total["kind"] == "release" && total["moved"]["kind"] == "receivable");
    assert_eq!(released.unwrap()["transfers"], 2);
    assert_eq!(cents(&released.unwrap()["moved"]["amount"]), earned);

    // Page by page, the same; in another currency, or to somebody else, nothing.
    let first = api.get(Some(ann), &format!("{path}&limit=3")).await.ok();
    let rest = api.get(Some(ann), &format!("{path}&limit=3&after={}", first["next"])).await.ok();
    let pages = [first["transfers"].as_array().unwrap().as_slice(), rest["transfers"].as_array().unwrap()].concat();
    assert_eq!((json!(pages), &rest["next"]), (statement["transfers"].clone(), &Value::Null));
    let dollars = api.get(Some(ann), &path.replace("EUR", "USD")).await.ok();
    assert_eq!((&dollars["closing"], &dollars["transfers"]), (&json!([]), &json!([])));
    assert_eq!(api.get(Some(bob), &path).await.ok()["transfers"], json!([]));

    // Last year, before anything came.
    let before = (year.parse::<i32>().unwrap() - 1).to_string();
    let earlier = api.get(Some(ann), &path.replace(&year, &before)).await.ok();
    assert_eq!((of(&earlier["closing"], "receivable"), &earlier["transfers"]), (Some(0), &json!([])));

    let wrong = path.replace("12-31", "01-01").replacen("01-01", "02-01", 1);
    api.get(Some(ann), &wrong).await.refused(422, "period_invalid");
    api.get(Some(ann), &path.replace("EUR", "euro")).await.refused(400, "invalid_query");
    api.get(Some(ann), "/v1/statement?currency=EUR").await.refused(400, "invalid_query");
    sale.api.close().await;
}
