use shared::ids::JobId;
use uuid::Uuid;

use crate::transport::Transport;

use super::*;

fn queue_turn(pack: Option<i16>, run_micros: Option<f64>) -> QueueTurn {
    QueueTurn {
        transport: Transport::Redis,
        paused: false,
        room: 1_000,
        inflight: 0,
        window: 1_000,
        eighth: Duration::ZERO,
        rate_limited: false,
        pack,
        higher_waiting: false,
        run_micros,
        workers: 2,
    }
}

#[test]
fn short_jobs_travel_together_and_long_ones_alone() {
    assert_eq!(pack(&queue_turn(None, Some(100.0)), 1_000), 100);
    assert_eq!(pack(&queue_turn(None, Some(5_000.0)), 1_000), 4);
    assert_eq!(pack(&queue_turn(None, Some(60_000_000.0)), 1_000), 1);
    assert_eq!(pack(&queue_turn(None, None), 1_000), 1);
    assert_eq!(pack(&queue_turn(Some(7), None), 1_000), 7);
}

#[test]
fn few_jobs_are_spread_over_the_workers() {
    assert_eq!(pack(&queue_turn(None, Some(100.0)), 8), 1);
}

#[test]
fn a_full_window_is_looked_at_less_often_the_longer_nothing_moves() {
    let mut full = Full::default();
    assert_eq!(full.wait(7), FULL.0);
    let hour_ago = Instant::now().checked_sub(Duration::from_hours(1));
    full.since = hour_ago;
    assert_eq!(full.wait(7), FULL.1);
    assert_eq!(full.wait(6), FULL.0, "a job ended");
}

#[test]
fn tenants_take_turns_within_a_publish() {
    let line = |tenant: u128, jobs: &[i64]| {
        jobs.iter()
            .map(|&job| Taken { ticket: Ticket { job: JobId(job), epoch: 1 }, tenant: Uuid::from_u128(tenant) })
            .collect::<Vec<_>>()
    };
    let order: Vec<_> = interleave(&[line(1, &[1, 2, 3]), line(2, &[10])]).iter().map(|ticket| ticket.job.0).collect();
    assert_eq!(order, [1, 10, 2, 3]);
}
