//! The incremental engine against a model that keeps every bid and recomputes everything from the
//! whole list.

use proptest::prelude::*;

use super::*;

/// Accepted bids with their numbers; the model's only state.
#[derive(Clone, Debug, Default)]
struct Model {
    bids: Vec<(i64, OrgId, i64)>,
}

impl Model {
    /// The bids of `list` from best to worst.
    fn ranked(list: &[(i64, OrgId, i64)]) -> Vec<(i64, OrgId, i64)> {
        let mut ranked = list.to_vec();
        ranked.sort_by_key(|&(seq, _, maximum)| (-maximum, seq));
        ranked
    }

    fn leader(list: &[(i64, OrgId, i64)]) -> Option<(OrgId, i64)> {
        Self::ranked(list).first().map(|&(_, org, maximum)| (org, maximum))
    }

    /// The price: fixed by the best two organisations, each time somebody other than the leader has bid.
    fn price(&self, terms: &Terms) -> i64 {
        let mut price = terms.opening;
        for count in 1..=self.bids.len() {
            let (before, seen) = (&self.bids[..count - 1], &self.bids[..count]);
            let (_, bidder, _) = seen[count - 1];
            let ranked = Self::ranked(seen);
            let (_, first, best) = ranked[0];
            let raised = Self::leader(before).is_some_and(|(leader, _)| leader == bidder);
            let second = ranked.iter().find(|&&(_, org, _)| org != first);
            if let Some(&(_, _, second)) = second
                && !raised
            {
                price = price.max(best.min(second + terms.increments.step(second)));
            }
            if let Some(reserve) = terms.reserve.map(Secret::reveal)
                && best >= reserve
            {
                price = price.max(reserve);
            }
        }
        price
    }

    fn accepts(&self, terms: &Terms, org: OrgId, maximum: i64) -> bool {
        match Self::leader(&self.bids) {
            None => maximum >= terms.opening,
            Some((leader, best)) if leader == org => maximum > best,
            Some(_) => {
                let price = self.price(terms);
                maximum >= price + terms.increments.step(price)
            }
        }
    }

    fn standing(&self, terms: &Terms) -> (Option<(OrgId, i64)>, i64) {
        (Self::leader(&self.bids), self.price(terms))
    }
}

fn seen(standing: Standing) -> (Option<(OrgId, i64)>, i64) {
    let leader = standing.leader.map(|leader| (leader.org, leader.rank.amount.reveal()));
    (leader, standing.price)
}

#[derive(Clone, Debug)]
enum Step {
    /// By organisation 1 to 5, `above` the next minimum (or below it, when negative), after `wait`
    /// seconds.
    Bid { org: u8, above: i64, wait: i64 },
    /// The accepted bid of this number is taken back, if there is one.
    Retract(prop::sample::Index),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let small = prop_oneof![4 => -60_i64..400, 2 => Just(0), 1 => -500_i64..20_000];
    let bid = (1_u8..=5, small, 0_i64..900).prop_map(|(org, above, wait)| Step::Bid { org, above, wait });
    let retract = any::<prop::sample::Index>().prop_map(Step::Retract);
    prop::collection::vec(prop_oneof![9 => bid, 1 => retract], 0..40)
}

