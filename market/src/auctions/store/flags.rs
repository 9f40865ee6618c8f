//! Organisations in one auction that may belong to the same people.

use chrono::{DateTime, Utc};
use serde_json::json;
use shared::audit::{self, Actor};
use shared::ids::{OrgId, UserId};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::auctions::model::{AccountFlag, FlaggedOrg};
use crate::ids::AuctionId;

/// Compares a bidder with the seller and with the other bidders of the auction, flags those it has
/// something in common with, once per pair and auction, and writes each flag to the audit log;
/// returns how many are new. Needs a transaction.
///
/// Everything is found from the bidder's own people, by indexes: the cost does not grow with the
/// number of other bidders.
pub async fn flag(
    conn: &mut PgConnection,
    actor: Actor,
    auction: AuctionId,
    bidder: OrgId,
) -> Result<usize, sqlx::Error> {
    let made = sqlx::query!(
        r#"WITH own AS (
               SELECT user_id FROM memberships WHERE org_id = $2
               UNION
               SELECT placed_by FROM bids WHERE auction_id = $1 AND org_id = $2
           ),
           alike AS (
               SELECT own.user_id, own.user_id AS other, 'shared_person' AS signal
               FROM own
               UNION
               SELECT own.user_id, theirs.id, 'same_mailbox'
               FROM own
               JOIN users AS mine ON mine.id = own.user_id
               JOIN users AS theirs ON mailbox_of(theirs.email) = mailbox_of(mine.email) AND theirs.id <> mine.id
               UNION
               SELECT own.user_id, theirs.user_id, 'same_device'
               FROM own
               JOIN sessions AS mine ON mine.user_id = own.user_id
               JOIN LATERAL (
                   -- Of a machine that everybody uses nothing follows.
                   SELECT user_id
                   FROM sessions
                   WHERE sessions.device = mine.device
                     AND sessions.refreshed_at > clock_timestamp() - interval '14 days'
                   LIMIT 100
               ) AS theirs ON theirs.user_id <> mine.user_id
               WHERE mine.refreshed_at > clock_timestamp() - interval '14 days'
           ),
           related AS (
               SELECT m.org_id, alike.signal, alike.user_id, alike.other
               FROM alike
               JOIN memberships AS m ON m.user_id = alike.other
               UNION
               -- Who bid here and has left the organisation since.
               SELECT b.org_id, alike.signal, alike.user_id, alike.other
               FROM alike
               JOIN auctions AS a ON a.id = $1
               JOIN bids AS b ON b.placed_by = alike.other AND b.seller_org_id = a.seller_org_id AND b.auction_id = a.id
               UNION
               SELECT theirs.id, 'same_name', NULL, NULL
               FROM orgs AS mine
               JOIN orgs AS theirs ON plain_name(theirs.legal_name) = plain_name(mine.legal_name)
               WHERE mine.id = $2
               UNION
               SELECT theirs.id, 'same_founder', mine.created_by, mine.created_by
               FROM orgs AS mine
               JOIN orgs AS theirs ON theirs.created_by = mine.created_by
               WHERE mine.id = $2
           ),
           found AS (
               SELECT related.org_id, array_agg(DISTINCT related.signal ORDER BY related.signal) AS signals,
                      array_agg(DISTINCT person ORDER BY person) FILTER (WHERE person IS NOT NULL) AS people
               FROM related
               CROSS JOIN LATERAL unnest(ARRAY [related.user_id, related.other]) AS person
               WHERE related.org_id <> $2
                 AND (related.org_id = (SELECT seller_org_id FROM auctions WHERE id = $1)
                      OR EXISTS (SELECT FROM bids WHERE auction_id = $1 AND bids.org_id = related.org_id))
               GROUP BY related.org_id
           )
           INSERT INTO account_flags (auction_id, org_id, other_id, signals, people)
           SELECT $1, least($2, org_id), greatest($2, org_id), signals, coalesce(people, '{}')
           FROM found
           ORDER BY org_id
           ON CONFLICT ON CONSTRAINT account_flags_once DO NOTHING
           RETURNING id, org_id AS "org: OrgId", other_id AS "other: OrgId", signals"#,
        auction.0,
        bidder.0,
    )
    .fetch_all(&mut *conn)
    .await?;
    for flag in &made {
        let subject = ("auction", auction.to_string());
        let data = json!({"flag": flag.id, "orgs": [flag.org, flag.other], "signals": flag.signals});
        audit::append(conn, audit::Entry { actor, action: "auction.flag_accounts", subject, data }).await?;
    }
    Ok(made.len())
}

/// Which flags a list shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct FlagFilter {
    pub auction: Option<AuctionId>,
    /// Only those older than this one.
    pub before: Option<i64>,
    pub limit: i64,
}

struct Row {
    id: i64,
    auction: AuctionId,
    seller: OrgId,
    org: OrgId,
    org_name: String,
    other: OrgId,
    other_name: String,
    signals: Vec<String>,
    people: Vec<Uuid>,
    created_at: DateTime<Utc>,
}

/// The flags that pass the filter, newest first.
pub async fn flags(conn: &mut PgConnection, filter: FlagFilter) -> Result<Vec<AccountFlag>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT f.id, f.auction_id AS "auction: AuctionId", a.seller_org_id AS "seller: OrgId",
                  f.org_id AS "org: OrgId", one.legal_name AS org_name, f.other_id AS "other: OrgId",
                  two.legal_name AS other_name, f.signals, f.people, f.created_at
           FROM account_flags AS f
           JOIN auctions AS a ON a.id = f.auction_id
           JOIN orgs AS one ON one.id = f.org_id
           JOIN orgs AS two ON two.id = f.other_id
           WHERE ($1::uuid IS NULL OR f.auction_id = $1)
             AND f.id < coalesce($2, 9223372036854775807)
           ORDER BY f.id DESC
           LIMIT $3"#,
        filter.auction.map(|auction| auction.0),
        filter.before,
        filter.limit,
    )
    .fetch_all(conn)
    .await?;
    let view = |row: Row| AccountFlag {
        id: row.id,
        auction: row.auction,
        seller: row.seller,
        orgs: [
            FlaggedOrg { id: row.org, legal_name: row.org_name },
            FlaggedOrg { id: row.other, legal_name: row.other_name },
        ],
        signals: row.signals,
        people: row.people.into_iter().map(UserId).collect(),
        created_at: row.created_at,
    };
    Ok(rows.into_iter().map(view).collect())
}
