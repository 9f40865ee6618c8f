//! Misbehaviour on demand.

use std::time::Duration;

use serde::{Deserialize, Deserializer};

/// One way to misbehave, so many times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The next acts are done and kept, and their answers are lost on the way.
    LoseReplies { times: u32 },
    /// The next acts are done and kept, and answered so much later; as many webhooks are sent so much later.
    Delay {
        times: u32,
        #[serde(rename = "by_ms", deserialize_with = "milliseconds")]
        by: Duration,
    },
    /// The next acts are not done and answered with 503.
    Fail { times: u32 },
    /// The next acts are not done and answered with 429.
    Busy { times: u32 },
    /// The next webhooks are sent twice.
    RepeatWebhooks { times: u32 },
    /// The next webhooks are held until there are so many, and are then sent last first.
    ReverseWebhooks { count: usize },
}

/// How often each fault is still to happen.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    lose: u32,
    fail: u32,
    busy: u32,
    late: u32,
    late_webhooks: u32,
    /// How late.
    by: Duration,
    repeat: u32,
    /// How many webhooks are to be sent last first; 0: in their order.
    pub(crate) reverse: usize,
}

/// What happens to one act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Answered,
    Late(Duration),
    Lost,
    Failed,
    Busy,
}

impl Fate {
    /// Waits until the act is answered, which is done by then.
    pub(crate) async fn wait(self) {
        if let Self::Late(by) = self {
            tokio::time::sleep(by).await;
        }
    }
}

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        match fault {
            Fault::LoseReplies { times } => self.lose = times,
            Fault::Delay { times, by } => (self.late, self.late_webhooks, self.by) = (times, times, by),
            Fault::Fail { times } => self.fail = times,
            Fault::Busy { times } => self.busy = times,
            Fault::RepeatWebhooks { times } => self.repeat = times,
            Fault::ReverseWebhooks { count } => self.reverse = count,
        }
    }

    pub(crate) fn fate(&mut self) -> Fate {
        if used(&mut self.busy) {
            Fate::Busy
        } else if used(&mut self.fail) {
            Fate::Failed
        } else if used(&mut self.lose) {
            Fate::Lost
        } else if used(&mut self.late) {
            Fate::Late(self.by)
        } else {
            Fate::Answered
        }
    }

    /// How late the next webhook is sent.
    pub(crate) fn lateness(&mut self) -> Duration {
        if used(&mut self.late_webhooks) { self.by } else { Duration::ZERO }
    }

    pub(crate) fn repeats(&mut self) -> bool {
        used(&mut self.repeat)
    }
}

fn used(times: &mut u32) -> bool {
    let left = times.checked_sub(1);
    *times = left.unwrap_or(0);
    left.is_some()
}

fn milliseconds<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    u64::deserialize(from).map(Duration::from_millis)
}

#[cfg(test)]
mod tests;
