use serde_json::{Value, json};

use crate::routes::escrow::tests::TestSale;
use crate::testing::Person;

impl TestSale {
    /// An order of one unit that has arrived.
    async fn arrived() -> Self {
        let sale = Self::new().await;
        sale.paid().await;
        sale.act(&sale.ann, "ship").await.ok();
        sale.act(&sale.bob, "receive").await.ok();
        sale
    }

    fn returns(&self) -> String {
        format!("/v1/orders/{}/returns", self.order)
    }

    async fn step(&self, who: &Person, id: &str, act: &str, body: &Value) -> crate::testing::Answer {
        self.keyed(who, &format!("/v1/returns/{id}/{act}"), body).await
    }
}

fn one() -> Value {
    json!({"lines": [{"line": 1, "quantity": 1}], "reason": "damaged", "text": "A dent."})
}

#[tokio::test]
async fn a_return_goes_its_way_through_both_sides_and_everybody_hears_of_it() {
    let sale = TestSale::arrived().await;
    let made = sale.keyed(&sale.bob, &sale.returns(), &one()).await;
    assert_eq!((made.status.as_u16(), &made.body["status"]), (201, &json!("requested")));
    let id = made.body["id"].as_str().unwrap().to_owned();
    assert_eq!(made.headers["location"], format!("/v1/returns/{id}"));
    assert_eq!(sale.jobs("returns.lapse").await, 1);
    sale.keyed(&sale.bob, &sale.returns(), &one()).await.refused(409, "nothing_to_return");
    sale.step(&sale.bob, &id, "send", &json!({"tracking": "by hand"})).await.refused(409, "return_status");
    let approved = sale.step(&sale.ann, &id, "approve", &json!({"note": "Depot 3"})).await.ok();
    assert_eq!((&approved["status"], &approved["note"]), (&json!("approved"), &json!("Depot 3")));
    sale.step(&sale.ann, &id, "refuse", &json!({"reason": "no"})).await.refused(409, "return_status");
    let sent = sale.step(&sale.bob, &id, "send", &json!({"tracking": " by hand "})).await.ok();
    assert_eq!((&sent["status"], &sent["tracking"]), (&json!("in_transit"), &json!("by hand")));
    let arrived = json!({"lines": [{"line": 1, "disposition": "quarantine"}]});
    let received = sale.step(&sale.ann, &id, "receive", &arrived).await.ok();
    let hundred = json!({"amount": "100.00", "currency": "EUR"});
    assert_eq!((&received["status"], &received["refunded"]), (&json!("refunded"), &hundred));
    assert_eq!(received["lines"][0]["restocked"], false, "there is no stock book");
    assert!(received.get("due_at").is_none() && received.get("received_by_time").is_none(), "{received}");
    assert_eq!((sale.jobs("payments.refund").await, &sale.escrow().await["status"]), (1, &json!("refunded")));
    sale.step(&sale.ann, &id, "receive", &arrived).await.refused(409, "return_status");
    for (template, count) in
        [("return_requested", 1), ("return_approved", 1), ("return_sent", 1), ("return_received", 1)]
    {
        let sql = "SELECT count(*) FROM emails WHERE template = $1";
        let posted: i64 = sqlx::query_scalar(sql).bind(template).fetch_one(&sale.api.db.pool).await.unwrap();
        assert_eq!(posted, count, "{template}");
    }

    // Both sides read it, nobody else does; lists are of what the organisation sells.
    let path = format!("/v1/returns/{id}");
    for who in [&sale.ann, &sale.bob] {
        assert_eq!(sale.api.get(Some(who), &path).await.ok()["id"], id.as_str());
        assert_eq!(sale.api.get(Some(who), &sale.returns()).await.ok()["items"].as_array().unwrap().len(), 1);
    }
    sale.api.get(Some(&sale.eve), &path).await.refused(404, "not_found");
    sale.api.get(Some(&sale.eve), &sale.returns()).await.refused(404, "not_found");
    for (who, query, count) in [
        (&sale.ann, "", 1),
        (&sale.ann, "?status=refunded", 1),
        (&sale.ann, "?status=requested", 0),
        (&sale.bob, "", 0),
    ] {
        let page = sale.api.get(Some(who), &format!("/v1/returns{query}")).await.ok();
        assert_eq!(page["items"].as_array().unwrap().len(), count, "{query}");
    }
    sale.api.get(Some(&sale.ann), "/v1/returns?status=lost").await.refused(400, "invalid_query");
    sale.api.close().await;
}

