//! What somebody bought and sold for their organisations.

use super::{amount, column, part};

part! {
    LISTINGS, "listings", "Listings that you made.",
    covers: [("listings", "created_by")],
    columns: [
        column("id", "The listing."),
        column("org", "For which organisation."),
        column("title", "Its title."),
        column("description", "Its description."),
        column("status", "Where it is in its life."),
        column("created_at", "When you made it."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.seller_org_id AS org, t.title, t.description, t.status, t.created_at
        FROM listings AS t
        WHERE t.created_by = $1
    "#
}

part! {
    AUCTIONS, "auctions", "Auctions that you began.",
    covers: [("auctions", "created_by")],
    columns: [
        column("id", "The auction."),
        column("listing", "Of which listing."),
        column("status", "Where it is in its life."),
        amount("opening", "The first price."),
        column("currency", "The currency of the row's amounts."),
        column("starts_at", "When it begins."),
        column("ends_at", "When it ends."),
        column("created_at", "When you made it."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.listing_id AS listing, t.status, t.opening_minor AS opening, t.currency, t.starts_at,
                       t.ends_at, t.created_at
        FROM auctions AS t
        WHERE t.created_by = $1
    "#
}

part! {
    SALE_EVENTS, "sale_events", "Sale events that you made.",
    covers: [("sale_events", "created_by")],
    columns: [
        column("id", "The sale event."),
        column("title", "What it is called."),
        column("status", "Where it is in its life."),
        column("starts_at", "When it begins."),
        column("created_at", "When you made it."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.title, t.status, t.starts_at, t.created_at
        FROM sale_events AS t
        WHERE t.created_by = $1
    "#
}

part! {
    REGISTRATIONS, "registrations", "Sale events that you registered for.",
    covers: [("sale_event_bidders", "requested_by")],
    columns: [
        column("id", "The registration."),
        column("event", "Of which sale event."),
        column("org", "For which organisation."),
        column("status", "What was decided."),
        column("requested_at", "When you asked."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.event_id AS event, t.org_id AS org, t.status, t.requested_at
        FROM sale_event_bidders AS t
        WHERE t.requested_by = $1
    "#
}

part! {
    BIDS, "bids", "Bids that you placed.",
    covers: [("bids", "placed_by")],
    columns: [
        column("id", "The bid."),
        column("placed_at", "When."),
        column("org", "For which organisation."),
        column("auction", "In which auction."),
        column("kind", "Whether you bid or bought at once."),
        amount("amount", "What was bid."),
        amount("maximum", "Up to which amount it was to be raised."),
        column("currency", "The currency of the row's amounts."),
        column("quantity", "For how many units."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.placed_at, t.org_id AS org, t.auction_id AS auction, t.kind, t.amount_minor AS amount,
                       t.maximum_minor AS maximum, t.currency, t.quantity
        FROM bids AS t
        WHERE t.placed_by = $1
    "#
}

part! {
    RETRACTED_BIDS, "retracted_bids", "Bids that you took back.",
    covers: [("bid_retractions", "retracted_by")],
    columns: [
        column("bid", "The bid."),
        column("auction", "In which auction."),
        column("retracted_at", "When."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.bid_id AS key, t.bid_id AS bid, t.auction_id AS auction, t.retracted_at
        FROM bid_retractions AS t
        WHERE t.retracted_by = $1
    "#
}

part! {
    AWARDS, "awards", "Lots that you won.",
    covers: [("awards", "awarded_to")],
    columns: [
        column("id", "The award."),
        column("auction", "In which auction."),
        column("quantity", "How many units."),
        amount("amount", "For how much."),
        column("currency", "The currency of the row's amounts."),
        column("status", "What became of it."),
        column("awarded_at", "When."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.auction_id AS auction, t.quantity, t.amount_minor AS amount, t.currency, t.status,
                       t.awarded_at
        FROM awards AS t
        WHERE t.awarded_to = $1
    "#
}

part! {
    ORDERS, "orders", "Orders that you placed.",
    covers: [("orders", "placed_by")],
    columns: [
        column("id", "The order."),
        column("buyer_org", "For which organisation."),
        column("seller_org", "From which organisation."),
        column("source", "Which way of selling made it."),
        column("status", "Where it is in its life."),
        amount("total", "The sum of its lines."),
        amount("payable", "What is to be paid."),
        column("currency", "The currency of the row's amounts."),
        column("created_at", "When."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.buyer_org_id AS buyer_org, t.seller_org_id AS seller_org, t.source, t.status,
                       t.total_minor AS total, t.payable_minor AS payable, t.currency, t.created_at
        FROM orders AS t
        WHERE t.placed_by = $1
    "#
}

part! {
    ORDER_STEPS, "order_steps", "Steps of orders that you took.",
    covers: [("order_events", "actor")],
    columns: [
        column("order", "The order."),
        column("status", "What it came to."),
        column("at", "When."),
    ],
    key: "text",
    sql: r#"
        SELECT t.order_id::text || lpad(t.version::text, 20, '0') AS key, t.order_id AS "order", t.status, t.at
        FROM order_events AS t
        WHERE t.actor = $1
    "#
}

part! {
    CHECKOUTS, "checkouts", "Checkouts that you began.",
    covers: [("checkouts", "placed_by")],
    columns: [
        column("id", "The checkout."),
        column("org", "For which organisation."),
        amount("payable", "What is to be paid."),
        column("currency", "The currency of the row's amounts."),
        column("status", "What became of it."),
        column("created_at", "When."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.buyer_org_id AS org, t.payable_minor AS payable, t.currency, t.status, t.created_at
        FROM checkouts AS t
        WHERE t.placed_by = $1
    "#
}

part! {
    PAYMENTS, "payments", "Payments that you began.",
    covers: [("payments", "created_by")],
    columns: [
        column("id", "The payment."),
        column("checkout", "Of which checkout."),
        column("provider", "Through whom."),
        column("method", "How."),
        amount("amount", "How much."),
        column("currency", "The currency of the row's amounts."),
        column("status", "What became of it."),
        column("created_at", "When."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.checkout_id AS checkout, t.provider, t.method, t.amount_minor AS amount, t.currency,
                       t.status, t.created_at
        FROM payments AS t
        WHERE t.created_by = $1
    "#
}

part! {
    PLAN_PAYMENTS, "plan_payments", "Payments for an organisation's plan that you began.",
    covers: [("plan_payments", "created_by")],
    columns: [
        column("id", "The payment."),
        column("charge", "Of which charge."),
        column("provider", "Through whom."),
        column("method", "How."),
        amount("amount", "How much."),
        column("currency", "The currency of the row's amounts."),
        column("status", "What became of it."),
        column("created_at", "When."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.charge_id AS charge, t.provider, t.method, t.amount_minor AS amount, t.currency,
                       t.status, t.created_at
        FROM plan_payments AS t
        WHERE t.created_by = $1
    "#
}

part! {
    REFUNDS, "refunds", "Refunds that you gave.",
    covers: [("refunds", "created_by")],
    columns: [
        column("id", "The refund."),
        column("payment", "Of which payment."),
        column("order", "Of which order."),
        column("cause", "Why."),
        column("reason", "What you wrote about it."),
        amount("amount", "How much."),
        column("currency", "The currency of the row's amounts."),
        column("status", "What became of it."),
        column("created_at", "When."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.payment_id AS payment, t.order_id AS "order", t.cause, t.reason, t.amount_minor AS amount,
                       p.currency, t.status, t.created_at
        FROM refunds AS t
        JOIN payments AS p ON p.id = t.payment_id
        WHERE t.created_by = $1
    "#
}

part! {
    OFFERS, "offers", "Terms that you offered.",
    covers: [("offer_terms", "placed_by")],
    columns: [
        column("offer", "The offer."),
        column("listing", "For which listing; empty of a trade."),
        column("item", "For which item of the seller's."),
        column("site", "Of a trade: where the goods are."),
        column("side", "For which side."),
        amount("unit_price", "For how much a unit."),
        column("currency", "The currency of the row's amounts."),
        column("quantity", "How many units."),
        column("note", "What you wrote with it."),
        column("at", "When."),
    ],
    key: "text",
    sql: r#"
        SELECT t.offer_id::text || lpad(t.version::text, 10, '0') AS key, t.offer_id AS offer, o.listing_id AS listing,
                       o.item_id AS item, o.site_id AS site, t.side, t.unit_price_minor AS unit_price, o.currency, t.quantity, t.note, t.at
        FROM offer_terms AS t
        JOIN offers AS o ON o.id = t.offer_id
        WHERE t.placed_by = $1
    "#
}

part! {
    INQUIRIES, "inquiries", "What you asked sellers.",
    covers: [("inquiries", "asked_by")],
    columns: [
        column("id", "The inquiry."),
        column("listing", "About which listing."),
        column("org", "For which organisation."),
        column("text", "What you wrote."),
        column("created_at", "When."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.listing_id AS listing, t.org_id AS org, t.text, t.created_at
        FROM inquiries AS t
        WHERE t.asked_by = $1
    "#
}

part! {
    APPEALS, "appeals", "What you said against strikes.",
    covers: [("appeals", "appealed_by")],
    columns: [
        column("strike", "The strike."),
        column("text", "What you wrote."),
        column("appealed_at", "When."),
        column("outcome", "What was decided."),
        column("note", "What you were told."),
        column("decided_at", "When it was decided."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.strike_id AS key, t.strike_id AS strike, t.text, t.appealed_at, t.outcome, t.note, t.decided_at
        FROM appeals AS t
        WHERE t.appealed_by = $1
    "#
}

part! {
    DISPUTES, "disputes", "Disputes that you opened.",
    covers: [("disputes", "opened_by")],
    columns: [
        column("id", "The dispute."),
        column("order", "About which order."),
        column("reason", "Why."),
        column("text", "What you wrote."),
        column("status", "What became of it."),
        column("opened_at", "When."),
        column("ended_at", "When it ended."),
        column("note", "What both sides were told."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.order_id AS "order", t.reason, t.text, t.status, t.opened_at, t.ended_at, t.note
        FROM disputes AS t
        WHERE t.opened_by = $1
    "#
}

part! {
    RETURNS, "returns", "Returns that you asked for.",
    covers: [("returns", "requested_by")],
    columns: [
        column("id", "The return."),
        column("order", "Of which order."),
        column("reason", "Why."),
        column("text", "What you wrote."),
        column("status", "What became of it."),
        column("requested_at", "When."),
        column("note", "What the seller answered."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.order_id AS "order", t.reason, t.text, t.status, t.requested_at, t.note
        FROM returns AS t
        WHERE t.requested_by = $1
    "#
}

part! {
    PAYOUT_ACCOUNTS, "payout_accounts", "Accounts for payouts that you opened.",
    covers: [("payout_accounts", "opened_by")],
    columns: [
        column("id", "The account."),
        column("org", "Of which organisation."),
        column("provider", "With whom."),
        column("status", "Whether it can be used."),
        column("created_at", "When."),
    ],
    key: "uuid",
    sql: r#"
        SELECT t.id AS key, t.id, t.org_id AS org, t.provider, t.status, t.created_at
        FROM payout_accounts AS t
        WHERE t.opened_by = $1
    "#
}
