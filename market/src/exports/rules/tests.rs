use serde_json::json;

use super::*;

#[test]
fn filters_that_nothing_can_pass_are_refused() {
    let at = |text: &str| Some(text.parse().unwrap());
    let filters = |from: &str, to: &str| Filters { from: at(from), to: at(to), status: None };
    let (early, late) = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
    assert_eq!(judge(Kind::Orders, &filters(early, late)), Ok(()));
    assert_eq!(judge(Kind::Orders, &filters(late, early)), Err(Unfit::Reversed));
    assert_eq!(judge(Kind::Orders, &filters(early, early)), Err(Unfit::Reversed));
    for (kind, status) in
        [(Kind::Listings, "draft"), (Kind::Orders, "paid"), (Kind::Bids, "live"), (Kind::CargoEvents, "in_transit")]
    {
        let filters = |status: &str| Filters { status: Some(status.to_owned()), ..Filters::default() };
        assert_eq!(judge(kind, &filters(status)), Ok(()), "{kind:?}");
        assert_eq!(judge(kind, &filters("nonsense")), Err(Unfit::Status), "{kind:?}");
    }
}

#[test]
fn amounts_have_the_decimals_of_the_rows_currency() {
    let columns =
        [Column::new("id", ""), Column::amount("price", ""), Column::amount("fee", ""), Column::new("currency", "")];
    let row = |row: Value| values(&columns, serde_json::from_value(row).unwrap());
    assert_eq!(
        row(json!({"id": 1, "price": 1234, "currency": "EUR"})),
        Ok(vec![json!(1), json!("12.34"), Value::Null, json!("EUR")])
    );
    assert_eq!(
        row(json!({"id": 1, "price": -1234, "fee": 5, "currency": "JPY"})),
        Ok(vec![json!(1), json!("-1234"), json!("5"), json!("JPY")])
    );
    assert_eq!(row(json!({"price": 1})), Err(NoCurrency { column: "price" }));
}
