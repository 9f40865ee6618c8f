//! Letters about what sellers are paid out.

use market::emails::model::{PayoutAccountNeeded, PayoutSent};

use super::letter::{Letter, Place, fact};
use super::wording::money;

const REASON: &str = "You are receiving this email because you trade for the organisation that has earned this.";

pub(super) fn sent(it: &PayoutSent, place: &Place<'_>) -> Letter {
    let amount = money(it.amount);
    Letter {
        subject: format!("{amount} is on its way to your bank"),
        preview: "What you have earned was paid out.".to_owned(),
        heading: "Your payout is on its way".to_owned(),
        paragraphs: vec![format!("Our payment provider has paid out {amount} of your earnings to your bank.")],
        quote: None,
        facts: vec![fact("Amount", amount), fact("Payout", it.payout.to_string())],
        action: Some(place.link("Open your payouts", format_args!("/payouts"))),
        note: Some("Your bank may take some days to show it.".to_owned()),
        reason: REASON.to_owned(),
    }
}

pub(super) fn account_needed(it: &PayoutAccountNeeded, place: &Place<'_>) -> Letter {
    let amount = money(it.amount);
    Letter {
        subject: format!("{amount} waits for your payout account"),
        preview: "We cannot pay out what you have earned yet.".to_owned(),
        heading: "Where shall we pay out your earnings?".to_owned(),
        paragraphs: vec![format!(
            "You have earned {amount}, and have no account that our payment provider can pay out to. As soon as there is one, \
             the payout goes on by itself."
        )],
        quote: None,
        facts: vec![fact("Earned", amount)],
        action: Some(place.link("Open your payouts", format_args!("/payouts"))),
        note: None,
        reason: REASON.to_owned(),
    }
}
