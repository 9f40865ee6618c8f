//! Webhooks that organisations are sent about their orders: endpoints, the deliveries of each event to each of them, and what came of
//! every attempt. The table of what an order has been makes the deliveries itself (`migrations/0821_webhooks.sql`).

pub mod model;
pub mod rules;
pub mod store;
