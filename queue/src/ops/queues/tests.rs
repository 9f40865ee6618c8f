use super::super::testing::{TestLedger, insert};
use super::*;
use crate::ops::JobState;

#[tokio::test]
async fn a_queue_tells_its_depth_by_state_its_oldest_job_and_who_serves_it() {
    let mut ledger = TestLedger::new().await;
    for state in JobState::ALL {
        insert(&mut ledger.conn, "emails", state).await;
    }
    let old = insert(&mut ledger.conn, "emails", JobState::Available).await;
    ledger.set(old, "run_at = now() - interval '90 seconds'").await;
    ledger.worker(&["emails", "reports"], &["t.send"]).await;
    ledger.dispatcher("emails").await;
    let seen = one(&mut ledger.conn, "emails").await.unwrap();
    assert_eq!((seen.scheduled, seen.available, seen.queued, seen.running, seen.dead), (1, 2, 1, 1, 1));
    let age = crate::ops::now(&mut ledger.conn).await.unwrap() - seen.oldest_available.unwrap();
    assert!((90..100).contains(&age.num_seconds()), "{age}");
    assert_eq!((seen.workers, seen.slots), (1, 4));
    assert!(seen.dispatcher.unwrap().alive);
    let reports = one(&mut ledger.conn, "reports").await.unwrap();
    assert_eq!(reports.settings.transport, Transport::Redis);
    assert!(reports.dispatcher.is_none());
    assert_eq!(reports.available, 0);
    ledger.close().await;
}

#[tokio::test]
async fn a_dispatcher_that_fell_silent_is_not_alive() {
    let mut ledger = TestLedger::new().await;
    ledger.dispatcher("emails").await;
    ledger.sql("UPDATE queue_status SET seen_at = now() - interval '6 seconds'").await;
    assert!(!one(&mut ledger.conn, "emails").await.unwrap().dispatcher.unwrap().alive);
    ledger.close().await;
}

#[tokio::test]
async fn pausing_takes_back_what_is_queued_and_leaves_what_runs() {
    let mut ledger = TestLedger::new().await;
    let worker = ledger.worker(&["emails"], &["t.send"]).await;
    insert(&mut ledger.conn, "emails", JobState::Queued).await;
    let runs = insert(&mut ledger.conn, "emails", JobState::Available).await;
    ledger.run(runs, worker).await;
    insert(&mut ledger.conn, "reports", JobState::Queued).await;
    assert_eq!(pause(&mut ledger.conn, "emails", Actor::CommandLine).await.unwrap(), 1);
    let seen = one(&mut ledger.conn, "emails").await.unwrap();
    assert!(seen.settings.paused);
    assert_eq!((seen.available, seen.queued, seen.running), (1, 0, 1));
    assert_eq!(one(&mut ledger.conn, "reports").await.unwrap().queued, 1);
    // Pausing again keeps the time of the first pause, which people are shown.
    pause(&mut ledger.conn, "emails", Actor::CommandLine).await.unwrap();
    assert_eq!(one(&mut ledger.conn, "emails").await.unwrap().settings.changed_at, seen.settings.changed_at);
    resume(&mut ledger.conn, "emails", Actor::CommandLine).await.unwrap();
    assert!(!one(&mut ledger.conn, "emails").await.unwrap().settings.paused);
    ledger.close().await;
}

#[tokio::test]
async fn a_resume_takes_back_what_was_handed_over_as_the_pause_began() {
    let mut ledger = TestLedger::new().await;
    pause(&mut ledger.conn, "emails", Actor::CommandLine).await.unwrap();
    // The transaction of a fast path that began before the pause commits after it; the claim is refused, the message gone.
    insert(&mut ledger.conn, "emails", JobState::Queued).await;
    insert(&mut ledger.conn, "reports", JobState::Queued).await;
    resume(&mut ledger.conn, "emails", Actor::CommandLine).await.unwrap();
    let seen = one(&mut ledger.conn, "emails").await.unwrap();
    assert_eq!((seen.available, seen.queued), (1, 0));
    assert_eq!(one(&mut ledger.conn, "reports").await.unwrap().queued, 1);
    ledger.close().await;
}

#[tokio::test]
async fn only_tighter_settings_take_back_what_is_queued() {
    let nothing = QueueChange::default();
    let limit = |limit| QueueChange { concurrency_limit: Change::To(limit), ..nothing };
    let rate = |rate| QueueChange { rate_per_second: Change::To(rate), ..nothing };
    let window = |window| QueueChange { window: Some(window), ..nothing };
    let to = |transport| QueueChange { transport: Some(transport), ..nothing };
    let lifted = QueueChange { concurrency_limit: Change::Unset, rate_per_second: Change::Unset, ..nothing };
    let mut ledger = TestLedger::new().await;
    for (change, back) in [
        (limit(5), true),
        (limit(7), false),
        (limit(6), true),
        (rate(10.0), true),
        (rate(20.0), false),
        (rate(19.0), true),
        (window(3_000), false),
        (window(1_000), true),
        (QueueChange { rate_burst: Some(5.0), ..nothing }, false),
        (QueueChange { rate_burst: Some(4.0), ..nothing }, true),
        (QueueChange { pack: Change::To(5), ..nothing }, false),
        (to(Transport::Rabbit), false),
        (to(Transport::Redis), true),
        (lifted, false),
        (nothing, false),
    ] {
        ledger.sql("DELETE FROM jobs").await;
        insert(&mut ledger.conn, "emails", JobState::Queued).await;
        let seen = set(&mut ledger.conn, "emails", &change, Actor::CommandLine).await.unwrap();
        assert_eq!(seen.available == 1, back, "{change:?}");
    }
    ledger.close().await;
}

