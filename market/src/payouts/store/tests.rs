use std::sync::Arc;

use shared::money::Currency;
use shared::testing::TestDb;
use sqlx::{Connection, PgConnection};
use tokio::sync::Barrier;

use super::*;
use crate::ids::{PayoutAccountId, PayoutId};
use crate::payments::{Account, AccountState, Disbursement, DisbursementState, Provider, ProviderRef};
use crate::payouts::model::{Payout, PayoutAccountStatus, PayoutStatus};
use crate::testing::{Trader, earn, eur, trader};

const ROUNDS: usize = 100;

/// A seller who has earned something.
async fn earner(conn: &mut PgConnection) -> Trader {
    let (seller, buyer) = (trader(conn).await, trader(conn).await);
    earn(conn, seller, buyer, eur(20_000)).await;
    seller
}

/// An account as its provider has it.
fn there(id: PayoutAccountId, state: AccountState) -> Account {
    Account { reference: ProviderRef(format!("acct_{id}")), state, requirements: vec!["identity".to_owned()] }
}

/// Something that moved, as its provider has it.
fn moved(name: &str, id: PayoutId, amount: Money, state: DisbursementState) -> Disbursement {
    Disbursement { reference: ProviderRef(format!("{name}_{id}")), state, amount }
}

/// Opens an account, which its provider has in this state.
async fn opened(conn: &mut PgConnection, seller: Trader, state: AccountState) -> PayoutAccountId {
    let mut tx = conn.begin().await.expect("a transaction");
    let id = open(&mut tx, seller.org, seller.user, Provider::Simulator, None).await.expect("opened").id;
    settle_account(&mut tx, id, &there(id, state)).await.expect("settled");
    tx.commit().await.expect("committed");
    id
}

async fn run(conn: &mut PgConnection, seller: Trader) -> Begun {
    let mut tx = conn.begin().await.expect("a transaction");
    let begun = begin(&mut tx, seller.org, Currency::EUR, Provider::Simulator).await.expect("decided");
    tx.commit().await.expect("committed");
    begun
}

async fn only(conn: &mut PgConnection, seller: Trader) -> Payout {
    let all = payouts(conn, PayoutFilter { org: seller.org, before: None, limit: 10 }).await.expect("a list");
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].clone()
}

/// Moves a payout to the account.
async fn transfer(conn: &mut PgConnection, id: PayoutId, state: DisbursementState) -> Transferred {
    let mut tx = conn.begin().await.expect("a transaction");
    let sending = start(&mut tx, id).await.expect("read").expect("to be asked");
    let found = moved("tr", id, sending.amount, state);
    let done = transferred(&mut tx, id, &found).await.expect("written down");
    tx.commit().await.expect("committed");
    done
}

/// Pays one out of the account.
async fn pay_out(conn: &mut PgConnection, id: PayoutId, state: DisbursementState) -> Sent {
    let mut tx = conn.begin().await.expect("a transaction");
    let sending = start(&mut tx, id).await.expect("read").expect("to be asked");
    let found = moved(&format!("po{}", sending.attempt), id, sending.amount, state);
    let sent = settle(&mut tx, id, sending.attempt, &found).await.expect("written down");
    tx.commit().await.expect("committed");
    sent
}

