use jobs::auctions::NotifyLeader;
use queue::testing::assert_enqueued;
use shared::realtime::{self, Event};
use tokio::sync::broadcast::Receiver;

use super::*;

/// What was told about an auction so far: kind, seq and the text of the data.
fn published(events: &mut Receiver<Event>, auction: AuctionId) -> Vec<(String, i64, String)> {
    let topic = format!("auction:{auction}");
    let events = std::iter::from_fn(|| events.try_recv().ok()).filter(|event| event.topic == topic);
    events.map(|event| (event.kind, event.seq, event.data.to_string())).collect()
}

#[tokio::test]
async fn buyers_outbid_each_other_and_no_secret_leaves_the_house() {
    let market = TestMarket::new().await;
    let mut events = realtime::local().subscribe();
    // Neither amount is ever reached by a price.
    let (maximum, reserve) = ("4321.09", "9876.54");
    let auction = market.auction("auction", json!({"reserve": eur(reserve)})).await;
    let path = format!("/v1/auctions/{auction}");
    let first = market.bid(&market.ann, auction, "55.00").await.ok();
    assert_eq!((first["outcome"].as_str(), &first["auction"]["price"]), (Some("leads"), &eur("10.00")), "{first}");
    assert_eq!((&first["auction"]["you_lead"], &first["auction"]["reserve_met"]), (&json!(true), &json!(false)));
    let low = market.bid(&market.bob, auction, "10.25").await.refused(422, "bid_too_low");
    assert_eq!((&low.body["next_minimum"], &low.body["errors"][0]["pointer"]), (&eur("10.50"), &json!("/maximum")));
    assert!(low.body["detail"].as_str().unwrap().contains("10.50 EUR"), "{low:?}");
    let outbid = market.bid(&market.bob, auction, "20.00").await.ok();
    assert_eq!((outbid["outcome"].as_str(), &outbid["auction"]["price"]), (Some("outbid"), &eur("20.50")), "{outbid}");
    assert_eq!(market.notices().await, [] as [Value; 0], "nobody lost the lead");
    let leads = market.bid(&market.bob, auction, "60.00").await.ok();
    assert_eq!((leads["outcome"].as_str(), &leads["auction"]["price"]), (Some("leads"), &eur("56.00")), "{leads}");
    // A raise changes nothing that anybody sees.
    let raised = market.bid(&market.bob, auction, maximum).await.ok();
    assert_eq!((raised["outcome"].as_str(), &raised["auction"]["price"]), (Some("raised"), &eur("56.00")), "{raised}");
    assert_eq!(raised["auction"]["version"], leads["auction"]["version"]);
    market.bid(&market.bob, auction, "70.00").await.refused(422, "not_a_raise");

    let seen = market.get(None, &path).await.ok();
    assert_eq!((&seen["price"], &seen["bid_count"], &seen["you_lead"]), (&eur("56.00"), &json!(3), &json!(null)));
    assert_eq!(market.get(Some(&market.ann), &path).await.ok()["you_lead"], false);
    assert_eq!(market.get(Some(&market.bob), &path).await.ok()["you_lead"], true);
    let history = market.get(Some(&market.ann), &format!("{path}/bids?limit=2")).await.ok();
    let gist = |bid: &Value| (bid["number"].as_i64().unwrap(), bid["mine"] == true, bid["id"].is_string());
    let items: Vec<_> = history["items"].as_array().unwrap().iter().map(gist).collect();
    assert_eq!((items.as_slice(), &history["next"]), ([(3, false, false), (2, false, false)].as_slice(), &json!("2")));
    let rest = market.get(Some(&market.ann), &format!("{path}/bids?limit=2&after=2")).await.ok();
    let items: Vec<_> = rest["items"].as_array().unwrap().iter().map(gist).collect();
    assert_eq!((items.as_slice(), rest["next"].is_null()), ([(1, true, true)].as_slice(), true), "{rest}");
    market.get(None, &format!("{path}/bids")).await.ok();
    market.get(None, "/v1/auctions").await.ok();

    // Ann is told, by a job.
    assert_eq!(market.notices().await, [json!({"auction": auction, "orgs": [market.ann_org]})]);
    // Those who watch are told each version once, of the raise nothing, and nobody is told that somebody in particular leads.
    let published = published(&mut events, auction);
    let gists: Vec<_> = published.iter().map(|(kind, seq, _)| (kind.as_str(), *seq)).collect();
    assert_eq!(gists, [("bid", 2), ("bid", 3), ("bid", 4)], "{published:?}");
    assert!(published.iter().all(|(_, _, data)| data.contains("\"you_lead\":null")), "{published:?}");

    let stored: String = sqlx::query_scalar(
        "SELECT coalesce((SELECT string_agg(convert_from(response, 'UTF8'), '') FROM idempotency_keys), '')
             || coalesce((SELECT string_agg(payload::text, '') FROM jobs), '')
             || coalesce((SELECT string_agg(data::text, '') FROM emails), '')",
    )
    .fetch_one(&market.api.db.pool)
    .await
    .unwrap();
    let events: String = published.into_iter().map(|(_, _, data)| data).collect();
    let said = format!("{}{stored}{events}", market.said.borrow());
    assert!(said.contains("56.00"), "the search would find what is there");
    for secret in ["9876.54", "4321.09", "987654", "432109"] {
        assert!(!said.contains(secret), "{secret} was shown");
    }
    market.api.close().await;
}