fn lot(opening: i64, reserve: Option<i64>) -> State {
    let mut lot = auction();
    lot.terms.opening = opening;
    lot.standing.price = opening;
    lot.terms.reserve = reserve.map(|above| Secret::new(opening + above));
    // Short, so that many bids fall into the soft close and the hard end.
    lot.ends_at = second(3_000);
    lot.terms.hard_end = second(6_600);
    lot
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(shared::testing::cases(2_000).sum()))]

    #[test]
    fn the_engine_agrees_with_the_model(
        opening in 1_i64..12_000,
        reserve in prop::option::of(1_i64..5_000),
        steps in steps(),
    ) {
        let mut lot = lot(opening, reserve);
        let mut model = Model::default();
        let mut clock = 0;
        for step in steps {
            match step {
                Step::Bid { org: n, above, wait } => {
                    clock += wait;
                    let before = lot.clone();
                    let maximum = lot.next_minimum() + above;
                    let decided = lot.bid(offer(n, maximum, clock));
                    let in_time = second(clock) < before.ends_at;
                    let wanted = in_time && model.accepts(&lot.terms, org(n), maximum);
                    prop_assert_eq!(decided.is_ok(), wanted, "{:?}", decided);
                    if let Ok(accepted) = decided {
                        model.bids.push((accepted.seq, org(n), maximum));
                        check_accepted(&before, &lot, &accepted, second(clock))?;
                    } else {
                        prop_assert_eq!(lot.standing, before.standing);
                    }
                }
                Step::Retract(index) => {
                    if model.bids.is_empty() {
                        continue;
                    }
                    model.bids.remove(index.index(model.bids.len()));
                    let rest = model.bids.iter().map(|&(seq, org, maximum)| Offer {
                        org,
                        rank: Rank { amount: Secret::new(maximum), seq },
                    });
                    lot.standing = replay(&lot.terms, rest);
                }
            }
            prop_assert_eq!(seen(lot.standing), model.standing(&lot.terms));
        }
        check_closing(&lot, &model)?;
    }

    /// What a refused bidder learns does not depend on the leader's secret.
    #[test]
    fn a_refusal_tells_nothing_about_the_leaders_maximum(
        maxima in prop::collection::vec(2_000_i64..100_000, 2),
        offered in 0_i64..100_000,
    ) {
        let answers: Vec<_> = maxima.iter().map(|&maximum| {
            let mut lot = lot(1_000, None);
            lot.bid(offer(1, maximum, 1)).expect("the first bid");
            (lot.next_minimum(), lot.bid(offer(2, offered, 2)).err())
        }).collect();
        prop_assert_eq!(answers[0], answers[1]);
    }

    #[test]
    fn rank_is_a_strict_order(bids in prop::collection::vec((0_i64..4, 1_i64..50), 1..20)) {
        let ranks: Vec<_> = bids.iter().map(|&(amount, seq)| Rank { amount: Secret::new(amount), seq }).collect();
        for &a in &ranks {
            for &b in &ranks {
                prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
                prop_assert_eq!(a > b, (a.amount, -a.seq) > (b.amount, -b.seq));
            }
        }
    }
}

fn check_accepted(before: &State, after: &State, accepted: &Accepted, at: DateTime<Utc>) -> Result<(), TestCaseError> {
    prop_assert_eq!(accepted.seq, before.seq + 1);
    let leader = |state: &State| state.standing.leader.map(|leader| leader.org);
    let lost = leader(before).filter(|before| leader(after) != Some(*before));
    prop_assert_eq!(&accepted.outbid, &lost.into_iter().collect::<Vec<_>>());
    prop_assert!(
        accepted.public_change || after.standing.price == before.standing.price && leader(after) == leader(before)
    );
    prop_assert!(after.standing.price >= before.standing.price);
    prop_assert!(after.ends_at >= before.ends_at && after.ends_at <= after.terms.hard_end);
    if accepted.effect == Effect::Raised {
        prop_assert_eq!(after.ends_at, before.ends_at);
    } else {
        let answer = at + after.terms.soft_close;
        prop_assert!(after.ends_at >= answer.min(after.terms.hard_end));
    }
    if let Some(leader) = after.standing.leader {
        prop_assert!(after.standing.price <= leader.rank.amount.reveal());
        prop_assert!(accepted.visible <= after.standing.price);
    }
    Ok(())
}

fn check_closing(lot: &State, model: &Model) -> Result<(), TestCaseError> {
    let closing = decide_close(lot, lot.ends_at);
    let (leader, price) = model.standing(&lot.terms);
    let met = lot.terms.reserve.is_none_or(|reserve| price >= reserve.reveal());
    match (closing, leader) {
        (Ok(Closing::Awarded { winner: first, price: at }), Some((org, maximum))) if met => {
            prop_assert_eq!((first.org, first.rank.amount.reveal(), at), (org, maximum, price));
        }
        (Ok(Closing::OnApproval { bidder: first, price: at }), Some((org, maximum))) if !met => {
            prop_assert_eq!((first.org, first.rank.amount.reveal(), at), (org, maximum, price));
        }
        (Ok(Closing::Unsold), None) => {}
        other => prop_assert!(false, "{other:?}"),
    }
    Ok(())
}
