use jobs::invoices::RenderInvoice;
use market::identity::PlatformRole;
use market::invoices::model::{InvoiceFile, InvoiceOf};
use market::invoices::store::{self, NewFile};
use queue::testing::assert_enqueued;
use serde_json::json;

use crate::routes::escrow::tests::TestSale;

#[tokio::test]
async fn both_parties_read_the_invoice_and_the_credit_notes_of_what_was_paid() {
    let sale = TestSale::new().await;
    let (api, ann, bob, eve) = (&sale.api, &sale.ann, &sale.bob, &sale.eve);
    let of_order = format!("/v1/orders/{}/invoices", sale.order);
    assert_eq!(api.get(Some(ann), &of_order).await.ok()["items"], json!([]), "nobody has paid");
    sale.paid().await;
    let back = json!({"amount": {"amount": "10.00", "currency": "EUR"}, "reason": "scratched"});
    sale.keyed(ann, &format!("/v1/orders/{}/refunds", sale.order), &back).await.ok();
    let documents = api.get(Some(bob), &of_order).await.ok();
    assert_eq!(documents, api.get(Some(ann), &of_order).await.ok());
    let kinds: Vec<_> = documents["items"].as_array().unwrap().iter().map(|it| it["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["invoice", "credit_note"]);
    let (invoice, credit) = (&documents["items"][0], &documents["items"][1]);
    assert_eq!((&invoice["number"], &invoice["gross"]["amount"]), (&json!(1), &json!("100.00")));
    assert_eq!((&credit["refers_to"], &credit["gross"]["amount"]), (&invoice["id"], &json!("10.00")));
    assert_eq!((&invoice["seller"]["name"], &invoice["buyer"]["name"]), (&json!("Ann Farm"), &json!("Bob Farm")));
    let one = format!("/v1/invoices/{}", invoice["id"].as_str().unwrap());
    for person in [ann, bob] {
        assert_eq!(api.get(Some(person), &one).await.ok(), *invoice);
    }
    api.get(Some(eve), &one).await.refused(404, "not_found");

    // Whoever may not read it does not hear whether it is printed.
    let file = format!("{one}/file");
    api.get(Some(eve), &file).await.refused(404, "not_found");
    api.get(Some(ann), &file).await.refused(409, "not_printed");
    let mut conn = api.state.db.acquire().await.unwrap();
    let id = invoice["id"].as_str().unwrap().parse().unwrap();
    let key = InvoiceFile::key(id);
    let new = NewFile { invoice: id, object_key: &key, bytes: 9, sha256: [1; 32], lacks: None };
    assert!(store::keep_file(&mut conn, new).await.unwrap());
    assert!(!store::keep_file(&mut conn, NewFile { bytes: 8, ..new }).await.unwrap(), "it stays as it is");
    drop(conn);
    let finance = api.staff(PlatformRole::Finance).await;
    for person in [ann, bob, &finance] {
        let found = api.get(Some(person), &file).await.ok();
        assert_eq!(found["file_name"], format!("invoice-{}.pdf", invoice["reference"].as_str().unwrap()));
        assert!(found["url"].as_str().unwrap().contains(&key), "{found}");
    }
    api.get(Some(eve), &file).await.refused(404, "not_found");
    assert_enqueued::<RenderInvoice>(&api.db.pool, |job| matches!(job.of, InvoiceOf::Refund(_))).await;
    api.get(Some(eve), &of_order).await.refused(404, "not_found");
    for (person, side, count) in [(ann, "seller", 2), (ann, "buyer", 0), (bob, "buyer", 2), (eve, "buyer", 0)] {
        let listed = api.get(Some(person), &format!("/v1/invoices?side={side}")).await.ok();
        assert_eq!(listed["items"].as_array().unwrap().len(), count, "{side}");
    }
    let page = api.get(Some(ann), "/v1/invoices?side=seller&limit=1").await.ok();
    assert_eq!(page["items"], json!([credit]));
    let next = page["next"].as_str().unwrap();
    let page = api.get(Some(ann), &format!("/v1/invoices?side=seller&limit=1&after={next}")).await.ok();
    assert_eq!(page["items"], json!([invoice]));
    sale.api.close().await;
}
