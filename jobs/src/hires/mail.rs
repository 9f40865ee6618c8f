//! Mail about the days of an order, to those who trade for its sides now. Once for each change.

use chrono::{DateTime, NaiveDate, Utc};
use market::emails::model::{Content, DaysHired};
use market::emails::store::ToTraders;
use market::ids::OrderId;
use market::orders::model::Side;
use market::orders::store as orders;
use queue::JobTx;

use crate::checkout::mail::other;
use crate::emails::{MailError, post_to_traders};

/// Tells both sides which days a line has since `at`.
pub(super) async fn hired(
    tx: &mut JobTx,
    order: OrderId,
    line: i16,
    days: &[NaiveDate],
    at: DateTime<Utc>,
) -> Result<(), MailError> {
    let order = orders::find(tx, order).await?.ok_or(MailError::Missing("an order with days"))?;
    let of_line = usize::try_from(line - 1).ok().and_then(|place| order.lines.get(place));
    let title = &of_line.ok_or(MailError::Missing("a line with days"))?.title;
    let mails = [(Side::Buyer, order.buyer_org_id), (Side::Seller, order.seller_org_id)].map(|(side, org)| {
        let hired = DaysHired {
            order: order.id,
            line,
            side,
            other: other(&order, side),
            title: title.clone(),
            days: days.to_vec(),
        };
        let reference = format!("{}:{line}:{}", order.id, at.timestamp_micros());
        ToTraders { org, reference, content: Content::DaysHired(hired) }
    });
    Ok(post_to_traders(tx, &mails).await?)
}
