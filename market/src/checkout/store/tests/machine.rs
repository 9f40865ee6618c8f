//! Random acts of two buyers, one after the other, against a model of what two listings have left and what became of each checkout.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;
use crate::escrow::store::{self as escrow, EscrowError, Settled};
use crate::ids::PaymentId;
use crate::payments::{Payment, PaymentState, Provider};
use crate::testing::captured;

const UNITS: i64 = 6;

#[derive(Clone, Copy, Debug)]
enum Act {
    Buy {
        buyer: usize,
        quantities: [i64; 2],
    },
    /// The provider is asked.
    Begin(usize),
    /// The provider says that it has the money, or that there is none.
    Settle(usize, bool),
    /// The time to pay is over, and the longest time that a payment holds that up.
    Age(usize),
    Expire(usize),
    Cancel(usize),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (0..2_usize, [0..4_i64, 0..4_i64]).prop_map(|(buyer, quantities)| Act::Buy { buyer, quantities }),
        3 => (0..6_usize).prop_map(Act::Begin),
        3 => (0..6_usize, any::<bool>()).prop_map(|(which, paid)| Act::Settle(which, paid)),
        1 => (0..6_usize).prop_map(Act::Age),
        2 => (0..6_usize).prop_map(Act::Expire),
        2 => (0..6_usize).prop_map(Act::Cancel),
    ]
}

/// A checkout, as it must be.
struct Wanted {
    id: CheckoutId,
    buyer: usize,
    quantities: [i64; 2],
    status: CheckoutStatus,
    late: bool,
    paying: Option<PaymentId>,
}

struct Machine {
    buyers: [Trader; 2],
    goods: [ListingId; 2],
    available: [i64; 2],
    checkouts: Vec<Wanted>,
    /// Payments whose money goes back.
    late: usize,
}

impl Machine {
    async fn play(&mut self, conn: &mut PgConnection, act: Act) {
        let which = match act {
            Act::Buy { buyer, quantities } => return self.buy(conn, buyer, quantities).await,
            Act::Begin(which) | Act::Settle(which, _) | Act::Age(which) | Act::Expire(which) | Act::Cancel(which) => {
                which
            }
        };
        if self.checkouts.is_empty() {
            return;
        }
        let place = which % self.checkouts.len();
        let wanted = &mut self.checkouts[place];
        let buyer = self.buyers[wanted.buyer];
        let open = wanted.status == CheckoutStatus::Open;
        let mut tx = conn.begin().await.expect("a transaction");
        match act {
            Act::Buy { .. } => {}
            Act::Begin(_) => {
                let begun = escrow::begin(&mut tx, buyer.org, buyer.user, wanted.id, Provider::Simulator, "card").await;
                match begun {
                    Ok(payment) => {
                        assert!(open && wanted.paying.is_none() && !wanted.late, "{act:?}");
                        escrow::start_charge(&mut tx, payment.id).await.expect("to be asked").expect("open");
                        wanted.paying = Some(payment.id);
                    }
                    Err(EscrowError::CheckoutEnded(status)) => assert!(!open && status == wanted.status, "{act:?}"),
                    Err(EscrowError::Paying) => assert!(open && wanted.paying.is_some(), "{act:?}"),
                    Err(EscrowError::TooLate) => assert!(open && wanted.late && wanted.paying.is_none(), "{act:?}"),
                    Err(error) => panic!("{act:?}: {error:?}"),
                }
            }
            Act::Settle(_, paid) => {
                let Some(payment) = wanted.paying.take() else { return };
                let amount = eur((wanted.quantities[0] + wanted.quantities[1]) * 10_000);
                let mut said = captured(payment, amount);
                if !paid {
                    said = Payment { state: PaymentState::Failed, captured: eur(0), ..said };
                }
                match escrow::settle(&mut tx, payment, &said).await.expect("settled") {
                    Settled::Held { .. } => {
                        assert!(paid && open, "{act:?}");
                        wanted.status = CheckoutStatus::Paid;
                    }
                    Settled::Late { .. } => {
                        assert!(paid && !open, "{act:?}");
                        self.late += 1;
                    }
                    Settled::Failed { .. } => assert!(!paid, "{act:?}"),
                    other => panic!("{act:?}: {other:?}"),
                }
            }
            Act::Age(_) => {
                if open && !wanted.late {
                    drop(tx);
                    age(conn, wanted.id).await;
                    wanted.late = true;
                }
                return;
            }
            Act::Expire(_) => match expire(&mut tx, wanted.id).await.expect("judged") {
                Expiry::Ended(_) => {
                    assert!(open && wanted.late, "{act:?}");
                    wanted.status = CheckoutStatus::Expired;
                    free(&mut self.available, wanted.quantities);
                }
                Expiry::NotYet { .. } => assert!(open && !wanted.late, "{act:?}"),
                Expiry::Nothing => assert!(!open, "{act:?}"),
                Expiry::Paying { .. } => panic!("{act:?}: a payment holds the end up for an hour"),
            },
            Act::Cancel(_) => match cancel(&mut tx, buyer.org, buyer.user, wanted.id).await {
                Ok(_) => {
                    assert!(open && wanted.paying.is_none(), "{act:?}");
                    wanted.status = CheckoutStatus::Cancelled;
                    free(&mut self.available, wanted.quantities);
                }
                Err(CheckoutError::Paying) => assert!(open && wanted.paying.is_some(), "{act:?}"),
                Err(CheckoutError::Ended(status)) => assert!(!open && status == wanted.status, "{act:?}"),
                Err(error) => panic!("{act:?}: {error:?}"),
            },
        }
        tx.commit().await.expect("committed");
    }

