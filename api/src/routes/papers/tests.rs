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

#[tokio::test]
async fn what_is_stated_of_waste_is_refused_with_its_field() {
    let sale = TestSale::new().await;
    let (api, ann) = (&sale.api, &sale.ann);
    let ask = async |kind: &str, waste: Value| {
        let asked = json!({"kind": kind, "about": Uuid::nil(), "waste": waste});
        sale.keyed(ann, "/v1/papers", &asked).await
    };
    let carrier = |on: &str| json!({"name": "Hansa", "address": "Kai 1", "transferred_on": on});
    let carriers = json!([carrier("2026-12-02"), carrier("2026-12-01")]);
    for (waste, field) in [
        (json!({"operation": "R14"}), "/waste/operation"),
        (json!({"basel_code": "A1010"}), "/waste/basel_code"),
        (json!({"oecd_code": "AC010"}), "/waste/oecd_code"),
        (json!({"national_code": "\u{200b}"}), "/waste/national_code"),
        (json!({"facility": {"name": "", "address": "Kai 1", "country": "DE"}}), "/waste/facility/name"),
        (json!({"transit": ["DK", "DK"]}), "/waste/transit/1"),
        (json!({"carriers": carriers}), "/waste/carriers/1/transferred_on"),
    ] {
        let refused = ask("waste_movement", waste).await;
        assert_eq!((refused.status.as_u16(), &refused.body["code"]), (422, &json!("invalid_value")), "{refused:?}");
        assert_eq!(refused.body["errors"][0]["pointer"], field);
    }
    // What is no country, day or field at all is seen when the body is read.
    for (waste, field) in [
        (json!({"transit": ["DK", "XX"]}), "/waste/transit/1"),
        (json!({"carriers": [carrier("2026-02-30")]}), "/waste/carriers/0/transferred_on"),
        (json!({"facility": {"name": "A\u{1}", "address": "Kai 1", "country": "DE"}}), "/waste/facility/name"),
    ] {
        let refused = ask("waste_movement", waste).await;
        assert_eq!((refused.status.as_u16(), &refused.body["errors"][0]["pointer"]), (400, &json!(field)));
    }
    let refused = ask("picking_list", json!({})).await;
    assert_eq!((refused.status.as_u16(), &refused.body["errors"][0]["pointer"]), (422, &json!("/waste")));
    // All of it is right; there is no such shipment.
    ask("waste_movement", json!({"operation": "R3"})).await.refused(404, "not_found");
    assert!(enqueued::<PrintPaper>(&api.db.pool).await.is_empty());
    sale.api.close().await;
}
