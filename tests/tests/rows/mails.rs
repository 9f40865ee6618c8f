#![expect(clippy::expect_used, clippy::unwrap_used, reason = "a test without its data ends here")]

use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur};
use tests::until::until_sql;

use crate::watches::offered;

/// A header of the newest mail to this address with this in its subject.
pub(crate) async fn header(market: &TestInstallation, to: &Person, subject: &str, name: &str) -> Option<String> {
    let found = market.mail.list().into_iter().find(|one| one.is_to(&to.email) && one.subject.contains(subject));
    let raw = market.mail.raw(found.expect("a mail").id).await.unwrap().expect("a file");
    let raw = String::from_utf8(raw).unwrap().replace("\r\n ", " ");
    let head = raw.split("\r\n\r\n").next().unwrap();
    head.lines().find_map(|line| line.strip_prefix(&format!("{name}: "))).map(str::to_owned)
}

/// Somebody reads German: mails come in it, with amounts and dates as they are written in Austria. One kind of mail is ended with one
/// click, by whoever has its link and without logging in; the others go on, and it begins again when its reader says so.
#[tokio::test(flavor = "multi_thread")]
async fn row_mails_in_the_readers_language_and_ended_with_one_click() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let ann = market.trader(&admin, "Ann").await;
    let bob = market.trader(&admin, "Bob").await;
    bob.patch("/v1/me", json!({"locale": "fr"})).await.refused(400, "invalid_body");
    let me = bob.patch("/v1/me", json!({"locale": "de-AT", "time_zone": "Europe/Vienna"})).await.ok();
    assert_eq!(me["locale"], "de-AT");

    let goods = offered(&ann, "Konsole", "fixed").await;
    assert_eq!(bob.put(&format!("/v1/listings/{goods}/watch"), json!({})).await.status, 204);
    let price = async |amount: &str| {
        let _ = ann.put(&format!("/v1/listings/{goods}/price"), json!({"price": eur(amount)})).await.ok();
    };
    price("90.50").await;
    let mail = market.mail_to(&bob.email, "Jetzt 90,50 EUR: Konsole").await;
    assert!(mail.contains("Preis vorher: 100,00 EUR") && mail.contains("Guten Tag Bob,"), "{mail}");
    assert_eq!(header(&market, &bob, "Jetzt", "Content-Language").await.as_deref(), Some("de"));

    // The link of the mail and the one that mail programs use are the same. Looking at it ends nothing.
    let url = mail.lines().find_map(|line| line.strip_prefix("Abbestellen: ")).expect("a link").to_owned();
    let listed = header(&market, &bob, "Jetzt", "List-Unsubscribe").await;
    assert_eq!(listed, Some(format!("<{url}>")));
    let how = header(&market, &bob, "Jetzt", "List-Unsubscribe-Post").await;
    assert_eq!(how.as_deref(), Some("List-Unsubscribe=One-Click"));
    let path = url.strip_prefix(&market.base).expect("a page of ours");
    let page = market.get(path).await.ok();
    assert!(page.as_str().unwrap().contains("beobachtete Angebote"), "{page}");
    let all = json!({"auction_reminders": true, "watches": true, "saved_searches": true, "stock": true,
        "reports": true, "reviews": true});
    let mut wanted = all.clone();
    wanted["notices"] = all;
    assert_eq!(bob.get("/v1/me/notifications").await.ok(), wanted);
    assert_eq!(market.get(&format!("{path}x")).await.status, 422);

    for _ in 0..2 {
        let done = market.post_form(path, "List-Unsubscribe=One-Click").await;
        assert_eq!(done.status, 200, "{done:?}");
    }
    assert_eq!(bob.get("/v1/me/notifications").await.ok()["watches"], json!(false));
    price("80.00").await;
    let unwanted = "SELECT count(*) FROM emails WHERE template = 'price_fell' AND status = 'unwanted' AND attempts = 0";
    until_sql(&market.db.pool, unwanted, 1).await;

    // What is about an own order has no such link, and comes.
    let line = json!({"listing": goods, "quantity": 1, "price": eur("80.00")});
    let _ = bob.post("/v1/checkouts", json!({"lines": [line]})).await.ok();
    let mail = market.mail_to(&bob.email, "Ihre Bestellung: „Konsole“").await;
    assert!(mail.contains("(Europe/Vienna)") && !mail.contains("/unsubscribe"), "{mail}");
    assert_eq!(header(&market, &bob, "Ihre Bestellung", "List-Unsubscribe").await, None);
    market.mail_to(&ann.email, "New order: “Konsole”").await;

    let again = bob.patch("/v1/me/notifications", json!({"watches": true})).await.ok();
    assert_eq!(again, wanted);
    assert_eq!(bob.patch("/v1/me/notifications", json!({"orders": false})).await.body["code"], json!("invalid_body"));
    assert_ne!(Value::Null, again["watches"]);
    market.close().await;
}
