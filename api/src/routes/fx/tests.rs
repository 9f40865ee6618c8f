use market::money::model::NewSnapshot;
use market::money::store::rates;
use serde_json::json;
use shared::money::Currency;

use crate::testing::TestApi;

#[tokio::test]
async fn anyone_reads_the_newest_rates_and_those_of_a_day() {
    let api = TestApi::new().await;
    api.get(None, "/v1/fx/rates").await.refused(404, "not_found");
    let mut conn = api.db.pool.acquire().await.unwrap();
    // A Friday, and the Monday after it.
    for (day, dollar) in [("2026-01-02", "1.0862"), ("2026-01-05", "1.09")] {
        let rates = [(Currency::USD, dollar), (Currency::JPY, "182.35")];
        let new = NewSnapshot {
            source: "test".to_owned(),
            day: day.parse().unwrap(),
            checksum: [1; 32],
            rates: rates.into_iter().map(|(currency, rate)| (currency, rate.parse().unwrap())).collect(),
        };
        rates::store(&mut conn, &new).await.unwrap();
    }
    drop(conn);
    for (query, day, dollar) in [
        ("", "2026-01-05", "1.0900000000"),
        ("?day=2026-01-05", "2026-01-05", "1.0900000000"),
        ("?day=2026-01-04", "2026-01-02", "1.0862000000"),
        ("?day=2026-01-02", "2026-01-02", "1.0862000000"),
    ] {
        let answer = api.get(None, &format!("/v1/fx/rates{query}")).await.ok();
        let rates = json!([{"currency": "JPY", "per_euro": "182.3500000000"}, {"currency": "USD", "per_euro": dollar}]);
        assert_eq!(
            (&answer["source"], &answer["day"], &answer["rates"]),
            (&json!("test"), &json!(day), &rates),
            "{query}"
        );
    }
    api.get(None, "/v1/fx/rates?day=2026-01-01").await.refused(404, "not_found");
    for bad in ["?day=2026-02-30", "?day=today", "?on=2026-01-02"] {
        api.get(None, &format!("/v1/fx/rates{bad}")).await.refused(400, "invalid_query");
    }
    api.get(None, "/v1/fx/rates?day=-250000-01-01").await.refused(422, "out_of_range");
    api.close().await;
}
