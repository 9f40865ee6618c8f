//! What becomes of lots whose end has come, or that are cancelled.

use super::*;
use crate::auctions::model::{Answer, Closed, Participant, SecondChance};
use crate::auctions::store::{Decided, DefaultOutcome, Defaulted, Silence};
use crate::testing::pay;

impl Machine {
    /// A bidder has a lot for this amount.
    pub(super) fn sell(&mut self, lot: usize, by: usize, amount: i64, closed: &Closed) {
        let [award] = &closed.awards[..] else { panic!("{closed:?}") };
        assert_eq!((award.winner.org, award.amount), (self.bidders[by].org, eur(amount)));
        let checkout = closed.orders[0].checkout;
        self.model.lots[lot].sell(Sale { by, amount, award: award.id, order: award.order, checkout, paid: false });
    }

    /// Whoever is offered a lot is who should be.
    fn offer_made(&mut self, lot: usize, wanted: Option<(usize, i64)>, made: Option<(SecondChance, Participant)>) {
        let found = made.as_ref().map(|(chance, to)| (to.org, chance.amount));
        assert_eq!(found, wanted.map(|(to, amount)| (self.bidders[to].org, Some(eur(amount)))));
        if let (Some((to, amount)), Some((chance, _))) = (wanted, made) {
            self.model.lots[lot].offer(Chance { id: chance.id, to, amount });
        }
    }

    async fn end(&self, conn: &mut PgConnection, lot: usize) {
        if self.model.lots[lot].stage == Stage::Open {
            end_in(conn, self.lots[lot], TimeDelta::seconds(-1)).await;
        }
    }

    pub(super) async fn close(&mut self, conn: &mut PgConnection, lots: &BTreeSet<usize>) {
        for lot in lots {
            self.end(conn, *lot).await;
        }
        let ids: Vec<_> = lots.iter().map(|lot| self.lots[*lot]).collect();
        let mut tx = conn.begin().await.expect("a transaction");
        let outcomes = match ids[..] {
            [id] => vec![Some(auctions::close(&mut tx, id).await.expect("judged"))],
            _ => auctions::close_all(&mut tx, &ids).await.expect("judged"),
        };
        tx.commit().await.expect("committed");
        for (lot, outcome) in lots.iter().zip(outcomes) {
            self.closed(*lot, outcome.expect("nobody holds the lot"));
        }
    }

    fn closed(&mut self, lot: usize, outcome: CloseOutcome) {
        let of = &mut self.model.lots[lot];
        let (price, met) = (of.price(), of.reserve_met());
        match (outcome, of.leader()) {
            (CloseOutcome::Already(status), _) => assert!(of.stage != Stage::Open && status == of.status()),
            (outcome, _) if of.stage != Stage::Open => panic!("{outcome:?}"),
            (CloseOutcome::Closed(closed), Some(leader)) if met => self.sell(lot, leader.by, price, &closed),
            (CloseOutcome::OnApproval(asked), Some(leader)) if !met => {
                let bidder = self.bidders[leader.by].org;
                assert_eq!((asked.bidder.org, asked.approval.price), (bidder, eur(price)));
                of.stage = Stage::OnApproval(None);
            }
            (CloseOutcome::Closed(closed), None) => {
                assert_eq!(closed.awards, []);
                of.stage = Stage::Unsold;
            }
            (outcome, leader) => panic!("{leader:?}: {outcome:?}"),
        }
    }

    pub(super) async fn close_suspended(&mut self, conn: &mut PgConnection, n: usize) {
        let Some(lot) = self.nth(n, |lot| lot.stage == Stage::Open) else { return };
        self.end(conn, lot).await;
        let mut tx = conn.begin().await.expect("a transaction");
        auctions::set_suspended(&mut tx, self.listings[lot], true).await.expect("written").expect("open");
        tx.commit().await.expect("committed");
        let outcome = close_lot(conn, self.lots[lot]).await;
        let CloseOutcome::Closed(closed) = outcome else { panic!("{outcome:?}") };
        assert_eq!(closed.auction.status, AuctionStatus::Cancelled);
        assert_eq!(closed.awards, []);
        self.model.lots[lot].stage = Stage::Cancelled;
    }

