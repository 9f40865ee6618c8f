#![expect(clippy::unwrap_used, reason = "a test that cannot go on")]

use reqwest::Client;
use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur, id};
use tests::installation::socket::Socket;
use tests::until::until_sql;

use super::imports::send;

/// Requires no attributes.
const CONSOLES: &str = "01900000-0000-7000-8000-000000000012";
const PDF: &[u8] = b"%PDF-1.4 a data sheet";
const PHOTOGRAPH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../cli/data/photos/lots/whole.jpg");

/// A published listing of three units at a fixed price.
async fn listed(by: &Person, title: &str) -> String {
    let item = json!({"category_id": CONSOLES, "sku": title, "title": "Console"});
    let item = id(&by.post("/v1/items", item).await.ok());
    let new = json!({"item_id": item, "title": title, "sale_mode": "fixed", "currency": "EUR", "quantity": 3,
        "price": eur("100.00")});
    let listing = id(&by.post("/v1/listings", new).await.ok());
    let _ = by.post(&format!("/v1/listings/{listing}/publish"), json!({})).await.ok();
    listing
}

fn message(text: &str) -> Value {
    json!({"client_id": uuid::Uuid::now_v7(), "text": text})
}

/// Begins a conversation about something; its path.
async fn begun(by: &Person, mut about: Value, text: &str) -> String {
    about["message"] = message(text);
    let begun = by.post("/v1/conversations", about).await.ok();
    format!("/v1/conversations/{}", id(&begun["conversation"]))
}

pub(super) async fn write(by: &Person, conversation: &str, text: &str) -> Value {
    by.post(&format!("{conversation}/messages"), message(text)).await.ok()
}

pub(super) async fn texts(of: &Person, conversation: &str) -> Vec<String> {
    let page = of.get(&format!("{conversation}/messages")).await.ok();
    let texts = page["items"].as_array().unwrap().iter().map(|one| one["text"].as_str().unwrap().to_owned());
    texts.collect()
}

/// Announces a document and sends it; its upload.
async fn sent(by: &Person) -> String {
    let upload = by.post("/v1/uploads", json!({"content_type": "application/pdf", "size": PDF.len()})).await.ok();
    let mut request = Client::new().put(upload["url"].as_str().unwrap());
    for (name, value) in upload["headers"].as_object().unwrap() {
        if name != "content-length" {
            request = request.header(name, value.as_str().unwrap());
        }
    }
    assert_eq!(request.body(PDF.to_vec()).send().await.unwrap().status(), 200);
    id(&upload)
}

/// Changes what is stored as somebody could who writes to the database past its rules.
async fn tamper(market: &TestInstallation, sql: &str) {
    let mut tx = market.db.pool.begin().await.unwrap();
    sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

/// Buyer and seller write to each other about a listing and an order, with a document. A dump of the database shows nothing of it while
/// jobs, mails and the audit log are full of it all; a ciphertext in another row does not open; a third party finds no conversation.
#[tokio::test(flavor = "multi_thread")]
async fn row_chat_dump_shows_no_plaintext_moved_ciphertext_fails_third_party_404() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let eve = market.trader(&admin, "Eve").await;
    let goods = listed(&ann, "A console").await;
    let asked = begun(&bob, json!({"listing_id": goods}), "Does it come with Xyzzy-1?").await;
    write(&ann, &asked, "Yes, and with Xyzzy-2.").await;
    let upload = sent(&ann).await;
    let carries = json!({"client_id": uuid::Uuid::now_v7(),
        "attachments": [{"upload_id": upload, "name": "Xyzzy.pdf"}]});
    let _ = ann.post(&format!("{asked}/messages"), carries).await.ok();
    let bought = json!({"quantity": 1, "price": eur("100.00")});
    let bought = bob.post(&format!("/v1/listings/{goods}/buy"), bought).await.ok();
    let order = bought["orders"][0]["id"].as_str().unwrap();
    let about_order = begun(&bob, json!({"order_id": order}), "When may I fetch Xyzzy-3?").await;
    let report = json!({"seq": 1, "reason": "spam", "note": "Xyzzy-4"});
    let report = ann.post(&format!("{about_order}/reports"), report).await.ok();
    market.until_quiet().await;

    // The document is what was sent, under its name; both parties get it.
    for party in [&ann, &bob] {
        let file = party.get(&format!("{asked}/messages/3/attachments/1")).await.ok();
        assert_eq!(file["file"]["name"], "Xyzzy.pdf");
        let response = Client::new().get(file["file"]["url"].as_str().unwrap()).send().await.unwrap();
        let disposition = response.headers()["content-disposition"].to_str().unwrap().to_owned();
        assert!(disposition.starts_with("attachment"), "{disposition}");
        assert_eq!(response.bytes().await.unwrap(), PDF);
    }

    let dumped = market.dump().await;
    assert!(dumped.contains(&goods) && dumped.contains(order));
    for text in ["Xyzzy", "58797a7a79"] {
        assert!(!dumped.contains(text), "a dump shows {text}");
    }

    for path in [&asked, &about_order] {
        eve.get(path).await.refused(404, "not_found");
        eve.get(&format!("{path}/messages")).await.refused(404, "not_found");
        eve.post(&format!("{path}/messages"), message("?")).await.refused(404, "not_found");
        eve.post(&format!("{path}/archive"), json!({})).await.refused(404, "not_found");
    }
    let strangers = json!({"order_id": order, "message": message("?")});
    eve.post("/v1/conversations", strangers).await.refused(404, "not_found");
    // Those who look after the platform are no parties either; what was reported moderators read, and that is written down.
    admin.get(&format!("/v1/admin/chat-reports/{}", id(&report))).await.ok()["messages"][0]["text"]
        .as_str()
        .filter(|text| text.contains("Xyzzy-3"))
        .unwrap();
    let reads = "SELECT count(*) FROM audit_entries WHERE action = 'chat.report_read'";
    until_sql(&market.db.pool, reads, 1).await;

    // The two texts change places.
    let (conversation, set) =
        (asked.rsplit('/').next().unwrap(), "UPDATE chat_messages AS m SET sealed = other.sealed");
    let swap = format!(
        "{set} FROM chat_messages AS other
         WHERE m.conversation_id = '{conversation}' AND other.conversation_id = m.conversation_id
           AND m.seq + other.seq = 3"
    );
    tamper(&market, &swap).await;
    let broken = bob.get(&format!("{asked}/messages")).await;
    assert_eq!((broken.status.as_u16(), broken.body["detail"].is_null()), (500, true), "{broken:?}");
    tamper(&market, &swap).await;
    assert_eq!(texts(&bob, &asked).await, ["Does it come with Xyzzy-1?", "Yes, and with Xyzzy-2.", ""]);
    market.close().await;
}

