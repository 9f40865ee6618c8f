use jobs::papers::PrintPaper;
use queue::testing::enqueued;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::routes::escrow::tests::TestSale;
use crate::testing::{Answer, Person};

async fn ask(sale: &TestSale, who: &Person, kind: &str, about: &Value) -> Answer {
    sale.keyed(who, "/v1/papers", &json!({"kind": kind, "about": about})).await
}

#[tokio::test]
async fn papers_are_for_the_side_that_works_with_them() {
    let sale = TestSale::new().await;
    let (api, ann, bob, eve) = (&sale.api, &sale.ann, &sale.bob, &sale.eve);
    let order = json!(sale.order);
    ask(&sale, ann, "picking_list", &order).await.refused(409, "order_status");
    sale.paid().await;
    for stranger in [bob, eve] {
        ask(&sale, stranger, "picking_list", &order).await.refused(404, "not_found");
    }
    let asked = ask(&sale, ann, "picking_list", &order).await;
    assert_eq!((asked.status.as_u16(), &asked.body["status"], &asked.body["about"]), (202, &json!("queued"), &order));
    let paper = asked.headers["location"].to_str().unwrap().to_owned();
    assert_eq!(api.get(Some(ann), &paper).await.ok()["status"], "queued");
    for stranger in [bob, eve] {
        api.get(Some(stranger), &paper).await.refused(404, "not_found");
    }

    let shipment =
        json!({"order_id": sale.order, "to_address": "The Moon", "lines": [{"order_line": 1, "quantity": 1}]});
    let shipment = sale.keyed(ann, "/v1/shipments", &shipment).await.ok();
    for kind in ["shipping_label", "waste_movement"] {
        ask(&sale, bob, kind, &shipment["id"]).await.refused(404, "not_found");
    }
    assert_eq!(ask(&sale, ann, "shipping_label", &shipment["id"]).await.status, 202);
    ask(&sale, ann, "waste_movement", &shipment["id"]).await.refused(409, "no_waste");
    let cancel = format!("/v1/shipments/{}/cancel", shipment["tracking"].as_str().unwrap());
    api.post(Some(ann), &cancel, json!({})).await.ok();
    ask(&sale, ann, "shipping_label", &shipment["id"]).await.refused(409, "shipment_status");
    for kind in ["picking_list", "shipping_label", "waste_movement", "release_pass"] {
        ask(&sale, ann, kind, &json!(Uuid::nil())).await.refused(404, "not_found");
    }
    assert_eq!(enqueued::<PrintPaper>(&api.db.pool).await.len(), 2);
    sale.api.close().await;
}
