use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur, id};
use tests::installation::socket::Socket;

/// What is nobody's business, as it would be written and in minor units: a maximum, what it is raised to, and a reserve.
const SECRETS: [&str; 6] = ["87654.32", "8765432", "87654.33", "8765433", "98765.43", "9876543"];

/// A socket that follows an auction, and all that was heard there.
struct Screen {
    socket: Socket,
    heard: Vec<Value>,
}

impl Screen {
    async fn of(market: &TestInstallation, person: &Person, auction: &str) -> Self {
        let mut socket = Socket::open(&market.base, person).await;
        let heard = vec![socket.follow(&format!("auction:{auction}")).await];
        assert_eq!(heard[0]["type"], "snapshot", "{heard:?}");
        Self { socket, heard }
    }

    /// Waits until the auction shows this.
    async fn until(&mut self, shows: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.socket.hear().await;
            self.heard.push(message.clone());
            if shows(&message["data"]) {
                return message["data"].clone();
            }
        }
    }
}

fn time(value: &Value) -> DateTime<Utc> {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no time: {value}"))
}

/// Two bidders send the same amount at the same instant: both bids are taken, one leads, and both see that at their sockets. A secret
/// maximum is heard of nowhere, and neither is the reserve; a bid that is taken back is seen to be. The seller bids on nothing of its own.
#[tokio::test(flavor = "multi_thread")]
async fn row_two_equal_bids_at_once_are_live_and_no_secret_is_shown() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let cid = market.trader(&admin, "Cid").await;
    let auction = market.auction(&ann, TimeDelta::days(1), json!({}), json!({"reserve": eur("98765.43")})).await;
    let path = format!("/v1/auctions/{auction}");
    let bids = format!("{path}/bids");
    let bid = |amount: &str| json!({"maximum": eur(amount)});
    let mut screens = [Screen::of(&market, &bob, &auction).await, Screen::of(&market, &cid, &auction).await];

    let (bobs, cids) = tokio::join!(bob.post(&bids, bid("30.00")), cid.post(&bids, bid("30.00")));
    let (bobs, cids) = (bobs.ok(), cids.ok());
    let bob_leads = bobs["outcome"] == "leads";
    let expected = if bob_leads { ["leads", "outbid"] } else { ["outbid", "leads"] };
    assert_eq!([&bobs["outcome"], &cids["outcome"]], expected, "{bobs} {cids}");
    for screen in &mut screens {
        let shown = screen.until(|data| data["bid_count"] == 2).await;
        assert_eq!((&shown["price"], &shown["reserve_met"]), (&eur("30.00"), &json!(false)), "{shown}");
    }
    let (leader, other) = if bob_leads { (&bob, &cid) } else { (&cid, &bob) };
    let leads = [leader.get(&path).await.ok()["you_lead"].clone(), other.get(&path).await.ok()["you_lead"].clone()];
    assert_eq!(leads, [true, false]);

    // The other one takes the lead; the secret maximum takes it back, is raised, and answers the last bid by itself.
    for (bidder, amount, outcome) in
        [(other, "35.00", "leads"), (leader, "87654.32", "leads"), (leader, "87654.33", "raised")]
    {
        assert_eq!(bidder.post(&bids, bid(amount)).await.ok()["outcome"], outcome, "{amount}");
    }
    let answer = other.post(&bids, bid("40.00")).await.ok();
    assert_eq!((&answer["outcome"], &answer["auction"]["price"]), (&json!("outbid"), &eur("41.00")));
    for screen in &mut screens {
        let shown = screen.until(|data| data["bid_count"] == 5).await;
        assert_eq!(shown["price"], eur("41.00"), "{shown}");
    }
    ann.post(&bids, bid("200000.00")).await.refused(403, "own_lot");

    // All that anybody else is shown: the others' screens, pages, and mails.
    let listing = leader.get(&path).await.ok()["listing_id"].as_str().unwrap().to_owned();
    let pages = [
        path.clone(),
        bids.clone(),
        format!("/v1/listings/{listing}"),
        format!("/v1/listings/{listing}/auctions"),
        "/v1/auctions".to_owned(),
    ];
    let mut shown: Vec<String> = screens.iter().flat_map(|screen| &screen.heard).map(Value::to_string).collect();
    for page in &pages {
        shown.push(market.get(page).await.ok().to_string());
        for person in [other, &ann, &admin] {
            shown.push(person.get(page).await.ok().to_string());
        }
    }
    market.mail_to(&other.email, "outbid").await;
    market.until_quiet().await;
    for mail in market.mail.list() {
        let raw = market.mail.raw(mail.id).await.unwrap().unwrap();
        shown.push(String::from_utf8_lossy(&raw).replace("=\r\n", ""));
    }
    assert!(shown.iter().any(|text| text.contains("41.00")), "what is public is there");
    for text in &shown {
        assert!(!SECRETS.iter().any(|secret| text.contains(secret)), "{text}");
    }

    let retract = |of: &Value| format!("{bids}/{}/retract", id(of));
    leader.post(&retract(&answer), json!({})).await.refused(404, "not_found");
    let back = other.post(&retract(&answer), json!({})).await.ok();
    assert_eq!((&back["bid_count"], &back["price"]), (&json!(4), &eur("36.00")));
    other.post(&retract(&answer), json!({})).await.refused(409, "bid_retracted");
    for screen in &mut screens {
        screen.until(|data| data["bid_count"] == 4 && data["price"] == eur("36.00")).await;
    }
    assert_eq!(market.get(&bids).await.ok()["items"][0]["status"], "retracted");
    market.close().await;
}

