//! Who bids, and how.

use shared::money::Money;

use super::*;
use crate::auctions::store::place_bids;
use crate::sale_events::model::RegistrationStatus;

fn registered(result: Result<Registration, SaleEventError>) -> Result<Registration, NotDone> {
    result.map_err(|error| match error {
        SaleEventError::NotDone(why) => why,
        error => panic!("{error:?}"),
    })
}

fn stored(status: RegistrationStatus, limit: Option<i64>) -> Registration {
    match (status, limit) {
        (RegistrationStatus::Requested, None) => Registration::Requested,
        (RegistrationStatus::Approved, Some(limit)) => Registration::Approved(limit),
        (RegistrationStatus::Refused, None) => Registration::Refused,
        other => panic!("{other:?}"),
    }
}

impl Machine {
    pub(super) async fn register(&mut self, conn: &mut PgConnection, n: usize) {
        let (by, wanted) = (self.bidders[n], self.model.judge_registration(n));
        let mut tx = conn.begin().await.expect("a transaction");
        let own = sale_events::register(&mut tx, by.org, by.user, self.event).await;
        let found = own.map(|own| {
            let Some(limit) = own.registration.limit.map(Money::minor) else {
                assert_eq!((own.reserved, own.left), (eur(0), eur(0)));
                return (own.registration.id, stored(own.registration.status, None));
            };
            let reserved = self.model.reserved(n);
            assert_eq!((own.reserved, own.left), (eur(reserved), eur(limit - reserved)));
            (own.registration.id, stored(own.registration.status, Some(limit)))
        });
        tx.commit().await.expect("committed");
        let id = found.as_ref().ok().map(|(id, _)| *id);
        assert_eq!(registered(found.map(|(_, found)| found)), wanted);
        if let Ok(now) = wanted {
            (self.registrations[n], self.model.bidders[n]) = (id, now);
        }
    }

    pub(super) async fn decide(&mut self, conn: &mut PgConnection, n: usize, limit: Option<i64>) {
        let Some(id) = self.registrations[n] else { return };
        let wanted = self.model.judge_decision(n, limit);
        let (org, user) = (self.seller.org, self.seller.user);
        let mut tx = conn.begin().await.expect("a transaction");
        let decided = sale_events::decide(&mut tx, org, user, self.event, id, limit.map(eur)).await;
        tx.commit().await.expect("committed");
        let found = decided.map(|it| stored(it.registration.status, it.registration.limit.map(Money::minor)));
        assert_eq!(registered(found), wanted);
        if let Ok(now) = wanted {
            self.model.bidders[n] = now;
        }
    }

    fn place(&self, offer: Offer) -> PlaceBid {
        let by = self.bidders[offer.by];
        let maximum = match offer.maximum {
            Maximum::Above(steps) => self.model.lots[offer.lot].least(offer.by) + 50 * steps,
            Maximum::Left(more) => self.model.most(offer.by, offer.lot) + more,
        };
        let auction = self.lots[offer.lot];
        PlaceBid { auction, org: by.org, user: by.user, maximum: secret(maximum), quantity: None }
    }

    pub(super) async fn bid(&mut self, conn: &mut PgConnection, offers: &[Offer]) {
        let bids: Vec<_> = offers.iter().map(|offer| self.place(*offer)).collect();
        let mut tx = conn.begin().await.expect("a transaction");
        let all = match &bids[..] {
            [bid] => vec![Some(place_bid(&mut tx, bid).await)],
            bids => place_bids(&mut tx, bids).await.expect("judged"),
        };
        tx.commit().await.expect("committed");
        for ((offer, bid), tried) in offers.iter().zip(&bids).zip(all) {
            let (lot, by, maximum) = (offer.lot, offer.by, bid.maximum.0.minor());
            let found = judged(tried.expect("nobody holds the lot")).map(|placed| (placed.bid, placed.effect));
            assert_eq!(found.map(|(_, effect)| effect), self.model.judge(by, lot, maximum), "{maximum} by {offer:?}");
            if let Ok((id, effect)) = found {
                self.model.accept(lot, id, by, maximum, effect);
            }
        }
    }

    pub(super) async fn retract(&mut self, conn: &mut PgConnection, n: usize, bid: usize) {
        let Some(lot) = self.nth(n, |lot| !lot.bids.is_empty()) else { return };
        let place = bid % self.model.lots[lot].bids.len();
        let bid = self.model.lots[lot].bids[place];
        let (by, wanted) = (self.bidders[bid.by], self.model.judge_retraction(lot, place));
        let mut tx = conn.begin().await.expect("a transaction");
        let found = match auctions::retract(&mut tx, bid.id, by.org, by.user).await {
            Ok(retracted) => Ok(retracted.lapsed),
            Err(AuctionError::RetractRefused(why)) => Err(why),
            Err(error) => panic!("{error:?}"),
        };
        tx.commit().await.expect("committed");
        let wanted = wanted.map(|()| {
            let lapsed = self.model.retract(lot, place);
            lapsed.into_iter().map(|n| self.bidders[n].org).collect::<Vec<_>>()
        });
        assert_eq!(found, wanted);
    }

    pub(super) async fn buy_now(&mut self, conn: &mut PgConnection, lot: usize, n: usize) {
        let (by, wanted) = (self.bidders[n], self.model.buy_now(n, lot));
        let mut tx = conn.begin().await.expect("a transaction");
        match judged(auctions::buy_now(&mut tx, self.lots[lot], by.org, by.user).await) {
            Ok(closed) => {
                tx.commit().await.expect("committed");
                self.sell(lot, n, wanted.expect("refused"), &closed);
            }
            Err(refused) => assert_eq!(wanted, Err(refused)),
        }
    }
}