    async fn buy(&mut self, conn: &mut PgConnection, buyer: usize, quantities: [i64; 2]) {
        let lines: Vec<_> = (0..2).filter(|n| quantities[*n] > 0).map(|n| line(self.goods[n], quantities[n])).collect();
        let short = (0..2).any(|n| quantities[n] > self.available[n]);
        match buy(conn, self.buyers[buyer], &lines).await {
            Ok(id) => {
                assert!(!lines.is_empty() && !short, "{quantities:?} of {:?}", self.available);
                (0..2).for_each(|n| self.available[n] -= quantities[n]);
                let status = CheckoutStatus::Open;
                self.checkouts.push(Wanted { id, buyer, quantities, status, late: false, paying: None });
            }
            Err(CheckoutError::Empty) => assert!(lines.is_empty()),
            Err(CheckoutError::OutOfStock { line, available }) => {
                let n = (0..2).find(|n| self.goods[*n] == lines[line].listing).expect("one of the goods");
                assert_eq!(available, self.available[n]);
                assert!(quantities[n] > available);
            }
            Err(error) => panic!("{quantities:?}: {error:?}"),
        }
    }

    async fn assert_as_modelled(&self, conn: &mut PgConnection) {
        for (n, listing) in self.goods.into_iter().enumerate() {
            let of = |status| {
                let kept = self.checkouts.iter().filter(|wanted| wanted.status == status);
                kept.map(|wanted| wanted.quantities[n]).sum::<i64>()
            };
            let (reserved, sold) = kept(conn, listing).await;
            assert_eq!((reserved, sold), (of(CheckoutStatus::Open), of(CheckoutStatus::Paid)));
            assert_eq!(UNITS - reserved - sold, self.available[n]);
        }
        for wanted in &self.checkouts {
            let found = checkout(conn, self.buyers[wanted.buyer].org, wanted.id).await.expect("read").expect("there");
            assert_eq!(found.status, wanted.status);
            let orders = match wanted.status {
                CheckoutStatus::Open => OrderStatus::PendingPayment,
                CheckoutStatus::Paid => OrderStatus::Paid,
                CheckoutStatus::Expired => OrderStatus::Expired,
                CheckoutStatus::Cancelled => OrderStatus::Cancelled,
            };
            assert!(found.orders.iter().all(|order| order.status == orders), "{found:?}");
        }
        let back: i64 = sqlx::query_scalar(
            "SELECT count(*)
             FROM refunds AS r
             JOIN payments AS p ON p.id = r.payment_id
             JOIN checkouts AS c ON c.id = p.checkout_id
             WHERE r.cause = 'late' AND c.buyer_org_id = ANY ($1)",
        )
        .bind(self.buyers.map(|buyer| buyer.org.0).to_vec())
        .fetch_one(conn)
        .await
        .expect("counted");
        assert_eq!(usize::try_from(back), Ok(self.late));
    }
}

fn free(available: &mut [i64; 2], quantities: [i64; 2]) {
    (0..2).for_each(|n| available[n] += quantities[n]);
}

#[test]
fn orders_and_what_is_left_are_as_modelled_whatever_buyers_and_time_do() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for cases in shared::testing::cases(40) {
        let db = runtime.block_on(TestDb::new());
        let config = Config { cases, max_shrink_iters: 200, failure_persistence: None, ..Config::default() };
        let result = TestRunner::new(config).run(&prop::collection::vec(act(), 1..40), |acts| {
            runtime.block_on(async {
                let mut conn = db.pool.acquire().await.expect("a connection");
                let sellers = [trader(&mut conn).await, trader(&mut conn).await];
                let buyers = [trader(&mut conn).await, trader(&mut conn).await];
                let goods = [
                    listing(&mut conn, sellers[0], SaleMode::Fixed, UNITS).await,
                    listing(&mut conn, sellers[1], SaleMode::Fixed, UNITS).await,
                ];
                let mut machine = Machine { buyers, goods, available: [UNITS; 2], checkouts: Vec::new(), late: 0 };
                for act in acts {
                    machine.play(&mut conn, act).await;
                    machine.assert_as_modelled(&mut conn).await;
                }
            });
            Ok(())
        });
        runtime.block_on(db.close());
        result.expect("as modelled");
    }
}
