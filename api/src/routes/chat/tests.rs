use market::emails::model::{Content, OrgApproved};
use market::emails::store::insert_for;
use market::identity::PlatformRole;
use market::ids::ListingId;
use market::listings::model::SaleMode;
use market::testing::{self, Trader};
use reqwest::Method;
use serde_json::{Value, json};
use shared::ids::OrgId;

use crate::testing::socket::Client;
use crate::testing::{Answer, Person, TestApi, with_token};

struct TestMarket {
    api: TestApi,
    moderator: Person,
    ann: Person,
    bob: Person,
    eve: Person,
    anns: OrgId,
    bobs: OrgId,
    /// Of Ann's.
    goods: ListingId,
}

impl TestMarket {
    async fn new() -> Self {
        let api = TestApi::new().await;
        let moderator = api.staff(PlatformRole::Moderator).await;
        let (ann, bob, eve) = (api.person("Ann").await, api.person("Bob").await, api.person("Eve").await);
        let (anns, bobs) = (api.org(&ann, "Ann Farm", &moderator).await, api.org(&bob, "Bob Farm", &moderator).await);
        api.org(&eve, "Eve Farm", &moderator).await;
        let seller = Trader { org: anns, user: ann.id };
        let goods = testing::listing(&mut api.db.pool.acquire().await.unwrap(), seller, SaleMode::Fixed, 3).await;
        Self { api, moderator, ann, bob, eve, anns, bobs, goods }
    }

    async fn begin(&self, by: &Person, text: &str) -> Answer {
        let body = json!({"listing_id": self.goods, "message": message(text)});
        self.api.post(Some(by), "/v1/conversations", body).await
    }

    /// Bob asks Ann; the path of their conversation.
    async fn asked(&self, text: &str) -> String {
        let begun = self.begin(&self.bob, text).await;
        begun.headers["location"].to_str().unwrap().to_owned()
    }

    async fn write(&self, by: &Person, path: &str, text: &str) -> Answer {
        self.api.post(Some(by), &format!("{path}/messages"), message(text)).await
    }

    /// An act on a conversation that answers nothing.
    async fn act(&self, by: &Person, path: &str, act: &str) {
        let answer = self.api.post(Some(by), &format!("{path}/{act}"), json!({})).await;
        assert_eq!(answer.status, 204, "{answer:?}");
    }

    async fn texts(&self, of: &Person, path: &str, query: &str) -> (Vec<String>, bool) {
        let page = self.api.get(Some(of), &format!("{path}/messages{query}")).await.ok();
        let texts = page["items"].as_array().unwrap().iter().map(|one| one["text"].as_str().unwrap().to_owned());
        (texts.collect(), page["more"].as_bool().unwrap())
    }
}

fn message(text: &str) -> Value {
    json!({"client_id": uuid::Uuid::now_v7(), "text": text})
}