    pub(super) async fn answer(&mut self, conn: &mut PgConnection, n: usize, said: Said) {
        let Some(lot) = self.nth(n, |lot| matches!(lot.stage, Stage::OnApproval(_))) else { return };
        let of = &self.model.lots[lot];
        let Stage::OnApproval(counter) = of.stage else { return };
        let (by, price) = (of.leader().expect("a bid").by, of.price());
        let below = of.terms.reserve.expect("a reserve") - price;
        let amount = counter.unwrap_or(price);
        let (answer, asked) = match said {
            Said::Accept => (Answer::Accept, None),
            Said::Decline => (Answer::Decline, None),
            Said::Counter(tenths) => {
                let asked = price + (below * tenths / 10).max(1);
                (Answer::Counter(eur(asked)), Some(asked))
            }
        };
        let side = if counter.is_some() { self.bidders[by] } else { self.seller };
        let actor = Participant { org: side.org, user: side.user };
        let mut tx = conn.begin().await.expect("a transaction");
        match (said, auctions::answer(&mut tx, self.lots[lot], actor, answer).await) {
            (Said::Accept, Ok(answered)) => {
                tx.commit().await.expect("committed");
                assert_eq!(self.model.allow(by, lot, amount), Ok(()));
                self.sell(lot, by, amount, &answered.closed);
            }
            (Said::Accept, Err(AuctionError::Refused { refusal, .. })) => {
                assert_eq!(self.model.allow(by, lot, amount), Err(refusal));
            }
            (Said::Decline, Ok(_)) => {
                tx.commit().await.expect("committed");
                self.model.lots[lot].stage = Stage::Unsold;
            }
            (Said::Counter(_), Ok(_)) if counter.is_none() => {
                tx.commit().await.expect("committed");
                self.model.lots[lot].stage = Stage::OnApproval(asked);
            }
            (Said::Counter(_), Err(AuctionError::NotAnswered(_))) => assert!(counter.is_some(), "{said:?}"),
            (said, answered) => panic!("{said:?}: {answered:?}"),
        }
    }

    pub(super) async fn silence(&mut self, conn: &mut PgConnection, n: usize) {
        let Some(lot) = self.nth(n, |lot| matches!(lot.stage, Stage::OnApproval(_))) else { return };
        let day = "UPDATE approvals
                   SET asked_at = asked_at - interval '25 hours', expires_at = expires_at - interval '25 hours'
                   WHERE auction_id = $1";
        age(conn, day, self.lots[lot].0).await;
        let mut tx = conn.begin().await.expect("a transaction");
        let found = auctions::expire_approval(&mut tx, self.lots[lot]).await.expect("judged");
        tx.commit().await.expect("committed");
        assert!(matches!(found, Silence::Expired { .. }), "{found:?}");
        self.model.lots[lot].stage = Stage::Unsold;
    }

    pub(super) async fn pay(&mut self, conn: &mut PgConnection, n: usize) {
        let Some((lot, sale)) = self.sold(n).filter(|(_, sale)| !sale.paid) else { return };
        pay(conn, self.bidders[sale.by], sale.checkout).await;
        self.model.lots[lot].stage = Stage::Sold(Sale { paid: true, ..sale });
    }

    pub(super) async fn default(&mut self, conn: &mut PgConnection, n: usize) {
        let Some((lot, sale)) = self.sold(n) else { return };
        if !sale.paid {
            let days = "UPDATE checkouts
                        SET created_at = created_at - interval '73 hours', pay_by = pay_by - interval '73 hours'
                        WHERE id = $1";
            age(conn, days, sale.checkout.0).await;
        }
        let mut tx = conn.begin().await.expect("a transaction");
        let outcome = auctions::default(&mut tx, sale.award).await.expect("judged");
        tx.commit().await.expect("committed");
        match outcome {
            DefaultOutcome::Defaulted(defaulted) if !sale.paid => self.defaulted(conn, lot, sale, *defaulted).await,
            DefaultOutcome::Nothing if sale.paid => {}
            outcome => panic!("{sale:?}: {outcome:?}"),
        }
    }

    pub(super) async fn renounce(&mut self, conn: &mut PgConnection, n: usize) {
        let Some((lot, sale)) = self.sold(n) else { return };
        let by = self.bidders[sale.by];
        let mut tx = conn.begin().await.expect("a transaction");
        match auctions::renounce(&mut tx, by.org, by.user, sale.order).await {
            Ok(defaulted) if !sale.paid => {
                tx.commit().await.expect("committed");
                self.defaulted(conn, lot, sale, defaulted).await;
            }
            Err(AuctionError::Checkout(_)) if sale.paid => {}
            other => panic!("{sale:?}: {other:?}"),
        }
    }

    async fn defaulted(&mut self, conn: &mut PgConnection, lot: usize, sale: Sale, defaulted: Defaulted) {
        assert_eq!(defaulted.award.id, sale.award);
        self.model.lots[lot].stage = Stage::Defaulted;
        let wanted = self.model.lots[lot].follow();
        self.offer_made(lot, wanted, defaulted.chance);
        // Strikes are a rule of their own.
        let year = "UPDATE strikes SET at = at - interval '1 year' WHERE org_id = $1";
        age(conn, year, self.bidders[sale.by].org.0).await;
    }

