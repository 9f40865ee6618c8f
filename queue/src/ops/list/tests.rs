use super::super::testing::{TestLedger, insert};
use super::*;

async fn ids(ledger: &mut TestLedger, filter: &JobFilter) -> Vec<JobId> {
    list(&mut ledger.conn, filter, None, 50).await.unwrap().jobs.into_iter().map(|job| job.id).collect()
}

#[tokio::test]
async fn every_part_of_a_filter_narrows_the_list() {
    let mut ledger = TestLedger::new().await;
    let org = OrgId(uuid::Uuid::from_u128(7));
    let mut all = Vec::new();
    for state in JobState::ALL {
        all.push(insert(&mut ledger.conn, "emails", state).await);
    }
    let last = *all.last().unwrap();
    ledger.set(last, &format!("kind = 't.other', tenant = '{org}', fingerprint = 'f1', error = '100% Full'")).await;
    ledger.set(last, "created_at = '2020-01-02'").await;
    let reports = insert(&mut ledger.conn, "reports", JobState::Dead).await;
    let newest_first: Vec<_> = std::iter::once(reports).chain(all.iter().rev().copied()).collect();
    let any = JobFilter::default;
    assert_eq!(ids(&mut ledger, &any()).await, newest_first);
    assert_eq!(ids(&mut ledger, &JobFilter::states([JobState::Dead])).await, [reports, last]);
    assert_eq!(ids(&mut ledger, &JobFilter::states(JobState::OPEN)).await, newest_first[4..]);
    let at = |text: &str| text.parse::<DateTime<Utc>>().ok();
    for filter in [
        JobFilter { kind: Some("t.other".into()), ..any() },
        JobFilter { tenant: Some(org), ..any() },
        JobFilter { fingerprint: Some("f1".into()), ..any() },
        JobFilter { error: Some("0% fUL".into()), ..any() },
        JobFilter { created_until: at("2020-01-03T00:00:00Z"), ..any() },
        JobFilter { queue: Some("emails".into()), states: vec![JobState::Dead], ..any() },
    ] {
        assert_eq!(ids(&mut ledger, &filter).await, [last], "{filter:?}");
    }
    let filter = JobFilter { created_from: at("2020-01-03T00:00:00Z"), ..any() };
    assert_eq!(ids(&mut ledger, &filter).await.len(), 7);
    ledger.close().await;
}

#[tokio::test]
async fn pages_follow_each_other_without_gaps() {
    let mut ledger = TestLedger::new().await;
    let mut all = Vec::new();
    for _ in 0..5 {
        all.insert(0, insert(&mut ledger.conn, "emails", JobState::Succeeded).await);
    }
    let (mut seen, mut before) = (Vec::new(), None);
    loop {
        let page = list(&mut ledger.conn, &JobFilter::default(), before, 2).await.unwrap();
        seen.extend(page.jobs.iter().map(|job| job.id));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, all);
    ledger.close().await;
}

#[tokio::test]
async fn a_rare_match_far_back_is_reached_page_by_page() {
    let mut ledger = TestLedger::new().await;
    let rare = insert(&mut ledger.conn, "reports", JobState::Succeeded).await;
    ledger
        .sql(
            "INSERT INTO jobs (state, queue, kind, payload, run_at, finished_at)
         SELECT 'succeeded', 'emails', 't.send', '{}', now(), now() FROM generate_series(1, 100001)",
        )
        .await;
    let filter = JobFilter { queue: Some("reports".into()), ..JobFilter::states([JobState::Succeeded]) };
    let first = list(&mut ledger.conn, &filter, None, 10).await.unwrap();
    assert!(first.jobs.is_empty() && first.next.is_some());
    let second = list(&mut ledger.conn, &filter, first.next, 10).await.unwrap();
    assert_eq!(second.jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [rare]);
    assert_eq!(second.next, None);
    ledger.close().await;
}

#[tokio::test]
async fn counts_by_queue_and_state() {
    let mut ledger = TestLedger::new().await;
    for state in JobState::ALL.into_iter().chain([JobState::Dead]) {
        insert(&mut ledger.conn, "emails", state).await;
    }
    let count = |state, jobs| StateCount { queue: "emails".into(), state, jobs };
    let mut open: Vec<_> = JobState::OPEN.into_iter().map(|state| count(state, 1)).collect();
    open.push(count(JobState::Dead, 2));
    assert_eq!(counts(&mut ledger.conn).await.unwrap(), open);
    assert_eq!(counts_of_all(&mut ledger.conn).await.unwrap().iter().map(|c| c.jobs).sum::<i64>(), 8);
    ledger.close().await;
}

#[tokio::test]
async fn dead_jobs_are_grouped_by_what_killed_them() {
    let mut ledger = TestLedger::new().await;
    let mut last = JobId(0);
    for (fingerprint, error) in [("f1", "box 1"), ("f2", "other"), ("f1", "box 2")] {
        last = insert(&mut ledger.conn, "emails", JobState::Dead).await;
        ledger.set(last, &format!("fingerprint = '{fingerprint}', error = '{error}'")).await;
    }
    let groups = dead_groups(&mut ledger.conn, 10).await.unwrap();
    let seen: Vec<_> = groups.iter().map(|g| (g.fingerprint.as_deref(), g.jobs)).collect();
    assert_eq!(seen, [(Some("f1"), 2), (Some("f2"), 1)]);
    assert_eq!((groups[0].last_job, groups[0].error.as_deref()), (last, Some("box 2")));
    ledger.close().await;
}

#[tokio::test]
async fn a_state_that_holds_more_than_a_page_may_look_at_is_walked_in_stretches() {
    let mut ledger = TestLedger::new().await;
    let rare = insert(&mut ledger.conn, "reports", JobState::Available).await;
    ledger
        .sql(
            "INSERT INTO jobs (state, queue, kind, payload, run_at)
         SELECT 'available', 'emails', 't.send', '{}', now() FROM generate_series(1, 100001)",
        )
        .await;
    let filter = JobFilter { kind: Some("t.send".into()), ..JobFilter::states([JobState::Available]) };
    let full = list(&mut ledger.conn, &filter, None, 10).await.unwrap();
    assert_eq!((full.jobs.len(), full.next), (10, full.jobs.last().map(|job| job.id)));
    // Its queue has an index: however many wait in the others, the page is full at once.
    let filter = JobFilter { queue: Some("reports".into()), ..JobFilter::states([JobState::Available]) };
    let page = list(&mut ledger.conn, &filter, None, 10).await.unwrap();
    assert_eq!((page.jobs.iter().map(|job| job.id).collect::<Vec<_>>(), page.next), (vec![rare], None));
    assert_eq!(count(&mut ledger.conn, &filter).await.unwrap(), 1);
    assert_eq!(count(&mut ledger.conn, &JobFilter::states([JobState::Available])).await.unwrap(), 100_002);
    ledger.close().await;
}
