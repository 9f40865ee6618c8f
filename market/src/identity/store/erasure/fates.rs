//! What becomes of each column that names a person or holds an address of theirs.

/// What an erasure does with a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The row goes.
    Deleted,
    /// Something stands there that says nothing.
    Overwritten,
    /// For this reason.
    Kept(&'static str),
}

const BOOKS: &str = "books are kept for years, and say who has acted by an id alone";
const ORGANISATION: &str = "an act for an organisation, whose it stays; who has done it is an id alone";
const PLATFORM: &str = "an act for the platform, which stays written down; who has done it is an id alone";
const REPORT: &str = "what was reported is judged all the same; who has done it is an id alone";

/// By table and column.
pub const FATES: &[(&str, &str, Fate)] = &[
    ("api_keys", "created_by", Fate::Kept("revoked; that an organisation has had it is its own affair")),
    ("appeals", "appealed_by", Fate::Kept(ORGANISATION)),
    ("appeals", "decided_by", Fate::Kept(PLATFORM)),
    ("appointments", "created_by", Fate::Kept(ORGANISATION)),
    ("auctions", "created_by", Fate::Kept(ORGANISATION)),
    ("audit_entries", "actor", Fate::Kept("the log is a chain of hashes and holds ids and states, no personal data")),
    ("awards", "awarded_to", Fate::Kept(BOOKS)),
    ("basket_lines", "user_id", Fate::Deleted),
    ("bid_retractions", "retracted_by", Fate::Kept(BOOKS)),
    ("bids", "placed_by", Fate::Kept(BOOKS)),
    ("chat_blocks", "blocked_by", Fate::Kept(ORGANISATION)),
    (
        "chat_messages",
        "sender_id",
        Fate::Kept(
            "what was written is the two organisations' and sealed with the conversation's key; who has written it is an id alone",
        ),
    ),
    ("chat_reports", "decided_by", Fate::Kept(PLATFORM)),
    ("chat_reports", "reported_by", Fate::Kept(REPORT)),
    ("checkouts", "placed_by", Fate::Kept(BOOKS)),
    ("disputes", "ended_by", Fate::Kept(BOOKS)),
    ("disputes", "opened_by", Fate::Kept(BOOKS)),
    ("email_opt_outs", "user_id", Fate::Deleted),
    ("email_refusals", "address", Fate::Deleted),
    ("email_suppressions", "address", Fate::Deleted),
    ("email_verifications", "email", Fate::Deleted),
    ("email_verifications", "user_id", Fate::Deleted),
    ("emails", "address", Fate::Deleted),
    ("emails", "recipient", Fate::Deleted),
    ("emails", "user_id", Fate::Deleted),
    ("erasures", "user_id", Fate::Kept("that it was asked for and done, and nothing else")),
    ("export_proofs", "handed_in_by", Fate::Kept(BOOKS)),
    (
        "exports",
        "requested_by",
        Fate::Kept("the file of their own data expires at once; others are the organisation's"),
    ),
    ("imports", "created_by", Fate::Kept(ORGANISATION)),
    ("inquiries", "asked_by", Fate::Kept(ORGANISATION)),
    ("invitations", "email", Fate::Deleted),
    ("invitations", "invited_by", Fate::Kept("the invitation is the organisation's; who has sent it is an id alone")),
    ("listings", "created_by", Fate::Kept(ORGANISATION)),
    ("memberships", "user_id", Fate::Deleted),
    ("notice_opt_outs", "user_id", Fate::Deleted),
    ("notices", "user_id", Fate::Deleted),
    ("offer_terms", "placed_by", Fate::Kept(BOOKS)),
    ("order_events", "actor", Fate::Kept(BOOKS)),
    ("orders", "placed_by", Fate::Kept(BOOKS)),
    ("org_documents", "decided_by", Fate::Kept(PLATFORM)),
    ("org_documents", "placed_by", Fate::Kept(ORGANISATION)),
    ("orgs", "created_by", Fate::Kept("who has founded an organisation is an id alone")),
    ("papers", "requested_by", Fate::Kept(ORGANISATION)),
    ("password_resets", "email", Fate::Deleted),
    ("password_resets", "user_id", Fate::Deleted),
    ("payments", "created_by", Fate::Kept(BOOKS)),
    ("payout_accounts", "opened_by", Fate::Kept(BOOKS)),
    ("pending_logins", "user_id", Fate::Deleted),
    ("plan_payments", "created_by", Fate::Kept(BOOKS)),
    ("reconciliation_differences", "closed_by", Fate::Kept(PLATFORM)),
    ("refunds", "created_by", Fate::Kept(BOOKS)),
    ("report_subscriptions", "user_id", Fate::Deleted),
    ("reports", "requested_by", Fate::Kept(ORGANISATION)),
    ("returns", "decided_by", Fate::Kept(BOOKS)),
    ("returns", "received_by", Fate::Kept(BOOKS)),
    ("returns", "requested_by", Fate::Kept(BOOKS)),
    ("review_reports", "decided_by", Fate::Kept(PLATFORM)),
    ("review_reports", "reported_by", Fate::Kept(REPORT)),
    ("reviews", "answered_by", Fate::Kept(ORGANISATION)),
    ("reviews", "hidden_by", Fate::Kept(PLATFORM)),
    ("reviews", "written_by", Fate::Kept(ORGANISATION)),
    ("sale_event_bidders", "decided_by", Fate::Kept(ORGANISATION)),
    ("sale_event_bidders", "requested_by", Fate::Kept(ORGANISATION)),
    ("sale_events", "created_by", Fate::Kept(ORGANISATION)),
    ("saved_searches", "user_id", Fate::Deleted),
    ("sessions", "device", Fate::Deleted),
    ("sessions", "user_agent", Fate::Deleted),
    ("sessions", "user_id", Fate::Deleted),
    ("shipments", "created_by", Fate::Kept(ORGANISATION)),
    ("stock_movements", "actor", Fate::Kept(ORGANISATION)),
    ("two_factors", "user_id", Fate::Deleted),
    ("uploads", "created_by", Fate::Kept("files are the organisation's; their names are forgotten")),
    ("uploads", "file_name", Fate::Overwritten),
    ("users", "email", Fate::Overwritten),
    ("users", "name", Fate::Overwritten),
    ("watches", "user_id", Fate::Deleted),
    ("ws_tickets", "user_id", Fate::Deleted),
];
