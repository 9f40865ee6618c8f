use std::time::Duration;

use market::identity::PlatformRole;
use market::listings::model::SaleMode;
use market::testing::{self, Trader};
use serde_json::{Value, json};

use crate::testing::{Person, TestApi};

/// The figures of the days around today, once there are so many views.
async fn once_seen(api: &TestApi, person: &Person, views: i64) -> Value {
    let path = "/v1/dashboard?first_day=2026-01-01&last_day=2026-12-31".replace("2026", &year(api).await);
    for _ in 0..300 {
        let figures = api.get(Some(person), &path).await.ok();
        if figures["total"]["views"].as_i64().is_some_and(|seen| seen >= views) {
            return figures;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{:?}", api.get(Some(person), &path).await);
}

async fn year(api: &TestApi) -> String {
    sqlx::query_scalar("SELECT to_char(now() AT TIME ZONE 'Europe/Berlin', 'YYYY')")
        .fetch_one(&api.db.pool)
        .await
        .unwrap()
}

#[tokio::test]
async fn views_inquiries_and_the_sellers_own_people() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let (ann, bob, vic) = (api.person("Ann").await, api.person("Bob").await, api.person("Vic").await);
    let seller = Trader { org: api.org(&ann, "Ann Farm", &moderator).await, user: ann.id };
    api.join(&ann, seller.org, &vic, "viewer").await;
    api.org(&bob, "Bob Farm", &moderator).await;
    let mut conn = api.db.pool.acquire().await.unwrap();
    let goods = testing::listing(&mut conn, seller, SaleMode::Fixed, 1).await;
    let draft = testing::draft(&mut conn, seller, SaleMode::Fixed, 1).await;
    drop(conn);
    let path = format!("/v1/listings/{goods}");
    for viewer in [Some(&ann), Some(&vic), Some(&bob), Some(&bob), None, None, Some(&moderator)] {
        api.get(viewer, &path).await.ok();
    }
    api.get(Some(&ann), &format!("/v1/listings/{draft}")).await.ok();
    // Bob, the moderator, and somebody without an account.
    let ask = format!("{path}/inquiries");
    let asked = api.post(Some(&bob), &ask, json!({"text": "How old\nis it?"})).await.ok();
    assert_eq!((&asked["text"], &asked["listing_id"]), (&json!("How old\nis it?"), &json!(goods)));
    api.post(Some(&ann), &ask, json!({"text": "Mine?"})).await.refused(403, "own_listing");
    api.post(Some(&bob), &ask, json!({"text": ""})).await.refused(422, "invalid_value");
    let long = json!({"text": "x".repeat(2_001)});
    let refused = api.post(Some(&bob), &ask, long).await.refused(422, "invalid_value");
    assert_eq!(refused.body["errors"][0]["pointer"], "/text");
    api.post(Some(&bob), &format!("/v1/listings/{draft}/inquiries"), json!({"text": "?"}))
        .await
        .refused(404, "not_found");
    let mails: Vec<(uuid::Uuid, Value)> =
        sqlx::query_as("SELECT user_id, data FROM emails WHERE template = 'inquiry_received'")
            .fetch_all(&api.db.pool)
            .await
            .unwrap();
    assert_eq!(mails.len(), 1);
    assert_eq!((mails[0].0, &mails[0].1["org_name"]), (ann.id.0, &json!("Bob Farm")));
    let figures = once_seen(&api, &ann, 3).await;
    let expected = json!({"views": 3, "inquiries": 1, "orders": 0, "revenue": [], "conversion": 0.0});
    assert_eq!((&figures["total"], figures["time_zone"].as_str()), (&expected, Some("Europe/Berlin")));
    assert_eq!(figures["listings"][0]["listing_id"], json!(goods));
    assert_eq!(once_seen(&api, &bob, 0).await["listings"], json!([]));
    api.get(Some(&ann), "/v1/dashboard?first_day=2026-01-02&last_day=2026-01-01").await.refused(422, "period_invalid");
    api.get(Some(&ann), "/v1/dashboard?first_day=2026-01-02&last_day=2028-01-01").await.refused(422, "period_invalid");
    api.get(Some(&ann), "/v1/dashboard?first_day=soon&last_day=2028-01-01").await.refused(400, "invalid_query");
    api.post(Some(&ann), &format!("{path}/withdraw"), json!({})).await.ok();
    api.post(Some(&bob), &ask, json!({"text": "?"})).await.refused(404, "not_found");
    api.close().await;
}
