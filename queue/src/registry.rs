//! Every kind that this program knows, listed explicitly. A kind that is listed twice refuses to start.

use std::collections::HashMap;
use std::time::Duration;

use serde_json::Value;

use super::enqueue::Enqueue;
use super::job::{Job, Kind, Queue, Undecodable, decode};
use super::retry::Retry;
use super::schedule::Schedule;

/// What is known of a kind without its type.
#[derive(Clone, Copy, Debug)]
pub struct KindInfo {
    pub kind: Kind,
    pub queue: Queue,
    pub retry: Retry,
    pub timeout: Duration,
    pub version: i16,
    pub schedules: &'static [Schedule],
    parse: fn(i16, Value) -> Result<Enqueue, Undecodable>,
}

impl KindInfo {
    #[must_use]
    pub const fn of<J: Job>() -> Self {
        Self {
            kind: J::KIND,
            queue: J::QUEUE,
            retry: J::RETRY,
            timeout: J::TIMEOUT,
            version: J::VERSION,
            schedules: J::SCHEDULES,
            parse: |version, payload| decode::<J>(version, payload).map(|job| Enqueue::new(&job)),
        }
    }

    /// Checks a payload against the contract and makes a job of it, with the contract's priority, tenant and uniqueness.
    pub fn enqueue(&self, payload: Value) -> Result<Enqueue, Undecodable> {
        (self.parse)(self.version, payload)
    }

    /// [`KindInfo::enqueue`] for a payload as the ledger has it, of any version that the contract still reads.
    pub fn enqueue_stored(&self, version: i16, payload: Value) -> Result<Enqueue, Undecodable> {
        (self.parse)(version, payload)
    }
}

/// The kinds by name and alias.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    kinds: Vec<KindInfo>,
    by_name: HashMap<&'static str, usize>,
}

/// Two contracts claim the same name.
#[derive(Debug, thiserror::Error)]
#[error("the kind {0} is declared twice")]
pub struct DuplicateKind(pub &'static str);

impl Registry {
    /// Builds from a list of contracts; names and aliases must all differ.
    pub fn new(kinds: impl IntoIterator<Item = KindInfo>) -> Result<Self, DuplicateKind> {
        let mut registry = Self::default();
        for info in kinds {
            let place = registry.kinds.len();
            for name in std::iter::once(&info.kind.name).chain(info.kind.aliases) {
                if registry.by_name.insert(name, place).is_some() {
                    return Err(DuplicateKind(name));
                }
            }
            registry.kinds.push(info);
        }
        Ok(registry)
    }

    /// Finds a kind by its name or a former name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&KindInfo> {
        self.by_name.get(name).map(|&place| &self.kinds[place])
    }

    /// The kinds in the order of their declaration.
    pub fn iter(&self) -> std::slice::Iter<'_, KindInfo> {
        self.kinds.iter()
    }

    /// The queues of all kinds, each once.
    #[must_use]
    pub fn queues(&self) -> Vec<Queue> {
        let mut queues: Vec<Queue> = Vec::new();
        for info in &self.kinds {
            if !queues.contains(&info.queue) {
                queues.push(info.queue);
            }
        }
        queues
    }
}

impl<'a> IntoIterator for &'a Registry {
    type Item = &'a KindInfo;
    type IntoIter = std::slice::Iter<'a, KindInfo>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
