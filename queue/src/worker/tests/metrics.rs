//! What a scrape of a worker shows.

use super::*;

#[tokio::test]
async fn a_scrape_shows_jobs_by_kind_and_outcome_times_and_groups() {
    let scrape = shared::telemetry::metrics();
    let engine = TestEngine::new().await;
    for act in [Act::Done, Act::Fail, Act::Snooze, Act::Dead] {
        once(&engine, act).await;
    }
    let text = scrape.render();
    let value = |line: &str| -> Option<f64> {
        text.lines().find_map(|found| found.strip_prefix(line)).and_then(|value| value.trim().parse().ok())
    };
    for (outcome, jobs) in [("done", 1.0), ("retry", 1.0), ("snooze", 1.0), ("dead", 1.0)] {
        let line = format!("tradeyard_jobs_finished_total{{kind=\"test.act\",outcome=\"{outcome}\"}}");
        assert_eq!(value(&line), Some(jobs), "{outcome}: {text}");
    }
    for histogram in ["tradeyard_job_wait_seconds", "tradeyard_dispatch_lag_seconds", "tradeyard_job_run_seconds"] {
        assert_eq!(value(&format!("{histogram}_count{{queue=\"test\"}}")), Some(4.0), "{histogram}: {text}");
    }
    for statement in ["claim", "finish"] {
        let line = format!("tradeyard_group_size_count{{statement=\"{statement}\"}}");
        assert!(value(&line).is_some_and(|groups| groups >= 1.0), "{statement}: {text}");
    }
    engine.db.close().await;
}

#[tokio::test]
async fn a_ticket_that_claims_nothing_says_nothing_of_run_times() {
    let engine = TestEngine::new().await;
    let _ = engine.ledger.enqueue(&Act::Done).await.unwrap();
    let ticket = engine.queue.take().await.remove(0);
    engine.queue.run(ticket).await;
    let before = engine.queue.engine.run_times.means();
    engine.queue.run(ticket).await;
    assert_eq!(engine.queue.engine.run_times.means(), before);
    assert!(before["test"].as_u64().is_some_and(|micros| micros > 0), "{before}");
    engine.db.close().await;
}
