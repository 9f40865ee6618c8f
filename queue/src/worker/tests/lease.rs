//! The lease: kept, late, lost, and not to be trusted any more.

use shared::testing::{NetworkFault, Proxy};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::ledger::connections::Connections;
use crate::worker::heartbeat::Heartbeat;

/// Runs until it is asked to stop.
#[derive(Debug, Serialize, Deserialize)]
struct Long;

impl Job for Long {
    const KIND: Kind = Kind::new("test.long");
    const QUEUE: Queue = QUEUE;
}

impl Handler<Services> for Long {
    async fn run(self, cx: &Cx<Services>) -> anyhow::Result<Outcome> {
        cx.runs.fetch_add(1, Ordering::Relaxed);
        cx.cancelled().await;
        cx.cancelled.store(true, Ordering::Relaxed);
        anyhow::bail!("stopped")
    }
}

struct Worker {
    db: TestDb,
    queue: TestQueue<Services>,
    services: Services,
    /// What the heartbeat reaches the ledger through.
    line: Proxy,
    stop: CancellationToken,
}

/// A worker with a heartbeat of its own line, one job running.
async fn worker() -> (Worker, tokio::task::JoinHandle<()>) {
    let db = TestDb::new().await;
    let services = Services::default();
    let queue = TestQueue::new(&db.pool, Handlers::default().with::<Long>(), services.clone()).await;
    let (line, through) = Proxy::before(&db.url()).await.unwrap();
    let stop = CancellationToken::new();
    let connections = Connections::like(&crate::engine_pool_with(through.parse().unwrap(), "heartbeat"));
    let heartbeat = Heartbeat::new(Arc::clone(&queue.engine), connections, queue.registration.clone());
    tokio::spawn(heartbeat.run(stop.clone()));
    let _ = Ledger::new(db.pool.clone()).enqueue(&Long).await.unwrap();
    let ticket = queue.take().await.remove(0);
    let worker = Worker { db, queue, services, line, stop };
    let running = worker.queue.start(ticket);
    until(async || worker.services.runs.load(Ordering::Relaxed) == 1).await;
    (worker, running)
}

async fn until(mut condition: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), waiting).await.expect("the condition comes true");
}

impl Worker {
    async fn sql(&self, sql: &'static str) {
        sqlx::raw_sql(sql).execute(&self.db.pool).await.unwrap();
    }

    async fn is(&self, condition: &'static str) -> bool {
        sqlx::query_scalar(condition).fetch_one(&self.db.pool).await.unwrap()
    }

    async fn close(self) {
        self.stop.cancel();
        self.db.close().await;
    }
}

#[tokio::test]
async fn a_worker_that_is_cut_off_stops_what_runs_before_its_lease_ends() {
    let scrape = shared::telemetry::metrics();
    let (worker, running) = worker().await;
    assert!(worker.queue.engine.lease.is_trusted());
    // No answer, no reset: as when the host vanishes.
    worker.line.set(NetworkFault::Silence);
    tokio::time::timeout(crate::ledger::workers::LEASE, running)
        .await
        .expect("the attempt ends within the lease")
        .unwrap();
    assert!(worker.services.cancelled.load(Ordering::Relaxed), "the handler was not asked to stop");
    assert!(!worker.queue.engine.lease.is_trusted(), "it calls itself ready");
    assert!(scrape.render().contains("tradeyard_lease_losses_total 1"));
    // Nothing was written: whoever has the lease decides.
    assert!(worker.is("SELECT state = 'running' FROM jobs").await);
    worker.close().await;
}

#[tokio::test]
async fn a_worker_whose_database_has_moved_to_another_host_goes_on_within_its_lease() {
    let (worker, running) = worker().await;
    worker.line.strand();
    worker.sql("UPDATE workers SET seen_at = seen_at - interval '1 hour'").await;
    until(async || worker.is("SELECT seen_at > clock_timestamp() - interval '1 minute' FROM workers").await).await;
    assert!(!running.is_finished(), "what runs was stopped");
    assert!(worker.queue.engine.lease.is_trusted());
    worker.close().await;
}

