//! Highest bids below the reserve.

use shared::money::{Currency, Money};

use super::*;
use crate::auctions::model::{Answer, ApprovalStatus};
use crate::orders::model::Side;

fn answer(status: ApprovalStatus, side: Side, answer: Answer, at: i64) -> Result<ApprovalStatus, NotAnswered> {
    let pending = Pending { status, price: 3_000, until: second(DAY) };
    decide_answer(&pending, side, answer, 4_000, second(at))
}

fn counter(minor: i64) -> Answer {
    Answer::Counter(Money::from_minor(minor, "EUR".parse::<Currency>().expect("a currency")))
}

#[test]
fn the_seller_answers_first_then_the_bidder_to_another_amount_and_nobody_after_that() {
    use ApprovalStatus::{Accepted, Asked, Countered, Declined, Expired};
    use NotAnswered::{Ended, NoCounter, NotYourTurn};
    let (bidder, seller) = (Side::Buyer, Side::Seller);
    for (status, side, said, wanted) in [
        (Asked, seller, Answer::Accept, Ok(Accepted)),
        (Asked, seller, Answer::Decline, Ok(Declined)),
        (Asked, seller, counter(3_500), Ok(Countered)),
        (Asked, bidder, Answer::Accept, Err(NotYourTurn)),
        (Asked, bidder, Answer::Decline, Err(NotYourTurn)),
        (Asked, bidder, counter(3_500), Err(NoCounter)),
        (Countered, bidder, Answer::Accept, Ok(Accepted)),
        (Countered, bidder, Answer::Decline, Ok(Declined)),
        (Countered, bidder, counter(3_200), Err(NoCounter)),
        (Countered, seller, Answer::Accept, Err(NotYourTurn)),
        (Countered, seller, Answer::Decline, Err(NotYourTurn)),
        (Countered, seller, counter(3_900), Err(NoCounter)),
    ] {
        assert_eq!(answer(status, side, said, DAY - 1), wanted, "{status:?} {side:?} {said:?}");
        assert_eq!(answer(status, side, said, DAY), Err(Ended), "{status:?} {side:?} {said:?}, too late");
    }
    for status in [Accepted, Declined, Expired] {
        for side in [bidder, seller] {
            for said in [Answer::Accept, Answer::Decline, counter(3_500)] {
                assert_eq!(answer(status, side, said, 0), Err(Ended), "{status:?} {side:?} {said:?}");
            }
        }
    }
}

#[test]
fn another_amount_lies_above_the_bid_and_within_the_reserve() {
    let ask = |minor| answer(ApprovalStatus::Asked, Side::Seller, counter(minor), 0);
    let out = Err(NotAnswered::CounterOutOfRange { price: 3_000, reserve: 4_000 });
    for (minor, wanted) in [
        (-1, out),
        (3_000, out),
        (3_001, Ok(ApprovalStatus::Countered)),
        (4_000, Ok(ApprovalStatus::Countered)),
        (4_001, out),
    ] {
        assert_eq!(ask(minor), wanted, "{minor}");
    }
}
