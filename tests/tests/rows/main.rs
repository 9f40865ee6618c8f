//! Rows of the mission, played as people would: through HTTP, WebSocket and mail, against the whole product.

mod live_auctions;
