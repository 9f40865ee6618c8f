//! Letters about returns.

use market::emails::model::ReturnNews;
use market::orders::model::Side;
use market::returns::model::ReturnReason;

use super::letter::{Fact, Letter, Place, fact};
use super::orders::{goods, other, reason};
use super::wording::{money, one_line, time};

const fn why(reason: ReturnReason) -> &'static str {
    match reason {
        ReturnReason::NotNeeded => "Not needed",
        ReturnReason::NotAsDescribed => "Not as described",
        ReturnReason::Damaged => "Damaged",
        ReturnReason::WrongItem => "Another item than ordered",
        ReturnReason::Other => "Another reason",
    }
}

/// A letter with what all of them say.
fn letter(
    it: &ReturnNews,
    place: &Place<'_>,
    subject: &str,
    heading: &str,
    paragraph: String,
    more: Vec<Fact>,
) -> Letter {
    let mut facts = vec![fact("Units", it.units.to_string()), fact("Reason", why(it.reason).to_owned())];
    facts.extend(more);
    facts.extend([other(it.side, &it.other), fact("Order", it.order.to_string())]);
    Letter {
        subject: format!("{subject}: {}", goods(&it.title, it.more)),
        preview: paragraph.clone(),
        heading: heading.to_owned(),
        paragraphs: vec![paragraph],
        quote: it.words.clone(),
        facts,
        action: Some(place.link("View order", format_args!("/orders/{}", it.order))),
        note: None,
        reason: reason(it.side).to_owned(),
    }
}

fn due(it: &ReturnNews, place: &Place<'_>, label: &'static str) -> Vec<Fact> {
    it.due_at.map(|at| fact(label, time(at, place.zone))).into_iter().collect()
}

pub(super) fn requested(it: &ReturnNews, place: &Place<'_>) -> Letter {
    let goods = goods(&it.title, it.more);
    let paragraph =
        format!("The buyer would like to send {goods} back. If you do not answer in time, the return is approved.");
    letter(it, place, "Return requested", "Your buyer asks for a return", paragraph, due(it, place, "Answer by"))
}

pub(super) fn approved(it: &ReturnNews, place: &Place<'_>) -> Letter {
    let goods = goods(&it.title, it.more);
    let paragraph = format!("You can send {goods} back. Please say in the return when you have sent it, and how.");
    letter(it, place, "Return approved", "Your return is approved", paragraph, due(it, place, "Send by"))
}

pub(super) fn refused(it: &ReturnNews, place: &Place<'_>) -> Letter {
    let goods = goods(&it.title, it.more);
    let paragraph = format!("The seller does not take {goods} back. What they write about it:");
    letter(it, place, "Return refused", "Your return is refused", paragraph, Vec::new())
}

pub(super) fn sent(it: &ReturnNews, place: &Place<'_>) -> Letter {
    let goods = goods(&it.title, it.more);
    let paragraph = format!(
        "The buyer has sent {goods} back. Please say in the return when it has arrived; otherwise it counts as received in the end."
    );
    let mut facts: Vec<Fact> = it.tracking.iter().map(|text| fact("Sent with", one_line(text))).collect();
    facts.extend(due(it, place, "Confirm by"));
    letter(it, place, "Return sent", "A return is on its way to you", paragraph, facts)
}

pub(super) fn received(it: &ReturnNews, place: &Place<'_>) -> Letter {
    let goods = goods(&it.title, it.more);
    let arrived = match (it.side, it.by_time) {
        (Side::Buyer, false) => format!("The seller has received {goods}."),
        (_, true) => format!("Nobody has said whether {goods} has arrived, so it counts as received."),
        (Side::Seller, false) => format!("You have received {goods}."),
    };
    let to = match it.side {
        Side::Buyer => "to you",
        Side::Seller => "to the buyer",
    };
    let back = match (it.share, it.refunded) {
        (_, None) => " All of what it cost was given back before.".to_owned(),
        (Some(share), Some(refunded)) if refunded.minor() < share.minor() => {
            let refunded = money(refunded);
            format!(" {refunded} goes back {to}: the rest of what it cost was given back before.")
        }
        (_, Some(refunded)) => format!(" {} goes back {to}.", money(refunded)),
    };
    let mut facts: Vec<Fact> = it.share.map(|share| fact("It cost", money(share))).into_iter().collect();
    facts.extend(it.refunded.map(|refunded| fact("Refunded", money(refunded))));
    let heading = if it.by_time { "The return counts as received" } else { "The return has arrived" };
    letter(it, place, "Return received", heading, arrived + &back, facts)
}
