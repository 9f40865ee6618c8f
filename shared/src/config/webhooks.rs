//! Webhooks that organisations are sent.

use super::{Mode, Source, keys};

/// Where they may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Webhooks {
    /// Whether they may go to addresses that not everybody can reach, and over HTTP; production refuses it.
    pub private_targets: bool,
}

impl Webhooks {
    pub(super) fn read(s: &mut Source, mode: Mode) -> Self {
        let private_targets = s.value(keys::WEBHOOK_PRIVATE_TARGETS, false);
        if mode == Mode::Production && private_targets {
            s.fault(keys::WEBHOOK_PRIVATE_TARGETS.env, "production refuses it: anybody could read the own network");
        }
        Self { private_targets }
    }
}
