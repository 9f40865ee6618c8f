//! Minutes of steady work while processes die and a broker forgets. Run by `./dev test --full`.
#![expect(clippy::unwrap_used, reason = "a test ends where its stack does not work")]
#![expect(clippy::print_stdout, reason = "figures for whoever looks at a soak")]

use std::time::{Duration, Instant};

use queue::transport::Transport;
use tests::parts::Part;
use tests::servers::OwnRedis;
use tests::stack::TestStack;
use tests::touch::Touch;

const PROGRAM: &str = env!("CARGO_BIN_EXE_stack-part");
/// How long jobs are enqueued; those still open after that are run to their end.
const LENGTH: Duration = Duration::from_secs(150);
const EVERY: Duration = Duration::from_millis(100);
const AT_ONCE: i32 = 4;
const WORKERS: usize = 3;
/// The most memory that a process of a debug build may hold, whatever it has been through. It
/// begins with some 40 MB.
const MOST_MB: u64 = 200;

/// Random numbers from a seed, with which a failed run can be repeated (`SplitMix64`).
#[derive(Clone, Copy, Debug)]
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn seconds(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from * 1_000 + self.below((to - from) * 1_000))
    }
}

/// The memory of the parts that are alive: the most that any held at the first look, and ever.
#[derive(Debug, Default)]
struct Memory {
    first_mb: Option<u64>,
    most_mb: u64,
}

impl Memory {
    fn look<'a>(&mut self, parts: impl IntoIterator<Item = &'a Part>) {
        let most = parts.into_iter().filter_map(Part::resident_mb).max().unwrap_or_default();
        self.first_mb.get_or_insert(most);
        self.most_mb = self.most_mb.max(most);
    }
}

/// Enqueues over `transport` for [`LENGTH`], kills a worker every few seconds, and flushes `redis` now and then.
async fn soak(transport: Transport, redis: Option<&OwnRedis>, mut chance: Chance) {
    let url = redis.map(OwnRedis::url);
    let settings: Vec<_> = url.iter().map(|url| ("REDIS_URL", url.as_str())).collect();
    let stack = TestStack::with(transport, &settings).await;
    let schedulers = [(); 2].map(|()| Part::start(PROGRAM, &stack, &["scheduler"]));
    let mut workers = [(); WORKERS].map(|()| Part::start(PROGRAM, &stack, &["worker"]));
    let ledger = stack.fast_ledger().await;
    let (mut n, mut kills, mut flushes) = (0, 0, 0);
    let (mut of_schedulers, mut of_workers) = (Memory::default(), Memory::default());
    let (mut next_kill, mut next_flush) = (chance.seconds(2, 6), chance.seconds(5, 15));
    let began = Instant::now();
    while began.elapsed() < LENGTH {
        for _ in 0..AT_ONCE {
            let _ = ledger.enqueue(&Touch { n, millis: chance.below(60), ..Touch::default() }).await.unwrap();
            n += 1;
        }
        if began.elapsed() > next_kill {
            next_kill += chance.seconds(2, 10);
            let worker = &mut workers[usize::try_from(chance.below(WORKERS as u64)).unwrap()];
            worker.kill().await;
            *worker = Part::start(PROGRAM, &stack, &["worker"]);
            kills += 1;
        }
        if let (Some(redis), true) = (redis, began.elapsed() > next_flush) {
            next_flush += chance.seconds(5, 25);
            redis.command("FLUSHALL").await.unwrap();
            flushes += 1;
        }
        of_schedulers.look(&schedulers);
        of_workers.look(&workers);
        tokio::time::sleep(EVERY).await;
    }
    stack.until_drained().await;
    of_schedulers.look(&schedulers);
    of_workers.look(&workers);
    println!(
        "{transport}: {n} jobs, {kills} workers killed, {flushes} flushes; memory in MB, at first and at most: schedulers {:?} {}, \
         workers {:?} {}",
        of_schedulers.first_mb, of_schedulers.most_mb, of_workers.first_mb, of_workers.most_mb
    );
    stack.assert_once_each(n).await;
    assert!(kills > 5 && (redis.is_none() || flushes > 3), "{kills} kills, {flushes} flushes");
    assert!(of_schedulers.most_mb < MOST_MB && of_workers.most_mb < MOST_MB, "the processes grow");
    drop((schedulers, workers));
    stack.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn soak_each_job_has_one_effect_while_workers_are_killed_and_redis_forgets() {
    let redis = OwnRedis::start().await.unwrap();
    let seed = u64::from(uuid::Uuid::now_v7().as_fields().0) ^ u64::from(std::process::id());
    println!("seed {seed}");
    tokio::join!(
        soak(Transport::Redis, Some(&redis), Chance(seed)),
        soak(Transport::Rabbit, None, Chance(seed.wrapping_add(1))),
    );
}
