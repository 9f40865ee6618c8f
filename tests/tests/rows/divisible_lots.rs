use chrono::TimeDelta;
use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur, id};

/// How long each lot is offered.
const LENGTH: TimeDelta = TimeDelta::hours(2);

/// A lot of consoles at 10 euros each or, undivided, in all; the path of its auction.
async fn lot(market: &TestInstallation, seller: &Person, units: i64, least: i64, mode: &str) -> String {
    let listing = json!({"title": "Many consoles", "quantity": units, "min_quantity": least});
    format!("/v1/auctions/{}", market.auction(seller, LENGTH, listing, json!({"lot_mode": mode})).await)
}

/// The time of a lot is over, and it is awarded.
async fn awarded(market: &TestInstallation, seller: &Person, lot: &str) {
    market.pass(lot.trim_start_matches("/v1/auctions/"), LENGTH).await;
    seller.until(lot, "status", "awarded").await;
}

/// The order of the newest award of this buyer: its id, units and total.
async fn newest(buyer: &Person) -> (String, Value, Value) {
    let orders = buyer.get("/v1/orders?side=buyer").await.ok();
    let order = &orders["items"][0];
    (id(order), order["lines"][0]["quantity"].clone(), order["total"].clone())
}

async fn orders_of(seller: &Person) -> usize {
    seller.get("/v1/orders?side=seller").await.ok()["items"].as_array().map_or(0, Vec::len)
}

/// Three buyers share a lot of ten: the best price first, then the earlier bid, and the last one gets what is left. Each has an order of
/// their own, at their own price, and pays it alone. What is left and is less than a minimum order goes to nobody; a lot that is not
/// divisible goes to one.
#[tokio::test(flavor = "multi_thread")]
async fn row_whole_or_partial_volume_is_allocated_to_several_buyers() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let (cid, dan) = (market.trader(&admin, "Cid").await, market.trader(&admin, "Dan").await);
    let share = |amount: &str, quantity: i64| json!({"maximum": eur(amount), "quantity": quantity});

    let shared = lot(&market, &ann, 10, 2, "divisible").await;
    let bids = format!("{shared}/bids");
    for quantity in [1, 11] {
        let refused = bob.post(&bids, share("12.00", quantity)).await;
        refused.refused(422, "quantity_out_of_range");
        assert_eq!(refused.body["errors"][0]["detail"], "expected 2 to 10");
    }
    for (bidder, amount) in [(&bob, "12.00"), (&cid, "14.00"), (&dan, "12.00")] {
        let _ = bidder.post(&bids, share(amount, 4)).await.ok();
    }
    // All of it is spoken for: the next one has to be better than the cheapest share.
    let refused = bob.post(&bids, share("12.49", 4)).await;
    refused.refused(422, "bid_too_low");
    assert_eq!(refused.body["next_minimum"], eur("12.50"), "{refused:?}");
    awarded(&market, &ann, &shared).await;
    let mut given = 0;
    for (buyer, units, total) in [(&cid, 4, "56.00"), (&bob, 4, "48.00"), (&dan, 2, "24.00")] {
        let (order, quantity, paid) = newest(buyer).await;
        assert_eq!((&quantity, &paid), (&json!(units), &eur(total)), "{}", buyer.email);
        assert!(market.mail_to(&buyer.email, "You won").await.contains(&order));
        given += units;
    }
    assert_eq!((given, orders_of(&ann).await), (10, 3));
    let (first, ..) = newest(&bob).await;
    let read = bob.get(&format!("/v1/orders/{first}")).await.ok();
    let pay = format!("/v1/checkouts/{}/pay", read["checkout"].as_str().unwrap());
    let _ = bob.post(&pay, json!({"method": "card"})).await.ok();
    bob.until(&format!("/v1/orders/{first}"), "status", "paid").await;
    let (others, ..) = newest(&dan).await;
    assert_eq!(dan.get(&format!("/v1/orders/{others}")).await.ok()["status"], "pending_payment");

    // One unit of five is left, which is less than anybody may have.
    let remainder = lot(&market, &ann, 5, 2, "divisible").await;
    let _ = bob.post(&format!("{remainder}/bids"), share("13.00", 4)).await.ok();
    let refused = cid.post(&format!("{remainder}/bids"), share("13.00", 2)).await;
    refused.refused(422, "bid_too_low");
    awarded(&market, &ann, &remainder).await;
    let (order, quantity, total) = newest(&bob).await;
    assert_eq!((quantity, total, order == first), (json!(4), eur("52.00"), false));
    assert_eq!(orders_of(&ann).await, 4);

    let whole = lot(&market, &ann, 10, 2, "whole").await;
    dan.post(&format!("{whole}/bids"), share("60.00", 2)).await.refused(422, "quantity_on_whole_lot");
    for (bidder, amount) in [(&dan, "60.00"), (&cid, "50.00")] {
        let _ = bidder.post(&format!("{whole}/bids"), json!({"maximum": eur(amount)})).await.ok();
    }
    awarded(&market, &ann, &whole).await;
    let (order, quantity, total) = newest(&dan).await;
    assert_eq!((quantity, total, order == others), (json!(10), eur("51.00"), false));
    assert_eq!(orders_of(&ann).await, 5);
    market.close().await;
}
