//! One queue's turns: how much room there is, whose jobs go, in which messages.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jobs::broker::{MAX_TICKETS, Message};
use jobs::kit::ledger::Ticket;
use jobs::kit::ledger::claim::release;
use jobs::kit::ledger::dispatch::{
    Line, QueueTurn, Share, Taken, lines, look, recall, return_tokens, take, take_tokens,
};
use sqlx::PgConnection;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{QueueState, pause};
use crate::Scheduler;

/// The most tenants that share one turn; with more, the turns rotate through them.
const MOST_LINES: i64 = 64;
/// How long the list of lines and the marks are trusted.
const TRUST: Duration = Duration::from_secs(1);
/// How much work one message may carry: a worker that dies with it costs no more than this.
const MESSAGE_MICROS: f64 = 20_000.0;
/// How long to leave a broker alone that refused a publish.
const BROKER_PAUSE: Duration = Duration::from_millis(500);

/// What a turn achieved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    Took,
    /// Nothing is waiting.
    Empty,
    /// Something waits, but not now: no room, no tokens, or the broker is away.
    Wait(Duration),
}

/// What a queue's task remembers between turns.
#[derive(Debug, Default)]
struct Memory {
    lines: Vec<Line>,
    /// The highest id taken of each line: a hint that spares the scan what was taken before.
    marks: HashMap<(i16, Uuid), i64>,
    looked: Option<Instant>,
    /// Where the rotation through many tenants goes on.
    rotate_after: Option<Line>,
    small_room: u32,
}

impl Memory {
    fn forget(&mut self) {
        self.lines.clear();
        self.marks.clear();
        self.looked = None;
    }
}

/// Takes turns for `queue` whenever it is woken, until `stop`.
pub(super) async fn run(scheduler: Scheduler, queue: Arc<QueueState>, stop: CancellationToken) {
    let mut memory = Memory::default();
    // Two publishes under way keep broker and database busy at the same time.
    let publishing = Arc::new(Semaphore::new(2));
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = queue.wake.notified() => {}
        }
        while queue.is_led() && !stop.is_cancelled() {
            match turn(&scheduler, &queue, &mut memory, &publishing).await {
                Ok(Turn::Took) => {}
                Ok(Turn::Empty) => break,
                Ok(Turn::Wait(time)) => pause(time, &stop).await,
                Err(error) => {
                    tracing::warn!(queue = queue.name, %error, "dispatch failed");
                    memory.forget();
                    pause(BROKER_PAUSE, &stop).await;
                }
            }
        }
        queue.see(|seen| seen.backlog = false);
        memory.forget();
    }
}

async fn turn(
    scheduler: &Scheduler,
    queue: &Arc<QueueState>,
    memory: &mut Memory,
    publishing: &Arc<Semaphore>,
) -> anyhow::Result<Turn> {
    let mut conn = scheduler.pool.acquire().await?;
    let top = memory.lines.first().map_or(0, |line| line.priority);
    let Some(now) = look(&mut conn, &queue.name, top).await? else { return Ok(Turn::Empty) };
    if now.paused {
        recall(&mut conn, &queue.name).await?;
        return Ok(Turn::Wait(Duration::from_millis(200)));
    }
    if now.room == 0 || (now.room < now.window / 8 && memory.small_room < 4) {
        // A little patience makes one large statement of many small ones; with slow jobs it ends after four looks.
        memory.small_room = if now.room == 0 { 0 } else { memory.small_room + 1 };
        queue.see(|seen| seen.backlog = true);
        return Ok(Turn::Wait(Duration::from_millis(3)));
    }
    memory.small_room = 0;
    if memory.lines.is_empty() || now.higher_waiting || memory.looked.is_none_or(|at| at.elapsed() > TRUST) {
        refresh_lines(&mut conn, &queue.name, memory).await?;
        if memory.lines.is_empty() {
            return Ok(Turn::Empty);
        }
    }
    let room = if now.rate_limited { take_tokens(&mut conn, &queue.name, now.room).await? } else { now.room };
    if room == 0 {
        queue.see(|seen| seen.backlog = true);
        return Ok(Turn::Wait(Duration::from_millis(20)));
    }
    let taken = take_fairly(&mut conn, &queue.name, memory, room).await?;
    let count = taken.iter().map(|line| i64::try_from(line.len()).unwrap_or(0)).sum::<i64>();
    if now.rate_limited && count < room {
        return_tokens(&mut conn, &queue.name, room - count).await?;
    }
    drop(conn);
    let more = count == room;
    queue.see(|seen| seen.backlog = more);
    if taken.is_empty() {
        // The marks may have hidden the last jobs: look once more without them.
        let hidden = !memory.marks.is_empty();
        memory.forget();
        return Ok(if hidden { Turn::Took } else { Turn::Empty });
    }
    publish(scheduler, queue, &now, taken, publishing).await
}

