//! One queue's turns: how much room there is, and in which messages the jobs go.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::ledger::claim::release;
use crate::ledger::connections::within;
use crate::ledger::dispatch::{QueueTurn, Taken, look, recall, return_tokens, take_tokens};
use crate::ledger::reason::Reason;
use crate::ticket::Ticket;
use crate::transport::{BrokerError, MAX_TICKETS, Message};
use sqlx::PgConnection;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::pause;
use super::queue::QueueState;
use super::rotation::Rotation;
use crate::scheduler::{LIMIT, Scheduler};

/// How much work one message may carry: a worker that dies with it costs no more than this.
const MESSAGE_MICROS: f64 = 20_000.0;
/// How long to leave a broker alone that refused a publish.
const BROKER_PAUSE: Duration = Duration::from_millis(500);
/// With how many jobs such a broker is tried: all of them would go to `queued` and back, twice a second.
const PROBE: i64 = 10;
/// How soon a full window is looked at again while jobs end, at the earliest and at the latest.
const FULL: (Duration, Duration) = (Duration::from_millis(3), Duration::from_millis(50));

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
    rotation: Rotation,
    small_room: u32,
    full: Full,
}

/// A window without room.
#[derive(Debug, Default)]
struct Full {
    inflight: i64,
    since: Option<Instant>,
}

impl Full {
    /// How long to wait before the next look: the longer, the longer nothing moves.
    fn wait(&mut self, inflight: i64) -> Duration {
        if self.inflight != inflight {
            *self = Self { inflight, since: None };
        }
        let stands = self.since.get_or_insert_with(Instant::now).elapsed();
        (stands / 4).clamp(FULL.0, FULL.1)
    }
}

/// Takes turns for `queue` whenever it is woken, until `stop`. Publishes under way are among the `tasks`.
pub(super) async fn run(scheduler: Scheduler, queue: Arc<QueueState>, tasks: TaskTracker, stop: CancellationToken) {
    let mut memory = Memory::default();
    // Two publishes under way keep broker and database busy at the same time.
    let publishing = Publishing { permits: Arc::new(Semaphore::new(2)), tasks };
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
                    memory.rotation.forget();
                    pause(BROKER_PAUSE, &stop).await;
                }
            }
        }
        queue.see_backlog(false);
        memory.rotation.forget();
    }
}

/// What the ledger gave for a turn.
enum Picked {
    Jobs {
        now: QueueTurn,
        taken: Vec<Vec<Taken>>,
        /// There was room for more than was waiting.
        drained: bool,
    },
    Nothing(Turn),
}

async fn turn(
    scheduler: &Scheduler,
    queue: &Arc<QueueState>,
    memory: &mut Memory,
    publishing: &Publishing,
) -> anyhow::Result<Turn> {
    let picked = within(LIMIT, async {
        let mut conn = scheduler.db.lend().await?;
        let picked = pick(&mut conn, scheduler, queue, memory).await?;
        conn.give_back();
        Ok(picked)
    });
    match picked.await? {
        Picked::Nothing(turn) => Ok(turn),
        Picked::Jobs { now, taken, drained } => match publish(scheduler, queue, &now, taken, publishing).await? {
            Turn::Took if drained => Ok(Turn::Empty),
            turn => Ok(turn),
        },
    }
}

