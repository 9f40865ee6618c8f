//! The names that apalis-redis gives its keys, and the two that we add.

/// The keys of one queue. Not fit for Redis Cluster: apalis-redis does not keep a queue's keys in one slot.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    /// apalis' name of the queue, with the installation's namespace.
    pub(super) queue: String,
    pub(super) active: String,
    pub(super) scheduled: String,
    pub(super) done: String,
    pub(super) data: String,
    /// Prefix of one hash per task.
    pub(super) meta: String,
    pub(super) workers: String,
    /// Prefix of one hash per worker.
    pub(super) worker_meta: String,
    /// Prefix of one set per worker.
    pub(super) in_flight: String,
    /// Ours: a list; taking an element wakes an idle consumer.
    pub(super) tokens: String,
    /// Ours: prefix of one key per worker, which expires when the worker no longer renews it.
    pub(super) alive: String,
}

impl Keys {
    pub(super) fn new(namespace: &str, queue: &str) -> Self {
        let queue = format!("{namespace}:jobs:{queue}");
        let key = |part: &str| format!("{queue}:{part}");
        Self {
            active: key("active"),
            scheduled: key("scheduled"),
            done: key("done"),
            data: key("data"),
            meta: key("meta"),
            workers: key("workers"),
            worker_meta: key("workers:metadata"),
            in_flight: key("inflight"),
            tokens: key("tokens"),
            alive: key("alive"),
            queue,
        }
    }

    pub(super) fn alive(&self, worker: &str) -> String {
        format!("{}:{worker}", self.alive)
    }
}
