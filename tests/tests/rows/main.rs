//! Rows of the mission, played as people would: through HTTP, WebSocket and mail, against the whole product.

mod drafts;
mod escrow;
mod live_auctions;
mod payouts;
mod search;
