//! Writing, with the job and the mails that follow.

use market::ids::OrderId;
use market::offers::model::Party;
use market::reviews::model::OrderReview;
use market::reviews::store::{self, ReviewError};
use queue::JobTx;
use queue::enqueue::{Enqueue, EnqueueError};

use super::{ShowReviews, mail};
use crate::emails::MailError;

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    #[error(transparent)]
    Review(#[from] ReviewError),
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
    #[error(transparent)]
    Mail(#[from] MailError),
}

/// Writes about an order, or changes what was written. A first review gets the job that shows it; the second one is shown with it, and
/// both sides hear of that.
pub async fn write(tx: &mut JobTx, by: Party, order: OrderId, stars: i16, text: &str) -> Result<OrderReview, ActError> {
    let change = store::write(tx, by, order, stars, text).await?;
    if let Some(show_at) = change.show_at {
        let _ = tx.enqueue_with(Enqueue::new(&ShowReviews { order }).run_at(show_at)).await?;
    }
    mail::shown(tx, &change.shown).await?;
    Ok(change.review)
}