#[tokio::test]
async fn two_parties_write_and_read_and_nobody_else_does() {
    let market = TestMarket::new().await;
    let (api, ann, bob, eve) = (&market.api, &market.ann, &market.bob, &market.eve);
    let begun = market.begin(bob, "Is it still there?\nIt looks good.").await;
    assert_eq!(begun.status, 201);
    let path = begun.headers["location"].to_str().unwrap().to_owned();
    let begun = begun.ok();
    assert_eq!((&begun["message"]["seq"], &begun["conversation"]["unread"]), (&json!(1), &json!(0)));
    let of_ann = api.get(Some(ann), &path).await.ok();
    assert_eq!(
        (&of_ann["unread"], &of_ann["side"], &of_ann["other_name"], &of_ann["listing_id"]),
        (&json!(1), &json!("seller"), &json!("Bob Farm"), &json!(market.goods))
    );
    market.write(ann, &path, "Yes.").await.ok();
    market.write(ann, &path, "Come and see.").await.ok();
    let (texts, more) = market.texts(bob, &path, "").await;
    assert_eq!(
        (texts.as_slice(), more),
        (["Is it still there?\nIt looks good.", "Yes.", "Come and see."].map(str::to_owned).as_slice(), false)
    );
    assert_eq!(market.texts(bob, &path, "?after=1&limit=1").await, (vec!["Yes.".to_owned()], true));
    assert_eq!(market.texts(bob, &path, "?after=2").await, (vec!["Come and see.".to_owned()], false));
    assert_eq!(market.texts(bob, &path, "?before=3&limit=1").await, (vec!["Yes.".to_owned()], true));
    assert_eq!(market.texts(bob, &path, "?after=1&before=3").await, (vec!["Yes.".to_owned()], false));
    let read = async |seq: i64| api.call(Some(bob), Method::PUT, &format!("{path}/read"), json!({"seq": seq})).await;
    assert_eq!(read(2).await.ok()["unread"], 1);
    assert_eq!(api.get(Some(ann), &path).await.ok()["other_read_seq"], 2);
    let refused = api.call(Some(bob), Method::PUT, &format!("{path}/read"), json!({"seq": 4})).await;
    assert_eq!(refused.refused(422, "invalid_value").body["errors"][0]["pointer"], "/seq");
    // A third party finds nothing.
    api.get(Some(eve), &path).await.refused(404, "not_found");
    api.get(Some(eve), &format!("{path}/messages")).await.refused(404, "not_found");
    market.write(eve, &path, "Me too").await.refused(404, "not_found");
    assert_eq!(api.get(Some(eve), "/v1/conversations").await.ok()["items"], json!([]));
    api.get(Some(ann), &format!("{path}/messages/1/attachments/1")).await.refused(404, "not_found");
    // The same list for both, and what is archived is elsewhere until there is a message.
    let list = async |who: &Person, query: &str| {
        let page = api.get(Some(who), &format!("/v1/conversations{query}")).await.ok();
        page["items"].as_array().unwrap().len()
    };
    assert_eq!((list(ann, "").await, list(bob, "").await), (1, 1));
    market.act(bob, &path, "archive").await;
    assert_eq!((list(ann, "").await, list(bob, "").await, list(bob, "?archived=true").await), (1, 0, 1));
    market.act(bob, &path, "unarchive").await;
    market.act(bob, &path, "archive").await;
    market.write(ann, &path, "Hello?").await.ok();
    assert_eq!((list(bob, "").await, list(bob, "?archived=true").await), (1, 0));
    market.api.close().await;
}

#[tokio::test]
async fn a_message_sent_twice_is_one_and_no_answer_is_kept() {
    let market = TestMarket::new().await;
    let (api, bob) = (&market.api, &market.bob);
    let body = json!({"listing_id": market.goods, "message": message("Is it still there?")});
    let send = async |body: &Value| {
        let request = api.request(Method::POST, "/v1/conversations").json(body).header("idempotency-key", "once");
        api.send(with_token(request, Some(bob))).await
    };
    let first = send(&body).await.ok();
    assert_eq!(send(&body).await.ok(), first);
    let path = format!("/v1/conversations/{}/messages", first["conversation"]["id"].as_str().unwrap());
    // It is the message that there is, wherever it is sent.
    assert_eq!(api.post(Some(bob), &path, body["message"].clone()).await.ok(), first["message"]);
    let mut other = body.clone();
    other["message"]["text"] = json!("Something else");
    let refused = send(&other).await.refused(422, "client_id_reused");
    assert_eq!(refused.body["errors"][0]["pointer"], "/message/client_id");
    let refused = api.post(Some(bob), &path, other["message"].clone()).await.refused(422, "client_id_reused");
    assert_eq!(refused.body["errors"][0]["pointer"], "/client_id");
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM idempotency_keys").fetch_one(&api.db.pool).await.unwrap();
    assert_eq!(kept, 0, "an answer that is kept shows what was written");
    market.api.close().await;
}

