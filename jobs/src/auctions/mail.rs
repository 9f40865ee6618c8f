//! Mail about auctions, posted in the transaction that makes it true: a purchase, the end. Mail about a bid is posted by a job, so
//! that bidders do not wait for others' mail.
//!
//! It goes to those who trade for an organisation now. The person who bid or listed may have left it since.

use market::auctions::model::{AuctionStatus, Closed, Participant, Retracted, SecondChance};
use market::auctions::store::{Defaulted, Lapsed};
use market::emails::model::{
    AwardDefaulted, BidsLapsed, Content, EndingSoon, Outbid, SecondChanceLapsed, SecondChanceOffered, Sold, Unsold,
    Winning, Won,
};
use market::emails::store::{self as emails, ToTraders};
use market::identity::store as identity;
use market::ids::{BidId, ListingId, SecondChanceId};
use market::listings::store as listings;
use market::orders::model::Side;
use market::standing::model::BuyerStanding;
use queue::JobTx;
use shared::ids::{OrgId, UserId};
use sqlx::PgConnection;

use crate::emails::{MailError, post_to};

/// The most people in one organisation who get the same news: the longest-standing ones.
pub(crate) const MOST_PER_ORG: i64 = 20;

/// Notifies those who trade for organisations that have lost their lead, or their share.
/// `reference` names the occasion: they are notified once of each.
pub async fn outbid(tx: &mut JobTx, orgs: &[OrgId], reference: &str, outbid: Outbid) -> Result<(), MailError> {
    let people = identity::traders(tx, orgs, MOST_PER_ORG).await?;
    Ok(post_to(tx, &people, reference, &Content::Outbid(outbid)).await?)
}

/// Notifies those who trade for organisations whose bids do not count any more since a better one was taken back: they would lead, but
/// their limit is spent elsewhere. They can bid again.
pub async fn bids_lapsed(tx: &mut JobTx, bid: BidId, retracted: &Retracted) -> Result<(), MailError> {
    if retracted.lapsed.is_empty() {
        return Ok(());
    }
    let seen = &retracted.auction;
    let content = Content::BidsLapsed(BidsLapsed {
        auction: seen.id,
        title: title(tx, seen.listing_id).await?,
        price: seen.price,
        next_minimum: seen.next_minimum,
        ends_at: seen.ends_at,
    });
    let people = identity::traders(tx, &retracted.lapsed, MOST_PER_ORG).await?;
    Ok(post_to(tx, &people, &bid.to_string(), &content).await?)
}

/// The templates of reminders: somebody gets one of them for each reminder.
const REMINDERS: [&str; 2] = ["winning", "ending_soon"];

/// Notifies those who trade for the organisation that leads. `reference` names the reminder, or the bid whose retraction made it lead
/// again: they are notified once of each, and not of a reminder that they have had as somebody who does not lead.
pub async fn winning(tx: &mut JobTx, leader: OrgId, reference: &str, winning: Winning) -> Result<(), MailError> {
    let people = traders(tx, leader).await?;
    remind(tx, &people, reference, &Content::Winning(winning)).await
}

/// Reminds those who trade for these organisations, which do not lead, of the end. `reference` names the reminder: they get each one once.
pub async fn ending_soon(tx: &mut JobTx, orgs: &[OrgId], reference: &str, ending: EndingSoon) -> Result<(), MailError> {
    if orgs.is_empty() {
        return Ok(());
    }
    let people = identity::traders(tx, orgs, MOST_PER_ORG).await?;
    ending_soon_to(tx, &people, reference, ending).await
}

/// Reminds these people of the end; whoever has had this reminder gets none.
pub async fn ending_soon_to(
    tx: &mut JobTx,
    people: &[UserId],
    reference: &str,
    ending: EndingSoon,
) -> Result<(), MailError> {
    remind(tx, people, reference, &Content::EndingSoon(ending)).await
}

async fn remind(tx: &mut JobTx, people: &[UserId], reference: &str, content: &Content) -> Result<(), MailError> {
    let people = emails::without(tx, people, &REMINDERS, reference).await?;
    Ok(post_to(tx, &people, reference, content).await?)
}

