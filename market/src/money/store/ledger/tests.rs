use std::sync::Arc;

use proptest::prelude::*;
use shared::testing::TestDb;
use sqlx::{Connection as _, PgPool};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::*;
use crate::money::model::AccountKind::{Cash, Held, Payable, Receivable};
use crate::testing::{eur, trader};

/// Moves `minor` from one account to another.
fn moved(kind: TransferKind, reference: &str, from: Account, to: Account, minor: i64) -> NewTransfer {
    let entries = vec![Entry { account: from, amount: eur(-minor) }, Entry { account: to, amount: eur(minor) }];
    NewTransfer { kind, reference: reference.to_owned(), order: None, entries }
}

/// A buyer's payment to the organisation.
fn capture(reference: &str, to: OrgId, minor: i64) -> NewTransfer {
    moved(TransferKind::Capture, reference, Account::platform(Cash), Account::of(to, Held), minor)
}

/// Books in a transaction of its own, as an act does.
async fn booked(pool: &PgPool, new: &NewTransfer) -> Result<Booked, LedgerError> {
    let mut tx = pool.begin().await?;
    let made = book(&mut tx, new).await?;
    tx.commit().await?;
    Ok(made)
}

/// Takes a transfer back in a transaction of its own.
async fn corrected(pool: &PgPool, transfer: TransferId, reference: &str) -> Result<Booked, LedgerError> {
    let mut tx = pool.begin().await?;
    let made = correct(&mut tx, transfer, reference).await?;
    tx.commit().await?;
    Ok(made)
}

async fn orgs(pool: &PgPool, count: usize) -> Vec<OrgId> {
    let mut conn = pool.acquire().await.expect("a connection");
    let mut orgs = Vec::new();
    for _ in 0..count {
        orgs.push(trader(&mut conn).await.org);
    }
    orgs
}

async fn held(pool: &PgPool, org: OrgId) -> i64 {
    let mut conn = pool.acquire().await.expect("a connection");
    let balances = balances(&mut conn, org).await.expect("balances");
    balances.iter().find(|balance| balance.kind == Held).map_or(0, |balance| balance.amount.minor())
}

#[tokio::test]
async fn the_same_effect_is_booked_once() {
    let db = TestDb::new().await;
    let org = orgs(&db.pool, 1).await[0];
    for round in 1..=20 {
        let new = Arc::new(capture(&format!("pay-{round}"), org, 100));
        let barrier = Arc::new(Barrier::new(2));
        let mut tasks = JoinSet::new();
        for _ in 0..2 {
            // As a program: the application role may do all of it.
            let (pool, new, barrier) = (db.app.clone(), Arc::clone(&new), Arc::clone(&barrier));
            tasks.spawn(async move {
                barrier.wait().await;
                booked(&pool, &new).await.expect("booked")
            });
        }
        let made = tasks.join_all().await;
        assert!(
            matches!(made[..], [Booked::Now(a), Booked::Before(b)] | [Booked::Before(b), Booked::Now(a)] if a == b),
            "{made:?}"
        );
        assert_eq!(held(&db.pool, org).await, 100 * round);
    }
    let other = booked(&db.pool, &capture("pay-1", org, 101)).await;
    assert!(matches!(&other, Err(LedgerError::ReferenceTaken(reference)) if reference == "pay-1"), "{other:?}");
    db.close().await;
}

#[tokio::test]
async fn transfers_over_the_same_accounts_in_any_order_do_not_deadlock() {
    let db = TestDb::new().await;
    let mut orgs = orgs(&db.pool, 4).await;
    for round in 0..25 {
        let barrier = Arc::new(Barrier::new(4));
        let mut tasks = JoinSet::new();
        for task in 0..4 {
            orgs.rotate_left(1);
            // In the first round the accounts are made, too.
            let mut entries: Vec<Entry> =
                orgs.iter().map(|org| Entry { account: Account::of(*org, Held), amount: eur(10) }).collect();
            entries.push(Entry { account: Account::platform(Cash), amount: eur(-40) });
            if task % 2 == 1 {
                entries.reverse();
            }
            let reference = format!("pay-{round}-{task}");
            let new = NewTransfer { kind: TransferKind::Capture, reference, order: None, entries };
            let (pool, barrier) = (db.pool.clone(), Arc::clone(&barrier));
            tasks.spawn(async move {
                barrier.wait().await;
                booked(&pool, &new).await.expect("booked")
            });
        }
        tasks.join_all().await;
    }
    for org in orgs {
        assert_eq!(held(&db.pool, org).await, 1_000);
    }
    db.close().await;
}

