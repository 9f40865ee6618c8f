use chrono::TimeDelta;
use shared::money::Money;

use super::*;
use crate::testing::eur;

fn goods(sale_mode: SaleMode) -> Goods {
    Goods {
        lister: OrgId(uuid::Uuid::from_u128(1)),
        lister_trades: true,
        status: ListingStatus::Published,
        sale_mode,
        takes_offers: false,
        currency: Currency::EUR,
        min_quantity: 2,
        quantity: 5,
    }
}

#[test]
fn terms_fit_the_listing_and_only_some_listings_take_them() {
    let offerer = OrgId(uuid::Uuid::from_u128(2));
    let terms = |quantity| Proposal { price: eur(1), quantity, note: None };
    let judged = |goods: Goods, quantity| judge_terms(&goods, offerer, &terms(quantity));
    for mode in [SaleMode::Offer, SaleMode::Wanted] {
        let goods = goods(mode);
        assert_eq!(judged(goods, 2), Ok(()));
        assert_eq!(judged(goods, 5), Ok(()));
        for quantity in [i64::MIN, 0, 1, 6, i64::MAX] {
            assert_eq!(judged(goods, quantity), Err(TermsRefusal::Quantity { least: 2, most: 5 }));
        }
        assert_eq!(judge_terms(&goods, goods.lister, &terms(2)), Err(TermsRefusal::OwnListing));
        let yen = Proposal { price: Money::from_minor(1, Currency::JPY), quantity: 2, note: None };
        assert_eq!(judge_terms(&goods, offerer, &yen), Err(TermsRefusal::Currency(Currency::EUR)));
        assert_eq!(judged(Goods { lister_trades: false, ..goods }, 2), Err(TermsRefusal::NotOnOffer));
        for status in [ListingStatus::Draft, ListingStatus::Suspended, ListingStatus::SoldOut, ListingStatus::Withdrawn]
        {
            assert_eq!(judged(Goods { status, ..goods }, 2), Err(TermsRefusal::NotOnOffer));
        }
    }
    for mode in [SaleMode::Fixed, SaleMode::Auction, SaleMode::AuctionBuyNow] {
        assert_eq!(judged(goods(mode), 2), Err(TermsRefusal::TakesNone));
    }
    assert_eq!(judged(Goods { takes_offers: true, ..goods(SaleMode::Fixed) }, 2), Ok(()));
    assert_eq!(goods(SaleMode::Wanted).offerer(), Side::Seller);
    assert_eq!(goods(SaleMode::Offer).offerer(), Side::Buyer);
}

#[test]
fn only_the_side_whose_turn_it_is_answers_and_only_what_it_has_seen() {
    let now = DateTime::<Utc>::UNIX_EPOCH;
    let standing =
        |status, turn, version| Standing { status, turn, version, expires_at: now + TimeDelta::hours(1), now };
    for status in [OfferStatus::Open, OfferStatus::Countered] {
        for side in [Side::Buyer, Side::Seller] {
            let mine = standing(status, side, 3);
            let theirs = standing(status, other(side), 3);
            for act in [Act::Counter, Act::Accept, Act::Decline] {
                assert_eq!(judge_act(act, side, 3, &mine), Ok(()));
                assert_eq!(judge_act(act, side, 3, &theirs), Err(ActRefusal::NotYourTurn));
            }
            assert_eq!(judge_act(Act::Withdraw, side, 3, &theirs), Ok(()));
            assert_eq!(judge_act(Act::Withdraw, side, 3, &mine), Err(ActRefusal::YourTurn));
            for act in [Act::Counter, Act::Accept, Act::Decline, Act::Withdraw] {
                for version in [2, 4] {
                    assert_eq!(judge_act(act, side, version, &mine), Err(ActRefusal::Changed));
                }
                let late = Standing { now: now + TimeDelta::hours(1), ..mine };
                assert_eq!(judge_act(act, side, 3, &late), Err(ActRefusal::Late));
            }
            let last = standing(status, side, MOST_TERMS);
            assert_eq!(judge_act(Act::Counter, side, MOST_TERMS, &last), Err(ActRefusal::TooManyTerms));
            assert_eq!(judge_act(Act::Accept, side, MOST_TERMS, &last), Ok(()));
        }
    }
    for status in [OfferStatus::Accepted, OfferStatus::Declined, OfferStatus::Expired, OfferStatus::Withdrawn] {
        for act in [Act::Counter, Act::Accept, Act::Decline, Act::Withdraw] {
            let ended = standing(status, Side::Buyer, 1);
            assert_eq!(judge_act(act, Side::Buyer, 1, &ended), Err(ActRefusal::Ended(status)));
        }
    }
}
