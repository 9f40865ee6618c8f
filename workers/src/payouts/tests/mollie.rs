//! Against Mollie's server: sellers have an account there, and are paid out of it by Mollie itself.

use std::sync::Arc;
use std::time::Duration;

use market::payments::{CaptureMode, Charge};
use market::testing::earn;
use sinks::mollie::{self, Mollie, Onboarding, PAYING};
use tokio_util::sync::{CancellationToken, DropGuard};
use url::Url;

use super::*;
use crate::payments::gateway::{Addresses, Gateway, MollieGateway};

/// A seller who has earned something, which lies at Mollie.
struct TestMollie {
    seller: TestSeller,
    server: Mollie,
    _stop: DropGuard,
}

impl TestMollie {
    async fn new() -> Self {
        let stop = CancellationToken::new();
        let options = mollie::Options {
            addr: ([127, 0, 0, 1], 0).into(),
            key: "test_key".into(),
            token: "access_token".into(),
            webhook_key: "webhooks".into(),
            webhook_url: None,
        };
        let server = Mollie::start(options, stop.clone()).await.unwrap();
        let base = Url::parse(&format!("http://{}", server.addr())).unwrap();
        let addresses = Addresses { back: base.clone(), webhooks: None };
        let keys = "test_key,access_token".into();
        let gateway = MollieGateway::with_patience(base, &keys, addresses, Duration::from_secs(2)).unwrap();
        let charge = Charge {
            amount: eur(20_000),
            capture: CaptureMode::Automatic,
            method: PAYING.to_owned(),
            reference: "a sale".to_owned(),
        };
        gateway.charge("a", &charge).await.unwrap();
        let workers = TestWorkers::paying_through(handlers(), Arc::new(gateway)).await;
        let mut conn = workers.db.pool.acquire().await.unwrap();
        let (seller, buyer) = (trader(&mut conn).await, trader(&mut conn).await);
        earn(&mut conn, seller, buyer, eur(20_000)).await;
        drop(conn);
        Self { seller: TestSeller { workers, seller }, server, _stop: stop.drop_guard() }
    }

    /// Names an account, as a seller does through the API.
    async fn name(&self, seller: Trader, own: &str) -> PayoutAccountId {
        let own = ProviderRef(own.to_owned());
        let mut tx = self.seller.workers.ledger.begin().await.unwrap();
        let account = store::open(&mut tx, seller.org, seller.user, Provider::Mollie, Some(&own)).await.unwrap().id;
        let _ = tx.enqueue(&CheckPayoutAccount { account }).await.unwrap();
        tx.commit().await.unwrap();
        account
    }

    async fn failure(&self, of: PayoutAccountId) -> Option<String> {
        let sql = "SELECT failure FROM payout_accounts WHERE id = $1 AND status = 'closed'";
        sqlx::query_scalar(sql).bind(of.0).fetch_one(&self.seller.workers.db.pool).await.unwrap()
    }
}

#[tokio::test]
async fn where_the_provider_pays_out_by_itself_a_payout_is_paid_when_the_account_has_it() {
    let test = TestMollie::new().await;
    let seller = &test.seller;
    let (earned, _) = seller.books().await;
    let organisation = test.server.connect();
    let account = test.name(seller.seller, &organisation).await;
    seller.run(1).await;
    assert_eq!(seller.status().await, PayoutAccountStatus::Pending);
    assert!(test.server.set_account(&organisation, Onboarding::Completed));
    let _ = seller.workers.ledger.enqueue(&CheckPayoutAccount { account }).await.unwrap();
    seller.run(1).await;
    assert_eq!(seller.status().await, PayoutAccountStatus::Active);
    test.server.inject(Fault::LoseReplies { times: 1 });
    seller.make_payouts().await;
    seller.run(1).await;
    assert_eq!(seller.payouts().await[0].status, PayoutStatus::Intended, "nobody knows");
    seller.run(4).await;
    let paid = seller.payouts().await;
    assert_eq!((paid.len(), paid[0].status, paid[0].amount), (1, PayoutStatus::Paid, eur(earned)));
    assert_eq!(test.server.disbursements(), 1, "one transfer, and no payout");
    assert_eq!(seller.books().await.0, 0);
    test.seller.workers.close().await;
}

#[tokio::test]
async fn an_account_is_one_sellers_and_connected() {
    let test = TestMollie::new().await;
    let mut conn = test.seller.workers.db.pool.acquire().await.unwrap();
    let other = trader(&mut conn).await;
    drop(conn);
    let organisation = test.server.connect();
    test.name(test.seller.seller, &organisation).await;
    test.seller.run(1).await;
    let taken = test.name(other, &organisation).await;
    test.seller.run(1).await;
    assert_eq!(test.failure(taken).await.as_deref(), Some("account_taken"));
    let unknown = test.name(other, "org_0").await;
    test.seller.run(1).await;
    assert_eq!(test.failure(unknown).await.as_deref(), Some("account_not_connected"));
    assert_eq!(test.seller.status().await, PayoutAccountStatus::Pending);
    test.seller.workers.close().await;
}
