//! Webhooks that organisations are sent.

mod deliver_webhook;
mod outgoing;
mod purge_deliveries;
mod sweep_deliveries;
#[cfg(test)]
mod tests;

pub(crate) use outgoing::Outgoing;
