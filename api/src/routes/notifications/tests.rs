use reqwest::Method;
use serde_json::json;

use crate::testing::TestApi;

#[tokio::test]
async fn quiet_hours_are_set_read_and_ended() {
    let api = TestApi::new().await;
    let (ann, bob) = (api.person("Ann").await, api.person("Bob").await);
    let path = "/v1/me/quiet-hours";
    assert_eq!(api.get(Some(&ann), path).await.ok(), json!({}));
    let night = json!({"from": "22:00", "to": "07:30"});
    let set = api.call(Some(&ann), Method::PUT, path, night.clone()).await.ok();
    assert_eq!(set, json!({"hours": night}));
    assert_eq!(api.get(Some(&ann), path).await.ok(), set);
    assert_eq!(api.get(Some(&bob), path).await.ok(), json!({}), "everybody has their own");
    // Midnight has two names, and is kept by one.
    let evening = api.call(Some(&ann), Method::PUT, path, json!({"from": "20:00", "to": "24:00"})).await.ok();
    assert_eq!(evening["hours"]["to"], "00:00");
    for (from, to) in [("22:00", "22:00"), ("00:00", "24:00")] {
        let refused = api.call(Some(&ann), Method::PUT, path, json!({"from": from, "to": to})).await;
        let refused = refused.refused(422, "invalid_value");
        assert_eq!(refused.body["errors"][0]["pointer"], "/to");
    }
    for body in
        [json!({"from": "22:00"}), json!({"from": "22", "to": "07:00"}), json!({"from": "22:00", "to": "25:00"})]
    {
        api.call(Some(&ann), Method::PUT, path, body).await.refused(400, "invalid_body");
    }
    assert_eq!(api.call(Some(&ann), Method::DELETE, path, json!({})).await.status, 204);
    assert_eq!(api.get(Some(&ann), path).await.ok(), json!({}));
    api.close().await;
}
