//! Letters about lots that were won and not paid.

use market::emails::model::{AwardDefaulted, SecondChanceLapsed, SecondChanceOffered};
use market::orders::model::Side;

use super::letter::{Letter, Place, fact};
use super::orders::{BUYER, SELLER};
use super::wording::{money, one_line, time};

pub(super) fn defaulted(it: &AwardDefaulted, place: &Place<'_>) -> Letter {
    let title = one_line(&it.title);
    let mut paragraphs = Vec::new();
    let mut note = None;
    match it.side {
        Side::Buyer => {
            paragraphs.push(format!(
                "Your payment for “{title}” did not arrive in time, so the sale is off. This counts as a strike against your organisation."
            ));
            if let Some(until) = it.barred_until {
                let until = time(until, place.zone);
                paragraphs.push(format!("It is the third within 90 days: your organisation cannot bid until {until}."));
            } else if let Some(most) = it.most_auctions {
                paragraphs.push(format!(
                    "It is not the first within 90 days: your organisation can have bids in at most {most} open auctions at once."
                ));
            }
            note = Some("If this is not your fault, appeal against the strike, and we will look into it.".to_owned());
        }
        Side::Seller => {
            paragraphs.push(format!("The buyer of “{title}” has not paid in time, so the sale is off."));
            paragraphs.push(match it.offered_until {
                Some(until) => format!("We have offered it to the next bidder, until {}.", time(until, place.zone)),
                None => "You can list it again.".to_owned(),
            });
        }
    }
    Letter {
        subject: format!("Not paid in time: “{title}”"),
        preview: paragraphs.first().cloned().unwrap_or_default(),
        heading: "The sale is off".to_owned(),
        paragraphs,
        quote: None,
        facts: vec![fact("Amount", money(it.amount)), fact("Order", it.order.to_string())],
        action: Some(place.link("View auction", format_args!("/auctions/{}", it.auction))),
        note,
        reason: match it.side {
            Side::Buyer => BUYER,
            Side::Seller => SELLER,
        }
        .to_owned(),
    }
}

pub(super) fn offered(it: &SecondChanceOffered, place: &Place<'_>) -> Letter {
    let title = one_line(&it.title);
    let until = time(it.until, place.zone);
    Letter {
        subject: format!("A second chance: “{title}”"),
        preview: format!("You can have it for your own bid until {until}."),
        heading: "You can still have it".to_owned(),
        paragraphs: vec![format!(
            "“{title}” is available again, and you were the next bidder. You can have it at the price that you offered; you need not."
        )],
        quote: None,
        facts: vec![
            fact("Your bid", money(it.amount)),
            fact("Quantity", it.quantity.to_string()),
            fact("Answer by", until),
        ],
        action: Some(place.link("View auction", format_args!("/auctions/{}", it.auction))),
        note: None,
        reason: "You are receiving this email because you trade for an organisation that bid on this.".to_owned(),
    }
}

pub(super) fn lapsed(it: &SecondChanceLapsed, place: &Place<'_>) -> Letter {
    let title = one_line(&it.title);
    let next = match it.offered_until {
        Some(until) => format!("We have offered it to the bidder after that, until {}.", time(until, place.zone)),
        None => "You can list it again.".to_owned(),
    };
    Letter {
        subject: format!("Not taken: “{title}”"),
        preview: next.clone(),
        heading: "The next bidder did not take it".to_owned(),
        paragraphs: vec![format!("The bidder to whom “{title}” was offered has not taken it."), next],
        quote: None,
        facts: Vec::new(),
        action: Some(place.link("View auction", format_args!("/auctions/{}", it.auction))),
        note: None,
        reason: SELLER.to_owned(),
    }
}
