use chrono::TimeDelta;
use queue::Priority;
use shared::ids::JobId;

use super::*;

fn longest(text: &str) -> usize {
    text.lines().map(|line| line.chars().count()).max().unwrap_or(0)
}

#[test]
fn lists_of_jobs_fit_a_hundred_columns_unless_they_are_wide() {
    let now = DateTime::UNIX_EPOCH + TimeDelta::days(400);
    let job = JobLine {
        id: JobId(1_234_567_890_123),
        state: JobState::Cancelled,
        kind: "marketplace.recalculate_everything_there_is".to_owned(),
        queue: "recalculations-of-the-night".to_owned(),
        priority: Priority::Urgent,
        tenant: None,
        attempt: 12,
        created_at: DateTime::UNIX_EPOCH,
        run_at: DateTime::UNIX_EPOCH,
        queued_at: None,
        started_at: None,
        finished_at: Some(now - TimeDelta::minutes(1_407)),
        cancel_at: None,
        progress: None,
        progress_text: None,
        error: Some("the partner's server says something that is longer than any line ".repeat(4)),
        fingerprint: None,
    };
    let page_of_one = JobPage { jobs: vec![job], next: None };
    let shown = |wide| page(&page_of_one, now, Output { json: false, wide });
    assert!(longest(&shown(false)) <= 100, "{}", shown(false));
    assert!(shown(false).contains("1234567890123") && shown(false).contains("23 h 27 min ago"));
    assert!(shown(true).contains("PRIO") && longest(&shown(true)) > 300);

    let group = DeadGroup {
        fingerprint: Some("emails.send: # #.#.# the mailbox of somebody is full ".repeat(3)),
        kind: "emails.send".to_owned(),
        queue: "emails".to_owned(),
        jobs: 1_234_567,
        first_at: DateTime::UNIX_EPOCH,
        last_at: now - TimeDelta::minutes(1_407),
        last_job: JobId(1_234_567_890_123),
        error: Some("e".repeat(300)),
    };
    let shown = |wide| groups(std::slice::from_ref(&group), now, Output { json: false, wide });
    assert!(longest(&shown(false)) <= 100, "{}", shown(false));
    assert!(shown(true).contains(&"e".repeat(300)));
}
