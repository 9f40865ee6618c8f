use std::time::Duration;

use anyhow::Context;
use jobs::escrow::ApplyWebhook;
use market::escrow::store::{self, Settled, Subject, WebhookOutcome};
use market::payments::{Disbursement, Provider};
use market::payouts::store::{self as payouts, Sent};
use market::plans::store as plans;
use market::reconciliation::store as reconciliation;
use queue::{Handler, JobTx, Outcome};

use super::asked::{follow, follow_refund, gateway};
use crate::payouts::{follow_account, follow_payout};
use crate::plans::follow_plan;
use crate::{Cx, Services};

/// How long a webhook may be about something that we do not know yet: the answer to our call is on its way.
const OVERTAKES: i64 = 600;

/// How long to wait for that answer.
const PAUSE: Duration = Duration::from_secs(5);

impl Handler<Services> for ApplyWebhook {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut conn = cx.db().acquire().await?;
        let Some(webhook) = store::webhook(&mut conn, self.webhook).await? else { return Ok(Outcome::Done) };
        let subject = store::named(&mut conn, webhook.provider, &webhook.subject).await?;
        drop(conn);
        let gateway = gateway(cx, webhook.provider)?;
        let name = &webhook.subject;
        // What the webhook says was never read: the provider is asked.
        let outcome = match subject {
            None if webhook.age < OVERTAKES => return Ok(Outcome::Snooze(PAUSE)),
            None => {
                let mut tx = cx.begin().await?;
                store::applied(&mut tx, self.webhook, WebhookOutcome::UnknownSubject).await?;
                return cx.commit(tx).await;
            }
            Some(Subject::Payment(id)) => {
                let found = gateway.payment(name).await?.context("the provider does not know its own payment")?;
                let mut tx = cx.begin().await?;
                let settled = store::settle(&mut tx, id, &found).await?;
                follow(cx, &mut tx, &settled).await?;
                let news = !matches!(settled, Settled::Pending | Settled::NothingNew);
                (tx, news)
            }
            Some(Subject::PlanPayment(id)) => {
                let found = gateway.payment(name).await?.context("the provider does not know its own payment")?;
                let mut tx = cx.begin().await?;
                let settled = plans::settle(&mut tx, id, &found).await?;
                let news = follow_plan(&mut tx, settled).await?;
                (tx, news)
            }
            Some(Subject::Refund(id)) => {
                let found = gateway.disbursement(name).await?.context("the provider does not know its own refund")?;
                let mut tx = cx.begin().await?;
                let news = follow_refund(&mut tx, id, &found).await?;
                let undone = undone(&mut tx, webhook.provider, &found).await?;
                (tx, news || undone)
            }
            Some(Subject::Payout(id)) => {
                let found = gateway.disbursement(name).await?.context("the provider does not know its own payout")?;
                let mut tx = cx.begin().await?;
                let sending = payouts::start(&mut tx, id).await?;
                // The way to the account is followed by its own job.
                let of_bank = sending.filter(|sending| sending.reference.as_ref() == Some(name));
                let sent = match of_bank {
                    Some(sending) => follow_payout(&mut tx, id, &sending, &found).await?,
                    None => Sent::NothingNew,
                };
                let news = !matches!(sent, Sent::Pending | Sent::NothingNew);
                let undone = undone(&mut tx, webhook.provider, &found).await?;
                (tx, news || undone)
            }
            Some(Subject::PayoutAccount(id)) => {
                let found = gateway.account(name).await?.context("the provider does not know its own account")?;
                let mut tx = cx.begin().await?;
                let news = match payouts::check(&mut tx, id).await? {
                    Some(opening) => follow_account(&mut tx, id, &opening, &found).await?,
                    None => false,
                };
                (tx, news)
            }
        };
        let (mut tx, news) = outcome;
        let outcome = if news { WebhookOutcome::Applied } else { WebhookOutcome::NothingNew };
        store::applied(&mut tx, self.webhook, outcome).await?;
        cx.commit(tx).await
    }
}

/// Keeps it for people if a bank has given back what was done; whether that is news.
async fn undone(tx: &mut JobTx, provider: Provider, found: &Disbursement) -> anyhow::Result<bool> {
    let undone = reconciliation::undone(tx, provider, found).await?;
    if undone {
        tracing::error!(provider.name = %found.reference, "a bank has given a refund or a payout back: look at the differences");
    }
    Ok(undone)
}