/// Messages arrive at once; whoever has missed some gets a snapshot; what nobody reads is told by one mail after 15 minutes, which does not
/// say what was written, and by no other one until somebody has read.
#[tokio::test(flavor = "multi_thread")]
async fn row_chat_is_live_a_gap_gets_a_snapshot_and_unread_is_mailed_once_after_15_minutes() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let goods = listed(&ann, "A console").await;
    let path = begun(&bob, json!({"listing_id": goods}), "Is it still there?").await;
    let topic = format!("conversation:{}", path.rsplit('/').next().unwrap());

    let mut anns = Socket::open(&market.base, &ann).await;
    let snapshot = anns.follow(&topic).await;
    assert_eq!((&snapshot["type"], &snapshot["seq"]), (&json!("snapshot"), &json!(1)), "{snapshot}");
    for seq in 2..=4 {
        write(&bob, &path, &format!("Message {seq}")).await;
        let heard = anns.until(|heard| heard["seq"] == seq).await;
        assert_eq!((&heard["type"], &heard["data"]["text"]), (&json!("message"), &json!(format!("Message {seq}"))));
    }
    // Away for a while: what was missed is in the snapshot.
    drop(anns);
    for seq in 5..=7 {
        write(&bob, &path, &format!("Message {seq}")).await;
    }
    let mut anns = Socket::open(&market.base, &ann).await;
    let snapshot = anns.follow(&topic).await;
    assert_eq!((&snapshot["type"], &snapshot["seq"]), (&json!("snapshot"), &json!(7)), "{snapshot}");
    let all: Vec<_> = snapshot["data"]["messages"].as_array().unwrap().iter().map(|one| one["seq"].clone()).collect();
    assert_eq!(all, (1..=7).map(|seq| json!(seq)).collect::<Vec<_>>());

    // A quarter of an hour later by the database's clock, as far as this conversation is concerned.
    let later = async || {
        let mut tx = market.db.pool.begin().await.unwrap();
        for sql in [
            "UPDATE conversation_parties SET unread_since = unread_since - interval '16 minutes'",
            "UPDATE jobs SET run_at = clock_timestamp() WHERE kind = 'chat.notify_unread' AND state = 'scheduled'",
        ] {
            sqlx::query(sql).execute(&mut *tx).await.unwrap();
        }
        tx.commit().await.unwrap();
        let open = "SELECT count(*) FROM jobs WHERE kind = 'chat.notify_unread' AND state < 'succeeded'";
        until_sql(&market.db.pool, open, 0).await;
        market.until_quiet().await;
    };
    let mails = || {
        let list = market.mail.list();
        list.iter().filter(|mail| mail.is_to(&ann.email) && mail.subject.contains("has written to you")).count()
    };
    assert_eq!(mails(), 0);
    later().await;
    let mail = market.mail_to(&ann.email, "Bob Ltd has written to you about A console").await;
    assert!(mail.contains("7 messages") && !mail.contains("Message 7"), "{mail}");
    assert_eq!(mails(), 1);
    // Nobody has read: another message is not told again.
    write(&bob, &path, "Message 8").await;
    later().await;
    assert_eq!(mails(), 1);
    let read = ann.put(&format!("{path}/read"), json!({"seq": 8})).await.ok();
    assert_eq!(read["unread"], 0);
    write(&bob, &path, "Message 9").await;
    later().await;
    assert_eq!(mails(), 2);
    // Whoever answers in time gets none.
    write(&ann, &path, "Yes.").await;
    let _ = bob.put(&format!("{path}/read"), json!({"seq": 10})).await.ok();
    later().await;
    assert!(!market.mail.list().iter().any(|mail| mail.is_to(&bob.email) && mail.subject.contains("has written")));
    market.close().await;
}

