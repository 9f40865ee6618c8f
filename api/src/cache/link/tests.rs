use shared::testing::{NetworkFault, Proxy, redis_database, server};

use super::*;

/// Longer than a busy machine takes.
const LONG: Duration = Duration::from_secs(10);

async fn ping(link: &Link) -> Said<()> {
    link.ask(redis::pipe().cmd("PING")).await
}

async fn until_open(link: &Link) {
    while ping(link).await != Said::Value(()) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_redis_that_says_nothing_costs_one_request_its_wait() {
    let (proxy, url) = Proxy::before(&redis_database(&server("REDIS_URL"), 1)).await.unwrap();
    let mut link = Link::open(&url.into(), LONG).unwrap();
    until_open(&link).await;
    link.patience = PATIENCE;
    proxy.set(NetworkFault::Silence);
    assert_eq!(ping(&link).await, Said::Nothing);
    // Not even a new connection can be opened.
    for _ in 0..100 {
        assert_eq!(ping(&link).await, Said::Unasked);
    }
    link.patience = LONG;
    proxy.set(NetworkFault::None);
    until_open(&link).await;
    // One that is gone is given up likewise.
    proxy.set(NetworkFault::Refuse);
    proxy.cut();
    assert_eq!(ping(&link).await, Said::Nothing);
    for _ in 0..100 {
        assert_eq!(ping(&link).await, Said::Unasked);
    }
    proxy.set(NetworkFault::None);
    until_open(&link).await;
}

#[tokio::test]
async fn no_request_waits_for_a_connection() {
    let link = Link::open(&"redis://127.0.0.1:1/1".into(), LONG).unwrap();
    for _ in 0..100 {
        assert_eq!(ping(&link).await, Said::Unasked);
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_fails_late_does_not_give_up_the_next_connection() {
    let link = Link::open(&redis_database(&server("REDIS_URL"), 1).into(), LONG).unwrap();
    until_open(&link).await;
    let (_, old) = link.connection().unwrap();
    link.give_up(old);
    until_open(&link).await;
    link.give_up(old);
    assert_eq!(ping(&link).await, Said::Value(()));
}
