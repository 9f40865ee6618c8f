use super::super::testing::TestLedger;
use super::*;

#[tokio::test]
async fn live_stale_and_stopped_workers_are_told_apart() {
    let mut ledger = TestLedger::new().await;
    let stopped = ledger.worker(&["emails"], &["t.send"]).await;
    ledger.sql(&format!("UPDATE workers SET stopped_at = now() WHERE id = {stopped}")).await;
    let stale = ledger.worker(&["emails"], &["t.send"]).await;
    ledger.sql(&format!("UPDATE workers SET lease_until = now() - interval '1 second' WHERE id = {stale}")).await;
    let live = ledger.worker(&["emails"], &["t.send"]).await;
    let seen: Vec<_> = list(&mut ledger.conn, true).await.unwrap().into_iter().map(|w| (w.id, w.state)).collect();
    assert_eq!(seen, [(live, WorkerState::Live), (stale, WorkerState::Stale), (stopped, WorkerState::Stopped)]);
    let seen: Vec<_> = list(&mut ledger.conn, false).await.unwrap().into_iter().map(|w| w.id).collect();
    assert_eq!(seen, [live, stale]);
    ledger.close().await;
}

#[tokio::test]
async fn workers_that_stopped_a_week_ago_are_forgotten() {
    let mut ledger = TestLedger::new().await;
    let old = ledger.worker(&["emails"], &["t.send"]).await;
    ledger.sql(&format!("UPDATE workers SET stopped_at = now() - interval '8 days' WHERE id = {old}")).await;
    let stopped = ledger.worker(&["emails"], &["t.send"]).await;
    ledger.sql(&format!("UPDATE workers SET stopped_at = now() - interval '6 days' WHERE id = {stopped}")).await;
    let live = ledger.worker(&["emails"], &["t.send"]).await;
    assert_eq!(crate::ledger::reap::forget_workers(&mut ledger.conn).await.unwrap(), 1);
    let left: Vec<_> = list(&mut ledger.conn, true).await.unwrap().into_iter().map(|w| w.id).collect();
    assert_eq!(left, [live, stopped]);
    ledger.close().await;
}
