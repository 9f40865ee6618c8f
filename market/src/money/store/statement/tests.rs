use std::collections::BTreeMap;

use chrono::{Days, NaiveDate};
use chrono_tz::Europe::Berlin;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use shared::testing::TestDb;
use sqlx::PgPool;

use super::*;
use crate::money::model::{Account, Entry, NewTransfer};
use crate::money::store::ledger;
use crate::testing::{eur, trader};

/// The accounts between which the walk moves money.
const KINDS: [AccountKind; 3] = [AccountKind::Held, AccountKind::Payable, AccountKind::Receivable];

fn day(number: u64) -> NaiveDate {
    // Berlin's day of 25 hours is the fifth.
    NaiveDate::from_ymd_opt(2026, 10, 21).unwrap().checked_add_days(Days::new(number)).unwrap()
}

/// What moved between the platform's cash and an account, and in which quarter of an hour since the first day.
#[derive(Clone, Debug)]
struct Moved {
    account: usize,
    minor: i64,
    quarter: u32,
}

fn walk() -> impl Strategy<Value = Vec<Moved>> {
    let step = (0..KINDS.len(), -40_i64..100, 0_u32..8 * 96);
    let step = step.prop_map(|(account, minor, quarter)| Moved { account, minor, quarter });
    proptest::collection::vec(step, 0..60)
}

/// Books the walk, each transfer at its time; what an account does not hold cannot be taken from it.
async fn book(pool: &PgPool, org: OrgId, walk: &[Moved]) {
    sqlx::raw_sql("ALTER TABLE money_transfers DISABLE TRIGGER money_transfers_append_only")
        .execute(pool)
        .await
        .unwrap();
    for (number, step) in walk.iter().enumerate() {
        let (cash, account) = (Account::platform(AccountKind::Cash), Account::of(org, KINDS[step.account]));
        let mut tx = pool.begin().await.unwrap();
        let held = ledger::hold(&mut tx, &[account], Currency::EUR).await.unwrap()[0].minor();
        let minor = if step.minor == 0 { 1 } else { step.minor.max(-held) };
        if minor == 0 {
            continue;
        }
        let kind = if minor > 0 { TransferKind::Capture } else { TransferKind::PayoutPaid };
        let entries = vec![Entry::more(account, eur(minor)), Entry::less(cash, eur(minor))];
        let new = NewTransfer { kind, reference: format!("{org}-{number}"), order: None, entries };
        ledger::book(&mut tx, &new).await.unwrap();
        sqlx::query(
            "UPDATE money_transfers
             SET booked_at = timestamptz '2026-10-21 00:00 Europe/Berlin' + make_interval(mins => 15 * $2)
             WHERE reference = $1",
        )
        .bind(&new.reference)
        .bind(i32::try_from(step.quarter).unwrap())
        .execute(&mut *tx)
        .await
        .unwrap();
        tx.commit().await.unwrap();
    }
}

/// All lines of a period, read by pages of `limit`.
async fn all_lines(conn: &mut PgConnection, org: OrgId, period: &Period, limit: i64) -> Vec<StatementLine> {
    let mut all: Vec<StatementLine> = Vec::new();
    loop {
        let after = all.last().map(|line| line.transfer);
        let page = lines(conn, org, Currency::EUR, period, after, limit).await.unwrap();
        if page.is_empty() {
            return all;
        }
        assert!(page.len() <= usize::try_from(limit).unwrap());
        all.extend(page);
    }
}

fn by_kind(balances: &[Balance]) -> BTreeMap<AccountKind, i64> {
    balances.iter().map(|balance| (balance.kind, balance.amount.minor())).collect()
}

/// Opening balance, transfers, totals and closing balance are one sum, and each period begins where the last one ended.
#[tokio::test]
async fn statements_of_neighbouring_days_add_up_to_the_balances() {
    let db = TestDb::new().await;
    let mut runner = TestRunner::default();
    for _ in 0..12 {
        let mut conn = db.pool.acquire().await.unwrap();
        let (org, other) = (trader(&mut conn).await.org, trader(&mut conn).await.org);
        let walk = walk().new_tree(&mut runner).unwrap().current();
        book(&db.pool, org, &walk).await;
        book(&db.pool, other, &[Moved { account: 0, minor: 7, quarter: 100 }]).await;
        let mut before: BTreeMap<AccountKind, i64> = BTreeMap::new();
        let mut transfers = 0;
        // The walk ends within the ninth day, because one day is longer.
        for (first, last) in [(0, 0), (1, 3), (4, 4), (5, 7), (8, 300)] {
            let period = Period::new(day(first), day(last), Berlin).unwrap();
            let summary = summary(&mut conn, org, Currency::EUR, &period).await.unwrap();
            let lines = all_lines(&mut conn, org, &period, 7).await;
            let opening = by_kind(&summary.opening);
            assert!(opening.iter().all(|(kind, minor)| before.get(kind).unwrap_or(&0) == minor), "{walk:?}");
            let mut sums = opening;
            let mut totals: BTreeMap<(String, AccountKind), (i64, i64)> = BTreeMap::new();
            for line in &lines {
                assert!(line.booked_at >= period.starts_at() && line.booked_at < period.ends_at());
                for moved in &line.moved {
                    *sums.entry(moved.kind).or_default() += moved.amount.minor();
                    let total = totals.entry((format!("{:?}", line.kind), moved.kind)).or_default();
                    *total = (total.0 + 1, total.1 + moved.amount.minor());
                }
            }
            assert_eq!(sums, by_kind(&summary.closing), "{walk:?}");
            let told = summary.totals.iter().map(|total| {
                ((format!("{:?}", total.transfer), total.moved.kind), (total.transfers, total.moved.amount.minor()))
            });
            assert_eq!(totals, told.collect(), "{walk:?}");
            (before, transfers) = (by_kind(&summary.closing), transfers + lines.len());
        }
        assert_eq!(before, by_kind(&ledger::balances(&mut conn, org).await.unwrap()));
        let booked: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM money_entries AS e JOIN money_accounts AS a ON a.id = e.account_id WHERE a.org_id = $1",
        )
        .bind(org.0)
        .fetch_one(&mut *conn)
        .await
        .unwrap();
        assert_eq!(booked, i64::try_from(transfers).unwrap());
        sqlx::raw_sql("ALTER TABLE money_transfers ENABLE TRIGGER money_transfers_append_only")
            .execute(&mut *conn)
            .await
            .unwrap();
    }
    db.close().await;
}
