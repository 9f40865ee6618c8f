use std::sync::atomic::AtomicBool;

use super::*;

/// Is never ready: it is packed until nobody waits for it.
struct Endless {
    packing: Arc<AtomicBool>,
}

impl ReportFile for Endless {
    fn begin(&mut self, _: &Section) -> anyhow::Result<()> {
        Ok(())
    }

    fn row(&mut self, _: &[Cell]) -> anyhow::Result<()> {
        Ok(())
    }

    fn end(&mut self, _: &Section, _: &[Sum]) -> anyhow::Result<()> {
        Ok(())
    }

    fn finish(self: Box<Self>, unwanted: &CancellationToken) -> anyhow::Result<()> {
        self.packing.store(true, Ordering::Release);
        while !unwanted.is_cancelled() {
            std::thread::yield_now();
        }
        self.packing.store(false, Ordering::Release);
        anyhow::bail!("nobody waits")
    }
}

struct Nothing;

impl Source for Nothing {
    fn rows(&mut self, _: &Section) -> BoxStream<'_, anyhow::Result<Row>> {
        Box::pin(futures::stream::empty())
    }
}

/// Where this fails, the test never ends.
#[tokio::test]
async fn the_thread_that_packs_ends_when_nobody_waits_for_the_file() {
    let packing = Arc::new(AtomicBool::new(false));
    let file = Box::new(Endless { packing: Arc::clone(&packing) });
    let begun = async {
        while !packing.load(Ordering::Acquire) {
            tokio::task::yield_now().await;
        }
    };
    let mut nothing = Nothing;
    tokio::select! {
        filled = fill(&mut nothing, &[], file, Arc::default()) => panic!("it is packed for ever, and ended: {}", filled.is_ok()),
        () = begun => {}
    }
    while packing.load(Ordering::Acquire) {
        tokio::task::yield_now().await;
    }
}