async fn pick(
    conn: &mut PgConnection,
    scheduler: &Scheduler,
    queue: &QueueState,
    memory: &mut Memory,
) -> Result<Picked, sqlx::Error> {
    let nothing = |turn| Ok(Picked::Nothing(turn));
    let Memory { rotation, small_room, full } = memory;
    let Some(now) = look(conn, &queue.name, rotation.priority()).await? else { return nothing(Turn::Empty) };
    if now.paused {
        recall(conn, &queue.name, Reason::Paused).await?;
        return nothing(Turn::Wait(Duration::from_millis(200)));
    }
    // A little patience makes one large statement of many small ones.
    let patience = if now.higher_waiting { FULL.0 } else { now.eighth.clamp(FULL.0, FULL.1) };
    if now.room == 0 {
        *small_room = 0;
        queue.see_backlog(true);
        return nothing(Turn::Wait(full.wait(now.inflight).max(patience)));
    }
    *full = Full::default();
    if now.room < now.window / 8 && *small_room < 4 {
        // With slow jobs it ends after four looks.
        *small_room += 1;
        queue.see_backlog(true);
        return nothing(Turn::Wait(patience));
    }
    *small_room = 0;
    if now.higher_waiting || rotation.is_stale(now.room) {
        rotation.refresh(conn, &queue.name).await?;
        if rotation.is_empty() {
            return nothing(Turn::Empty);
        }
    }
    let wanted = if queue.publish_fails() { now.room.min(PROBE) } else { now.room };
    let room = if now.rate_limited { take_tokens(conn, &queue.name, wanted).await? } else { wanted };
    if room == 0 {
        queue.see_backlog(true);
        return nothing(Turn::Wait(Duration::from_millis(20)));
    }
    let taken = rotation.take(conn, &queue.name, room, &scheduler.name).await?;
    let count = taken.iter().map(|line| i64::try_from(line.len()).unwrap_or(0)).sum::<i64>();
    if now.rate_limited && count < room {
        return_tokens(conn, &queue.name, room - count).await?;
    }
    queue.see_backlog(count == room);
    if taken.is_empty() {
        // The marks may have hidden the last jobs: look once more without them.
        let hidden = rotation.has_marks();
        rotation.forget();
        return nothing(if hidden { Turn::Took } else { Turn::Empty });
    }
    let drained = count < room && {
        rotation.refresh(conn, &queue.name).await?;
        rotation.is_empty()
    };
    Ok(Picked::Jobs { now, taken, drained })
}

/// The publishes under way.
#[derive(Debug)]
struct Publishing {
    permits: Arc<Semaphore>,
    tasks: TaskTracker,
}

/// Publishes in fair order, in messages sized by how long the jobs take. A refused publish puts the tickets back in line.
async fn publish(
    scheduler: &Scheduler,
    queue: &Arc<QueueState>,
    now: &QueueTurn,
    taken: Vec<Vec<Taken>>,
    publishing: &Publishing,
) -> anyhow::Result<Turn> {
    let tickets = interleave(&taken);
    let pack = pack(now, tickets.len());
    metrics::histogram!("tradeyard_dispatch_size", "queue" => queue.name.clone())
        .record(f64::from(u32::try_from(tickets.len()).unwrap_or(u32::MAX)));
    let messages: Vec<Message> = tickets.chunks(pack).map(|chunk| Message(chunk.to_vec())).collect();
    let Some(broker) = scheduler.brokers.get(now.transport) else {
        let problem = BrokerError::new(now.transport, "this scheduler has no address for it");
        put_back(scheduler, queue, &tickets, now.rate_limited, problem).await;
        return Ok(Turn::Wait(BROKER_PAUSE));
    };
    let permit = Arc::clone(&publishing.permits).acquire_owned().await?;
    let (scheduler, queue, rate_limited) = (scheduler.clone(), Arc::clone(queue), now.rate_limited);
    let failed = queue.publish_fails();
    let sending = async move {
        let sent = broker.publish(&queue.name, &messages).await;
        match sent {
            Ok(()) => queue.published(Ok(())),
            Err(error) => put_back(&scheduler, &queue, &tickets, rate_limited, error).await,
        }
        drop(permit);
        queue.publish_fails()
    };
    if failed {
        // After a failure the next publish is awaited, so that a broker that is away is asked twice a second at most.
        return Ok(if sending.await { Turn::Wait(BROKER_PAUSE) } else { Turn::Took });
    }
    publishing.tasks.spawn(sending);
    Ok(Turn::Took)
}

async fn put_back(
    scheduler: &Scheduler,
    queue: &QueueState,
    tickets: &[Ticket],
    rate_limited: bool,
    problem: BrokerError,
) {
    tracing::warn!(queue = queue.name, %problem, jobs = tickets.len(), "not published; the jobs go back in line");
    queue.published(Err(problem));
    let released = async {
        let mut conn = scheduler.db.lend().await?;
        release(&mut conn, tickets, Reason::TransportRefused).await?;
        if rate_limited {
            return_tokens(&mut conn, &queue.name, i64::try_from(tickets.len()).unwrap_or(0)).await?;
        }
        conn.give_back();
        Ok(())
    };
    if let Err(error) = within(LIMIT, released).await {
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
mod tests;
