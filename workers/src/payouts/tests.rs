//! Against the payment simulator, over HTTP.

use chrono::TimeDelta;
use jobs::emails::SendEmail;
use jobs::escrow::{ApplyWebhook, Charge, NotifyOrder};
use jobs::invoices::RenderInvoice;
use jobs::payouts::{CheckPayoutAccount, MakePayouts, SendPayout, SweepPayouts};
use market::checkout::model::CheckoutLine;
use market::checkout::store as checkouts;
use market::escrow::store::{self as escrow, NewWebhook};
use market::ids::PayoutAccountId;
use market::listings::model::SaleMode;
use market::payments::rules::notice::{Notice, Topic};
use market::payments::{Provider, ProviderRef};
use market::payouts::model::{Payout, PayoutAccountStatus, PayoutStatus};
use market::payouts::store::{self, PayoutFilter};
use market::testing::{Trader, eur, listing, trader};
use queue::Job;
use queue::testing::rows;
use queue::worker::Handlers;
use sinks::payments::Fault;
use sinks::simulator::AccountState;
use sqlx::Connection;

use crate::Services;
use crate::testing::TestWorkers;
use crate::testing::provider::TestProvider;

mod mollie;

fn handlers() -> Handlers<Services> {
    Handlers::default()
        .with::<Charge>()
        .with::<ApplyWebhook>()
        .with::<CheckPayoutAccount>()
        .with::<MakePayouts>()
        .with::<SendPayout>()
        .with::<SweepPayouts>()
        .with::<NotifyOrder>()
        .with::<RenderInvoice>()
        .with::<SendEmail>()
}

/// A seller who has earned something, which lies at the provider.
struct TestSeller {
    workers: TestWorkers,
    seller: Trader,
}

impl TestSeller {
    async fn new() -> Self {
        Self::at(TestWorkers::new(handlers()).await).await
    }

    async fn at(workers: TestWorkers) -> Self {
        let mut conn = workers.db.pool.acquire().await.unwrap();
        let seller = trader(&mut conn).await;
        drop(conn);
        let seller = Self { workers, seller };
        seller.earn().await;
        seller
    }