#[tokio::test]
async fn what_comes_back_says_which_change_brought_it_back() {
    let mut ledger = TestLedger::new().await;
    let limit = QueueChange { concurrency_limit: Change::To(5), ..QueueChange::default() };
    let to = QueueChange { transport: Some(Transport::Redis), ..QueueChange::default() };
    for (change, reason) in [(Some(limit), Reason::Limits), (Some(to), Reason::Moved), (None, Reason::Paused)] {
        let job = insert(&mut ledger.conn, "emails", JobState::Queued).await;
        match change {
            Some(change) => drop(set(&mut ledger.conn, "emails", &change, Actor::CommandLine).await.unwrap()),
            None => drop(pause(&mut ledger.conn, "emails", Actor::CommandLine).await.unwrap()),
        }
        let seen = crate::ops::detail::detail(&mut ledger.conn, job).await.unwrap().job;
        assert_eq!((seen.state, seen.reason), (JobState::Available, Some(reason)));
    }
    assert_eq!(ledger.acts().await, ["queue.change emails", "queue.change emails", "queue.pause emails"]);
    ledger.close().await;
}

#[tokio::test]
async fn a_move_does_not_wait_for_a_claim_that_is_under_way() {
    let mut ledger = TestLedger::new().await;
    let held = insert(&mut ledger.conn, "emails", JobState::Queued).await;
    insert(&mut ledger.conn, "emails", JobState::Queued).await;
    let mut claim = ledger.db.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM jobs WHERE id = $1 FOR UPDATE").bind(held.0).execute(&mut *claim).await.unwrap();
    let change = QueueChange { transport: Some(Transport::Redis), ..QueueChange::default() };
    let seen = tokio::time::timeout(
        std::time::Duration::from_secs(30),
        set(&mut ledger.conn, "emails", &change, Actor::CommandLine),
    );
    assert_eq!(seen.await.unwrap().unwrap().queued, 1);
    claim.rollback().await.unwrap();
    ledger.close().await;
}

#[tokio::test]
async fn settings_are_kept_unset_and_checked() {
    let mut ledger = TestLedger::new().await;
    let change = QueueChange {
        window: Some(100),
        concurrency_limit: Change::To(3),
        rate_per_second: Change::To(2.5),
        rate_burst: Some(10.0),
        pack: Change::To(7),
        transport: Some(Transport::Redis),
    };
    let seen = set(&mut ledger.conn, "emails", &change, Actor::CommandLine).await.unwrap().settings;
    assert_eq!((seen.window, seen.concurrency_limit, seen.pack), (100, Some(3), Some(7)));
    assert_eq!((seen.rate_per_second, seen.rate_burst, seen.transport), (Some(2.5), 10.0, Transport::Redis));
    let change = QueueChange { concurrency_limit: Change::Unset, ..QueueChange::default() };
    let seen = set(&mut ledger.conn, "emails", &change, Actor::CommandLine).await.unwrap().settings;
    assert_eq!((seen.window, seen.concurrency_limit, seen.pack, seen.rate_per_second), (100, None, Some(7), Some(2.5)));

    let keep = QueueChange::default;
    for (bad, name) in [
        (QueueChange { window: Some(0), ..keep() }, "window"),
        (QueueChange { window: Some(4001), ..keep() }, "window"),
        (QueueChange { concurrency_limit: Change::To(0), ..keep() }, "limit"),
        (QueueChange { rate_per_second: Change::To(0.0), ..keep() }, "rate"),
        // Beyond these the dispatcher could no longer reckon how many may leave.
        (QueueChange { rate_per_second: Change::To(0.000_009), ..keep() }, "rate"),
        (QueueChange { rate_per_second: Change::To(1_000_001.0), ..keep() }, "rate"),
        (QueueChange { rate_burst: Some(f64::MAX), ..keep() }, "burst"),
        (QueueChange { rate_per_second: Change::To(f64::NAN), ..keep() }, "rate"),
        (QueueChange { rate_burst: Some(0.5), ..keep() }, "burst"),
        (QueueChange { pack: Change::To(101), ..keep() }, "pack"),
    ] {
        let refused = set(&mut ledger.conn, "emails", &bad, Actor::CommandLine).await;
        assert!(matches!(refused, Err(OpsError::Invalid { setting, .. }) if setting == name), "{name}: {refused:?}");
    }
    ledger.close().await;
}

#[tokio::test]
async fn an_unknown_queue_names_the_known_ones() {
    let mut ledger = TestLedger::new().await;
    let refused = pause(&mut ledger.conn, "email", Actor::CommandLine).await.unwrap_err();
    assert!(refused.to_string().contains("emails, reports"), "{refused}");
    assert!(set(&mut ledger.conn, "email", &QueueChange::default(), Actor::CommandLine).await.is_err());
    ledger.close().await;
}