#[tokio::test]
async fn a_bid_sent_twice_is_one_bid() {
    let market = TestMarket::new().await;
    let auction = market.auction("auction", json!({})).await;
    let path = format!("/v1/auctions/{auction}/bids");
    let body = json!({"maximum": eur("30.00")});
    market.post(&market.ann, &path, body.clone()).await.refused(400, "idempotency_key_required");
    let first = market.keyed(&market.ann, "one", &path, body.clone()).await;
    assert_eq!(first.status, 201);
    let again = market.keyed(&market.ann, "one", &path, body.clone()).await;
    assert_eq!((again.status.as_u16(), &again.body), (201, &first.body));
    assert_eq!(again.headers["idempotent-replayed"], "true");
    let other = json!({"maximum": eur("31.00")});
    market.keyed(&market.ann, "one", &path, other).await.refused(422, "idempotency_key_reused");
    // Somebody else's key of the same name is another key; a refusal leaves the key free.
    market.keyed(&market.bob, "one", &path, json!({"maximum": eur("1.00")})).await.refused(422, "bid_too_low");
    market.keyed(&market.bob, "one", &path, json!({"maximum": eur("11.00")})).await.ok();
    let view = market.get(None, &format!("/v1/auctions/{auction}")).await.ok();
    assert_eq!(view["bid_count"], 2);
    market.api.close().await;
}

