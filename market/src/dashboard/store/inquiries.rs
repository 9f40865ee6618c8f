//! Inquiries.

use shared::ids::{OrgId, UserId};
use shared::invalid::{ConstraintMessages, Invalid, constraint_message};
use sqlx::PgConnection;

use crate::dashboard::model::Inquiry;
use crate::ids::{InquiryId, ListingId};
use crate::listings::model::{Listing, ListingStatus};

/// Why an inquiry is refused.
#[derive(Debug, thiserror::Error)]
pub enum InquiryError {
    #[error("there is no such listing")]
    NotFound,
    #[error("the listing is {0:?}")]
    WrongStatus(ListingStatus),
    #[error("an organisation does not ask itself")]
    OwnListing,
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error("the database failed")]
    Sql(#[source] sqlx::Error),
}

const CONSTRAINTS: &ConstraintMessages = &[
    ("inquiries_text_length", "/text", "must have 1 to 2000 characters"),
    ("inquiries_per_day", "", "the organisation has asked 200 questions within a day"),
];

impl From<sqlx::Error> for InquiryError {
    fn from(error: sqlx::Error) -> Self {
        constraint_message(&error, CONSTRAINTS).map_or(Self::Sql(error), Self::Invalid)
    }
}

/// Asks the seller of a listing that is on offer.
pub async fn inquire(
    conn: &mut PgConnection,
    org: OrgId,
    by: UserId,
    listing: &Listing,
    text: &str,
) -> Result<Inquiry, InquiryError> {
    if !listing.is_public() {
        return Err(InquiryError::NotFound);
    }
    if listing.status != ListingStatus::Published {
        return Err(InquiryError::WrongStatus(listing.status));
    }
    if listing.seller_org_id == org {
        return Err(InquiryError::OwnListing);
    }
    let inquiry = sqlx::query_as!(
        Inquiry,
        r#"INSERT INTO inquiries (id, listing_id, org_id, asked_by, text)
           VALUES ($1, $2, $3, $4, $5)
           RETURNING id AS "id: InquiryId", listing_id AS "listing_id: ListingId", org_id AS "org_id: OrgId", text, created_at"#,
        InquiryId::generate().0,
        listing.id.0,
        org.0,
        by.0,
        text,
    )
    .fetch_one(conn)
    .await?;
    Ok(inquiry)
}
