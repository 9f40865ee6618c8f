//! People on both sides of an auction.

use jobs::auctions::FlagAccounts;
use market::auctions::store;
use queue::testing::assert_enqueued;
use shared::audit::Actor;

use super::*;
use crate::testing::socket::Client;

#[tokio::test]
async fn a_bidder_joins_the_seller_when_no_own_bid_stands_there() {
    let market = TestMarket::new().await;
    let lot = market.auction("auction", json!({})).await;
    let placed = market.bid(&market.ann, lot, "20.00").await.ok();
    let body = json!({"email": market.ann.email, "role": "viewer"});
    let path = format!("/v1/orgs/{}/invitations", market.seller_org);
    let invitation = market.post(&market.seller, &path, body).await.ok();
    let accept = format!("/v1/me/invitations/{}/accept", invitation["id"].as_str().unwrap());
    let refused = market.post(&market.ann, &accept, json!({})).await.refused(409, "bid_stands");
    assert!(refused.body["detail"].as_str().unwrap().contains("take it back"), "{refused:?}");
    let retract = format!("/v1/auctions/{lot}/bids/{}/retract", placed["id"].as_str().unwrap());
    market.post(&market.ann, &retract, json!({})).await.ok();
    market.post(&market.ann, &accept, json!({})).await.ok();
    let buyer = market.ann.acting(market.ann_org);
    market.bid(&buyer, lot, "30.00").await.refused(403, "sellers_people");
    market.api.close().await;
}

#[tokio::test]
async fn moderators_are_shown_bidders_who_may_be_the_same_people() {
    let market = TestMarket::new().await;
    let twin = market.api.person("Twin").await;
    let org = market.api.org(&twin, "ANN-FARM", &market.moderator).await;
    let lot = market.auction("auction", json!({})).await;
    market.bid(&market.ann, lot, "20.00").await.ok();
    market.bid(&twin, lot, "30.00").await.ok();
    assert_enqueued::<FlagAccounts>(&market.api.db.pool, |job| (job.auction, job.bidder) == (lot, org)).await;
    let mut tx = market.api.db.pool.begin().await.unwrap();
    store::flag(&mut tx, Actor::System, lot, org).await.unwrap();
    tx.commit().await.unwrap();
    let path = format!("/v1/admin/account-flags?auction={lot}");
    market.get(Some(&market.ann), &path).await.refused(403, "role_too_low");
    let flags = market.api.get(Some(&market.moderator), &path).await.ok();
    let flag = &flags["items"][0];
    assert_eq!((flags["items"].as_array().unwrap().len(), &flag["signals"]), (1, &json!(["same_name"])));
    let mut names = [&flag["orgs"][0], &flag["orgs"][1]].map(|org| org["legal_name"].as_str().unwrap());
    names.sort_unstable();
    assert_eq!((names, &flag["seller"]), (["ANN-FARM", "Ann Farm"], &json!(market.seller_org)));
    assert_eq!(
        market.api.get(Some(&market.moderator), &format!("{path}&after={}", flag["id"])).await.ok()["items"],
        json!([])
    );
    // Nothing has happened to anybody.
    market.bid(&market.ann, lot, "50.00").await.ok();
    market.api.close().await;
}

#[tokio::test]
async fn one_bid_too_many_is_refused_with_its_code() {
    let market = TestMarket::new().await;
    let lot = market.auction("auction", json!({})).await;
    market.bid(&market.ann, lot, "20.00").await.ok();
    let mut tx = market.api.db.pool.begin().await.unwrap();
    for sql in ["SET LOCAL session_replication_role = replica", "UPDATE bids SET nth = 1000"] {
        sqlx::query(sql).execute(&mut *tx).await.unwrap();
    }
    tx.commit().await.unwrap();
    let refused = market.bid(&market.ann, lot, "30.00").await.refused(409, "too_many_bids");
    assert!(refused.body["detail"].as_str().unwrap().contains("1000"), "{refused:?}");
    market.bid(&market.bob, lot, "30.00").await.ok();
    market.api.close().await;
}

#[tokio::test]
async fn bidders_go_on_seeing_the_auction_of_a_suspended_seller() {
    let market = TestMarket::new().await;
    let auction = market.auction("auction", json!({})).await;
    market.bid(&market.ann, auction, "20.00").await.ok();
    let mut watching = Client::open(&market.api, &market.bob).await;
    assert_eq!(watching.subscribe(&format!("auction:{auction}")).await["type"], "snapshot");
    let path = format!("/v1/orgs/{}/suspend", market.seller_org);
    market.post(&market.moderator, &path, json!({"reason": "unpaid"})).await.ok();
    let (path, topic) = (format!("/v1/auctions/{auction}"), format!("auction:{auction}"));
    let other = market.api.org(&market.ann, "Ann Shop", &market.moderator).await;
    let (bidder, elsewhere) = (market.ann.acting(market.ann_org), market.ann.acting(other));
    for (person, seen) in [(&bidder, true), (&elsewhere, false), (&market.ann, false), (&market.bob, false)] {
        for path in [&path, &format!("{path}/bids")] {
            let answer = market.get(Some(person), path).await;
            assert_eq!(answer.status.is_success(), seen, "{person:?} {answer:?}");
        }
        let told = Client::open(&market.api, person).await.subscribe(&topic).await;
        assert_eq!(told["type"] == "snapshot", seen, "{person:?} {told}");
    }
    let view = market.get(Some(&bidder), &path).await.ok();
    assert_eq!((&view["suspended"], &view["you_lead"]), (&json!(true), &json!(true)));
    // Whoever watched from before hears that something happens, and nothing of what.
    market.post(&market.moderator, &format!("{path}/cancel"), json!({})).await.ok();
    let told = watching.hear().await;
    assert_eq!((told["type"].as_str(), told["data"].is_null()), (Some("suspended"), true), "{told}");
    assert_eq!(market.get(Some(&bidder), &path).await.ok()["status"], "cancelled");
    market.api.close().await;
}
