use serde_json::{Value, json};
use sinks::payments::Fault;
use tests::installation::TestInstallation;
use tests::installation::people::{eur, id};

/// A buyer finds fault with what was delivered: nothing of what is held moves for anybody, however often its time comes, until finance
/// decides that a part goes back. The platform's commission is that of what the seller keeps; of a second part, which goes back when the
/// seller has the money, it comes back as well. Each part goes back once though answers are lost, and the books sum to zero all along.
#[tokio::test(flavor = "multi_thread")]
async fn row_a_dispute_freezes_what_is_held_until_an_admin_gives_a_part_back() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let (ann, bob) = (market.trader(&admin, "Ann").await, market.trader(&admin, "Bob").await);
    let eve = market.trader(&admin, "Eve").await;
    let listing = ann.lists(json!({"sale_mode": "fixed", "price": eur("100.00"), "quantity": 5})).await;
    let order = bob.buys(&listing, 2, eur("100.00")).await;
    ann.does(&order, &["ship"]).await;
    bob.does(&order, &["receive"]).await;
    let path = |what: &str| format!("/v1/orders/{order}/{what}");

    let damaged = json!({"reason": "damaged", "text": "One has a dent as big as a fist."});
    for stranger in [&ann, &eve] {
        stranger.post(&path("disputes"), damaged.clone()).await.refused(404, "not_found");
    }
    let dispute = id(&bob.post(&path("disputes"), damaged.clone()).await.ok());
    bob.post(&path("disputes"), damaged).await.refused(409, "escrow_frozen");
    for person in [&ann, &bob] {
        market.mail_to(&person.email, "Dispute: “A console”").await;
    }
    eve.get(&format!("/v1/disputes/{dispute}")).await.refused(404, "not_found");

    // Neither party moves it, nor does the time of inspection.
    bob.post(&path("accept"), json!({})).await.refused(409, "escrow_frozen");
    let part = |amount: &str| json!({"amount": eur(amount), "reason": "One has a dent."});
    ann.post(&path("refunds"), part("10.00")).await.refused(409, "escrow_frozen");
    admin.post(&format!("/v1/admin/orders/{order}/refunds"), part("10.00")).await.refused(409, "escrow_frozen");
    let timer = &admin.get("/v1/jobs?kind=escrow.release").await.ok()["items"][0];
    let _ = admin.post(&format!("/v1/jobs/{}/run-now", timer["id"]), json!({})).await.ok();
    market.until_quiet().await;
    assert_eq!(bob.get(&path("escrow")).await.ok()["status"], "frozen");
    assert_eq!(bob.get(&format!("/v1/orders/{order}")).await.ok()["status"], "disputed");
    let books = async || {
        assert_eq!(market.imbalance().await, 0);
        [market.booked("cash").await, market.booked("receivable").await, market.booked("commission").await]
    };
    assert_eq!((books().await, market.booked("held").await), ([-20_000, 0, 0], 20_000));

    let resolve = format!("/v1/admin/disputes/{dispute}/resolve");
    ann.post(&resolve, part("60.00")).await.refused(403, "role_too_low");
    admin.post(&resolve, part("200.01")).await.refused(422, "invalid_value");
    market.payments.inject(Fault::LoseReplies { times: 1 });
    market.payments.inject(Fault::RepeatWebhooks { times: 2 });
    assert_eq!(admin.post(&resolve, part("60.00")).await.ok()["status"], "split");
    admin.post(&resolve, part("60.00")).await.refused(409, "dispute_ended");
    let refunds_are_done = async |count: usize| {
        let done = |read: &Value| {
            let items = read["items"].as_array().map(Vec::as_slice).unwrap_or_default();
            items.len() == count && items.iter().all(|refund| refund["status"] == "done")
        };
        bob.until_that(&path("refunds"), done).await
    };
    refunds_are_done(1).await;
    let escrow = bob.get(&path("escrow")).await.ok();
    assert_eq!(
        (&escrow["status"], &escrow["released"], &escrow["refunded"]),
        (&json!("partly"), &eur("140.00"), &eur("60.00"))
    );
    market.until_quiet().await;
    assert_eq!((books().await, market.booked("held").await), ([-14_000, 13_300, 700], 0));
    assert_eq!(market.payments.disbursements(), 1, "the provider has given it back once, too");

    // The seller has the rest, and the platform gives a part of it back.
    let back = format!("/v1/admin/orders/{order}/refunds");
    admin.post(&back, part("140.01")).await.refused(422, "invalid_value");
    market.payments.inject(Fault::LoseReplies { times: 1 });
    let _ = admin.post(&back, part("40.00")).await.ok();
    refunds_are_done(2).await;
    market.until_quiet().await;
    assert_eq!(books().await, [-10_000, 9_500, 500]);
    assert_eq!(market.payments.disbursements(), 2);

    let documents = bob.get(&path("invoices")).await.ok();
    let documents = documents["items"].as_array().unwrap();
    let issued: Vec<_> = documents.iter().map(|one| (&one["kind"], &one["gross"])).collect();
    let [invoice, note] = [json!("invoice"), json!("credit_note")];
    assert_eq!(issued, [(&invoice, &eur("200.00")), (&note, &eur("60.00")), (&note, &eur("40.00"))]);
    for person in [&ann, &bob] {
        market.mail_to(&person.email, "Dispute decided: “A console”").await;
        assert_eq!(market.mails(person, "Dispute: “A console”"), 1);
        assert_eq!(market.mails(person, "Dispute decided"), 1);
    }
    assert_eq!(market.mails(&bob, "Refund: “A console”"), 2);
    market.close().await;
}
