//! What follows from an award that was not paid, and from the offers that come after it.

use market::auctions::model::{Participant, SecondChance};
use market::auctions::store::{Defaulted, Lapsed};
use market::ids::SecondChanceId;
use market::standing::store as standing;
use queue::JobTx;
use queue::enqueue::Enqueue;

use super::events::{News, announce};
use super::{ExpireSecondChance, mail};
use crate::emails::{MailError, PostError};
use crate::webhooks::deliver;

/// Tells both sides of an award that was not paid, and whoever is offered the lot.
pub async fn defaulted(tx: &mut JobTx, defaulted: &Defaulted) -> Result<(), MailError> {
    let standing = standing::standing(tx, defaulted.award.winner.org).await?;
    mail::defaulted(tx, defaulted, &standing).await?;
    deliver(tx, &[defaulted.award.order]).await.map_err(PostError::from)?;
    if let Some((chance, bidder)) = &defaulted.chance {
        offered(tx, &defaulted.title, chance, *bidder).await?;
    }
    announce(tx, News::Changed, &defaulted.auction);
    Ok(())
}

/// Tells the next bidder that the lot can be had, and sets the timer that ends the offer.
pub async fn offered(tx: &mut JobTx, title: &str, chance: &SecondChance, bidder: Participant) -> Result<(), MailError> {
    mail::second_chance(tx, title, chance, bidder).await?;
    let timer = ExpireSecondChance { chance: chance.id };
    let _ = tx.enqueue_with(Enqueue::new(&timer).run_at(chance.expires_at)).await.map_err(PostError::from)?;
    Ok(())
}

/// Tells the seller that an offer came to nothing, and whoever is offered the lot now.
pub async fn lapsed(tx: &mut JobTx, id: SecondChanceId, lapsed: &Lapsed) -> Result<(), MailError> {
    mail::chance_lapsed(tx, id, lapsed).await?;
    if let Some((chance, bidder)) = &lapsed.chance {
        offered(tx, &lapsed.title, chance, *bidder).await?;
    }
    announce(tx, News::Changed, &lapsed.auction);
    Ok(())
}