    /// Sells something for 200 euros, up to the buyer's acceptance.
    async fn earn(&self) {
        let mut conn = self.workers.db.pool.acquire().await.unwrap();
        let (seller, buyer) = (self.seller, trader(&mut conn).await);
        let listing = listing(&mut conn, seller, SaleMode::Fixed, 10).await;
        drop(conn);
        let lines = [CheckoutLine { listing, quantity: 2, price: eur(10_000) }];
        let mut tx = self.workers.ledger.begin().await.unwrap();
        let term = TimeDelta::minutes(30);
        let checkout = checkouts::place(&mut tx, buyer.org, buyer.user, &lines, term).await.unwrap();
        let order = checkouts::checkout(&mut tx, buyer.org, checkout).await.unwrap().unwrap().orders[0].id;
        let provider = Provider::Simulator;
        let payment = escrow::begin(&mut tx, buyer.org, buyer.user, checkout, provider, "card").await.unwrap();
        let _ = tx.enqueue(&Charge { payment: payment.id }).await.unwrap();
        tx.commit().await.unwrap();
        self.run(1).await;
        let mut tx = self.workers.ledger.begin().await.unwrap();
        escrow::ship(&mut tx, seller.org, seller.user, order).await.unwrap();
        escrow::receive(&mut tx, buyer.org, buyer.user, order).await.unwrap();
        escrow::accept(&mut tx, buyer.org, buyer.user, order).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Begins to open an account, as the API does.
    async fn open(&self) -> PayoutAccountId {
        let mut tx = self.workers.ledger.begin().await.unwrap();
        let (org, user) = (self.seller.org, self.seller.user);
        let account = store::open(&mut tx, org, user, Provider::Simulator, None).await.unwrap().id;
        let _ = tx.enqueue(&CheckPayoutAccount { account }).await.unwrap();
        tx.commit().await.unwrap();
        account
    }

    /// The provider's name for the account.
    async fn name(&self) -> String {
        let sql = "SELECT provider_ref FROM payout_accounts WHERE status <> 'closed'";
        sqlx::query_scalar(sql).fetch_one(&self.workers.db.pool).await.unwrap()
    }

    /// The provider's own checks decide, and its webhook says so.
    async fn turns(&self, state: AccountState, event: &str) {
        let name = self.name().await;
        assert!(self.workers.provider.set_account(&name, state));
        self.receive_webhook(event, Topic::Account, &name).await;
    }

    async fn receive_webhook(&self, event: &str, topic: Topic, subject: &str) {
        let subject = ProviderRef(subject.to_owned());
        let notice = Notice { event_id: Some(event.to_owned()), kind: "changed".to_owned(), topic, subject };
        let mut tx = self.workers.ledger.begin().await.unwrap();
        // A body that says the opposite of what is so.
        let new = NewWebhook { provider: Provider::Simulator, notice: &notice, body: b"{\"state\":\"closed\"}" };
        if let Some(webhook) = escrow::receive_webhook(&mut tx, new).await.unwrap() {
            let _ = tx.enqueue(&ApplyWebhook { webhook }).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    async fn make_payouts(&self) {
        let _ = self.workers.ledger.enqueue(&MakePayouts {}).await.unwrap();
    }

    /// Runs what is due, and what waits for later too, `times` times.
    async fn run(&self, times: usize) {
        for _ in 0..times {
            self.workers.queue.make_due().await;
            self.workers.queue.drain().await;
        }
    }

    /// Newest first.
    async fn payouts(&self) -> Vec<Payout> {
        let mut conn = self.workers.db.pool.acquire().await.unwrap();
        store::payouts(&mut conn, PayoutFilter { org: self.seller.org, before: None, limit: 10 }).await.unwrap()
    }

    async fn status(&self) -> PayoutAccountStatus {
        let mut conn = self.workers.db.pool.acquire().await.unwrap();
        store::accounts(&mut conn, self.seller.org, None, 10).await.unwrap()[0].status
    }

    async fn mails(&self, template: &str) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM emails WHERE template = $1")
            .bind(template)
            .fetch_one(&self.workers.db.pool)
            .await
            .unwrap()
    }

    /// What the ledger has for the seller, and what it says lies at the provider, in cents.
    async fn books(&self) -> (i64, i64) {
        sqlx::query_as(
            "SELECT coalesce(sum(balance_minor), 0)::bigint,
                    (SELECT coalesce(-sum(e.amount_minor), 0)::bigint
                     FROM money_entries AS e JOIN money_accounts AS c ON c.id = e.account_id WHERE c.kind = 'cash')
             FROM money_accounts AS a
             WHERE org_id = $1",
        )
        .bind(self.seller.org)
        .fetch_one(&self.workers.db.pool)
        .await
        .unwrap()
    }
}

#[tokio::test]
async fn a_seller_is_paid_once_with_every_reply_lost_once() {
    let seller = TestSeller::new().await;
    let (earned, _) = seller.books().await;
    seller.workers.provider.inject(Fault::LoseReplies { times: 1 });
    seller.open().await;
    seller.run(2).await;
    assert_eq!(seller.status().await, PayoutAccountStatus::Pending);
    seller.turns(AccountState::Active, "1").await;
    seller.run(1).await;
    assert_eq!(seller.status().await, PayoutAccountStatus::Active);
    // The way to the account, and the way from there to the bank.
    seller.workers.provider.inject(Fault::LoseReplies { times: 2 });
    seller.make_payouts().await;
    seller.run(1).await;
    assert_eq!(seller.payouts().await[0].status, PayoutStatus::Intended, "nobody knows");
    seller.run(4).await;
    let paid = seller.payouts().await;
    assert_eq!((paid.len(), paid[0].status, paid[0].amount), (1, PayoutStatus::Paid, eur(earned)));
    assert_eq!(seller.workers.provider.disbursements(), 2);
    assert_eq!(seller.books().await, (0, 20_000 - earned));
    assert_eq!(seller.mails("payout_sent").await, 1);
    seller.make_payouts().await;
    seller.run(1).await;
    assert_eq!(seller.payouts().await.len(), 1, "nothing is due");
    seller.workers.close().await;
}

#[tokio::test]
async fn a_question_that_the_provider_refuses_gives_no_payout_back() {
    let provider = TestProvider::new().await;
    let seller = TestSeller::at(TestWorkers::paying_through(handlers(), provider.through()).await).await;
    seller.open().await;
    seller.run(1).await;
    let name = seller.name().await;
    assert!(provider.server.set_account(&name, AccountState::Active));
    seller.receive_webhook("1", Topic::Account, &name).await;
    seller.run(1).await;
    provider.gateway.set_silent(true);
    seller.make_payouts().await;
    seller.run(2).await;
    assert_eq!(seller.payouts().await[0].status, PayoutStatus::Intended, "an earlier call may have moved it");
    provider.gateway.set_silent(false);
    seller.run(2).await;
    let paid = seller.payouts().await;
    assert_eq!((paid.len(), paid[0].status, provider.server.disbursements()), (1, PayoutStatus::Paid, 2));
    seller.workers.close().await;
}

#[tokio::test]
async fn a_payout_that_a_bank_gives_back_is_a_difference() {
    let seller = TestSeller::new().await;
    seller.open().await;
    seller.run(1).await;
    seller.turns(AccountState::Active, "1").await;
    seller.run(1).await;
    seller.make_payouts().await;
    seller.run(1).await;
    let paid = "SELECT provider_ref FROM payouts WHERE status = 'paid'";
    let name: String = sqlx::query_scalar(paid).fetch_one(&seller.workers.db.pool).await.unwrap();
    assert!(seller.workers.provider.bounce(&name));
    seller.receive_webhook("2", Topic::Disbursement, &name).await;
    seller.run(1).await;
    let differences = "SELECT kind, subject FROM reconciliation_differences";
    let seen: Vec<(String, String)> = sqlx::query_as(differences).fetch_all(&seller.workers.db.pool).await.unwrap();
    let payout = seller.payouts().await[0].id;
    assert_eq!(seen, [("status".to_owned(), format!("payout/{payout}"))]);
    seller.workers.close().await;
}

#[tokio::test]
async fn a_payout_waits_for_its_account() {
    let seller = TestSeller::new().await;
    for _ in 0..2 {
        seller.make_payouts().await;
        seller.run(1).await;
    }
    assert_eq!(seller.payouts().await[0].status, PayoutStatus::Waiting);
    assert_eq!((seller.payouts().await.len(), seller.mails("payout_account_needed").await), (1, 1));
    seller.open().await;
    seller.run(1).await;
    assert_eq!(seller.status().await, PayoutAccountStatus::Pending);
    assert_eq!(seller.payouts().await[0].status, PayoutStatus::Waiting);
    seller.earn().await;
    let (earned, _) = seller.books().await;
    seller.turns(AccountState::Active, "1").await;
    seller.turns(AccountState::Active, "2").await;
    seller.run(3).await;
    let paid = seller.payouts().await;
    assert_eq!((paid.len(), paid[0].status, paid[0].amount), (1, PayoutStatus::Paid, eur(earned)));
    assert_eq!(seller.workers.provider.disbursements(), 2);
    assert_eq!(seller.books().await.0, 0);
    seller.workers.close().await;
}

/// The provider knows before us that the account cannot be paid to any more.
#[tokio::test]
async fn what_an_account_does_not_take_is_paid_when_it_does() {
    let seller = TestSeller::new().await;
    let (earned, _) = seller.books().await;
    seller.open().await;
    seller.run(1).await;
    seller.turns(AccountState::Active, "1").await;
    seller.run(1).await;
    assert!(seller.workers.provider.set_account(&seller.name().await, AccountState::Restricted));
    seller.make_payouts().await;
    seller.run(2).await;
    let refused = seller.payouts().await.remove(0);
    assert_eq!((refused.status, refused.failure.as_deref()), (PayoutStatus::Failed, Some("account_not_active")));
    assert_eq!(seller.books().await, (earned, 20_000), "it is the seller's");
    assert_eq!(seller.status().await, PayoutAccountStatus::Restricted);
    seller.make_payouts().await;
    seller.run(1).await;
    assert_eq!(seller.payouts().await[0].status, PayoutStatus::Waiting);
    seller.turns(AccountState::Active, "2").await;
    seller.run(3).await;
    let all = seller.payouts().await;
    assert_eq!((all.len(), all[0].status), (2, PayoutStatus::Paid));
    assert_eq!(seller.books().await.0, 0);
    seller.workers.close().await;
}

#[tokio::test]
async fn the_sweep_finds_accounts_and_payouts_that_no_job_looks_after() {
    let seller = TestSeller::new().await;
    let mut tx = seller.workers.ledger.begin().await.unwrap();
    let (org, user) = (seller.seller.org, seller.seller.user);
    store::open(&mut tx, org, user, Provider::Simulator, None).await.unwrap();
    tx.commit().await.unwrap();
    let swept = async |kind: &str| {
        let _ = seller.workers.ledger.enqueue(&SweepPayouts {}).await.unwrap();
        seller.run(1).await;
        rows(&seller.workers.db.pool, kind).await.len()
    };
    let age = async |sql: &'static str| {
        let mut conn = seller.workers.db.pool.acquire().await.unwrap();
        let mut tx = conn.begin().await.unwrap();
        // The tables refuse this.
        sqlx::query("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
        sqlx::query(sql).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    };
    let check = CheckPayoutAccount::KIND.name;
    assert_eq!(swept(check).await, 0, "it is being dealt with");
    age("UPDATE payout_accounts SET created_at = created_at - interval '3 minutes'").await;
    assert_eq!(swept(check).await, 1);
    assert_eq!(seller.status().await, PayoutAccountStatus::Pending);

    // The provider's webhook is lost.
    assert!(seller.workers.provider.set_account(&seller.name().await, AccountState::Active));
    assert_eq!(swept(check).await, 1);
    age("UPDATE payout_accounts SET checked_at = checked_at - interval '7 hours'").await;
    assert_eq!(swept(check).await, 2);
    assert_eq!(seller.status().await, PayoutAccountStatus::Active);

    let mut tx = seller.workers.ledger.begin().await.unwrap();
    store::begin(&mut tx, org, eur(0).currency(), Provider::Simulator).await.unwrap();
    tx.commit().await.unwrap();
    age("UPDATE payouts SET created_at = created_at - interval '3 minutes'").await;
    assert_eq!(swept(SendPayout::KIND.name).await, 1);
    assert_eq!(seller.payouts().await[0].status, PayoutStatus::Paid);
    seller.workers.close().await;
}
