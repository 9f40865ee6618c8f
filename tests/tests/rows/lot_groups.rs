#![expect(clippy::unwrap_used, reason = "a test that cannot go on")]

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur, id};
use tests::installation::socket::Socket;

/// Two lots of one group and a third of none end a second after each other, from some seconds on. A late bid leaves longer than that.
const FIRST_ENDS: TimeDelta = TimeDelta::seconds(25);
const SOFT_CLOSE: TimeDelta = TimeDelta::seconds(42);
/// How far late bids move the end of the group.
const HARD_CLOSE: TimeDelta = TimeDelta::seconds(25);

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

/// A sale event in which whoever registers may bid; its path.
async fn published(market: &TestInstallation, seller: &Person) -> String {
    let mut listings = Vec::new();
    for _ in 0..3 {
        listings.push(seller.lists(json!({})).await);
    }
    let now = market.time().await;
    let sale = json!({"title": "Winter sale", "currency": "EUR", "starts_at": now, "first_ends_at": now + FIRST_ENDS,
        "step_ms": 1000, "soft_close_seconds": SOFT_CLOSE.num_seconds(), "hard_close_seconds": HARD_CLOSE.num_seconds(),
        "default_limit": eur("1000.00")});
    let event = format!("/v1/sale-events/{}", id(&seller.post("/v1/sale-events", sale).await.ok()));
    for (listing, group) in listings.iter().zip([json!(1), json!(1), Value::Null]) {
        let lot = json!({"listing_id": listing, "group": group, "opening": eur("10.00")});
        let _ = seller.post(&format!("{event}/lots"), lot).await.ok();
    }
    let _ = seller.post(&format!("{event}/publish"), json!({})).await.ok();
    event
}

async fn lots(market: &TestInstallation, event: &str) -> Vec<Value> {
    market.get(&format!("{event}/lots")).await.ok()["items"].as_array().unwrap().clone()
}

/// A late bid in one lot extends the other open lot of its group, which shows at that lot's socket though nobody has bid there, and not
/// the lot outside of it, which ends in between. The group ends together, at its hard end at the latest.
#[tokio::test(flavor = "multi_thread")]
async fn row_a_late_bid_in_one_lot_extends_the_open_lots_of_its_group() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let cid = market.trader(&admin, "Cid").await;
    let event = published(&market, &ann).await;
    let planned = lots(&market, &event).await;
    let [first, second, third] = [0, 1, 2].map(|lot| planned[lot]["auction_id"].as_str().unwrap().to_owned());
    let ends = |lots: &[Value]| -> Vec<_> { lots.iter().map(|lot| time(&lot["ends_at"])).collect() };
    let planned = ends(&planned);
    for bidder in [&bob, &cid] {
        let registered = bidder.post(&format!("{event}/registrations"), json!({})).await.ok();
        assert_eq!(registered["status"], "approved");
    }
    let mut lot = Socket::open(&market.base, &bob).await;
    let shown = lot.follow(&format!("auction:{first}")).await;
    assert_eq!(time(&shown["data"]["ends_at"]), planned[0], "{shown}");
    let mut sale = Socket::open(&market.base, &cid).await;
    let shown = sale.follow(&format!("event:{}", event.rsplit('/').next().unwrap())).await;
    let current = &shown["data"]["current"];
    assert_eq!((&shown["data"]["lots_open"], &current["lot_no"]), (&json!(3), &json!(1)), "{shown}");

    let bid = |amount: &str| json!({"maximum": eur(amount)});
    let placed = bob.post(&format!("/v1/auctions/{second}/bids"), bid("20.00")).await.ok();
    assert_eq!(placed["end_moved"], true);
    let moved = time(&placed["auction"]["ends_at"]);
    assert!(moved > planned[2] && moved <= planned[1] + HARD_CLOSE, "{placed}");
    let heard = lot.until(|message| message["data"]["ends_at"] != json!(planned[0])).await;
    assert_eq!((time(&heard["data"]["ends_at"]), &heard["data"]["bid_count"]), (moved, &json!(0)), "{heard}");
    assert_eq!(ends(&lots(&market, &event).await), [moved, moved, planned[2]]);
    let next = sale.until(|message| message["data"]["current"]["lot_no"] == 3).await;
    assert_eq!(time(&next["data"]["current"]["ends_at"]), planned[2], "{next}");

    // The third one is over, and so would be the first one; its next bid goes as far as the group may.
    let over = sale.until(|message| message["data"]["lots_open"] == 2).await;
    let current = &over["data"]["current"];
    assert_eq!((&current["lot_no"], time(&current["ends_at"])), (&json!(1), moved), "{over}");
    cid.post(&format!("/v1/auctions/{third}/bids"), bid("20.00")).await.refused(409, "auction_ended");
    let placed = cid.post(&format!("/v1/auctions/{first}/bids"), bid("30.00")).await.ok();
    assert!(time(&placed["placed_at"]) > planned[0], "{placed}");
    let last = planned[1] + HARD_CLOSE;
    assert_eq!(time(&placed["auction"]["ends_at"]), last, "{placed}");
    let hard = sale.until(|message| message["data"]["current"]["bid_count"] == 1).await;
    assert_eq!(time(&hard["data"]["current"]["ends_at"]), last, "{hard}");
    assert_eq!(ends(&lots(&market, &event).await), [last, last, planned[2]]);

    let awarded = lot.until(|message| message["data"]["status"] == "awarded").await;
    assert!(time(&awarded["data"]["server_time"]) >= last, "{awarded}");
    let ended = sale.until(|message| message["data"]["lots_open"] == 0).await;
    assert_eq!(ended["data"]["current"], Value::Null, "{ended}");
    let statuses: Vec<_> = lots(&market, &event).await.iter().map(|lot| lot["status"].clone()).collect();
    assert_eq!(statuses, ["awarded", "awarded", "unsold"]);
    for winner in [&bob, &cid] {
        market.mail_to(&winner.email, "You won").await;
    }
    market.close().await;
}