    pub(super) async fn offer(&mut self, conn: &mut PgConnection, lot: usize, consent: bool) {
        let of = &self.model.lots[lot];
        let free = matches!(of.stage, Stage::Unsold | Stage::Defaulted) && of.chance.is_none();
        let wanted = if free { of.next(consent) } else { None };
        let mut tx = conn.begin().await.expect("a transaction");
        let made = match auctions::offer_chance(&mut tx, self.seller.org, self.lots[lot], consent).await {
            Ok(offered) => {
                tx.commit().await.expect("committed");
                Some((offered.chance, offered.bidder))
            }
            Err(AuctionError::NoNextBidder(_) | AuctionError::BelowReserve(_)) => None,
            Err(error) => panic!("{error:?}"),
        };
        self.offer_made(lot, wanted, made);
    }

    pub(super) async fn take(&mut self, conn: &mut PgConnection, n: usize) {
        let Some((lot, chance)) = self.offered(n) else { return };
        let (by, wanted) = (self.bidders[chance.to], self.model.allow(chance.to, lot, chance.amount));
        let mut tx = conn.begin().await.expect("a transaction");
        match judged(auctions::accept(&mut tx, chance.id, by.org, by.user).await) {
            Ok(closed) => {
                tx.commit().await.expect("committed");
                assert_eq!(wanted, Ok(()));
                self.sell(lot, chance.to, chance.amount, &closed);
            }
            Err(refused) => assert_eq!(wanted, Err(refused)),
        }
    }

    pub(super) async fn decline(&mut self, conn: &mut PgConnection, n: usize) {
        let Some((lot, chance)) = self.offered(n) else { return };
        let by = self.bidders[chance.to];
        let bidder = Participant { org: by.org, user: by.user };
        let mut tx = conn.begin().await.expect("a transaction");
        let lapsed = auctions::decline(&mut tx, chance.id, bidder).await.expect("declined");
        tx.commit().await.expect("committed");
        self.lapsed(lot, lapsed.chance);
    }

    pub(super) async fn expire(&mut self, conn: &mut PgConnection, n: usize) {
        let Some((lot, chance)) = self.offered(n) else { return };
        let day = "UPDATE second_chances
                   SET offered_at = offered_at - interval '25 hours', expires_at = expires_at - interval '25 hours'
                   WHERE id = $1";
        age(conn, day, chance.id.0).await;
        let mut tx = conn.begin().await.expect("a transaction");
        let found = auctions::expire_chance(&mut tx, chance.id).await.expect("judged");
        tx.commit().await.expect("committed");
        let Decided::Lapsed(lapsed) = found else { panic!("{found:?}") };
        self.lapsed(lot, lapsed.chance);
    }

    /// Whoever was offered a lot has not taken it.
    fn lapsed(&mut self, lot: usize, made: Option<(SecondChance, Participant)>) {
        self.model.lots[lot].chance = None;
        let wanted = self.model.lots[lot].follow();
        self.offer_made(lot, wanted, made);
    }

    pub(super) async fn cancel(&mut self, conn: &mut PgConnection, lot: usize, by_seller: bool) {
        let wanted = self.model.is_cancellable(lot, by_seller);
        let (actor, seller) =
            if by_seller { (Actor::User(self.seller.user), Some(self.seller.org)) } else { (Actor::System, None) };
        let mut tx = conn.begin().await.expect("a transaction");
        match auctions::cancel(&mut tx, actor, self.lots[lot], seller).await {
            Ok(_) => {
                tx.commit().await.expect("committed");
                assert!(wanted, "lot {lot}");
                self.model.lots[lot].stage = Stage::Cancelled;
            }
            Err(AuctionError::NotCancellable) => assert!(!wanted, "lot {lot}"),
            Err(error) => panic!("{error:?}"),
        }
    }

    pub(super) async fn cancel_event(&mut self, conn: &mut PgConnection) {
        let wanted = self.model.judge_cancellation();
        let mut tx = conn.begin().await.expect("a transaction");
        match sale_events::cancel(&mut tx, self.seller.org, self.seller.user, self.event).await {
            Ok(_) => {
                tx.commit().await.expect("committed");
                assert_eq!(wanted, Ok(()));
                self.model.cancel();
            }
            Err(SaleEventError::NotDone(why)) => assert_eq!(wanted, Err(why)),
            Err(error) => panic!("{error:?}"),
        }
    }
}
