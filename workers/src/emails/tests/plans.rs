//! Mails about plans.

use market::emails::model::{Content, OwedForPlan, PlanEvent, PlanNews, PlanNotOffered};
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
    events.into_iter().map(|event| (Content::PlanNews(news(event)), Link::None)).collect()
}

fn news(event: PlanEvent) -> PlanNews {
    let owed = Vec::new();
    PlanNews { event, plan: Plan::Pro, charge: id(14), amount: eur(7_900), lapses_at: at(23, 0), owed }
}

/// Of a plan that ends with several charges, and of one that cannot be had any more.
pub(super) fn ended() -> [(Content, Link); 2] {
    let owed = [(Plan::Standard, 1_900), (Plan::Pro, 6_000)];
    let owed = owed.map(|(plan, amount)| OwedForPlan { plan, amount: eur(amount) }).to_vec();
    let gone = PlanNotOffered { subscription: id(15), plan: Plan::Standard };
    [Content::PlanNews(PlanNews { owed, ..news(PlanEvent::Lapsed) }), Content::PlanNotOffered(gone)]
        .map(|content| (content, Link::None))
}