#[tokio::test]
async fn bids_against_the_rules_say_which() {
    let market = TestMarket::new().await;
    let auction = market.auction("auction", json!({"brokers_excluded": true})).await;
    let path = format!("/v1/auctions/{auction}/bids");
    market.bid(&market.seller, auction, "20.00").await.refused(403, "own_lot");
    market.bid(&market.bob, AuctionId::generate(), "20.00").await.refused(404, "not_found");
    let place = async |person: &Person, key: &str, body: Value| market.keyed(person, key, &path, body).await;
    let dollars = json!({"maximum": {"amount": "20.00", "currency": "USD"}});
    let answer = place(&market.bob, "a", dollars).await.refused(422, "invalid_value");
    assert_eq!(answer.body["errors"][0]["pointer"], "/maximum/currency");
    let answer = place(&market.bob, "b", json!({"maximum": eur("20.00"), "quantity": 1})).await;
    answer.refused(422, "quantity_on_whole_lot");
    place(&market.bob, "c", json!({"maximum": eur("99999999999999.00")})).await.refused(422, "amount_too_large");
    for (key, maximum) in [("d", json!("20.00")), ("e", eur("20.001")), ("f", eur("2e1")), ("g", eur("NaN"))] {
        let answer = place(&market.bob, key, json!({"maximum": maximum})).await.refused(400, "invalid_body");
        assert_eq!(answer.body["errors"][0]["pointer"], "/maximum", "{answer:?}");
    }
    place(&market.bob, "h", json!({"maximum": eur("-20.00")})).await.refused(422, "bid_too_low");
    place(&market.bob, "i", json!({"maximum": eur("20.00"), "color": "red"})).await.refused(400, "invalid_body");

    // Who may not trade, whatever the auction.
    let eve = market.api.person("Eve").await;
    market.bid(&eve, auction, "20.00").await.refused(403, "no_org");
    let eves = market.api.pending_org(&eve, "Eve Farm").await;
    market.bid(&eve, auction, "20.00").await.refused(403, "org_not_approved");
    market.post(&market.moderator, &format!("/v1/orgs/{eves}/approve"), json!({})).await.ok();
    market.bid(&eve, auction, "20.00").await.ok();
    let others = eve.acting(market.ann_org);
    market.keyed(&others, "j", &path, json!({"maximum": eur("30.00")})).await.refused(403, "not_a_member");
    market.api.join(&market.ann, market.ann_org, &eve, "viewer").await;
    market.keyed(&others, "k", &path, json!({"maximum": eur("30.00")})).await.refused(403, "role_too_low");

    let ben = market.api.person("Ben").await;
    let org = json!({"legal_name": "Ben Brokers", "kinds": ["buyer", "broker"], "time_zone": "UTC"});
    let org = market.post(&ben, "/v1/orgs", org).await.ok();
    let approve = format!("/v1/orgs/{}/approve", org["id"].as_str().unwrap());
    market.post(&market.moderator, &approve, json!({})).await.ok();
    market.bid(&ben, auction, "50.00").await.refused(403, "brokers_excluded");

    market.end_in(auction, TimeDelta::milliseconds(-1)).await;
    market.bid(&market.bob, auction, "99.00").await.refused(409, "auction_ended");
    let later = json!({"starts_at": market.now().await + TimeDelta::days(1)});
    let scheduled = market.auction("auction", later).await;
    market.bid(&market.bob, scheduled, "99.00").await.refused(409, "auction_not_started");
    market.api.close().await;
}

#[tokio::test]
async fn bids_are_taken_back_by_their_bidder_only() {
    let market = TestMarket::new().await;
    let auction = market.auction("auction", json!({})).await;
    let other = market.auction("auction", json!({})).await;
    let mut events = realtime::local().subscribe();
    market.bid(&market.ann, auction, "30.00").await.ok();
    let bid = market.bid(&market.bob, auction, "40.00").await.ok();
    let id = bid["id"].as_str().unwrap();
    let path = format!("/v1/auctions/{auction}/bids/{id}/retract");
    market.post(&market.ann, &path, json!({})).await.refused(404, "not_found");
    let elsewhere = format!("/v1/auctions/{other}/bids/{id}/retract");
    market.post(&market.bob, &elsewhere, json!({})).await.refused(404, "not_found");
    let view = market.post(&market.bob, &path, json!({})).await.ok();
    assert_eq!((&view["price"], &view["you_lead"], &view["bid_count"]), (&eur("10.00"), &json!(false), &json!(1)));
    assert_enqueued::<NotifyLeader>(&market.api.db.pool, |job| {
        (job.auction, job.org) == (auction, market.ann_org) && job.taken_back.to_string() == id
    })
    .await;
    market.post(&market.bob, &path, json!({})).await.refused(409, "bid_retracted");
    let published = published(&mut events, auction);
    assert_eq!(published.last().map(|(kind, seq, _)| (kind.as_str(), *seq)), Some(("retraction", 4)), "{published:?}");
    let bid = market.bid(&market.bob, auction, "50.00").await.ok();
    market.end_in(auction, TimeDelta::milliseconds(-1)).await;
    let path = format!("/v1/auctions/{auction}/bids/{}/retract", bid["id"].as_str().unwrap());
    market.post(&market.bob, &path, json!({})).await.refused(409, "auction_ended");
    market.api.close().await;
}

