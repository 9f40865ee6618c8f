use jobs::chat::{NotifyUnread, SweepUnread};
use market::chat::store;
use queue::{Handler, Job, Outcome};

use crate::sweep::Found;
use crate::{Cx, Services};

/// How many conversations one sweep looks at; the next one takes the rest.
const MOST: i64 = 500;

impl Handler<Services> for SweepUnread {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut tx = cx.begin().await?;
        let mut found = Found::default();
        for (conversation, org) in store::to_mail(&mut tx, MOST).await? {
            found.ensure(&mut tx, &NotifyUnread { conversation, org }, Self::KIND.name).await?;
        }
        cx.commit_with(tx, found.summary(Self::KIND.name)).await
    }
}