/// Reads which lines wait, highest priority only; with many tenants the next ones in the rotation.
async fn refresh_lines(conn: &mut PgConnection, queue: &str, memory: &mut Memory) -> Result<(), sqlx::Error> {
    memory.forget();
    let first = lines(conn, queue, None, 1).await?;
    let Some(top) = first.first().copied() else { return Ok(()) };
    let after = memory.rotate_after.filter(|line| line.priority == top.priority);
    let mut found = lines(conn, queue, after, MOST_LINES).await?;
    found.retain(|line| line.priority == top.priority);
    if found.is_empty() {
        found = lines(conn, queue, None, MOST_LINES).await?;
        found.retain(|line| line.priority == top.priority);
    }
    let full = i64::try_from(found.len()).is_ok_and(|count| count == MOST_LINES);
    memory.rotate_after = if full { found.last().copied() } else { None };
    memory.lines = found;
    memory.looked = Some(Instant::now());
    Ok(())
}

/// Takes an equal share of every line; what short lines leave over goes to the others.
async fn take_fairly(
    conn: &mut PgConnection,
    queue: &str,
    memory: &mut Memory,
    room: i64,
) -> Result<Vec<Vec<Taken>>, sqlx::Error> {
    let Some(priority) = memory.lines.first().map(|line| line.priority) else { return Ok(Vec::new()) };
    let mut by_tenant: HashMap<Uuid, Vec<Taken>> = HashMap::new();
    let mut left = room;
    let mut open: Vec<Uuid> = memory.lines.iter().map(|line| line.tenant).collect();
    while left > 0 && !open.is_empty() {
        let lines = i64::try_from(open.len()).unwrap_or(1);
        let share = (left / lines).max(1);
        let shares: Vec<Share> = open
            .iter()
            .take(usize::try_from(left).unwrap_or(usize::MAX))
            .map(|&tenant| Share {
                tenant,
                after: memory.marks.get(&(priority, tenant)).copied().unwrap_or(0),
                most: share,
            })
            .collect();
        let taken = take(conn, queue, priority, &shares).await?;
        left -= i64::try_from(taken.len()).unwrap_or(left);
        let mut counts: HashMap<Uuid, i64> = HashMap::new();
        for one in taken {
            *counts.entry(one.tenant).or_default() += 1;
            memory.marks.insert((priority, one.tenant), one.ticket.job.0);
            by_tenant.entry(one.tenant).or_default().push(one);
        }
        // A line that gave less than its share is empty; the others may give more.
        let asked: Vec<Uuid> = shares.iter().map(|share| share.tenant).collect();
        open.retain(|tenant| !asked.contains(tenant) || counts.get(tenant).is_some_and(|&count| count == share));
        memory.lines.retain(|line| !asked.contains(&line.tenant) || open.contains(&line.tenant));
    }
    Ok(by_tenant.into_values().collect())
}