/// A late bid moves the end, and the auction is awarded when the moved end has come; a lot that is bought at once is over for everybody,
/// and one with a bid cannot be bought at once any more.
#[tokio::test(flavor = "multi_thread")]
async fn row_late_bids_move_the_end_and_buy_now_ends_it() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let cid = market.trader(&admin, "Cid").await;
    let bid = |amount: &str| json!({"maximum": eur(amount)});
    // Every bid is a late one; the first one moves the end by half an hour.
    let soft = json!({"soft_close_seconds": 90 * 60});
    let late = market.auction(&ann, TimeDelta::hours(1), json!({}), soft).await;
    let mut screen = Screen::of(&market, &cid, &late).await;
    let first = bob.post(&format!("/v1/auctions/{late}/bids"), bid("20.00")).await.ok();
    assert_eq!(first["end_moved"], true, "{first}");
    let moved = time(&first["auction"]["ends_at"]);
    assert!(moved > time(&first["auction"]["original_ends_at"]), "{first}");
    let seen = screen.until(|data| data["bid_count"] == 1).await;
    assert_eq!(time(&seen["ends_at"]), moved);

    // Meanwhile, two lots that can be bought at once.
    let mut lots = Vec::new();
    for _ in 0..2 {
        let listing = json!({"sale_mode": "auction_buy_now"});
        let terms = json!({"buy_now": eur("100.00")});
        lots.push(format!("/v1/auctions/{}", market.auction(&ann, TimeDelta::days(1), listing, terms).await));
    }
    let bought = bob.post(&format!("{}/buy-now", lots[0]), json!({})).await.ok();
    assert_eq!((&bought["amount"], &bought["auction"]["status"]), (&eur("100.00"), &json!("awarded")));
    let order = bob.get(&format!("/v1/orders/{}", bought["order"].as_str().unwrap())).await.ok();
    assert_eq!((&order["total"], &order["status"]), (&eur("100.00"), &json!("pending_payment")));
    cid.post(&format!("{}/bids", lots[0]), bid("200.00")).await.refused(409, "auction_ended");
    cid.post(&format!("{}/buy-now", lots[0]), json!({})).await.refused(409, "auction_ended");
    let _ = cid.post(&format!("{}/bids", lots[1]), bid("10.00")).await.ok();
    bob.post(&format!("{}/buy-now", lots[1]), json!({})).await.refused(409, "buy_now_gone");
    ann.post(&format!("{}/buy-now", lots[1]), json!({})).await.refused(403, "own_lot");

    // The first end comes, and then the moved one.
    let (first, rest) = (TimeDelta::minutes(61), TimeDelta::minutes(30));
    market.pass(&late, first).await;
    market.until_quiet().await;
    let path = format!("/v1/auctions/{late}");
    let open = market.get(&path).await.ok();
    assert_eq!((&open["status"], time(&open["ends_at"])), (&json!("live"), moved - first), "{open}");
    assert!(time(&open["original_ends_at"]) < market.time().await, "{open}");
    market.pass(&late, rest).await;
    let awarded = screen.until(|data| data["status"] == "awarded").await;
    assert_eq!(time(&awarded["ends_at"]), moved - first - rest, "{awarded}");
    assert!(time(&awarded["server_time"]) >= time(&awarded["ends_at"]), "{awarded}");
    market.mail_to(&bob.email, "You won").await;
    market.close().await;
}
