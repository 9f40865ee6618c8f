use anyhow::Context;
use jobs::payouts::CheckPayoutAccount;
use market::payments::{Call, Found, NewAccount};
use market::payouts::store::{self, PayoutError};
use queue::{Handler, Outcome};

use super::follow_account;
use crate::escrow::asked::{NotDone, find, gateway, not_done};
use crate::{Cx, Services};

impl Handler<Services> for CheckPayoutAccount {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let Some(opening) = store::check(&mut *cx.db().acquire().await?, self.account).await? else {
            return Ok(Outcome::Done);
        };
        let gateway = gateway(cx, opening.provider)?;
        let key = self.account.to_string();
        let asked = if let Some(name) = &opening.reference {
            let found = gateway.account(name).await?;
            Ok(found.context("the provider does not know its own account")?)
        } else {
            // The row was committed before, so that any earlier attempt may have asked.
            match find(gateway, &key, &Call::OpenAccount).await {
                Ok(Some(Found::Account(found))) => Ok(found),
                Ok(Some(other)) => anyhow::bail!("the provider made {other:?} with the key of an account"),
                Ok(None) => {
                    let new = NewAccount { reference: opening.org.to_string(), own: opening.own.clone() };
                    gateway.open_account(&key, &new).await
                }
                Err(error) => Err(error),
            }
        };
        let mut tx = cx.begin().await?;
        match asked {
            Ok(found) => {
                let followed = follow_account(&mut tx, self.account, &opening, &found).await;
                if let Err(error) = followed {
                    if !matches!(error.downcast_ref(), Some(PayoutError::AccountTaken)) {
                        return Err(error);
                    }
                    // The statement that was refused has ended the transaction.
                    drop(tx);
                    tx = cx.begin().await?;
                    store::refuse_account(&mut tx, self.account, "account_taken").await?;
                }
            }
            Err(error) => match not_done(error)? {
                NotDone::Later(outcome) => return Ok(outcome),
                NotDone::Never(code) => store::refuse_account(&mut tx, self.account, &code).await?,
            },
        }
        cx.commit(tx).await
    }
}