#[tokio::test]
async fn bad_messages_are_refused_with_the_place_of_what_is_wrong() {
    let market = TestMarket::new().await;
    let (api, ann, bob) = (&market.api, &market.ann, &market.bob);
    let begin = async |by: &Person, body: Value| api.post(Some(by), "/v1/conversations", body).await;
    let about = |message: Value| json!({"listing_id": market.goods, "message": message});
    let client = uuid::Uuid::nil();
    for (message, pointer) in [
        (json!({"client_id": client}), "/message/text"),
        (json!({"client_id": client, "text": " \u{200b}"}), "/message/text"),
        (json!({"client_id": client, "text": "x".repeat(4_001)}), "/message/text"),
        (json!({"client_id": client, "text": "?", "attachments": [{}]}), "/message/attachments/0"),
        (
            json!({"client_id": client, "text": "?", "attachments": [{"image_id": client, "name": "a"}]}),
            "/message/attachments/0",
        ),
        (
            json!({"client_id": client, "text": "?", "attachments": [{"image_id": client}]}),
            "/message/attachments/0/image_id",
        ),
        (
            json!({"client_id": client, "text": "?", "attachments": [{"upload_id": client, "name": "a.pdf"}]}),
            "/message/attachments/0/upload_id",
        ),
        (
            json!({"client_id": client, "text": "?",
                "attachments": [{"upload_id": client, "name": "x".repeat(256)}]}),
            "/message/attachments/0/name",
        ),
        (
            json!({"client_id": client, "text": "?", "attachments": vec![json!({"image_id": client}); 11]}),
            "/message/attachments",
        ),
    ] {
        let refused = begin(bob, about(message)).await.refused(422, "invalid_value");
        assert_eq!(refused.body["errors"][0]["pointer"], pointer, "{refused:?}");
    }
    begin(bob, json!({"message": message("?")})).await.refused(422, "invalid_value");
    let two = json!({"listing_id": market.goods, "order_id": client, "message": message("?")});
    begin(bob, two).await.refused(422, "invalid_value");
    for about in ["listing_id", "offer_id", "order_id"] {
        begin(bob, json!({about: client, "message": message("?")})).await.refused(404, "not_found");
    }
    market.begin(ann, "?").await.refused(403, "own_listing");
    begin(bob, about(json!({"client_id": client, "text": "a\u{1}b"}))).await.refused(400, "invalid_body");
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM conversations").fetch_one(&api.db.pool).await.unwrap();
    assert_eq!(count, 0);
    api.post(Some(ann), &format!("/v1/listings/{}/withdraw", market.goods), json!({})).await.ok();
    market.begin(bob, "?").await.refused(404, "not_found");
    market.api.close().await;
}

#[tokio::test]
async fn whoever_is_blocked_is_told_so_and_reports_are_decided_by_strangers() {
    let market = TestMarket::new().await;
    let (api, ann, bob) = (&market.api, &market.ann, &market.bob);
    let path = market.asked("Pay me elsewhere.").await;
    for _ in 0..2 {
        market.act(ann, &path, "block").await;
    }
    market.write(bob, &path, "Answer!").await.refused(403, "blocked");
    market.write(ann, &path, "No.").await.refused(409, "blocking");
    assert_eq!(api.get(Some(bob), &path).await.ok()["blocked_by_other"], true);
    market.act(ann, &path, "unblock").await;
    market.write(ann, &path, "No.").await.ok();

    let report = async |by: &Person, seq: i64| {
        let body = json!({"seq": seq, "reason": "fraud", "note": "They ask for cash."});
        api.post(Some(by), &format!("{path}/reports"), body).await
    };
    report(bob, 1).await.refused(403, "own_message");
    report(ann, 9).await.refused(404, "not_found");
    let reported = report(ann, 1).await.ok();
    assert_eq!((&reported["status"], &reported["reported_org_id"]), (&json!("open"), &json!(market.bobs)));
    assert_eq!(reported["org_id"], json!(market.anns));
    report(ann, 1).await.refused(409, "reported");
    let empty = json!({"seq": 2, "reason": "fraud", "note": ""});
    let refused = api.post(Some(bob), &format!("{path}/reports"), empty).await.refused(422, "invalid_value");
    assert_eq!(refused.body["errors"][0]["pointer"], "/note");
    let list = async |query: &str| {
        api.get(Some(&market.moderator), &format!("/v1/admin/chat-reports{query}")).await.ok()["items"].clone()
    };
    assert_eq!(list("").await, json!([reported]));
    let one = format!("/v1/admin/chat-reports/{}", reported["id"].as_str().unwrap());
    let detail = api.get(Some(&market.moderator), &one).await.ok();
    assert_eq!(
        (&detail["messages"][0]["text"], &detail["messages"][1], &detail["note"]),
        (&json!("Pay me elsewhere."), &Value::Null, &json!("They ask for cash."))
    );
    api.get(Some(ann), &one).await.refused(403, "role_too_low");
    let decide = async |outcome: &str| {
        let body = json!({"outcome": outcome, "reason": "It goes around our payments."});
        api.post(Some(&market.moderator), &format!("{one}/decide"), body).await
    };
    assert_eq!(decide("upheld").await.ok()["status"], "upheld");
    decide("dismissed").await.refused(409, "report_decided");
    assert_eq!((list("").await, list("?all=true").await[0]["status"].clone()), (json!([]), json!("upheld")));
    let audit: Vec<(String, Value)> =
        sqlx::query_as("SELECT action, data FROM audit_entries WHERE action LIKE 'chat.%' ORDER BY seq")
            .fetch_all(&api.db.pool)
            .await
            .unwrap();
    let acts: Vec<_> = audit.iter().map(|(action, _)| action.as_str()).collect();
    assert_eq!(acts, ["chat.report", "chat.report_read", "chat.report_decide"]);
    assert!(!format!("{audit:?}").contains("elsewhere"), "{audit:?}");
    market.api.close().await;
}

