//! Mail about stock that has become low, or has recovered.

use market::emails::model::{Content, StockLow, StockRecovered};
use market::stock::model::{Crossing, Moved};
use market::stock::rules::low;
use market::stock::store;
use queue::JobTx;

use crate::auctions::mail::traders;
use crate::emails::{MailError, post_to};

/// Notifies those who trade for the owner if the level has crossed, in the transaction that moved it.
pub async fn moved(tx: &mut JobTx, moved: &Moved) -> Result<(), MailError> {
    let Some(alert) = moved.alert else { return Ok(()) };
    let names = store::names(tx, alert.item, alert.site).await?;
    let (item, site, on_hand) = (alert.item, alert.site, alert.on_hand);
    let low_at = low::threshold(moved.level.low_at, moved.level.capacity);
    let (title, site_name) = (names.item, names.site);
    let content = match alert.crossing {
        Crossing::Down => Content::StockLow(StockLow { item, site, title, site_name, on_hand, low_at }),
        Crossing::Up => Content::StockRecovered(StockRecovered { item, site, title, site_name, on_hand, low_at }),
    };
    let people = traders(tx, alert.org).await?;
    // The crossing's number tells it from earlier ones.
    let reference = format!("{item}:{site}:{}", alert.number);
    Ok(post_to(tx, &people, &reference, &content).await?)
}
