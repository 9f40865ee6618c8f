use market::identity::PlatformRole;
use serde_json::json;

use crate::routes::escrow::tests::TestSale;

#[tokio::test]
async fn a_dispute_freezes_and_is_decided_by_finance_once() {
    let sale = TestSale::new().await;
    let finance = sale.api.staff(PlatformRole::Finance).await;
    let path = format!("/v1/orders/{}/disputes", sale.order);
    let damaged = json!({"reason": "damaged", "text": "A dent as big as a fist."});
    sale.keyed(&sale.bob, &path, &damaged).await.refused(409, "not_paid");
    sale.paid().await;
    sale.keyed(&sale.ann, &path, &damaged).await.refused(404, "not_found");
    sale.keyed(&sale.bob, &path, &json!({"reason": "damaged", "text": " "})).await.refused(422, "invalid_value");
    sale.keyed(&sale.bob, &path, &json!({"reason": "mood", "text": "no"})).await.refused(400, "invalid_body");

    // The buyer withdraws one, and opens another.
    let opened = sale.keyed(&sale.bob, &path, &damaged).await.ok();
    let first = format!("/v1/disputes/{}", opened["id"].as_str().unwrap());
    sale.keyed(&sale.bob, &path, &damaged).await.refused(409, "escrow_frozen");
    assert_eq!(sale.escrow().await["status"], "frozen");
    sale.act(&sale.ann, "ship").await.refused(409, "order_status");
    sale.api.post(Some(&sale.ann), &format!("{first}/withdraw"), json!({})).await.refused(404, "not_found");
    assert_eq!(
        sale.api.post(Some(&sale.bob), &format!("{first}/withdraw"), json!({})).await.ok()["status"],
        "withdrawn"
    );
    sale.api.post(Some(&sale.bob), &format!("{first}/withdraw"), json!({})).await.refused(409, "dispute_ended");
    assert_eq!(sale.escrow().await["status"], "held");
    let opened = sale.keyed(&sale.bob, &path, &damaged).await.ok();
    let id = opened["id"].as_str().unwrap();

    // Both parties see both of them, others none; finance sees all.
    for party in [&sale.ann, &sale.bob] {
        assert_eq!(sale.api.get(Some(party), "/v1/disputes").await.ok()["items"].as_array().unwrap().len(), 2);
        assert_eq!(sale.api.get(Some(party), "/v1/disputes?open=true").await.ok()["items"][0]["id"], id);
        assert_eq!(sale.api.get(Some(party), &first).await.ok()["text"], "A dent as big as a fist.");
    }
    assert_eq!(sale.api.get(Some(&sale.eve), "/v1/disputes").await.ok()["items"], json!([]));
    sale.api.get(Some(&sale.eve), &first).await.refused(404, "not_found");
    assert_eq!(sale.api.get(Some(&finance), "/v1/admin/disputes?open=true").await.ok()["items"][0]["id"], id);

    let resolve = format!("/v1/admin/disputes/{id}/resolve");
    let decide =
        |amount: &str| json!({"amount": {"amount": amount, "currency": "EUR"}, "reason": "Seen on the pictures."});
    sale.api.post(Some(&sale.bob), &resolve, decide("100.00")).await.refused(403, "role_too_low");
    sale.api.post(Some(&finance), &resolve, decide("100.01")).await.refused(422, "invalid_value");
    let decided = sale.api.post(Some(&finance), &resolve, decide("30.00")).await.ok();
    assert_eq!((&decided["status"], &decided["note"]), (&json!("split"), &json!("Seen on the pictures.")));
    sale.api.post(Some(&finance), &resolve, decide("30.00")).await.refused(409, "dispute_ended");
    let escrow = sale.escrow().await;
    assert_eq!(
        (&escrow["status"], &escrow["released"]["amount"], &escrow["refunded"]["amount"]),
        (&json!("partly"), &json!("70.00"), &json!("30.00"))
    );
    sale.api.close().await;
}