#[tokio::test]
async fn a_late_worker_that_nobody_buried_keeps_its_lease_and_its_jobs() {
    let (worker, running) = worker().await;
    worker.sql("UPDATE workers SET lease_until = clock_timestamp() - interval '20 seconds'").await;
    until(async || worker.is("SELECT lease_until > clock_timestamp() FROM workers").await).await;
    assert!(!running.is_finished());
    assert!(worker.is("SELECT count(*) = 1 FROM workers").await);
    worker.close().await;
}

/// A cancellation is seen in a beat that went past the lock; without that the lease would be given up instead, and the job stay running.
#[tokio::test]
async fn a_worker_whose_row_is_held_keeps_its_lease_and_hears_of_cancellations() {
    let (worker, running) = worker().await;
    let mut holder = worker.db.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM workers FOR UPDATE").execute(&mut *holder).await.unwrap();
    worker.sql("UPDATE jobs SET cancel_at = now()").await;
    running.await.unwrap();
    assert!(worker.is("SELECT state = 'cancelled' FROM jobs").await, "what runs was stopped for another reason");
    assert!(worker.queue.engine.lease.is_trusted());
    holder.rollback().await.unwrap();
    worker.close().await;
}

/// The reaper gave it up before somebody took hold of its row.
#[tokio::test]
async fn a_worker_whose_row_is_held_still_learns_that_its_lease_is_lost() {
    let (worker, running) = worker().await;
    let before = worker.queue.engine.lease.worker();
    worker.line.set(NetworkFault::Silence);
    worker.sql("UPDATE workers SET stopped_at = clock_timestamp()").await;
    let mut holder = worker.db.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM workers FOR UPDATE").execute(&mut *holder).await.unwrap();
    worker.line.set(NetworkFault::None);
    running.await.unwrap();
    until(async || worker.queue.engine.lease.worker() != before).await;
    holder.rollback().await.unwrap();
    worker.close().await;
}

#[tokio::test]
async fn a_lost_lease_stops_what_runs_even_when_the_worker_cannot_register_anew() {
    let (worker, running) = worker().await;
    let before = worker.queue.engine.lease.worker();
    worker
        .sql(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not now'; END $$;
             CREATE TRIGGER refuse BEFORE INSERT ON workers FOR EACH ROW EXECUTE FUNCTION refuse();
             UPDATE workers SET stopped_at = clock_timestamp()",
        )
        .await;
    running.await.unwrap();
    assert!(worker.services.cancelled.load(Ordering::Relaxed));
    assert_eq!(worker.queue.engine.lease.worker(), before);
    worker.sql("DROP TRIGGER refuse ON workers").await;
    until(async || worker.queue.engine.lease.worker() != before).await;
    worker.close().await;
}

#[tokio::test]
async fn a_job_that_the_ledger_says_runs_here_and_does_not_is_given_back() {
    let (worker, running) = worker().await;
    // The answer to its claim was lost: the ledger says running, this process knows nothing of it.
    worker
        .sql(
            "INSERT INTO jobs (state, queue, kind, payload, run_at, epoch, attempt, worker, started_at)
             SELECT 'running', 'test', 'test.lost', '{}', now(), 1, 1, id, now() - interval '6 seconds' FROM workers",
        )
        .await;
    until(async || worker.is("SELECT state = 'available' AND attempt = 0 FROM jobs WHERE kind = 'test.lost'").await)
        .await;
    assert!(!running.is_finished());
    worker.close().await;
}

#[tokio::test]
async fn a_neighbour_whose_process_is_gone_loses_its_lease_at_once() {
    let (worker, _running) = worker().await;
    let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
    sqlx::query(
        "INSERT INTO workers (name, pool, host, pid, place, version, queues, kinds, concurrency, lease_until)
         SELECT 'neighbour', pool, host, $1, $2, version, queues, kinds, 1, clock_timestamp() + interval '1 hour'
         FROM workers",
    )
    .bind(i32::try_from(child.id()).unwrap())
    .bind(&worker.queue.registration.place)
    .execute(&worker.db.pool)
    .await
    .unwrap();
    let late = "SELECT lease_until < clock_timestamp() FROM workers WHERE name = 'neighbour'";
    assert!(!worker.is(late).await);
    child.kill().unwrap();
    child.wait().unwrap();
    until(async || worker.is(late).await).await;
    worker.close().await;
}
