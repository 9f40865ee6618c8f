//! PostgreSQL, Redis and RabbitMQ over TLS, as with hosted servers. A process's environment decides
//! which certificates it trusts, so the code under test runs in a process of its own: this test
//! program again.
#![expect(clippy::unwrap_used, reason = "a test ends where its stack does not work")]
#![expect(clippy::disallowed_methods, reason = "the environment names the servers")]

use std::path::Path;
use std::time::{Duration, Instant};

use jobs::cargo::EventLane;
use market::cargo::{CargoEvent, EventType, ShipmentStatus};
use queue::transport::Brokers;
use queue::transport::Transport;
use shared::config::{Config, Source};
use shared::ids::OrgId;
use sqlx::{Connection, PgConnection};
use tests::servers::{NAME, OwnPostgres, OwnRabbit, OwnRedis, Tls};
use tests::stack::TestStack;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

/// Settings, by name.
type Urls = [(&'static str, String); 3];

/// Runs one of the tests below with these servers and this authority.
async fn run(test: &str, urls: &Urls, authority: &Path) {
    let ended = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .envs(urls.iter().map(|(name, url)| (name, url)))
        .env("SSL_CERT_FILE", authority)
        // It belongs to another server.
        .env_remove("MIGRATE_DATABASE_URL")
        .env_remove("SSL_CERT_DIR")
        .output()
        .await
        .unwrap();
    let output = format!("{}{}", String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
    assert!(ended.status.success() && output.contains("1 passed"), "{test}: {output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_and_events_travel_over_tls_and_wrong_certificates_are_refused() {
    let (tls, stranger) = (Tls::new().unwrap(), Tls::new().unwrap());
    let servers = tokio::try_join!(OwnPostgres::start_tls(&tls), OwnRedis::start_tls(&tls), OwnRabbit::start_tls(&tls));
    let (postgres, redis, rabbit) = servers.unwrap();
    let urls = [("DATABASE_URL", postgres.url()), ("REDIS_URL", redis.url()), ("AMQP_URL", rabbit.url())];
    run("inside::everything_flows", &urls, &tls.authority()).await;
    run("inside::nobody_is_trusted", &urls, &stranger.authority()).await;
    // The right authority, but an address that the certificate does not name.
    let by_address = urls.map(|(name, url)| (name, url.replace(NAME, "127.0.0.1")));
    run("inside::nobody_is_trusted", &by_address, &tls.authority()).await;
}

mod inside {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "runs in a process of the test above, which names its servers and the authority"]
    async fn everything_flows() {
        for transport in [Transport::Redis, Transport::Rabbit] {
            let stack = TestStack::new(transport).await;
            let (worker, scheduler) = (stack.worker(4), stack.scheduler());
            stack.enqueue(50, 0).await;
            stack.until_drained().await;
            stack.assert_once_each(50).await;
            drop((worker, scheduler));
            stack.close().await;
        }
        events_flow().await;
    }

    async fn events_flow() {
        let stack = TestStack::new(Transport::Rabbit).await;
        let stop = CancellationToken::new();
        let settings = workers::cargo::Settings::new(&stack.config).unwrap();
        let consumer = tokio::spawn(workers::cargo::run(settings, stack.db.another_pool(3), stop.clone()));
        let lane = EventLane::new(&stack.config, stack.pool().clone());
        let events: Vec<_> = (0..20).map(event).collect();
        lane.publish(OrgId::generate(), &events).await.unwrap();
        let begun = Instant::now();
        let stored = "SELECT count(*) FROM cargo_events";
        while sqlx::query_scalar::<_, i64>(stored).fetch_one(stack.pool()).await.unwrap() < 20 {
            assert!(begun.elapsed() < Duration::from_mins(1), "the events do not arrive");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        stop.cancel();
        consumer.await.unwrap().unwrap();
        stack.close().await;
    }

    fn event(id: u32) -> CargoEvent {
        CargoEvent {
            source: "tls".to_owned(),
            source_event_id: id.to_string(),
            sequence: 0,
            shipment: "S-1".to_owned(),
            kind: EventType::Actual,
            status: Some(ShipmentStatus::InTransit),
            occurred_at: chrono::DateTime::from_timestamp(1_790_000_000, 0).unwrap(),
            position: None,
            corrects: None,
            payload: None,
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    #[ignore = "runs in a process of the test above, which names its servers and the authority"]
    async fn nobody_is_trusted() {
        let names = ["DATABASE_URL", "REDIS_URL", "AMQP_URL"];
        let env = names.map(|name| (name.to_owned(), std::env::var(name).unwrap()));
        let config = Config::from_source(Source::new("", env.into())).unwrap();
        let db = shared::db::pool(&config.database.url, 1, "test").unwrap();
        let url = std::env::var("DATABASE_URL").unwrap();
        refused(&PgConnection::connect(&url).await.expect_err("PostgreSQL was trusted"));
        let brokers = Brokers::connect(&config, db);
        for transport in [Transport::Redis, Transport::Rabbit] {
            refused(&brokers.get(transport).unwrap().ping().await.expect_err("the broker was trusted"));
        }
    }

    /// Asserts that the certificate was the reason, and not that nobody is there.
    fn refused(error: &dyn std::error::Error) {
        let output = format!("{error} {error:?}").to_lowercase();
        assert!(output.contains("certificate"), "{output}");
    }
}
