use market::identity::PlatformRole;
use market::testing::CONSOLES;
use serde_json::json;

use crate::testing::TestApi;

#[tokio::test]
async fn finance_revises_what_the_platform_takes_and_nothing_is_forgotten() {
    let api = TestApi::new().await;
    let (finance, moderator) = (api.staff(PlatformRole::Finance).await, api.staff(PlatformRole::Moderator).await);
    let path = "/v1/admin/commission-rates";
    let standard = |fee: i32| json!({"plan": "standard", "category_id": CONSOLES, "fee_bps": fee});
    api.post(Some(&moderator), path, standard(450)).await.refused(403, "role_too_low");
    for (body, pointer) in [
        (standard(-1), "/fee_bps"),
        (standard(10_001), "/fee_bps"),
        (json!({"plan": "standard", "category_id": uuid::Uuid::nil(), "fee_bps": 1}), "/category_id"),
    ] {
        let refused = api.post(Some(&finance), path, body).await.refused(422, "invalid_value");
        assert_eq!(refused.body["errors"][0]["pointer"], pointer);
    }
    for (fee, revision) in [(450, 1), (400, 2)] {
        assert_eq!(api.post(Some(&finance), path, standard(fee)).await.ok()["revision"], revision);
    }
    let listed = api.get(Some(&finance), path).await.ok();
    let fees: Vec<_> = listed["items"].as_array().unwrap().iter().map(|it| it["fee_bps"].as_i64().unwrap()).collect();
    assert_eq!(fees, [400, 450]);
    let first = api.get(Some(&finance), &format!("{path}?limit=1")).await.ok();
    let next = format!("{path}?limit=1&after={}", first["next"].as_str().unwrap());
    assert_eq!(api.get(Some(&finance), &next).await.ok()["items"][0]["fee_bps"], 450);
    api.get(Some(&moderator), path).await.refused(403, "role_too_low");
    api.close().await;
}

#[tokio::test]
async fn a_premium_has_rising_parts_and_one_without_an_end() {
    let api = TestApi::new().await;
    let finance = api.staff(PlatformRole::Finance).await;
    let path = "/v1/admin/premium-tariffs";
    let tariff = |tiers: serde_json::Value| json!({"currency": "EUR", "tiers": tiers, "least_minor": 100});
    let tiers = json!([{"upto": 100_000, "bps": 2_000}, {"upto": 1_000_000, "bps": 1_500}, {"bps": 1_000}]);
    for (tiers, pointer) in [
        (json!([]), "/tiers"),
        (json!([{"upto": 5, "bps": 1}]), "/tiers/0/upto"),
        (json!([{"bps": 1}, {"bps": 1}]), "/tiers/0/upto"),
        (json!([{"upto": 5, "bps": 1}, {"upto": 5, "bps": 1}, {"bps": 1}]), "/tiers"),
        (json!([{"upto": 5, "bps": 10_001}, {"bps": 1}]), "/tiers/0/bps"),
        (json!(vec![json!({"upto": 5, "bps": 1}); 21]), "/tiers/20/upto"),
    ] {
        let refused = api.post(Some(&finance), path, tariff(tiers)).await.refused(422, "invalid_value");
        assert_eq!(refused.body["errors"][0]["pointer"], pointer);
    }
    assert_eq!(api.post(Some(&finance), path, tariff(tiers.clone())).await.ok()["revision"], 1);
    let listed = api.get(Some(&finance), path).await.ok();
    assert_eq!((&listed["items"][0]["tiers"], &listed["items"][0]["least_minor"]), (&tiers, &json!(100)));
    api.close().await;
}
