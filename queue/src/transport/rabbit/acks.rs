//! Acknowledgements of one consumer, gathered: one for a whole run of deliveries that were all taken over.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::try_join_all;
use lapin::Channel;
use lapin::options::BasicAckOptions;
use tokio::sync::mpsc;

/// How long finished deliveries wait for an older one, so that they can be acknowledged together.
const PATIENCE: Duration = Duration::from_millis(20);

/// Which deliveries were taken over, by their tags. Tags begin at 1 and have no gaps.
#[derive(Debug)]
struct Window {
    /// Everything below has been taken over and acknowledged.
    next: u64,
    /// From `next` on: whether it was acknowledged by itself.
    done: BTreeMap<u64, bool>,
}

impl Window {
    fn new() -> Self {
        Self { next: 1, done: BTreeMap::new() }
    }

    fn add(&mut self, tag: u64) {
        self.done.insert(tag, false);
    }

    /// The tag up to which everything can be acknowledged at once. It is one that was not acknowledged before: RabbitMQ
    /// closes the channel over a tag that it no longer knows.
    fn run(&mut self) -> Option<u64> {
        let mut last = None;
        while let Some(acked) = self.done.remove(&self.next) {
            if !acked {
                last = Some(self.next);
            }
            self.next += 1;
        }
        last
    }

    /// The tags that an older delivery holds up.
    fn held_up(&mut self) -> Vec<u64> {
        self.done.iter_mut().filter(|(_, acked)| !**acked).map(|(tag, acked)| (*acked = true, *tag).1).collect()
    }

    fn waiting(&self) -> usize {
        self.done.values().filter(|acked| !**acked).count()
    }
}

/// Acknowledges what comes in until the senders are gone, or until the channel is.
pub(super) async fn settle(
    channel: &Channel,
    mut tags: mpsc::UnboundedReceiver<u64>,
    prefetch: usize,
) -> lapin::Result<()> {
    let mut window = Window::new();
    let mut batch = Vec::new();
    let mut waiting = 0;
    loop {
        // Acknowledging takes a moment, in which the next ones gather.
        let received = if waiting == 0 {
            Some(tags.recv_many(&mut batch, 1024).await)
        } else {
            tokio::time::timeout(PATIENCE, tags.recv_many(&mut batch, 1024)).await.ok()
        };
        for tag in batch.drain(..) {
            window.add(tag);
        }
        if let Some(last) = window.run() {
            channel.basic_ack(last, BasicAckOptions { multiple: true }).await?;
        }
        waiting = window.waiting();
        // A long delivery must not keep the places of those that were finished after it.
        if waiting > 0 && (received.is_none() || received == Some(0) || waiting >= prefetch.div_ceil(2)) {
            let single = |tag| channel.basic_ack(tag, BasicAckOptions { multiple: false });
            try_join_all(window.held_up().into_iter().map(single)).await?;
            waiting = 0;
        }
        if received == Some(0) {
            return Ok(());
        }
    }
}

#[cfg(test)]
mod tests;