#[tokio::test]
async fn a_request_that_is_not_possible_says_what_is_wrong_and_where() {
    let sale = TestSale::new().await;
    sale.keyed(&sale.bob, &sale.returns(), &one()).await.refused(409, "not_paid");
    sale.paid().await;
    sale.keyed(&sale.bob, &sale.returns(), &one()).await.refused(409, "not_delivered");
    sale.act(&sale.ann, "ship").await.ok();
    sale.act(&sale.bob, "receive").await.ok();
    sale.keyed(&sale.ann, &sale.returns(), &one()).await.refused(404, "not_found");
    let body = |lines: Value| json!({"lines": lines, "reason": "other"});
    for (lines, pointer) in [
        (json!([]), "/lines"),
        (json!([{"line": 2, "quantity": 1}]), "/lines/0/line"),
        (json!([{"line": 1, "quantity": 1}, {"line": 1, "quantity": 1}]), "/lines/1/line"),
        (json!([{"line": 1, "quantity": 2}]), "/lines/0/quantity"),
        (json!([{"line": 1, "quantity": 0}]), "/lines/0/quantity"),
    ] {
        let answer = sale.keyed(&sale.bob, &sale.returns(), &body(lines.clone())).await;
        let answer = answer.refused(422, "invalid_value");
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{lines}");
    }
    for text in ["", " \n", &"x".repeat(1_001)] {
        let mut request = one();
        request["text"] = json!(text);
        let answer = sale.keyed(&sale.bob, &sale.returns(), &request).await;
        let answer = answer.refused(422, "invalid_value");
        assert_eq!(answer.body["errors"][0]["pointer"], "/text");
    }
    sale.keyed(&sale.bob, &sale.returns(), &json!({"lines": [], "reason": "mood"})).await.refused(400, "invalid_body");
    let id = sale.keyed(&sale.bob, &sale.returns(), &one()).await.ok()["id"].as_str().unwrap().to_owned();
    sale.step(&sale.ann, &id, "approve", &json!({"note": ""})).await.refused(422, "invalid_value");
    sale.step(&sale.ann, &id, "refuse", &json!({"reason": " "})).await.refused(422, "reason_length");
    sale.step(&sale.ann, &id, "approve", &json!({})).await.ok();
    sale.step(&sale.bob, &id, "send", &json!({"tracking": ""})).await.refused(422, "invalid_value");
    for (lines, pointer) in [
        (json!([]), "/lines"),
        (json!([{"line": 7, "disposition": "on_hand"}]), "/lines/0/line"),
        (json!([{"line": 1, "disposition": "on_hand"}, {"line": 1, "disposition": "quarantine"}]), "/lines/1/line"),
    ] {
        let answer = sale.step(&sale.ann, &id, "receive", &json!({"lines": lines})).await;
        let answer = answer.refused(422, "invalid_value");
        assert_eq!(answer.body["errors"][0]["pointer"], pointer, "{lines}");
    }
    // A dispute comes first.
    let complaint = json!({"reason": "damaged", "text": "A dent."});
    sale.keyed(&sale.bob, &format!("/v1/orders/{}/disputes", sale.order), &complaint).await.ok();
    sale.step(&sale.bob, &id, "cancel", &json!({})).await.refused(409, "escrow_frozen");
    sale.keyed(&sale.bob, &sale.returns(), &one()).await.refused(409, "escrow_frozen");
    sale.api.close().await;
}
