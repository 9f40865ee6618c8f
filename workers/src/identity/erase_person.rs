use std::time::Duration;

use jobs::identity::ErasePerson;
use market::identity::store::{Erased, erase_account, erase_more};
use queue::{Handler, Outcome};

use crate::turn::{Turn, work_through};
use crate::{Cx, Services};

/// How many rows of a table one statement deletes.
const PAGE: i64 = 500;
/// How long what stands in the way is waited for before somebody looks again.
const LOOK_AGAIN: Duration = Duration::from_hours(24);
/// The clocks of the ledger and of the account are one; this is for an erasure that was taken back and asked for again.
const NOT_YET: Duration = Duration::from_hours(1);

impl Handler<Services> for ErasePerson {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let user = self.user;
        let mut tx = cx.begin().await?;
        let erased = erase_account(&mut tx, user).await?;
        tx.commit().await?;
        match erased {
            Erased::Account => {
                work_through(cx, Turn::begin(), "erased", || async move {
                    Ok(erase_more(&mut *cx.db().acquire().await?, user, PAGE).await?)
                })
                .await
            }
            Erased::Nothing => Ok(Outcome::Cancel("it was taken back, or is done".to_owned())),
            Erased::NotBefore(_) => Ok(Outcome::Snooze(NOT_YET)),
            Erased::Hindered(open) => {
                cx.log(format!("waits for {} open matters, or a role on the platform", open.len()));
                Ok(Outcome::Snooze(LOOK_AGAIN))
            }
        }
    }
}

#[cfg(test)]
mod tests;