/// The ledger and the payouts say the same.
async fn assert_books(conn: &mut PgConnection) {
    let wrong: Vec<String> = sqlx::query_scalar(
        "SELECT format('the entries in %s sum to %s', currency, sum(amount_minor))
         FROM money_entries GROUP BY currency HAVING sum(amount_minor) <> 0
         UNION ALL
         SELECT format('%s is owed %s, its payouts %s', a.org_id, a.balance_minor, coalesce(p.minor, 0))
         FROM money_accounts AS a
         LEFT JOIN (SELECT org_id, currency, sum(amount_minor) AS minor
                    FROM payouts
                    WHERE status IN ('intended', 'sent') OR (status = 'waiting' AND transfer_ref IS NOT NULL)
                    GROUP BY 1, 2) AS p ON p.org_id = a.org_id AND p.currency = a.currency
         WHERE a.kind = 'payable' AND a.balance_minor <> coalesce(p.minor, 0)
         UNION ALL
         SELECT format('cash is %s, payments less payouts %s', cash.minor, taken.minor)
         FROM (SELECT coalesce(-sum(e.amount_minor), 0) AS minor
               FROM money_entries AS e JOIN money_accounts AS a ON a.id = e.account_id WHERE a.kind = 'cash') AS cash,
              (SELECT coalesce((SELECT sum(amount_minor) FROM payments WHERE status = 'held'), 0)
                      - coalesce((SELECT sum(amount_minor) FROM payouts WHERE status = 'paid'), 0) AS minor) AS taken
         WHERE cash.minor <> taken.minor",
    )
    .fetch_all(conn)
    .await
    .expect("the books");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What the seller has earned and was not paid, and what is on its way, in cents.
async fn balances(conn: &mut PgConnection, seller: Trader) -> [i64; 2] {
    let sum = "SELECT coalesce(sum(balance_minor) FILTER (WHERE kind = 'receivable'), 0)::bigint AS due,
                      coalesce(sum(balance_minor) FILTER (WHERE kind = 'payable'), 0)::bigint AS way
               FROM money_accounts WHERE org_id = $1";
    let (due, way) = sqlx::query_as::<_, (i64, i64)>(sum).bind(seller.org).fetch_one(conn).await.expect("balances");
    [due, way]
}

#[tokio::test]
async fn what_is_earned_is_paid_out_once() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let seller = earner(&mut conn).await;
    opened(&mut conn, seller, AccountState::Active).await;
    let [earned, _] = balances(&mut conn, seller).await;
    assert!(earned > 0);
    let Begun::Intended(id) = run(&mut conn, seller).await else { panic!("nothing was begun") };
    assert_eq!(run(&mut conn, seller).await, Begun::Nothing);
    assert_eq!(balances(&mut conn, seller).await, [0, earned]);
    assert_eq!(transfer(&mut conn, id, DisbursementState::Pending).await, Transferred::Pending);
    for _ in 0..2 {
        assert_eq!(transfer(&mut conn, id, DisbursementState::Done).await, Transferred::There);
    }
    assert_eq!(pay_out(&mut conn, id, DisbursementState::Pending).await, Sent::Pending);
    assert_eq!(only(&mut conn, seller).await.status, PayoutStatus::Sent);
    let amount = eur(earned);
    assert_eq!(pay_out(&mut conn, id, DisbursementState::Done).await, Sent::Paid { org: seller.org, amount });
    assert_eq!(balances(&mut conn, seller).await, [0, 0]);
    assert!(start(&mut conn, id).await.expect("read").is_none());
    // Whatever comes later changes nothing.
    let mut tx = conn.begin().await.expect("a transaction");
    for state in [DisbursementState::Failed, DisbursementState::Done, DisbursementState::Pending] {
        let again = settle(&mut tx, id, 1, &moved("po1", id, amount, state)).await.expect("written down");
        assert_eq!(again, Sent::NothingNew);
    }
    refuse(&mut tx, id, 1, "late").await.expect("nothing");
    refuse_transfer(&mut tx, id, "late").await.expect("nothing");
    tx.commit().await.expect("committed");
    assert_eq!(
        (only(&mut conn, seller).await.status, run(&mut conn, seller).await),
        (PayoutStatus::Paid, Begun::Nothing)
    );
    assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_payout_waits_for_its_account_and_goes_on_with_all_that_is_due() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let seller = earner(&mut conn).await;
    let account = opened(&mut conn, seller, AccountState::Restricted).await;
    let [first, _] = balances(&mut conn, seller).await;
    let Begun::Waiting { payout, amount } = run(&mut conn, seller).await else { panic!("it does not wait") };
    assert_eq!(amount, eur(first));
    assert_eq!(run(&mut conn, seller).await, Begun::Nothing, "one mail is enough");
    assert_eq!(balances(&mut conn, seller).await, [first, 0], "it is the seller's");
    let buyer = trader(&mut conn).await;
    earn(&mut conn, seller, buyer, eur(10_000)).await;
    let [both, _] = balances(&mut conn, seller).await;
    assert!(both > first);
    let mut tx = conn.begin().await.expect("a transaction");
    assert!(settle_account(&mut tx, account, &there(account, AccountState::Active)).await.expect("settled"));
    assert_eq!(waiting(&mut tx, seller.org).await.expect("a list"), [Currency::EUR]);
    tx.commit().await.expect("committed");
    assert_eq!(run(&mut conn, seller).await, Begun::Intended(payout));
    assert_eq!(only(&mut conn, seller).await.amount, eur(both));
    assert_eq!(balances(&mut conn, seller).await, [0, both]);
    assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn what_did_not_reach_the_account_is_the_sellers_again() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let seller = earner(&mut conn).await;
    opened(&mut conn, seller, AccountState::Active).await;
    let [earned, _] = balances(&mut conn, seller).await;
    let Begun::Intended(id) = run(&mut conn, seller).await else { panic!("nothing was begun") };
    let mut tx = conn.begin().await.expect("a transaction");
    refuse_transfer(&mut tx, id, "account_not_active").await.expect("given back");
    refuse_transfer(&mut tx, id, "account_not_active").await.expect("nothing");
    tx.commit().await.expect("committed");
    assert_eq!(balances(&mut conn, seller).await, [earned, 0]);
    let failed = only(&mut conn, seller).await;
    assert_eq!((failed.status, failed.failure.as_deref()), (PayoutStatus::Failed, Some("account_not_active")));
    let Begun::Intended(next) = run(&mut conn, seller).await else { panic!("nothing was begun") };
    assert_ne!(next, id);
    assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}

