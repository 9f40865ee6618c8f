//! Rows of the mission, played as people would: through HTTP, WebSocket and mail, against the whole product.

mod dashboard;
mod drafts;
mod escrow;
mod live_auctions;
mod offers;
mod search;
mod watches;
