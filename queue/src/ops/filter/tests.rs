use serde_json::json;
use shared::ids::JobId;
use sqlx::{AssertSqlSafe, Execute};
use uuid::Uuid;

use super::super::list::{by_id, by_state, counting, small};
use super::super::testing::TestLedger;
use super::super::{cancel, retry};
use super::*;

/// How PostgreSQL would find the rows.
async fn plan(conn: &mut PgConnection, mut sql: QueryBuilder<Postgres>) -> String {
    let mut query = sql.build();
    let arguments = query.take_arguments().unwrap().unwrap();
    let explain = AssertSqlSafe(format!("EXPLAIN {}", query.sql().as_str()));
    let lines: Vec<(String,)> = sqlx::query_as_with(explain, arguments).fetch_all(conn).await.unwrap();
    lines.into_iter().map(|(line,)| line + "\n").collect()
}

/// Every combination of fields, with every state alone and with all of them.
fn filters() -> Vec<JobFilter> {
    let mut all = Vec::new();
    let states = JobState::ALL.into_iter().map(|state| vec![state]).chain([Vec::new(), JobState::OPEN.to_vec()]);
    for states in states {
        for fields in 0..64_u32 {
            let set = |place: u32| fields & (1 << place) != 0;
            all.push(JobFilter {
                states: states.clone(),
                kind: set(0).then(|| "t.send".to_owned()),
                queue: set(1).then(|| "emails".to_owned()),
                tenant: set(2).then(|| OrgId(Uuid::from_u128(7))),
                fingerprint: set(3).then(|| "f1".to_owned()),
                error: set(4).then(|| "full".to_owned()),
                created_from: set(5).then_some(DateTime::UNIX_EPOCH),
                created_until: set(5).then(|| DateTime::UNIX_EPOCH + chrono::TimeDelta::days(30_000)),
            });
        }
    }
    all
}

#[tokio::test]
async fn no_filter_reads_the_ledger_from_end_to_end() {
    let mut ledger = TestLedger::new().await;
    // Most jobs have succeeded; the statistics say nothing of those that wait, as after a burst.
    let fill = |state: &str, rows: u32| {
        format!(
            "INSERT INTO jobs (state, queue, kind, payload, run_at, finished_at, fingerprint)
             SELECT '{state}', 'emails', 't.send', '{{}}', now(), CASE WHEN '{state}' >= 'succeeded' THEN now() END, 'f1'
             FROM generate_series(1, {rows})"
        )
        .replace(&format!("WHEN '{state}' >="), &format!("WHEN '{state}'::job_state >="))
    };
    ledger.sql(&fill("succeeded", 30_000)).await;
    ledger.sql("ANALYZE jobs").await;
    for state in ["scheduled", "available", "dead", "cancelled"] {
        ledger.sql(&fill(state, 5_000)).await;
    }
    let mut tx = by_index(&mut ledger.conn).await.unwrap();
    for filter in filters() {
        let mut statements = vec![by_id(&filter, 40_000, Some(20_000), 50)];
        statements.extend(counting(&filter));
        statements.extend(cancel::finding(&filter, DateTime::UNIX_EPOCH, JobId(1)));
        statements.extend(retry::finding(&filter, DateTime::UNIX_EPOCH, JobId(1), 1_000));
        if !filter.wanted().contains(&JobState::Succeeded) {
            statements.extend([small(&filter), by_state(&filter, i64::MAX, 50)]);
        }
        for sql in statements {
            let plan = plan(&mut tx, sql).await;
            assert!(plan.contains("jobs") && !plan.contains("Seq Scan"), "{filter:?}\n{plan}");
            // The primary key alone is no way to a state: it would be walked from end to end.
            let whole = plan.contains("jobs_pkey") && !plan.contains("Index Cond");
            assert!(!whole, "{filter:?}\n{plan}");
        }
    }
    tx.rollback().await.unwrap();
    ledger.close().await;
}

#[test]
fn a_filter_is_written_as_it_is_read_and_nothing_else() {
    let filter = JobFilter { queue: Some("emails".into()), ..JobFilter::states([JobState::Dead]) };
    let written = serde_json::to_value(&filter).unwrap();
    assert_eq!(written, json!({"states": ["dead"], "queue": "emails"}));
    assert_eq!(serde_json::from_value::<JobFilter>(written).unwrap(), filter);
    assert!(filter.is_specific() && !JobFilter::states([JobState::Dead]).is_specific());
    assert!(serde_json::from_value::<JobFilter>(json!({"queues": "emails"})).is_err());
}