/// What a message of a socket is about.
fn gist(heard: &Value) -> (&str, i64) {
    (heard["type"].as_str().unwrap(), heard["seq"].as_i64().unwrap())
}

#[tokio::test]
async fn messages_arrive_live_and_a_gap_gets_a_snapshot() {
    let market = TestMarket::new().await;
    let (api, ann, bob) = (&market.api, &market.ann, &market.bob);
    let path = market.asked("Is it still there?").await;
    let topic = format!("conversation:{}", path.rsplit('/').next().unwrap());
    let mut eves = Client::open(api, &market.eve).await;
    assert_eq!(eves.subscribe(&topic).await["code"], "not_found");
    let (mut anns, mut bobs) = (Client::open(api, ann).await, Client::open(api, bob).await);
    for client in [&mut anns, &mut bobs] {
        let snapshot = client.subscribe(&topic).await;
        assert_eq!(gist(&snapshot), ("snapshot", 1));
        assert_eq!(snapshot["data"]["messages"][0]["text"], "Is it still there?");
    }
    market.write(ann, &path, "Yes.").await.ok();
    for client in [&mut anns, &mut bobs] {
        let heard = client.hear().await;
        assert_eq!((gist(&heard), &heard["data"]["text"]), (("message", 2), &json!("Yes.")));
    }
    // An event that never comes: the next one shows the gap. The watcher of this process has told of 2, and is told that 3 was as well.
    market.write(bob, &path, "Good.").await.ok();
    assert_eq!(gist(&anns.hear().await), ("message", 3));
    assert_eq!(gist(&bobs.hear().await), ("message", 3));
    let (kind, data) = ("message".to_owned(), json!({"text": "Five"}));
    api.state.hub.deliver(shared::realtime::Event { topic: topic.clone(), seq: 5, kind, data });
    market.write(bob, &path, "Four.").await.ok();
    let heard = anns.hear().await;
    assert_eq!(heard["seq"], 4, "{heard}");
    // Whoever comes back says what it has seen.
    let mut again = Client::open(api, ann).await;
    again.say(json!({"subscribe": topic, "since": 4})).await;
    assert_eq!(gist(&again.hear().await), ("subscribed", 4));
    let mut behind = Client::open(api, ann).await;
    behind.say(json!({"subscribe": topic, "since": 2})).await;
    let snapshot = behind.hear().await;
    assert_eq!((gist(&snapshot), snapshot["data"]["messages"].as_array().unwrap().len()), (("snapshot", 4), 4));
    market.api.close().await;
}