/// The conversations of an organisation, archived ones or the others.
async fn conversations(of: &Person, archived: bool) -> Vec<Value> {
    let page = of.get(&format!("/v1/conversations?archived={archived}")).await.ok();
    page["items"].as_array().unwrap().clone()
}

/// A seller sends a picture, which both parties get and nobody else. The buyer archives the conversation and brings it back, and a new
/// message does so too; then the buyer blocks the seller, who is refused wherever they write to them and reads why, until that is over.
#[tokio::test(flavor = "multi_thread")]
async fn row_chat_carries_pictures_is_archived_and_blocked() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let eve = market.trader(&admin, "Eve").await;
    let goods = listed(&ann, "A console").await;
    let path = begun(&bob, json!({"listing_id": goods}), "What does it look like?").await;
    let messages = format!("{path}/messages");

    let upload = send(&ann, "image/jpeg", "console.jpg", &std::fs::read(PHOTOGRAPH).unwrap()).await;
    let picture = ann.post(&format!("/v1/uploads/{upload}/complete"), json!({})).await.ok()["image"].clone();
    let carries = json!({"client_id": uuid::Uuid::now_v7(), "attachments": [{"image_id": picture}]});
    assert_eq!(ann.post(&messages, carries).await.ok()["attachments"][0]["image_id"], picture);
    let place = format!("{messages}/2/attachments/1");
    for party in [&ann, &bob] {
        let shown = party.until_that(&place, |shown| shown["picture"]["status"] == "ready").await;
        assert_eq!((&shown["picture"]["id"], shown["file"].is_null()), (&picture, true), "{shown}");
        let files = shown["picture"]["variants"].as_array().unwrap();
        let jpeg = files.iter().find(|file| file["format"] == "jpeg").unwrap();
        let answer = reqwest::get(jpeg["url"].as_str().unwrap()).await.unwrap();
        assert_eq!(answer.status().as_u16(), 200, "{jpeg}");
        let read = image::load_from_memory(&answer.bytes().await.unwrap()).unwrap();
        assert_eq!((json!(read.width()), json!(read.height())), (jpeg["width"].clone(), jpeg["height"].clone()));
    }
    let alone = format!("/v1/images/{}", picture.as_str().unwrap());
    for refused in [eve.get(&place).await, eve.get(&alone).await, bob.get(&alone).await] {
        refused.refused(404, "not_found");
    }
    market.get(&place).await.refused(401, "unauthenticated");

    // Archived for the buyer alone, until they bring it back, or until there is another message.
    for comes_back in ["unarchive", "message"] {
        assert_eq!(bob.post(&format!("{path}/archive"), json!({})).await.status, 204);
        assert!(conversations(&bob, false).await.is_empty(), "before {comes_back}");
        assert_eq!(conversations(&bob, true).await[0]["archived"], true);
        assert_eq!(conversations(&ann, false).await.len(), 1);
        if comes_back == "unarchive" {
            assert_eq!(bob.post(&format!("{path}/unarchive"), json!({})).await.status, 204);
        } else {
            write(&ann, &path, "It is as new.").await;
        }
        assert!(conversations(&bob, true).await.is_empty(), "after {comes_back}");
        assert_eq!(conversations(&bob, false).await[0]["archived"], false);
    }

    // In every conversation of the two.
    let bought = json!({"quantity": 1, "price": eur("100.00")});
    let bought = bob.post(&format!("/v1/listings/{goods}/buy"), bought).await.ok();
    let of_order = json!({"order_id": bought["orders"][0]["id"], "message": message("Thank you!")});
    assert_eq!(bob.post(&format!("{path}/block"), json!({})).await.status, 204);
    for refused in [ann.post(&messages, message("Hello?")).await, ann.post("/v1/conversations", of_order.clone()).await]
    {
        refused.refused(403, "blocked");
        assert_eq!(refused.body["detail"], "the other organisation takes no messages from yours", "{refused:?}");
    }
    assert_eq!(ann.get(&path).await.ok()["blocked_by_other"], true);
    assert_eq!(bob.get(&path).await.ok()["blocked"], true);
    bob.post(&messages, message("Hello!")).await.refused(409, "blocking");
    assert_eq!(texts(&bob, &path).await, ["What does it look like?", "", "It is as new."], "nothing has come");
    assert_eq!(bob.post(&format!("{path}/unblock"), json!({})).await.status, 204);
    write(&ann, &path, "Hello again.").await;
    assert_eq!(ann.post("/v1/conversations", of_order).await.status, 201);
    market.until_quiet().await;
    market.close().await;
}
