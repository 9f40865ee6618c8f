use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::testing::TestApi;
use crate::testing::socket::PATIENCE;

static LOOKS: AtomicUsize = AtomicUsize::new(0);

/// Its first look never ends.
#[derive(Default)]
struct Stuck;

impl Watcher for Stuck {
    type Id = u32;
    const PREFIX: &'static str = "stuck:";
    const EVERY: Duration = Duration::from_millis(1);
    const LIMIT: Duration = Duration::from_millis(10);

    fn watched(_: &AppState) -> Vec<u32> {
        vec![1]
    }

    async fn look(&mut self, _: &AppState, _: &[u32]) -> anyhow::Result<()> {
        if LOOKS.fetch_add(1, Ordering::Relaxed) == 0 {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_look_that_hangs_is_given_up() {
    let api = TestApi::new().await;
    let watching = tokio::spawn(watch::<Stuck>(api.state.clone()));
    let another = async {
        while LOOKS.load(Ordering::Relaxed) < 2 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, another).await.expect("the next look");
    watching.abort();
    api.close().await;
}