#[tokio::test]
async fn a_person_hears_how_much_is_unread_and_what_is_new() {
    let market = TestMarket::new().await;
    let (api, ann, bob) = (&market.api, &market.ann, &market.bob);
    let topic = format!("user:{}", ann.id);
    let mut bobs = Client::open(api, bob).await;
    assert_eq!(bobs.subscribe(&topic).await["code"], "not_found");
    let mut anns = Client::open(api, ann).await;
    assert_eq!(anns.subscribe(&topic).await["data"]["unread_conversations"], 0);
    let until = async |client: &mut Client, unread: i64| {
        while client.hear().await["data"]["unread_conversations"] != unread {}
    };
    let path = market.asked("Is it still there?").await;
    until(&mut anns, 1).await;
    api.call(Some(ann), Method::PUT, &format!("{path}/read"), json!({"seq": 1})).await.ok();
    until(&mut anns, 0).await;

    // News of the person's own, read and unread.
    let notices = async |client: &mut Client, unread: i64| {
        while client.hear().await["data"]["unread_notices"] != unread {}
    };
    let before = api.get(Some(ann), "/v1/me/notices/unread").await.ok()["unread"].as_i64().unwrap();
    let mut conn = api.db.pool.acquire().await.unwrap();
    let news = Content::OrgApproved(OrgApproved { org: market.anns, org_name: "Ann Farm".to_owned() });
    insert_for(&mut conn, &[ann.id], "again", &news).await.unwrap();
    drop(conn);
    notices(&mut anns, before + 1).await;
    let list = api.get(Some(ann), "/v1/me/notices?limit=1").await.ok();
    assert_eq!((&list["items"][0]["kind"], list["items"][0].get("read_at")), (&json!("org_approved"), None));
    let one = format!("/v1/me/notices/{}/read", list["items"][0]["id"].as_str().unwrap());
    api.post(Some(bob), &one, json!({})).await.refused(404, "not_found");
    assert_eq!(api.post(Some(ann), &one, json!({})).await.status, 204);
    assert_eq!(api.post(Some(ann), "/v1/me/notices/read", json!({})).await.status, 204);
    notices(&mut anns, 0).await;
    market.api.close().await;
}

/// A count that rises and falls between two looks leaves nobody behind who has seen it in between.
#[tokio::test]
async fn what_has_come_and_gone_between_two_looks_is_put_right() {
    let market = TestMarket::new().await;
    let (api, ann) = (&market.api, &market.ann);
    let topic = format!("user:{}", ann.id);
    let (mut first, mut second) = (Client::open(api, ann).await, Client::open(api, ann).await);
    assert_eq!(first.subscribe(&topic).await["data"]["unread_conversations"], 0);
    // The watcher has looked just now, and knows of nothing unread.
    assert_eq!(first.hear().await["data"]["unread_conversations"], 0);
    let path = market.asked("Is it still there?").await;
    assert_eq!(second.subscribe(&topic).await["data"]["unread_conversations"], 1);
    api.call(Some(ann), Method::PUT, &format!("{path}/read"), json!({"seq": 1})).await.ok();
    while second.hear().await["data"]["unread_conversations"] != 0 {}
    market.api.close().await;
}

/// A key that is lost is the operators' to notice, by answers that are our fault. What is begun afterwards has the new one.
#[tokio::test]
async fn without_the_key_that_has_sealed_it_a_conversation_is_lost_and_others_begin() {
    let market = TestMarket::new().await;
    let path = market.asked("Is it still there?").await;
    let TestMarket { api: before, ann, eve, goods, .. } = market;
    let base = before.base.clone();
    // 32 zero bytes.
    let other = ("CHAT_KEY", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=");
    let api = TestApi::on(before.db, &[("PUBLIC_URL", base.as_str()), other]).await;
    let messages = format!("{path}/messages");
    api.get(Some(&ann), &messages).await.refused(500, "internal");
    api.post(Some(&ann), &messages, message("It is.")).await.refused(500, "internal");
    let begun = api.post(Some(&eve), "/v1/conversations", json!({"listing_id": goods, "message": message("And now?")}));
    assert_eq!(begun.await.status, 201);
    api.close().await;
}
