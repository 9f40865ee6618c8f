//! What a scrape of a worker shows.

use super::*;

#[tokio::test]
async fn a_scrape_shows_jobs_by_kind_and_outcome_times_and_groups() {
    let scrape = shared::telemetry::metrics();
    let stage = stage().await;
    for act in [Act::Done, Act::Fail, Act::Snooze, Act::Dead] {
        once(&stage, act).await;
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
    stage.db.close().await;
}

#[tokio::test]
async fn a_ticket_that_claims_nothing_says_nothing_of_run_times() {
    let stage = stage().await;
    let _ = stage.ledger.enqueue(&Act::Done).await.unwrap();
    let ticket = stage.bench.take().await.remove(0);
    stage.bench.run(ticket).await;
    let before = stage.bench.engine.run_times.means();
    stage.bench.run(ticket).await;
    assert_eq!(stage.bench.engine.run_times.means(), before);
    assert!(before["test"].as_u64().is_some_and(|micros| micros > 0), "{before}");
    stage.db.close().await;
}
