//! Letters about plans.

use market::emails::model::{PlanEvent, PlanNews, PlanNotOffered};
use market::identity::Plan;

use super::letter::{Letter, Place, fact};
use super::words::Words;

pub(super) fn news(it: &PlanNews, place: &Place<'_>) -> Letter {
    let (words, plan, amount) = (place.words, name(it.plan, place.words), place.money(it.amount));
    let lapses = place.time(it.lapses_at);
    let (subject, heading, paragraph) = match it.event {
        PlanEvent::Charged => (
            words.plan_charged_subject(plan, &amount),
            words.plan_charged_heading(),
            words.plan_charged_text(plan, &amount),
        ),
        PlanEvent::Reminded(_) => (
            words.plan_reminded_subject(plan, &amount),
            words.plan_reminded_heading(),
            words.plan_reminded_text(plan, &amount),
        ),
        PlanEvent::Failed => (
            words.plan_failed_subject(plan, &amount),
            words.plan_failed_heading(),
            words.plan_failed_text(plan, &amount),
        ),
        PlanEvent::Paid => {
            (words.plan_paid_subject(plan, &amount), words.plan_paid_heading(), words.plan_paid_text(plan, &amount))
        }
        PlanEvent::Restored => (
            words.plan_restored_subject(plan, &amount),
            words.plan_paid_heading(),
            words.plan_restored_text(plan, &amount),
        ),
        PlanEvent::Lapsed if !it.owed.is_empty() => {
            (words.plan_lapsed_subject(plan), words.plan_lapsed_heading(), words.plan_owing_text(plan, &amount))
        }
        PlanEvent::Lapsed => {
            (words.plan_lapsed_subject(plan), words.plan_lapsed_heading(), words.plan_lapsed_text(plan, &amount))
        }
    };
    let mut facts = vec![fact(words.plan_name(), plan.to_owned())];
    if let PlanEvent::Reminded(number) = it.event {
        facts.push(fact(words.plan_reminder(), words.plan_reminder_of(&place.number(number.into()))));
    }
    facts.extend(it.owed.iter().map(|owed| fact(name(owed.plan, words), place.money(owed.amount))));
    let owed = matches!(it.event, PlanEvent::Charged | PlanEvent::Reminded(_) | PlanEvent::Failed);
    if owed {
        facts.push(fact(words.plan_lapses(), lapses));
    }
    let label = if owed { words.plan_pay() } else { words.plan_view() };
    Letter {
        subject,
        preview: paragraph.clone(),
        heading: heading.to_owned(),
        paragraphs: vec![paragraph],
        figure: Some(fact(words.amount(), amount)),
        facts,
        action: Some(place.link(label, format_args!("/plan/charges/{}", it.charge))),
        note: match it.event {
            PlanEvent::Reminded(_) => Some(words.plan_reminded_note().to_owned()),
            PlanEvent::Lapsed => Some(words.plan_lapsed_note().to_owned()),
            _ => None,
        },
        reason: words.plan_reason().to_owned(),
        ..Letter::default()
    }
}

pub(super) fn not_offered(it: &PlanNotOffered, place: &Place<'_>) -> Letter {
    let (words, plan) = (place.words, name(it.plan, place.words));
    let paragraph = words.plan_not_offered_text(plan);
    Letter {
        subject: words.plan_not_offered_subject(plan),
        preview: paragraph.clone(),
        heading: words.plan_lapsed_heading().to_owned(),
        paragraphs: vec![paragraph],
        action: Some(place.link(words.plan_view(), format_args!("/plan"))),
        note: Some(words.plan_not_offered_note().to_owned()),
        reason: words.plan_reason().to_owned(),
        ..Letter::default()
    }
}

fn name(plan: Plan, words: &dyn Words) -> &'static str {
    match plan {
        Plan::Free => words.plan_free(),
        Plan::Standard => words.plan_standard(),
        Plan::Pro => words.plan_pro(),
        Plan::Partner => words.plan_partner(),
    }
}
