//! Views, noted by the function `note_views` (`migrations/0505_views.sql`).

use sqlx::PgConnection;

use crate::ids::ListingId;

/// A visitor before a listing. The hash is made anew with the day's key before it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Seen {
    pub listing: ListingId,
    pub visitor: [u8; 32],
}

/// Notes what visitors have seen, in one statement; returns how many of it had not been seen by them on the seller's day. To note
/// the same again changes nothing.
pub async fn note_views(conn: &mut PgConnection, seen: &[Seen]) -> Result<i64, sqlx::Error> {
    let listings: Vec<_> = seen.iter().map(|seen| seen.listing.0).collect();
    let visitors: Vec<_> = seen.iter().map(|seen| seen.visitor.to_vec()).collect();
    sqlx::query_scalar!(r#"SELECT note_views($1, $2) AS "counted!""#, &listings, &visitors).fetch_one(conn).await
}
