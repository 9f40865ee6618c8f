//! Mails about plans.

use market::emails::model::{Content, PlanEvent, PlanNews};
use market::identity::Plan;

use super::{at, eur, id};
use crate::emails::Link;

/// One for everything that can happen to a charge.
pub(super) fn mails() -> Vec<(Content, Link)> {
    let events = [
        PlanEvent::Charged,
        PlanEvent::Reminded(1),
        PlanEvent::Reminded(3),
        PlanEvent::Failed,
        PlanEvent::Paid,
        PlanEvent::Restored,
        PlanEvent::Lapsed,
    ];
    let news = |event| PlanNews { event, plan: Plan::Pro, charge: id(14), amount: eur(7_900), lapses_at: at(23, 0) };
    events.into_iter().map(|event| (Content::PlanNews(news(event)), Link::None)).collect()
}
