use shared::audit;

use super::*;

#[tokio::test]
async fn an_auction_comes_with_its_timers() {
    let market = TestMarket::new().await;
    let listing = market.listing("auction").await;
    let auctions = format!("{listing}/auctions");
    let now = market.now().await;
    let terms = json!({"starts_at": now + TimeDelta::hours(30), "ends_at": now + TimeDelta::hours(33), "opening": eur("10.00"),
        "soft_close_seconds": 120, "hard_ends_at": now + TimeDelta::hours(34)});
    for (person, status, code) in [(&market.ann, 404, "not_found"), (&market.moderator, 403, "no_org")] {
        market.post(person, &auctions, terms.clone()).await.refused(status, code);
    }
    let answer = market.post(&market.seller, &auctions, terms.clone()).await;
    let location = answer.headers["location"].to_str().unwrap().to_owned();
    let view = answer.ok();
    let auction: AuctionId = view["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(location, format!("/v1/auctions/{auction}"));
    assert_eq!((&view["status"], &view["soft_close_seconds"]), (&json!("scheduled"), &json!(120)));
    let time = |field: &str| view[field].as_str().unwrap().parse::<DateTime<Utc>>().unwrap();
    // The reminder a day before the end would come before the start.
    let timers = [
        ("auctions.close", time("ends_at")),
        ("auctions.ending_soon", time("ends_at") - TimeDelta::hours(1)),
        ("auctions.open", time("starts_at")),
    ];
    assert_eq!(market.timers(auction).await, timers.map(|(kind, at)| (kind.to_owned(), at)));
    market.post(&market.seller, &auctions, terms).await.refused(409, "auction_open");
    market.post(&market.seller, &format!("{listing}/withdraw"), json!({})).await.refused(409, "auction_open");

    let found = market.get(None, &auctions).await.ok();
    assert_eq!(found["items"][0]["id"], json!(auction));
    market.api.close().await;
}

#[tokio::test]
async fn bad_terms_make_neither_auction_nor_timers() {
    let market = TestMarket::new().await;
    let fixed = json!({"category_id": testing::CONSOLES, "sku": "fixed", "title": "Console"});
    let item = market.post(&market.seller, "/v1/items", fixed).await.ok();
    let fixed = json!({"item_id": item["id"], "title": "A console", "sale_mode": "fixed", "currency": "EUR",
        "price": eur("100.00")});
    let fixed = market.post(&market.seller, "/v1/listings", fixed).await.ok();
    let path = format!("/v1/listings/{}/auctions", fixed["id"].as_str().unwrap());
    let terms = market.terms(json!({})).await;
    market.post(&market.seller, &path, terms).await.refused(409, "not_for_auction");

    let path = format!("{}/auctions", market.listing("auction").await);
    let now = market.now().await;
    for (more, pointer) in [
        (json!({"ends_at": now}), "/ends_at"),
        (json!({"starts_at": now + TimeDelta::days(11)}), "/ends_at"),
        (json!({"ends_at": now + TimeDelta::days(400)}), "/hard_ends_at"),
        (json!({"hard_ends_at": now + TimeDelta::days(9)}), "/ends_at"),
        (json!({"soft_close_seconds": -1}), "/soft_close_seconds"),
        (json!({"opening": eur("0.00")}), "/opening"),
        (json!({"reserve": eur("10.00")}), "/reserve"),
        (json!({"buy_now": eur("100.00")}), "/buy_now"),
        (json!({"opening": {"amount": "10", "currency": "JPY"}}), "/opening/currency"),
        (json!({"lot_mode": "divisible", "reserve": eur("20.00")}), "/lot_mode"),
    ] {
        let answer = market.post(&market.seller, &path, market.terms(more.clone()).await).await;
        let answer = answer.refused(422, "invalid_value");
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{more}: {answer:?}");
    }
    for more in [json!({"ends_at": "+200000-01-01T00:00:00Z"}), json!({"starts_at": "-200000-01-01T00:00:00Z"})] {
        let answer = market.post(&market.seller, &path, market.terms(more.clone()).await).await;
        assert_eq!(answer.status, 422, "{more}: {answer:?}");
    }
    let jobs: i64 = sqlx::query_scalar("SELECT count(*) FROM jobs WHERE kind LIKE 'auctions.%'")
        .fetch_one(&market.api.db.pool)
        .await
        .unwrap();
    assert_eq!((jobs, market.get(None, &path).await.ok()), (0, json!({"items": []})));
    market.api.close().await;
}

#[tokio::test]
async fn a_lot_is_bought_at_once_by_one() {
    let market = TestMarket::new().await;
    let auction = market.auction("auction_buy_now", json!({"buy_now": eur("100.00")})).await;
    let path = format!("/v1/auctions/{auction}");
    assert_eq!(market.get(None, &path).await.ok()["buy_now"], eur("100.00"));
    market.buy(&market.seller, auction, "mine").await.refused(403, "own_lot");
    market.post(&market.ann, &format!("{path}/buy-now"), json!({})).await.refused(400, "idempotency_key_required");
    let (anns, bobs) = futures::join!(market.buy(&market.ann, auction, "buy"), market.buy(&market.bob, auction, "buy"));
    let (bought, lost, buyer, other) = if anns.status.is_success() {
        (anns, bobs, &market.ann, &market.bob)
    } else {
        (bobs, anns, &market.bob, &market.ann)
    };
    lost.refused(409, "auction_ended");
    assert_eq!((bought.status.as_u16(), &bought.body["amount"]), (201, &eur("100.00")), "{bought:?}");
    assert_eq!(bought.body["auction"]["status"], "awarded");
    assert_eq!(market.buy(buyer, auction, "buy").await.body, bought.body, "the same request again");

    let order = format!("/v1/orders/{}", bought.body["order"].as_str().unwrap());
    let seen = market.get(Some(buyer), &order).await.ok();
    assert_eq!((seen["source"].as_str(), seen["status"].as_str()), (Some("buy_now"), Some("pending_payment")));
    assert_eq!((&seen["total"], &seen["lines"][0]["amount"]), (&eur("100.00"), &eur("100.00")));
    assert_eq!(market.get(Some(&market.seller), &order).await.ok(), seen);
    market.get(Some(other), &order).await.refused(404, "not_found");
    market.get(Some(&market.moderator), &order).await.refused(403, "no_org");
    let count = async |person: &Person, side: &str| {
        let page = market.get(Some(person), &format!("/v1/orders?side={side}")).await.ok();
        page["items"].as_array().unwrap().len()
    };
    assert_eq!((count(buyer, "buyer").await, count(buyer, "seller").await), (1, 0));
    assert_eq!((count(&market.seller, "seller").await, count(other, "buyer").await), (1, 0));
    let acting = other.acting(market.seller_org);
    market.get(Some(&acting), "/v1/orders?side=seller").await.refused(403, "not_a_member");
    let mails = market.mails().await;
    let mails: Vec<_> = mails.iter().map(|(template, to, _)| (template.as_str(), to)).collect();
    assert_eq!(mails, [("sold", &market.seller.email), ("won", &buyer.email)]);
    let listing = bought.body["auction"]["listing_id"].as_str().unwrap();
    assert_eq!(market.get(None, &format!("/v1/listings/{listing}")).await.ok()["status"], "sold_out");

    // The first bid ends the offer.
    let auction = market.auction("auction_buy_now", json!({"buy_now": eur("100.00")})).await;
    market.bid(&market.ann, auction, "10.00").await.ok();
    market.buy(&market.bob, auction, "late").await.refused(409, "buy_now_gone");
    market.api.close().await;
}

#[tokio::test]
async fn sellers_cancel_without_bids_and_moderators_with_a_trail() {
    let market = TestMarket::new().await;
    let (first, second) = (market.auction("auction", json!({})).await, market.auction("auction", json!({})).await);
    let cancel = async |person: &Person, auction: AuctionId| {
        market.post(person, &format!("/v1/auctions/{auction}/cancel"), json!({})).await
    };
    cancel(&market.ann, first).await.refused(404, "not_found");
    let view = cancel(&market.seller, first).await.ok();
    assert_eq!(view["status"], "cancelled");
    cancel(&market.seller, first).await.refused(409, "auction_not_cancellable");
    // Its listing is withdrawn, which the seller sees and nobody else.
    let listing = format!("/v1/listings/{}", view["listing_id"].as_str().unwrap());
    market.get(None, &listing).await.refused(404, "not_found");
    assert_eq!(market.get(Some(&market.seller), &listing).await.ok()["status"], "withdrawn");

    market.bid(&market.ann, second, "20.00").await.ok();
    cancel(&market.seller, second).await.refused(409, "auction_not_cancellable");
    assert_eq!(cancel(&market.moderator, second).await.ok()["status"], "cancelled");
    let mut conn = market.api.db.pool.acquire().await.unwrap();
    let entries = audit::page(&mut conn, Some(("auction", &second.to_string())), None, 10).await.unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!((entries[0].action.as_str(), entries[0].actor), ("auction.cancel", Some(market.moderator.id)));
    drop(conn);
    market.bid(&market.bob, second, "30.00").await.refused(409, "auction_ended");
    market.api.close().await;
}

#[tokio::test]
async fn open_auctions_are_listed_by_their_end() {
    let market = TestMarket::new().await;
    let now = market.now().await;
    let mut made = Vec::new();
    for hours in [50, 20, 40, 30, 20] {
        made.push((hours, market.auction("auction", json!({"ends_at": now + TimeDelta::hours(hours)})).await));
    }
    let (_, cancelled) = made.remove(0);
    market.post(&market.seller, &format!("/v1/auctions/{cancelled}/cancel"), json!({})).await.ok();
    made.sort();
    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = market.get(None, &format!("/v1/auctions?limit=1&seller={}{after}", market.seller_org)).await.ok();
        let items = page["items"].as_array().unwrap();
        seen.extend(items.iter().map(|view| view["id"].as_str().unwrap().parse::<AuctionId>().unwrap()));
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    assert_eq!(seen, made.into_iter().map(|(_, id)| id).collect::<Vec<_>>());
    let none = market.get(None, &format!("/v1/auctions?seller={}", market.bob_org)).await.ok();
    assert_eq!(none["items"], json!([]));
    market.get(None, "/v1/auctions?after=x").await.refused(400, "invalid_query");
    let anonymous = market.api.request(Method::GET, "/v1/auctions").header("tradeyard-org", market.bob_org.to_string());
    market.api.send(anonymous).await.refused(401, "unauthenticated");
    market.get(Some(&market.ann.acting(market.bob_org)), "/v1/auctions").await.refused(403, "not_a_member");
    market.get(None, &format!("/v1/auctions/{}", AuctionId::generate())).await.refused(404, "not_found");
    market.get(None, &format!("/v1/auctions/{}/bids", AuctionId::generate())).await.refused(404, "not_found");
    market.api.close().await;
}

#[tokio::test]
async fn buyers_buy_and_sellers_sell() {
    let market = TestMarket::new().await;
    let listing = market.listing("auction").await;
    let auction = market.auction("auction_buy_now", json!({"buy_now": eur("100.00")})).await;
    let become_only = async |org: OrgId, kind: &str| {
        let path = format!("/v1/orgs/{org}");
        market.api.call(Some(&market.moderator), Method::PATCH, &path, json!({"kinds": [kind]})).await.ok();
    };
    become_only(market.ann_org, "seller").await;
    market.bid(&market.ann, auction, "20.00").await.refused(403, "org_kind");
    let answer = market.buy(&market.ann, auction, "k").await.refused(403, "org_kind");
    assert!(answer.body["detail"].as_str().unwrap().contains("add buyer to its kinds"), "{answer:?}");
    become_only(market.ann_org, "buyer").await;
    market.bid(&market.ann, auction, "20.00").await.ok();

    become_only(market.seller_org, "buyer").await;
    let terms = market.terms(json!({})).await;
    market.post(&market.seller, &format!("{listing}/auctions"), terms.clone()).await.refused(403, "org_kind");
    become_only(market.seller_org, "seller").await;
    market.post(&market.seller, &format!("{listing}/auctions"), terms).await.ok();
    market.api.close().await;
}
