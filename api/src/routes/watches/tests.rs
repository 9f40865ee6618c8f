use jobs::watches::{NotifyWatchers, WatchNews};
use market::identity::PlatformRole;
use market::listings::model::SaleMode;
use market::testing::{self, Trader, eur};
use queue::testing::enqueued;
use reqwest::Method;
use serde_json::json;

use crate::testing::TestApi;

#[tokio::test]
async fn people_watch_what_everybody_sees_and_list_it() {
    let api = TestApi::new().await;
    let (moderator, ann) = (api.staff(PlatformRole::Moderator).await, api.person("Ann").await);
    let mut conn = api.db.pool.acquire().await.unwrap();
    let seller = testing::trader(&mut conn).await;
    let draft = testing::draft(&mut conn, seller, SaleMode::Fixed, 1).await;
    let [first, second] = [
        testing::listing(&mut conn, seller, SaleMode::Fixed, 1).await,
        testing::listing(&mut conn, seller, SaleMode::Auction, 1).await,
    ];
    drop(conn);
    let watch = async |id, method| api.call(Some(&ann), method, &format!("/v1/listings/{id}/watch"), json!({})).await;
    watch(draft, Method::PUT).await.refused(404, "not_found");
    for id in [first, second, first] {
        assert_eq!(watch(id, Method::PUT).await.status, 204);
    }
    let page = api.get(Some(&ann), "/v1/me/watches?limit=1").await.ok();
    assert_eq!(page["items"][0]["listing"]["id"], json!(second));
    let after = page["next"].as_str().unwrap();
    let page = api.get(Some(&ann), &format!("/v1/me/watches?limit=1&after={after}")).await.ok();
    assert_eq!((&page["items"][0]["listing_id"], &page["next"]), (&json!(first), &json!(null)));
    // What is suspended shows nothing.
    let reason = json!({"reason": "fraud"});
    api.post(Some(&moderator), &format!("/v1/listings/{second}/suspend"), reason).await.ok();
    let page = api.get(Some(&ann), "/v1/me/watches").await.ok();
    assert_eq!((&page["items"][0]["listing_id"], &page["items"][0]["listing"]), (&json!(second), &json!(null)));
    for _ in 0..2 {
        assert_eq!(watch(second, Method::DELETE).await.status, 204);
    }
    assert_eq!(api.get(Some(&ann), "/v1/me/watches").await.ok()["items"].as_array().unwrap().len(), 1);
    assert_eq!(api.get(Some(&moderator), "/v1/me/watches").await.ok()["items"], json!([]));
    api.close().await;
}

#[tokio::test]
async fn a_lower_price_and_a_listing_again_are_news_for_watchers() {
    let api = TestApi::new().await;
    let moderator = api.staff(PlatformRole::Moderator).await;
    let ann = api.person("Ann").await;
    let seller = Trader { org: api.org(&ann, "Ann Farm", &moderator).await, user: ann.id };
    let mut conn = api.db.pool.acquire().await.unwrap();
    let goods = testing::listing(&mut conn, seller, SaleMode::Fixed, 1).await;
    let lot = testing::listing(&mut conn, seller, SaleMode::Auction, 1).await;
    drop(conn);
    let set = async |id, price| {
        api.call(Some(&ann), Method::PUT, &format!("/v1/listings/{id}/price"), json!({ "price": price })).await
    };
    for cents in [12_000, 12_000, 9_000] {
        assert_eq!(set(goods, json!(eur(cents))).await.ok()["price"], json!(eur(cents)));
    }
    let fell = WatchNews::PriceFell { was: eur(12_000), now: eur(9_000) };
    let news: Vec<_> = enqueued::<NotifyWatchers>(&api.db.pool).await;
    assert!(matches!(news.as_slice(), [only] if only.listing == goods && only.news == fell), "{news:?}");
    set(lot, json!(eur(1))).await.refused(409, "not_fixed");
    let refused = set(goods, json!({"amount": "1.00", "currency": "USD"})).await.refused(422, "invalid_value");
    assert_eq!(refused.body["errors"][0]["pointer"], "/price/currency");
    let refused = set(goods, json!(eur(0))).await.refused(422, "invalid_value");
    assert_eq!(refused.body["errors"][0]["pointer"], "/price");
    api.post(Some(&ann), &format!("/v1/listings/{goods}/withdraw"), json!({})).await.ok();
    set(goods, json!(eur(1))).await.refused(409, "listing_status");
    let again = api.post(Some(&ann), &format!("/v1/listings/{goods}/relist"), json!({})).await.ok();
    let again = again["id"].as_str().unwrap();
    api.post(Some(&ann), &format!("/v1/listings/{again}/publish"), json!({})).await.ok();
    let news: Vec<_> = enqueued::<NotifyWatchers>(&api.db.pool).await;
    let relisted = WatchNews::Relisted { of: goods };
    assert!(
        matches!(news.as_slice(), [_, last] if last.listing.to_string() == again && last.news == relisted),
        "{news:?}"
    );
    api.close().await;
}
