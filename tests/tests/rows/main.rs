//! Rows of the mission, played as people would: through HTTP, WebSocket and mail, against the whole product.

mod drafts;
mod live_auctions;
mod search;
