use super::super::testing::Bed;
use super::*;

#[tokio::test]
async fn live_stale_and_stopped_workers_are_told_apart() {
    let mut bed = Bed::new().await;
    let stopped = bed.worker(&["emails"], &["t.send"]).await;
    bed.sql(&format!("UPDATE workers SET stopped_at = now() WHERE id = {stopped}")).await;
    let stale = bed.worker(&["emails"], &["t.send"]).await;
    bed.sql(&format!("UPDATE workers SET lease_until = now() - interval '1 second' WHERE id = {stale}")).await;
    let live = bed.worker(&["emails"], &["t.send"]).await;
    let seen: Vec<_> = list(&mut bed.conn, true).await.unwrap().into_iter().map(|w| (w.id, w.state)).collect();
    assert_eq!(seen, [(live, WorkerState::Live), (stale, WorkerState::Stale), (stopped, WorkerState::Stopped)]);
    let seen: Vec<_> = list(&mut bed.conn, false).await.unwrap().into_iter().map(|w| w.id).collect();
    assert_eq!(seen, [live, stale]);
    bed.close().await;
}

#[tokio::test]
async fn workers_that_stopped_a_week_ago_are_forgotten() {
    let mut bed = Bed::new().await;
    let old = bed.worker(&["emails"], &["t.send"]).await;
    bed.sql(&format!("UPDATE workers SET stopped_at = now() - interval '8 days' WHERE id = {old}")).await;
    let stopped = bed.worker(&["emails"], &["t.send"]).await;
    bed.sql(&format!("UPDATE workers SET stopped_at = now() - interval '6 days' WHERE id = {stopped}")).await;
    let live = bed.worker(&["emails"], &["t.send"]).await;
    assert_eq!(crate::ledger::reap::forget_workers(&mut bed.conn).await.unwrap(), 1);
    let left: Vec<_> = list(&mut bed.conn, true).await.unwrap().into_iter().map(|w| w.id).collect();
    assert_eq!(left, [live, stopped]);
    bed.close().await;
}
