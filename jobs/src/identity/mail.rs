//! Mail that identity sends, posted in the transaction that makes it true.

use market::emails::model::{Content, NewEmail, OrgApproved, OrgRejected, Recipient, VerifyAddress};
use market::identity::MemberRole;
use market::identity::store::{self, Org};
use shared::ids::UserId;

use queue::JobTx;

use crate::emails::{MailError, post};

/// Asks the person to verify the address. The same `reference` is the same mail, sent once.
pub async fn verify_address(tx: &mut JobTx, user: UserId, reference: String) -> Result<(), MailError> {
    let content = Content::VerifyAddress(VerifyAddress {});
    post(tx, &NewEmail { recipient: Recipient::User(user), reference, content }).await?;
    Ok(())
}

/// Tells an organisation's owners what was decided; suspensions are talked about, not mailed.
pub async fn decided(tx: &mut JobTx, org: &Org, decision: store::Decision) -> Result<(), MailError> {
    let (id, name) = (org.id, org.legal_name.clone());
    let content = match decision {
        store::Decision::Approve => Content::OrgApproved(OrgApproved { org: id, org_name: name }),
        store::Decision::Reject => {
            let reason = org.status_reason.clone().unwrap_or_default();
            Content::OrgRejected(OrgRejected { org: id, org_name: name, reason })
        }
        store::Decision::Suspend | store::Decision::Reinstate => return Ok(()),
    };
    for member in store::members(tx, id).await? {
        if member.role == MemberRole::Owner {
            let (recipient, reference) = (Recipient::User(member.user), id.to_string());
            post(tx, &NewEmail { recipient, reference, content: content.clone() }).await?;
        }
    }
    Ok(())
}