/// It lies at the seller's account at the provider: giving it back to the seller here would pay it twice.
#[tokio::test]
async fn what_reached_the_account_is_tried_again_and_never_given_back() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let seller = earner(&mut conn).await;
    let account = opened(&mut conn, seller, AccountState::Active).await;
    let [earned, _] = balances(&mut conn, seller).await;
    let Begun::Intended(id) = run(&mut conn, seller).await else { panic!("nothing was begun") };
    transfer(&mut conn, id, DisbursementState::Done).await;
    assert_eq!(pay_out(&mut conn, id, DisbursementState::Pending).await, Sent::Pending);
    assert_eq!(pay_out(&mut conn, id, DisbursementState::Failed).await, Sent::Waiting);
    assert_eq!(balances(&mut conn, seller).await, [0, earned]);
    let mut tx = conn.begin().await.expect("a transaction");
    settle_account(&mut tx, account, &there(account, AccountState::Restricted)).await.expect("settled");
    tx.commit().await.expect("committed");
    assert_eq!(run(&mut conn, seller).await, Begun::Nothing);
    let mut tx = conn.begin().await.expect("a transaction");
    settle_account(&mut tx, account, &there(account, AccountState::Active)).await.expect("settled");
    tx.commit().await.expect("committed");
    assert_eq!(run(&mut conn, seller).await, Begun::Intended(id));
    let again = start(&mut conn, id).await.expect("read").expect("to be asked");
    assert_eq!((again.attempt, again.transferred), (2, true));
    // News of the first attempt come late.
    let mut tx = conn.begin().await.expect("a transaction");
    let late = settle(&mut tx, id, 1, &moved("po1", id, eur(earned), DisbursementState::Done)).await.expect("read");
    assert_eq!(late, Sent::NothingNew);
    tx.commit().await.expect("committed");
    assert!(matches!(pay_out(&mut conn, id, DisbursementState::Done).await, Sent::Paid { .. }));
    assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_suspended_organisation_is_paid_nothing() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let seller = earner(&mut conn).await;
    opened(&mut conn, seller, AccountState::Active).await;
    for (status, begun) in [("suspended", false), ("approved", true)] {
        sqlx::query("UPDATE orgs SET status = $2 WHERE id = $1")
            .bind(seller.org)
            .bind(status)
            .execute(&mut *conn)
            .await
            .expect("changed");
        assert_eq!(run(&mut conn, seller).await != Begun::Nothing, begun, "{status}");
    }
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_provider_that_says_something_else_is_not_believed() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let seller = earner(&mut conn).await;
    let account = opened(&mut conn, seller, AccountState::Active).await;
    let mut tx = conn.begin().await.expect("a transaction");
    let other = Account { reference: ProviderRef("acct_other".to_owned()), ..there(account, AccountState::Closed) };
    assert!(matches!(settle_account(&mut tx, account, &other).await, Err(PayoutError::OtherName)));
    let second = open(&mut tx, seller.org, seller.user, Provider::Simulator, None).await;
    assert!(matches!(second, Err(PayoutError::AccountExists)), "{second:?}");
    tx.rollback().await.expect("rolled back");
    let Begun::Intended(id) = run(&mut conn, seller).await else { panic!("nothing was begun") };
    let mut tx = conn.begin().await.expect("a transaction");
    let less = transferred(&mut tx, id, &moved("tr", id, eur(1), DisbursementState::Done)).await;
    assert!(matches!(less, Err(PayoutError::OtherAmount { .. })), "{less:?}");
    drop(tx);
    drop(conn);
    db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_runs_at_once_one_begins_a_payout() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let buyer = trader(&mut conn).await;
    for round in 0..ROUNDS {
        let seller = trader(&mut conn).await;
        earn(&mut conn, seller, buyer, eur(10_000)).await;
        if round % 2 == 0 {
            opened(&mut conn, seller, AccountState::Active).await;
        }
        let barrier = Arc::new(Barrier::new(2));
        let runs = [(); 2].map(|()| {
            let (pool, barrier) = (db.pool.clone(), Arc::clone(&barrier));
            tokio::spawn(async move {
                let mut conn = pool.acquire().await.expect("a connection");
                barrier.wait().await;
                run(&mut conn, seller).await
            })
        });
        let mut begun = 0;
        for run in runs {
            begun += u32::from(run.await.expect("ended") != Begun::Nothing);
        }
        assert_eq!(begun, 1);
        only(&mut conn, seller).await;
    }
    assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}

