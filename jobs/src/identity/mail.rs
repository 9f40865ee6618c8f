//! Mail sent by identity, posted in the transaction that makes it true.

use chrono::{DateTime, Utc};
use market::emails::model::{
    AccountSuspended, AlreadyRegistered, Content, ErasureAsked, Invitation, NewEmail, OrgApproved, OrgRejected,
    OrgSuspended, PasswordChanged, Recipient, RecoveryCodeUsed, ResetPassword, SecondFactorOff, SecondFactorOn,
    SessionEnded, VerifyAddress,
};
use market::identity::store::{self, Org, Shown};
use market::identity::{Email, MemberRole};
use market::ids::SessionId;
use queue::JobTx;
use shared::ids::UserId;

use crate::emails::{MailError, post};

/// Asks the person to verify the address. The same `reference` is the same mail, sent once.
pub async fn verify_address(tx: &mut JobTx, user: UserId, reference: String) -> Result<(), MailError> {
    to_user(tx, user, reference, Content::VerifyAddress(VerifyAddress {})).await
}

/// Sends a link that sets a new password, if the address has an account: that is looked up when the
/// mail is sent, so this costs the same for every address.
pub async fn reset_password(tx: &mut JobTx, email: &Email, reference: String) -> Result<(), MailError> {
    to_address(tx, email.as_str(), reference, Content::ResetPassword(ResetPassword {})).await
}

/// Tells the owner of an address that it already has an account, with a link that sets a new
/// password: the account may be a stranger's, who could not verify the address.
pub async fn already_registered(tx: &mut JobTx, email: &Email, reference: String) -> Result<(), MailError> {
    to_address(tx, email.as_str(), reference, Content::AlreadyRegistered(AlreadyRegistered {})).await
}

/// Tells the person that the password has changed.
pub async fn password_changed(tx: &mut JobTx, user: UserId) -> Result<(), MailError> {
    let reference = uuid::Uuid::now_v7().to_string();
    to_user(tx, user, reference, Content::PasswordChanged(PasswordChanged {})).await
}

/// Tells the person when their account will be erased. The same time is the same mail, sent once.
pub async fn erasure_asked(tx: &mut JobTx, user: UserId, due_at: DateTime<Utc>) -> Result<(), MailError> {
    to_user(tx, user, due_at.timestamp_micros().to_string(), Content::ErasureAsked(ErasureAsked { due_at })).await
}

/// Tells the person that logins ask for a second factor.
pub async fn second_factor_on(tx: &mut JobTx, user: UserId) -> Result<(), MailError> {
    let reference = uuid::Uuid::now_v7().to_string();
    to_user(tx, user, reference, Content::SecondFactorOn(SecondFactorOn {})).await
}

/// Tells the person that logins ask for a password alone.
pub async fn second_factor_off(tx: &mut JobTx, user: UserId) -> Result<(), MailError> {
    let reference = uuid::Uuid::now_v7().to_string();
    to_user(tx, user, reference, Content::SecondFactorOff(SecondFactorOff {})).await
}

/// Tells the person if it was a recovery code that somebody has shown.
pub async fn code_shown(tx: &mut JobTx, user: UserId, shown: Shown) -> Result<(), MailError> {
    let Shown::Recovery { left } = shown else { return Ok(()) };
    let reference = uuid::Uuid::now_v7().to_string();
    to_user(tx, user, reference, Content::RecoveryCodeUsed(RecoveryCodeUsed { left })).await
}

/// Tells the person that a session was ended because somebody has used one of its old tokens.
pub async fn session_ended(tx: &mut JobTx, user: UserId, session: SessionId) -> Result<(), MailError> {
    to_user(tx, user, session.to_string(), Content::SessionEnded(SessionEnded {})).await
}

/// Tells the person about the suspension; `act` is its number in the audit log.
pub async fn suspended(tx: &mut JobTx, user: UserId, act: i64, reason: String) -> Result<(), MailError> {
    to_user(tx, user, act.to_string(), Content::AccountSuspended(AccountSuspended { reason })).await
}

/// Invites the owner of an address, whether or not it has an account.
pub async fn invited(tx: &mut JobTx, invitation: &store::Invitation) -> Result<(), MailError> {
    let content = Content::Invitation(Invitation {
        invitation: invitation.id,
        org_name: invitation.org_name.clone(),
        role: invitation.role,
    });
    to_address(tx, &invitation.email, invitation.id.to_string(), content).await
}

/// Tells an organisation's owners what was decided; `act` is the decision's number in the audit log.
pub async fn decided(tx: &mut JobTx, org: &Org, decision: store::Decision, act: i64) -> Result<(), MailError> {
    let (id, name) = (org.id, org.legal_name.clone());
    let reason = || org.status_reason.clone().unwrap_or_default();
    // An organisation is approved once, and may be rejected and suspended several times.
    let (reference, content) = match decision {
        store::Decision::Approve => (id.to_string(), Content::OrgApproved(OrgApproved { org: id, org_name: name })),
        store::Decision::Reject => {
            let content = Content::OrgRejected(OrgRejected { org: id, org_name: name, reason: reason() });
            (format!("{id} {act}"), content)
        }
        store::Decision::Suspend => {
            let content = Content::OrgSuspended(OrgSuspended { org: id, org_name: name, reason: reason() });
            (format!("{id} {act}"), content)
        }
        store::Decision::Reinstate => return Ok(()),
    };
    for member in store::members(tx, id).await? {
        if member.role == MemberRole::Owner {
            to_user(tx, member.user, reference.clone(), content.clone()).await?;
        }
    }
    Ok(())
}

async fn to_user(tx: &mut JobTx, user: UserId, reference: String, content: Content) -> Result<(), MailError> {
    post(tx, &NewEmail { recipient: Recipient::User(user), reference, content }).await?;
    Ok(())
}

async fn to_address(tx: &mut JobTx, email: &str, reference: String, content: Content) -> Result<(), MailError> {
    post(tx, &NewEmail { recipient: Recipient::Address(email.to_owned()), reference, content }).await?;
    Ok(())
}
