use market::payments::{Account, AccountState, Provider, ProviderRef};
use market::payouts::store;
use market::testing::{Trader, earn, eur, trader_as};
use serde_json::json;

use crate::routes::escrow::tests::TestSale;

#[tokio::test]
async fn an_owner_opens_one_payout_account_and_reads_what_is_paid_out() {
    let sale = TestSale::new().await;
    let (ann, bob) = (&sale.ann, &sale.bob);
    let opened = sale.api.post(Some(ann), "/v1/payout-accounts", json!({})).await;
    assert_eq!(opened.status, 202);
    assert!(opened.headers["link"].to_str().unwrap().ends_with("rel=\"monitor\""));
    let location = opened.headers["location"].to_str().unwrap().to_owned();
    assert_eq!(sale.jobs("payouts.account").await, 1);
    sale.api.post(Some(ann), "/v1/payout-accounts", json!({})).await.refused(409, "payout_account_exists");
    let own = json!({"account": "org_1"});
    let refused = sale.api.post(Some(ann), "/v1/payout-accounts", own).await.refused(422, "invalid_value");
    assert_eq!(refused.body["errors"][0]["pointer"], "/account", "the simulator opens accounts itself");
    sale.api.post(Some(ann), "/v1/payout-accounts", json!({"iban": "DE"})).await.refused(400, "invalid_body");
    let account = sale.api.get(Some(ann), &location).await.ok();
    assert_eq!((&account["status"], &account["provider"]), (&json!("pending"), &json!("simulator")));
    sale.api.get(Some(bob), &location).await.refused(404, "not_found");
    let listed = sale.api.get(Some(ann), "/v1/payout-accounts").await.ok();
    assert_eq!(listed["items"], json!([account]));
    assert_eq!(sale.api.get(Some(bob), "/v1/payout-accounts").await.ok()["items"], json!([]));

    // The provider opens it, and what is earned goes there.
    let mut conn = sale.api.db.pool.acquire().await.unwrap();
    let seller: Trader = sale.seller();
    let buyer = trader_as(&mut conn, "approved", &["buyer"]).await;
    earn(&mut conn, seller, buyer, eur(30_000)).await;
    let id = account["id"].as_str().unwrap().parse().unwrap();
    let active =
        Account { reference: ProviderRef("acct_1".to_owned()), state: AccountState::Active, requirements: Vec::new() };
    let mut tx = sale.api.state.ledger.begin().await.unwrap();
    store::settle_account(&mut tx, id, &active).await.unwrap();
    store::begin(&mut tx, seller.org, eur(0).currency(), Provider::Simulator).await.unwrap();
    tx.commit().await.unwrap();
    drop(conn);
    let payouts = sale.api.get(Some(ann), "/v1/payouts").await.ok();
    assert_eq!(payouts["items"].as_array().unwrap().len(), 1, "{payouts}");
    assert_eq!(payouts["items"][0]["status"], "intended");
    let balances = sale.api.get(Some(ann), "/v1/balances").await.ok();
    let payable = balances["items"].as_array().unwrap().iter().find(|balance| balance["kind"] == "payable").unwrap();
    assert_eq!(payable["amount"], payouts["items"][0]["amount"]);
    assert_eq!(sale.api.get(Some(bob), "/v1/payouts").await.ok()["items"], json!([]));
    sale.api.close().await;
}
