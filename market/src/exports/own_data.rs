//! Everything that is kept about a person, as files. A test walks the database's columns that name a person: each one is covered by a
//! file here, or has a reason in [`LEFT_OUT`].
//!
//! What a person did for an organisation is here as far as they did it: the rest of it is the organisation's, which they may have left.
//!
//! How to get this wrong: select what others wrote; select a secret or a hash of one; join what may be missing.

mod account;
mod trade;
mod work;

use super::parts::{Column, Part};

/// The files, in the order of the archive.
pub(super) const PARTS: &[Part] = &[
    account::PROFILE,
    account::SESSIONS,
    account::SECOND_FACTOR,
    account::API_KEYS,
    account::MEMBERSHIPS,
    account::ORGANISATIONS,
    account::INVITATIONS,
    account::ACTS,
    account::NOTICES,
    account::READ_NOTICES,
    account::REFUSED_MAIL,
    account::UNWANTED_MAIL,
    account::UNWANTED_NOTICES,
    account::SAVED_SEARCHES,
    account::WATCHES,
    account::BASKET,
    account::REPORTS,
    account::REPORT_SUBSCRIPTIONS,
    account::EXPORTS,
    trade::LISTINGS,
    trade::AUCTIONS,
    trade::SALE_EVENTS,
    trade::REGISTRATIONS,
    trade::BIDS,
    trade::RETRACTED_BIDS,
    trade::AWARDS,
    trade::ORDERS,
    trade::ORDER_STEPS,
    trade::CHECKOUTS,
    trade::PAYMENTS,
    trade::PLAN_PAYMENTS,
    trade::REFUNDS,
    trade::OFFERS,
    trade::INQUIRIES,
    trade::APPEALS,
    trade::DISPUTES,
    trade::RETURNS,
    work::REVIEWS,
    work::REVIEW_ANSWERS,
    work::REVIEW_REPORTS,
    trade::PAYOUT_ACCOUNTS,
    work::STOCK_MOVEMENTS,
    work::IMPORTS,
    work::UPLOADS,
    work::DOCUMENTS,
    work::EXPORT_PROOFS,
    work::SHIPMENTS,
    work::APPOINTMENTS,
    work::PAPERS,
    work::MESSAGES,
    work::CHAT_REPORTS,
];

/// Columns of the database that name a person and are in no file, and why.
pub const LEFT_OUT: &[(&str, &str, &str)] = &[
    ("appeals", "decided_by", "an act for the platform about somebody else's appeal; that it was done is in `acts`"),
    ("chat_blocks", "blocked_by", "from whom an organisation takes no messages is its own affair, whoever has said so"),
    (
        "chat_reports",
        "decided_by",
        "an act for the platform about somebody else's report; that it was done is in `acts`",
    ),
    ("disputes", "ended_by", "an act about a matter of two organisations; whoever opened it has it in `disputes`"),
    ("email_verifications", "user_id", "the hash of a token that proves the address, which is in `profile`"),
    ("erasures", "user_id", "that an erasure was asked for is answered by the account itself until it happens"),
    (
        "org_documents",
        "decided_by",
        "an act for the platform about an organisation's document; that it was done is in `acts`",
    ),
    ("password_resets", "user_id", "the hash of a token that is mailed to the address, which is in `profile`"),
    (
        "pending_logins",
        "user_id",
        "the hash of a token that asks for the second step of a login, and is good for five minutes",
    ),
    ("reconciliation_differences", "closed_by", "an act for the platform about a difference between two books"),
    ("returns", "decided_by", "an act for the seller about the buyer's return"),
    ("returns", "received_by", "an act for the seller about the buyer's return"),
    (
        "review_reports",
        "decided_by",
        "an act for the platform about somebody else's report; that it was done is in `acts`",
    ),
    (
        "sale_event_bidders",
        "decided_by",
        "an act for the seller about somebody else's registration; that it was done is in `acts`",
    ),
    ("reviews", "hidden_by", "an act for the platform about somebody else's review; that it was done is in `acts`"),
];

/// Defines a file, and the statement that reads a batch of its rows: `$1` is the person. What the macro puts around it is the same for
/// all: rows behind a key, in the order of keys, so many at a time.
macro_rules! part {
    (
        $part:ident, $name:literal, $about:literal,
        covers: [$($covers:expr),*],
        columns: [$($column:expr),* $(,)?],
        key: $key:tt,
        sql: $sql:tt
    ) => {
        pub(super) const $part: $crate::exports::parts::Part = {
            use $crate::exports::parts::Row;

            fn read<'c>(
                conn: &'c mut sqlx::PgConnection,
                scope: &'c $crate::exports::model::Scope,
                after: Option<&'c str>,
                limit: i64,
            ) -> $crate::exports::parts::Lines<'c> {
                Box::pin(
                    sqlx::query_as!(
                        $crate::exports::parts::Line,
                        r#"
                        SELECT
                            part.key::text AS "key!",
                            to_jsonb(part) - 'key' AS "row!: Row"
                        FROM ("# + $sql + r#") AS part
                        WHERE $2::text IS NULL
                           OR part.key > $2::text::"# + $key + r#"
                        ORDER BY part.key
                        LIMIT $3
                        "#,
                        scope.person.0,
                        after,
                        limit,
                    )
                    .fetch_all(conn),
                )
            }
            $crate::exports::parts::Part {
                name: $name,
                about: $about,
                columns: &[$($column),*],
                covers: &[$($covers),*],
                read,
            }
        };
    };
}
use part;

const fn column(name: &'static str, about: &'static str) -> Column {
    Column::new(name, about)
}

const fn amount(name: &'static str, about: &'static str) -> Column {
    Column::amount(name, about)
}

#[cfg(test)]
mod tests;