#[tokio::test]
async fn no_balance_of_an_organisation_falls_below_zero() {
    let db = TestDb::new().await;
    let org = orgs(&db.pool, 1).await[0];
    booked(&db.pool, &capture("pay", org, 100)).await.expect("booked");
    for round in 0..10 {
        // Of two that together want more than there is, one gets it.
        let barrier = Arc::new(Barrier::new(2));
        let mut tasks = JoinSet::new();
        for task in 0..2 {
            let reference = format!("refund-{round}-{task}");
            let to = Account::of(org, Payable);
            let new = moved(TransferKind::RefundHeld, &reference, Account::of(org, Held), to, 60);
            let (pool, barrier) = (db.pool.clone(), Arc::clone(&barrier));
            tasks.spawn(async move {
                barrier.wait().await;
                booked(&pool, &new).await
            });
        }
        let results = tasks.join_all().await;
        let refused = results.iter().filter(|result| matches!(result, Err(LedgerError::BelowZero))).count();
        assert_eq!((refused, held(&db.pool, org).await), (1, 40), "{results:?}");
        booked(&db.pool, &capture(&format!("again-{round}"), org, 60)).await.expect("booked");
    }
    db.close().await;
}

#[tokio::test]
async fn entries_are_never_changed_and_a_mistake_is_a_counter_transfer() {
    let db = TestDb::new().await;
    let org = orgs(&db.pool, 1).await[0];
    let Booked::Now(wrong) = booked(&db.pool, &capture("pay", org, 100)).await.expect("booked") else {
        panic!("it was not there before");
    };
    let changed = sqlx::query("UPDATE money_entries SET amount_minor = 5").execute(&db.pool).await.unwrap_err();
    assert_eq!(violated(&changed), Some("money_entries_append_only"));
    let first = corrected(&db.pool, wrong, "typo").await.expect("taken back");
    let again = corrected(&db.pool, wrong, "typo").await.expect("the same");
    assert!(matches!((first, again), (Booked::Now(a), Booked::Before(b)) if a == b), "{first:?} {again:?}");
    let second = corrected(&db.pool, wrong, "typo again").await;
    assert!(matches!(second, Err(LedgerError::Reversed)), "{second:?}");
    let none = corrected(&db.pool, TransferId(-1), "nothing").await;
    assert!(matches!(none, Err(LedgerError::NotFound)), "{none:?}");
    assert_eq!(held(&db.pool, org).await, 0);
    db.close().await;
}

#[derive(Clone, Debug)]
enum Step {
    /// A payment to one of three organisations.
    Capture { org: usize, minor: i64 },
    /// What it has earned.
    Release { org: usize, minor: i64 },
    /// The step of this number once more.
    Again(prop::sample::Index),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..3_usize, 1..100_i64).prop_map(|(org, minor)| Step::Capture { org, minor }),
        3 => (0..3_usize, 1..100_i64).prop_map(|(org, minor)| Step::Release { org, minor }),
        1 => any::<prop::sample::Index>().prop_map(Step::Again),
    ];
    prop::collection::vec(step, 1..25)
}

/// Plays the steps against balances that are two numbers for each organisation.
async fn play(conn: &mut PgConnection, orgs: &[OrgId], steps: &[Step]) {
    let mut tx = conn.begin().await.expect("a transaction");
    let mut model = vec![(0_i64, 0_i64); orgs.len()];
    let mut sent: Vec<(NewTransfer, bool)> = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let reference = number.to_string();
        let (new, booked) = match step {
            Step::Capture { org, minor } => {
                model[*org].0 += minor;
                (capture(&reference, orgs[*org], *minor), true)
            }
            Step::Release { org, minor } => {
                let enough = model[*org].0 >= *minor;
                if enough {
                    model[*org] = (model[*org].0 - minor, model[*org].1 + minor);
                }
                let (from, to) = (Account::of(orgs[*org], Held), Account::of(orgs[*org], Receivable));
                (moved(TransferKind::Release, &reference, from, to, *minor), enough)
            }
            Step::Again(index) => {
                let done: Vec<_> = sent.iter().filter(|(_, booked)| *booked).collect();
                if !done.is_empty() {
                    let made = book(&mut tx, &index.get(&done).0).await.expect("the same");
                    assert!(matches!(made, Booked::Before(_)), "{made:?}");
                }
                continue;
            }
        };
        let mut attempt = tx.begin().await.expect("a savepoint");
        match book(&mut attempt, &new).await {
            Ok(Booked::Now(_)) if booked => attempt.commit().await.expect("kept"),
            Err(LedgerError::BelowZero) if !booked => attempt.rollback().await.expect("undone"),
            other => panic!("{step:?} gave {other:?}"),
        }
        sent.push((new, booked));
    }
    sqlx::query("SET CONSTRAINTS ALL IMMEDIATE").execute(&mut *tx).await.expect("balanced");
    for (org, (held, receivable)) in orgs.iter().zip(model) {
        let balances = balances(&mut tx, *org).await.expect("balances");
        let of =
            |kind| balances.iter().find(|balance| balance.kind == kind).map_or(0, |balance| balance.amount.minor());
        assert_eq!((of(Held), of(Receivable)), (held, receivable));
    }
    tx.rollback().await.expect("undone");
}

#[tokio::test]
async fn ledger_model() {
    use proptest::strategy::ValueTree as _;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for cases in shared::testing::cases(40) {
        let db = TestDb::new().await;
        let orgs = orgs(&db.pool, 3).await;
        let mut conn = db.pool.acquire().await.expect("a connection");
        for _ in 0..cases {
            let steps = steps().new_tree(&mut runner).expect("steps").current();
            play(&mut conn, &orgs, &steps).await;
        }
        drop(conn);
        db.close().await;
    }
}