/// Publishes in fair order, in messages sized by how long the jobs take. A refused publish puts the tickets back in line.
async fn publish(
    scheduler: &Scheduler,
    queue: &Arc<QueueState>,
    now: &QueueTurn,
    taken: Vec<Vec<Taken>>,
    publishing: &Arc<Semaphore>,
) -> anyhow::Result<Turn> {
    let tickets = interleave(&taken);
    let pack = pack(now, tickets.len());
    metrics::histogram!("tradeyard_dispatch_size", "queue" => queue.name.clone())
        .record(f64::from(u32::try_from(tickets.len()).unwrap_or(u32::MAX)));
    let messages: Vec<Message> = tickets.chunks(pack).map(|chunk| Message(chunk.to_vec())).collect();
    let Some(broker) = scheduler.brokers.get(now.carrier) else {
        put_back(scheduler, queue, &tickets, &format!("this scheduler has no address for {}", now.carrier)).await;
        return Ok(Turn::Wait(BROKER_PAUSE));
    };
    let permit = Arc::clone(publishing).acquire_owned().await?;
    let (scheduler, queue) = (scheduler.clone(), Arc::clone(queue));
    let failed = queue.seen.lock().is_ok_and(|seen| seen.broker_error.is_some());
    let sending = async move {
        let sent = broker.publish(&queue.name, &messages).await;
        match sent {
            Ok(()) => queue.see(|seen| seen.broker_error = None),
            Err(error) => put_back(&scheduler, &queue, &tickets, &error.to_string()).await,
        }
        drop(permit);
        queue.seen.lock().is_ok_and(|seen| seen.broker_error.is_some())
    };
    if failed {
        // After a failure the next publish is awaited, so that a broker that is away is asked twice a second at most.
        return Ok(if sending.await { Turn::Wait(BROKER_PAUSE) } else { Turn::Took });
    }
    tokio::spawn(sending);
    Ok(Turn::Took)
}

async fn put_back(scheduler: &Scheduler, queue: &QueueState, tickets: &[Ticket], problem: &str) {
    tracing::warn!(queue = queue.name, problem, jobs = tickets.len(), "not published; the jobs go back in line");
    queue.see(|seen| seen.broker_error = Some(problem.to_owned()));
    let released = async { release(&mut *scheduler.pool.acquire().await?, tickets).await };
    if let Err(error) = released.await {
        tracing::warn!(%error, "could not put jobs back in line; the reconciler will publish them");
    }
}

/// One job of each tenant in turn.
fn interleave(taken: &[Vec<Taken>]) -> Vec<Ticket> {
    if let [only] = taken {
        return only.iter().map(|one| one.ticket).collect();
    }
    let longest = taken.iter().map(Vec::len).max().unwrap_or(0);
    (0..longest).flat_map(|place| taken.iter().filter_map(move |line| line.get(place).map(|one| one.ticket))).collect()
}

/// How many tickets go into a message: as much as 20 ms of work, but never so much that a worker would sit idle.
fn pack(now: &QueueTurn, tickets: usize) -> usize {
    let wanted = match (now.pack, now.run_micros) {
        (Some(fixed), _) => return usize::try_from(fixed).unwrap_or(1).clamp(1, MAX_TICKETS),
        (None, Some(micros)) => {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "clamped to 1 to 100 before the cast"
            )]
            let wanted = (MESSAGE_MICROS / micros.max(1.0)).clamp(1.0, MAX_TICKETS as f64) as usize;
            wanted
        }
        (None, None) => 1,
    };
    let workers = usize::try_from(now.workers).unwrap_or(1).max(1);
    wanted.min((tickets / (workers * 4)).max(1))
}

#[cfg(test)]
mod tests {
    use jobs::kit::job::Carrier;
    use shared::ids::JobId;

    use super::*;

    fn queue_turn(pack: Option<i16>, run_micros: Option<f64>) -> QueueTurn {
        QueueTurn {
            carrier: Carrier::Redis,
            paused: false,
            room: 1_000,
            inflight: 0,
            window: 1_000,
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
    fn tenants_take_turns_within_a_publish() {
        let line = |tenant: u128, jobs: &[i64]| {
            jobs.iter()
                .map(|&job| Taken { ticket: Ticket { job: JobId(job), epoch: 1 }, tenant: Uuid::from_u128(tenant) })
                .collect::<Vec<_>>()
        };
        let order: Vec<_> =
            interleave(&[line(1, &[1, 2, 3]), line(2, &[10])]).iter().map(|ticket| ticket.job.0).collect();
        assert_eq!(order, [1, 10, 2, 3]);
    }
}