#[tokio::test]
async fn a_divisible_lot_tells_whoever_loses_a_share() {
    let market = TestMarket::new().await;
    let item = json!({"category_id": testing::CONSOLES, "sku": "many", "title": "Console"});
    let item = market.post(&market.seller, "/v1/items", item).await.ok();
    let listing = json!({"item_id": item["id"], "title": "Ten consoles", "sale_mode": "auction", "currency": "EUR",
        "quantity": 10, "min_quantity": 2});
    let listing = market.post(&market.seller, "/v1/listings", listing).await.ok();
    let path = format!("/v1/listings/{}", listing["id"].as_str().unwrap());
    market.post(&market.seller, &format!("{path}/publish"), json!({})).await.ok();
    let terms = market.terms(json!({"lot_mode": "divisible"})).await;
    let view = market.post(&market.seller, &format!("{path}/auctions"), terms).await.ok();
    let bids = format!("/v1/auctions/{}/bids", view["id"].as_str().unwrap());
    let bid = |price: &str, quantity: i64| json!({"maximum": eur(price), "quantity": quantity});
    let answer = market.keyed(&market.ann, "a", &bids, bid("11.00", 1)).await.refused(422, "quantity_out_of_range");
    assert_eq!(answer.body["errors"][0], json!({"pointer": "/quantity", "detail": "expected 2 to 10"}));
    market.keyed(&market.ann, "b", &bids, bid("11.00", 10)).await.ok();
    // Ann outbids herself, which is no news to her; then Bob outbids her.
    market.keyed(&market.ann, "c", &bids, bid("12.00", 10)).await.ok();
    assert_eq!(market.notices().await, [] as [Value; 0]);
    market.keyed(&market.bob, "d", &bids, bid("13.00", 10)).await.ok();
    assert_eq!(market.notices().await, [json!({"auction": view["id"], "orgs": [market.ann_org]})]);
    market.api.close().await;
}

#[tokio::test]
async fn a_refused_request_may_come_again_at_once_with_its_key() {
    let market = TestMarket::new().await;
    let auction = market.auction("auction_buy_now", json!({"buy_now": eur("100.00")})).await;
    let path = format!("/v1/auctions/{auction}/bids");
    // A key or a lock that came free some time after the refusal would be met sooner or later.
    for round in 0..30 {
        let key = format!("k{round}");
        for _ in 0..2 {
            let low = json!({"maximum": eur("0.01")});
            market.keyed(&market.ann, &key, &path, low).await.refused(422, "bid_too_low");
            market.buy(&market.seller, auction, &key).await.refused(403, "own_lot");
        }
    }
    market.keyed(&market.ann, "k0", &path, json!({"maximum": eur("20.00")})).await.ok();
    market.api.close().await;
}

#[tokio::test]
async fn people_of_the_seller_neither_bid_nor_buy_for_another_organisation() {
    let market = TestMarket::new().await;
    let auction = market.auction("auction_buy_now", json!({"buy_now": eur("100.00")})).await;
    // Sue of the seller trades for Ann's farm as well.
    sqlx::query("INSERT INTO memberships (org_id, user_id, role) VALUES ($1, $2, 'trader')")
        .bind(market.ann_org)
        .bind(market.seller.id)
        .execute(&market.api.db.pool)
        .await
        .unwrap();
    let sue = market.seller.acting(market.ann_org);
    market.bid(&sue, auction, "20.00").await.refused(403, "sellers_people");
    market.buy(&sue, auction, "buy").await.refused(403, "sellers_people");
    // Ann, who does not belong to the seller, may.
    market.bid(&market.ann, auction, "20.00").await.ok();
    market.api.close().await;
}
