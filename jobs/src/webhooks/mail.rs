//! Mail about endpoints that are not sent anything any more, to the organisation's owners.

use market::emails::model::{Content, WebhooksStopped};
use market::identity::MemberRole;
use market::identity::store as identity;
use market::webhooks::model::{Stopped, origin};
use queue::JobTx;

use crate::emails::{MailError, post_to};

/// Tells the owners that an endpoint was stopped, and why.
pub async fn stopped(tx: &mut JobTx, stopped: &Stopped) -> Result<(), MailError> {
    let content = Content::WebhooksStopped(WebhooksStopped {
        endpoint: stopped.endpoint,
        name: stopped.name.clone(),
        // The rest of the address may be a secret.
        origin: origin(&stopped.url),
        reason: stopped.reason,
        failing_since: stopped.failing_since,
    });
    let members = identity::members(tx, stopped.org).await?;
    let owners: Vec<_> =
        members.iter().filter(|member| member.role == MemberRole::Owner).map(|member| member.user).collect();
    post_to(tx, &owners, &format!("{}:{}", stopped.endpoint, stopped.version), &content).await?;
    Ok(())
}
