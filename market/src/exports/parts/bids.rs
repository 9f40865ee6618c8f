//! Bids of an organisation, or of everybody. What somebody would have gone up to is a secret of the bidder's: it is there only where the
//! person who asks belongs to the organisation that bid.

use sqlx::PgConnection;
use uuid::Uuid;

use super::{Column, Line, Lines, Part, Row};
use crate::exports::model::Scope;

pub(super) const PART: Part = Part {
    name: "bids",
    about: "What was bid.",
    columns: &[
        Column::new("id", "The bid."),
        Column::new("placed_at", "When it was placed."),
        Column::new("org", "The organisation that bid."),
        Column::new("auction", "The auction."),
        Column::new("listing", "The listing that was auctioned."),
        Column::new("title", "Its title."),
        Column::new("kind", "Whether it was a bid or bought at once."),
        Column::amount("amount", "What was bid."),
        Column::amount("maximum", "Up to which amount it was to be raised; only for those who bid."),
        Column::CURRENCY,
        Column::new("quantity", "For how many units."),
        Column::new("retracted_at", "When it was taken back."),
        Column::new("auction_status", "Where the auction is in its life."),
        Column::new("ends_at", "When the auction ends or ended."),
    ],
    covers: &[],
    read,
};

fn read<'c>(conn: &'c mut PgConnection, scope: &'c Scope, after: Option<&'c str>, limit: i64) -> Lines<'c> {
    Box::pin(async move {
        let ids = match scope.org {
            Some(org) => of_org(conn, org.0, scope, after, limit).await?,
            None => of_all(conn, scope, after, limit).await?,
        };
        sqlx::query_as!(
            Line,
            r#"
            SELECT page.id::text AS "key!", to_jsonb(page) - 'place' AS "row!: Row"
            FROM (
                SELECT
                    b.id, b.placed_at, b.org_id AS org, b.auction_id AS auction, a.listing_id AS listing, l.title, b.kind,
                    b.amount_minor AS amount,
                    CASE
                        WHEN EXISTS (SELECT FROM memberships AS m WHERE m.org_id = b.org_id AND m.user_id = $2) THEN b.maximum_minor
                    END AS maximum,
                    b.currency, b.quantity, r.retracted_at, a.status AS auction_status, a.ends_at, ids.place
                FROM unnest($1::uuid[]) WITH ORDINALITY AS ids (id, place)
                JOIN bids AS b ON b.id = ids.id
                JOIN auctions AS a ON a.id = b.auction_id
                JOIN listings AS l ON l.id = a.listing_id
                LEFT JOIN bid_retractions AS r ON r.bid_id = b.id
            ) AS page
            ORDER BY page.place
            "#,
            &ids,
            scope.person.0,
        )
        .fetch_all(conn)
        .await
    })
}

/// In the order of time, for which there is an index.
async fn of_org(
    conn: &mut PgConnection,
    org: Uuid,
    scope: &Scope,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        SELECT id
        FROM bids
        WHERE org_id = $1
          AND (placed_at, id) > (
              coalesce((SELECT placed_at FROM bids WHERE id = $2::text::uuid), '-infinity'),
              coalesce($2::text::uuid, '00000000-0000-0000-0000-000000000000')
          )
          AND ($4::timestamptz IS NULL OR placed_at >= $4)
          AND placed_at < $5
          AND ($6::text IS NULL OR EXISTS (SELECT FROM auctions AS a WHERE a.id = bids.auction_id AND a.status = $6))
        ORDER BY placed_at, id
        LIMIT $3
        "#,
        org,
        after,
        limit,
        scope.from,
        scope.to,
        scope.status,
    )
    .fetch_all(conn)
    .await
}

async fn of_all(
    conn: &mut PgConnection,
    scope: &Scope,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<Uuid>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        SELECT id
        FROM bids
        WHERE id > coalesce($1::text::uuid, '00000000-0000-0000-0000-000000000000')
          AND ($3::timestamptz IS NULL OR placed_at >= $3)
          AND placed_at < $4
          AND ($5::text IS NULL OR EXISTS (SELECT FROM auctions AS a WHERE a.id = bids.auction_id AND a.status = $5))
        ORDER BY id
        LIMIT $2
        "#,
        after,
        limit,
        scope.from,
        scope.to,
        scope.status,
    )
    .fetch_all(conn)
    .await
}
