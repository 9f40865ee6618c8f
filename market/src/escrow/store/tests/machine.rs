//! Random acts on three orders of two sellers, one after the other; after each of them the books agree, and no order is paid,
//! released or refunded twice.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::escrow::model::DisputeReason;

#[derive(Clone, Copy, Debug)]
enum Act {
    Pay,
    Ship(usize),
    Receive(usize),
    Accept(usize),
    Age(usize),
    Lapse(usize),
    Refund(usize, i64),
    Dispute(usize),
    Withdraw(usize),
    Resolve(usize, i64),
    Settle(DisbursementState),
    TakeBack(usize, i64, bool),
    Account(usize, AccountState),
    PayOut(usize),
    Transfer(usize, Option<DisbursementState>),
    Bank(usize, Option<DisbursementState>),
}

/// What a provider says of a way of a payout; nothing: it refuses.
fn way() -> impl Strategy<Value = Option<DisbursementState>> {
    prop_oneof![
        1 => Just(None),
        1 => Just(Some(DisbursementState::Failed)),
        1 => Just(Some(DisbursementState::Pending)),
        4 => Just(Some(DisbursementState::Done)),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let order = || 0..2_usize;
    let cents = || prop_oneof![1 => Just(20_000_i64), 3 => 1..15_000_i64];
    prop_oneof![
        2 => Just(Act::Pay),
        2 => order().prop_map(Act::Ship),
        2 => order().prop_map(Act::Receive),
        1 => order().prop_map(Act::Accept),
        1 => order().prop_map(Act::Age),
        1 => order().prop_map(Act::Lapse),
        2 => (order(), cents()).prop_map(|(order, cents)| Act::Refund(order, cents)),
        1 => order().prop_map(Act::Dispute),
        1 => order().prop_map(Act::Withdraw),
        1 => (order(), cents()).prop_map(|(order, cents)| Act::Resolve(order, cents)),
        1 => prop_oneof![Just(DisbursementState::Pending), Just(DisbursementState::Done)].prop_map(Act::Settle),
        2 => (order(), cents(), any::<bool>()).prop_map(|(order, cents, seller)| Act::TakeBack(order, cents, seller)),
        2 => (order(), prop_oneof![3 => Just(AccountState::Active), 1 => Just(AccountState::Restricted)])
            .prop_map(|(seller, state)| Act::Account(seller, state)),
        2 => order().prop_map(Act::PayOut),
        1 => (order(), way()).prop_map(|(seller, state)| Act::Transfer(seller, state)),
        1 => (order(), way()).prop_map(|(seller, state)| Act::Bank(seller, state)),
    ]
}

struct Machine {
    sale: Sale,
    judge: Trader,
}

impl Machine {
    /// Plays an act of the way to the n-th seller's bank.
    async fn pay_out(&self, tx: &mut PgConnection, n: usize, act: Act) {
        let seller = self.sale.sellers[n];
        let open: Option<PayoutId> =
            sqlx::query_scalar("SELECT id FROM payouts WHERE org_id = $1 AND status IN ('intended', 'sent')")
                .bind(seller.org)
                .fetch_optional(&mut *tx)
                .await
                .expect("a payout");
        let sending = match open {
            Some(id) => payouts::start(tx, id).await.expect("read").map(|sending| (id, sending)),
            None => None,
        };
        let moved = |name: &str, (id, sending): &(PayoutId, payouts::Sending), state| Disbursement {
            reference: ProviderRef(format!("{name}{}_{id}", sending.attempt)),
            state,
            amount: sending.amount,
        };
        match (act, &sending) {
            (Act::Account(_, state), _) => {
                let there = payouts::accounts(tx, seller.org, None, 1).await.expect("a list");
                let id = match there.first() {
                    Some(account) => account.id,
                    None => {
                        payouts::open(tx, seller.org, seller.user, Provider::Simulator, None).await.expect("opened").id
                    }
                };
                let found = Account { state, ..active(id) };
                payouts::settle_account(tx, id, &found).await.expect("settled");
            }
            (Act::PayOut(_), _) => {
                payouts::begin(tx, seller.org, eur(0).currency(), Provider::Simulator).await.expect("decided");
            }
            (Act::Transfer(_, state), Some(it)) if !it.1.transferred => match state {
                Some(state) => {
                    payouts::transferred(tx, it.0, &moved("tr", it, state)).await.expect("written down");
                }
                None => payouts::refuse_transfer(tx, it.0, "no").await.expect("given back"),
            },
            (Act::Bank(_, state), Some(it)) if it.1.transferred => match state {
                Some(state) => {
                    payouts::settle(tx, it.0, it.1.attempt, &moved("po", it, state)).await.expect("written down");
                }
                None => payouts::refuse(tx, it.0, it.1.attempt, "no").await.expect("waits"),
            },
            _ => {}
        }
    }

    /// Plays an act. What is refused changes nothing; what fails otherwise is a fault.
    async fn play(&self, conn: &mut PgConnection, act: Act) {
        let (buyer, sale) = (self.sale.buyer, &self.sale);
        if let Act::Age(n) = act {
            age(conn, sale.orders[n]).await;
            return;
        }
        if let Act::Pay = act {
            let open = checkouts::checkout(conn, buyer.org, sale.checkout).await.expect("read").expect("the checkout");
            if open.status == CheckoutStatus::Open {
                pay(conn, buyer, sale.checkout).await;
            }
            return;
        }
        let mut tx = conn.begin().await.expect("a transaction");
        if let Act::Account(n, _) | Act::PayOut(n) | Act::Transfer(n, _) | Act::Bank(n, _) = act {
            self.pay_out(&mut tx, n, act).await;
            tx.commit().await.expect("committed");
            return;
        }
        let done = match act {
            Act::TakeBack(n, cents, by_seller) => {
                let (seller, order) = (sale.sellers[n], sale.orders[n]);
                let (of, by) = if by_seller { (Some(seller.org), seller.user) } else { (None, self.judge.user) };
                take_back(&mut tx, of, by, order, eur(cents), "so sorry").await.map(|_| ())
            }
            Act::Pay | Act::Age(_) | Act::Account(..) | Act::PayOut(_) | Act::Transfer(..) | Act::Bank(..) => Ok(()),
            Act::Ship(n) => ship(&mut tx, sale.sellers[n].org, sale.sellers[n].user, sale.orders[n]).await,
            Act::Receive(n) => receive(&mut tx, buyer.org, buyer.user, sale.orders[n]).await.map(|_| ()),
            Act::Accept(n) => accept(&mut tx, buyer.org, buyer.user, sale.orders[n]).await.map(|_| ()),
            Act::Lapse(n) => lapse(&mut tx, sale.orders[n]).await.map(|_| ()),
            Act::Refund(n, cents) => {
                let seller = sale.sellers[n];
                refund(&mut tx, seller.org, seller.user, sale.orders[n], eur(cents), "scratched").await.map(|_| ())
            }
            Act::Dispute(n) => {
                let new = NewDispute { order: sale.orders[n], reason: DisputeReason::Other, text: "no" };
                open_dispute(&mut tx, buyer.org, buyer.user, new).await.map(|_| ())
            }
            Act::Withdraw(n) | Act::Resolve(n, _) => {
                let last = DisputeFilter { party: Some(sale.sellers[n].org), limit: 1, ..DisputeFilter::default() };
                match (disputes(&mut tx, last).await.expect("a list").first(), act) {
                    (None, _) => Ok(()),
                    (Some(dispute), Act::Resolve(_, cents)) => {
                        let decision = Decision { by: self.judge.user, refund: eur(cents), note: "so it is" };
                        resolve(&mut tx, dispute.id, decision).await.map(|_| ())
                    }
                    (Some(dispute), _) => withdraw(&mut tx, buyer.org, buyer.user, dispute.id).await.map(|_| ()),
                }
            }
            Act::Settle(state) => {
                let open: Option<(RefundId, i64)> = sqlx::query_as(
                    "SELECT id, amount_minor FROM refunds WHERE status IN ('intended', 'sent') ORDER BY id LIMIT 1",
                )
                .fetch_optional(&mut *tx)
                .await
                .expect("a refund");
                match open {
                    None => Ok(()),
                    Some((id, cents)) => {
                        let found = given_back(id, eur(cents), state);
                        settle_refund(&mut tx, id, &found).await.map(|_| ())
                    }
                }
            }
        };
        match done {
            Ok(()) => tx.commit().await.expect("committed"),
            Err(
                EscrowError::Refused(_)
                | EscrowError::OrderStatus(_)
                | EscrowError::NotPaid
                | EscrowError::DisputeEnded(_),
            ) => tx.rollback().await.expect("rolled back"),
            Err(error) => panic!("{act:?}: {error:?}"),
        }
    }
}

#[test]
fn whatever_is_asked_in_whatever_order_the_books_agree() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for cases in shared::testing::cases(40) {
        let db = runtime.block_on(TestDb::new());
        let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
        let result = runner.run(&prop::collection::vec(act(), 1..40), |acts| {
            runtime.block_on(async {
                let mut conn = db.pool.acquire().await.expect("a connection");
                let (sale, judge) = (sale(&mut conn, 2).await, trader(&mut conn).await);
                let machine = Machine { sale, judge };
                for act in acts {
                    machine.play(&mut conn, act).await;
                    assert_books(&mut conn).await;
                }
            });
            Ok(())
        });
        runtime.block_on(db.close());
        result.expect("the books agree");
    }
}
