//! Mail about documents that expire, to the organisation's owners. It is a notice in the product as well.

use market::documents::model::Expiring;
use market::emails::model::{Content, DocumentExpiring};
use market::identity::MemberRole;
use market::identity::store as identity;
use queue::JobTx;

use crate::emails::{MailError, post_to};

/// Reminds the owners that a document expires.
pub async fn expiring(tx: &mut JobTx, due: Expiring) -> Result<(), MailError> {
    let members = identity::members(tx, due.org).await?;
    let owners: Vec<_> =
        members.iter().filter(|member| member.role == MemberRole::Owner).map(|member| member.user).collect();
    let reference = format!("{}:{}:{}", due.document, due.expires_on, due.stage);
    let content = Content::DocumentExpiring(DocumentExpiring {
        document: due.document,
        org: due.org,
        org_name: due.org_name,
        kind: due.kind,
        number: due.number,
        expires_on: due.expires_on,
        days_left: i64::from(due.days_left),
    });
    post_to(tx, &owners, &reference, &content).await?;
    Ok(())
}
