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

#[tokio::test]
async fn notices_are_turned_off_by_kind_apart_from_mails() {
    let api = TestApi::new().await;
    let (ann, bob) = (api.person("Ann").await, api.person("Bob").await);
    let path = "/v1/me/notifications";
    let all = json!({"auction_reminders": true, "watches": true, "saved_searches": true, "stock": true, "reports": true,
        "reviews": true});
    let mut both = all.clone();
    both["notices"] = all;
    assert_eq!(api.get(Some(&ann), path).await.ok(), both);
    let change = json!({"stock": false, "notices": {"watches": false, "reviews": false}});
    let changed = api.call(Some(&ann), Method::PATCH, path, change).await.ok();
    let mut expected = both.clone();
    expected["stock"] = json!(false);
    expected["notices"]["watches"] = json!(false);
    expected["notices"]["reviews"] = json!(false);
    assert_eq!(changed, expected);
    assert_eq!(api.call(Some(&ann), Method::PATCH, path, json!({"watches": true})).await.ok(), expected);
    let back = json!({"stock": true, "notices": {"watches": true, "reviews": true}});
    assert_eq!(api.call(Some(&ann), Method::PATCH, path, back).await.ok(), both);
    assert_eq!(api.get(Some(&bob), path).await.ok(), both, "everybody has their own");
    // What is about money or security is no kind.
    for kind in ["orders", "password_changed", "notices"] {
        let body = json!({"notices": {(kind): false}});
        api.call(Some(&ann), Method::PATCH, path, body).await.refused(400, "invalid_body");
    }
    api.close().await;
}