/// The mails to buyer and seller of each award, whether by bid or by purchase: one per person and order. One to the seller if nobody
/// bid.
pub(super) fn closed(closed: &Closed) -> Vec<ToTraders> {
    let auction = &closed.auction;
    let mut mails = Vec::with_capacity(2 * closed.awards.len() + 1);
    if auction.status == AuctionStatus::Unsold {
        let content = Content::Unsold(Unsold { auction: auction.id, title: closed.title.clone() });
        mails.push(ToTraders { org: closed.seller.org, reference: auction.id.to_string(), content });
    }
    for (award, order) in closed.awards.iter().zip(&closed.orders) {
        let won = Content::Won(Won {
            auction: auction.id,
            order: order.id,
            title: closed.title.clone(),
            seller: order.seller_name.clone(),
            total: order.total,
            pay_by: order.pay_by,
        });
        let sold = Content::Sold(Sold {
            auction: auction.id,
            order: order.id,
            title: closed.title.clone(),
            buyer: order.buyer_name.clone(),
            total: order.total,
            fee: order.fee,
            net: order.net,
        });
        for (org, content) in [(award.winner.org, won), (closed.seller.org, sold)] {
            mails.push(ToTraders { org, reference: order.id.to_string(), content });
        }
    }
    mails
}

/// Notifies both sides of an award that was not paid: one mail per person and order.
pub(super) async fn defaulted(
    tx: &mut JobTx,
    defaulted: &Defaulted,
    standing: &BuyerStanding,
) -> Result<(), MailError> {
    let Defaulted { auction, title, award, seller, chance, .. } = defaulted;
    let about = |side| AwardDefaulted {
        auction: auction.id,
        order: award.order,
        side,
        title: title.clone(),
        amount: award.amount,
        offered_until: None,
        most_auctions: None,
        barred_until: None,
    };
    let buyer = AwardDefaulted {
        most_auctions: standing.most_auctions,
        barred_until: standing.barred_until,
        ..about(Side::Buyer)
    };
    let offered_until = chance.as_ref().map(|(chance, _)| chance.expires_at);
    let seller = (seller.org, AwardDefaulted { offered_until, ..about(Side::Seller) });
    for (org, content) in [(award.winner.org, buyer), seller] {
        let people = traders(tx, org).await?;
        post_to(tx, &people, &award.order.to_string(), &Content::AwardDefaulted(content)).await?;
    }
    Ok(())
}

/// Tells the next bidder that the lot can be had.
pub(super) async fn second_chance(
    tx: &mut JobTx,
    title: &str,
    chance: &SecondChance,
    bidder: Participant,
) -> Result<(), MailError> {
    let content = Content::SecondChanceOffered(SecondChanceOffered {
        auction: chance.auction,
        chance: chance.id,
        title: title.to_owned(),
        quantity: chance.quantity,
        amount: chance.amount.ok_or(MailError::Missing("the amount of an offer"))?,
        until: chance.expires_at,
    });
    let people = traders(tx, bidder.org).await?;
    Ok(post_to(tx, &people, &chance.id.to_string(), &content).await?)
}

/// Tells the seller that an offer to the next bidder came to nothing.
pub(super) async fn chance_lapsed(tx: &mut JobTx, id: SecondChanceId, lapsed: &Lapsed) -> Result<(), MailError> {
    let content = Content::SecondChanceLapsed(SecondChanceLapsed {
        auction: lapsed.auction.id,
        title: lapsed.title.clone(),
        offered_until: lapsed.chance.as_ref().map(|(chance, _)| chance.expires_at),
    });
    let people = traders(tx, lapsed.seller.org).await?;
    Ok(post_to(tx, &people, &id.to_string(), &content).await?)
}

/// Who gets mail that concerns an organisation.
pub async fn traders(conn: &mut PgConnection, org: OrgId) -> Result<Vec<UserId>, sqlx::Error> {
    identity::traders(conn, &[org], MOST_PER_ORG).await
}

/// The listing's title.
pub async fn title(conn: &mut PgConnection, listing: ListingId) -> Result<String, MailError> {
    let listing = listings::listing(conn, listing).await?;
    Ok(listing.ok_or(MailError::Missing("an auction's listing"))?.title)
}
