//! Misbehaviour on demand.

use serde::Deserialize;

/// One way to misbehave, so many times.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// The next acts are done and kept, and their answers are lost on the way.
    LoseReplies { times: u32 },
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
    repeat: u32,
    /// How many webhooks are to be sent last first; 0: in their order.
    pub(crate) reverse: usize,
}

/// What happens to one act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Answered,
    Lost,
    Failed,
    Busy,
}

impl Faults {
    pub(crate) fn add(&mut self, fault: Fault) {
        match fault {
            Fault::LoseReplies { times } => self.lose = times,
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
        } else {
            Fate::Answered
        }
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
