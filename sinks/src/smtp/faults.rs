//! Misbehaviour on demand: what a test asks the server to do to a recipient's mail.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// One way to misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// `550` to every RCPT, with the enhanced code of a mailbox that does not exist.
    Permanent,
    /// A bare `550` to every RCPT, which does not say why.
    RecipientRefused,
    /// `451` to the next `times` RCPTs, then all is well.
    Temporary { times: u32 },
    /// The next `times` messages are taken and kept, and then the connection is cut **before** the 250: the client cannot
    /// know whether its message arrived.
    DropAfterTaken { times: u32 },
    /// Every message is taken and kept, and its 250 comes this much later.
    Delay(Duration),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    Permanent,
    Unexplained,
    Temporary,
}

/// What happens between the message being kept and its reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Ending {
    pub(super) delay: Duration,
    pub(super) drop: bool,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Faults(Arc<Mutex<Vec<Rule>>>);

#[derive(Debug)]
struct Rule {
    /// `*` means everybody.
    recipient: String,
    fault: Fault,
}

impl Rule {
    fn matches(&self, recipient: &str) -> bool {
        self.recipient == "*" || self.recipient.eq_ignore_ascii_case(recipient)
    }
}

impl Faults {
    pub(super) fn add(&self, recipient: &str, fault: Fault) {
        self.with(|rules| rules.push(Rule { recipient: recipient.to_owned(), fault }));
    }

    pub(super) fn clear(&self) {
        self.with(Vec::clear);
    }

    /// The refusal of a RCPT, if a rule asks for one. The first rule that still has something to say decides.
    pub(super) fn at_recipient(&self, recipient: &str) -> Option<Refusal> {
        self.with(|rules| {
            rules.iter_mut().filter(|rule| rule.matches(recipient)).find_map(|rule| match &mut rule.fault {
                Fault::Permanent => Some(Refusal::Permanent),
                Fault::RecipientRefused => Some(Refusal::Unexplained),
                Fault::Temporary { times } => used(times).then_some(Refusal::Temporary),
                Fault::DropAfterTaken { .. } | Fault::Delay(_) => None,
            })
        })
    }

    /// The ending of a message to these recipients: the longest delay, and a drop if any rule asks for one.
    pub(super) fn at_end(&self, recipients: &[String]) -> Ending {
        let mut ending = Ending::default();
        self.with(|rules| {
            for rule in rules.iter_mut() {
                if !recipients.iter().any(|recipient| rule.matches(recipient)) {
                    continue;
                }
                match &mut rule.fault {
                    Fault::DropAfterTaken { times } => ending.drop = ending.drop || used(times),
                    Fault::Delay(delay) => ending.delay = ending.delay.max(*delay),
                    Fault::Permanent | Fault::RecipientRefused | Fault::Temporary { .. } => {}
                }
            }
        });
        ending
    }

    fn with<T>(&self, act: impl FnOnce(&mut Vec<Rule>) -> T) -> T {
        // A rule is replaced or counted down in one step, so a panic elsewhere leaves nothing half done.
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn used(times: &mut u32) -> bool {
    let left = times.checked_sub(1);
    *times = left.unwrap_or(0);
    left.is_some()
}

#[cfg(test)]
mod tests;
