use jobs::chat::{NotifyUnread, mail};
use market::chat::store::{self, MailCheck};
use queue::{Handler, Outcome};

use crate::{Cx, Services};

impl Handler<Services> for NotifyUnread {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        match store::check_mail(&mut tx, self.org, self.conversation).await? {
            MailCheck::Due(conversation) => {
                mail::unread(&mut tx, self.org, &conversation).await?;
                cx.commit(tx).await
            }
            MailCheck::NotYet { due_at, now } => Ok(crate::auctions::after(due_at - now)),
            // In the transaction that has looked: a message that comes now waits for it, and then gets a job of its own.
            MailCheck::Nothing => cx.commit(tx).await,
        }
    }
}