/// Either the run sees the account, or the account finds what the run has left waiting.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_becomes_active_during_a_run_is_not_overlooked() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let buyer = trader(&mut conn).await;
    let mut outcomes = [0; 2];
    for _ in 0..ROUNDS {
        let seller = trader(&mut conn).await;
        earn(&mut conn, seller, buyer, eur(10_000)).await;
        let account = opened(&mut conn, seller, AccountState::Pending).await;
        let barrier = Arc::new(Barrier::new(2));
        let (pool, waits) = (db.pool.clone(), Arc::clone(&barrier));
        let running = tokio::spawn(async move {
            let mut conn = pool.acquire().await.expect("a connection");
            waits.wait().await;
            run(&mut conn, seller).await
        });
        let mut tx = conn.begin().await.expect("a transaction");
        barrier.wait().await;
        settle_account(&mut tx, account, &there(account, AccountState::Active)).await.expect("settled");
        for currency in waiting(&mut tx, seller.org).await.expect("a list") {
            begin(&mut tx, seller.org, currency, Provider::Simulator).await.expect("decided");
        }
        tx.commit().await.expect("committed");
        let first = running.await.expect("ended");
        outcomes[usize::from(matches!(first, Begun::Waiting { .. }))] += 1;
        assert_eq!(only(&mut conn, seller).await.status, PayoutStatus::Intended, "after {first:?}");
        let now = accounts(&mut conn, seller.org, None, 10).await.expect("a list").remove(0);
        assert_eq!(now.status, PayoutAccountStatus::Active);
    }
    println!("the run saw the account, the account found what waited: {outcomes:?}");
    assert_books(&mut conn).await;
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn a_seller_names_an_account_once_and_nobody_elses() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let own = ProviderRef("org_1".to_owned());
    let theirs = Account { reference: own.clone(), state: AccountState::Active, requirements: Vec::new() };
    let mut named = Vec::new();
    for _ in 0..2 {
        let seller = trader(&mut conn).await;
        let mut tx = conn.begin().await.expect("a transaction");
        let id = open(&mut tx, seller.org, seller.user, Provider::Mollie, Some(&own)).await.expect("named").id;
        tx.commit().await.expect("committed");
        let opening = check(&mut conn, id).await.expect("read").expect("to be asked");
        assert_eq!((opening.reference, opening.own.as_ref()), (None, Some(&own)), "it is not believed yet");
        named.push(id);
    }
    let mut tx = conn.begin().await.expect("a transaction");
    assert!(settle_account(&mut tx, named[0], &theirs).await.expect("settled"));
    tx.commit().await.expect("committed");
    let mut tx = conn.begin().await.expect("a transaction");
    let taken = settle_account(&mut tx, named[1], &theirs).await;
    assert!(matches!(taken, Err(PayoutError::AccountTaken)), "{taken:?}");
    drop(tx);
    drop(conn);
    db.close().await;
}
