//! Webhooks that organisations are sent: the act makes the deliveries and enqueues the jobs that bring them there.

mod act;
mod deliver_webhook;
pub mod mail;
mod purge_deliveries;
mod sweep_deliveries;

pub use act::{ActError, deliver, deliver_each, deliver_refunded, enqueue_missing, replay, replay_missed, send_test};
pub use deliver_webhook::{DeliverWebhook, TryLater};
pub use purge_deliveries::PurgeDeliveries;
pub use sweep_deliveries::SweepDeliveries;
