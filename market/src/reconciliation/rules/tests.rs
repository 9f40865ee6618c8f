use chrono::DateTime;
use shared::money::Money;

use super::*;
use crate::ids::{PaymentId, RefundId};
use crate::payments::ProviderRef;
use crate::testing::eur;

fn ours() -> OurPayment {
    OurPayment {
        id: PaymentId::generate(),
        reference: ProviderRef("pay_1".to_owned()),
        status: PaymentStatus::Held,
        amount: eur(100),
        refunded: eur(10),
        refunding: eur(5),
        booked: Some(eur(100)),
        created_at: DateTime::UNIX_EPOCH,
    }
}

fn theirs() -> Payment {
    Payment {
        reference: ProviderRef("pay_1".to_owned()),
        state: PaymentState::Captured,
        amount: eur(100),
        captured: eur(100),
        refunded: eur(15),
        failure: None,
        confirm_at: None,
    }
}

fn kinds(found: &[Found]) -> Vec<DifferenceKind> {
    found.iter().map(|found| found.kind).collect()
}

#[test]
fn a_payment_agrees_or_says_in_what_it_does_not() {
    use DifferenceKind::{Amount, Balance, MissingHere, MissingThere, Status};
    assert_eq!(payment(&ours(), Some(&theirs())), []);
    assert_eq!(kinds(&payment(&ours(), None)), [MissingThere]);
    assert_eq!(kinds(&of_provider(None, &theirs())), [MissingHere]);
    assert_eq!(of_provider(None, &theirs())[0].subject, "payment/pay_1");
    let seen = |theirs: Payment| kinds(&payment(&ours(), Some(&theirs)));
    assert_eq!(seen(Payment { amount: eur(101), ..theirs() }), [Amount]);
    assert_eq!(seen(Payment { captured: eur(99), ..theirs() }), [Amount]);
    assert_eq!(seen(Payment { state: PaymentState::Failed, ..theirs() }), [Status]);
    assert_eq!(seen(Payment { refunded: eur(10), ..theirs() }), []);
    assert_eq!(seen(Payment { refunded: eur(9), ..theirs() }), [Balance]);
    assert_eq!(seen(Payment { refunded: eur(16), ..theirs() }), [Balance]);
    assert_eq!(kinds(&payment(&OurPayment { booked: None, ..ours() }, Some(&theirs()))), [Balance]);
    let unpaid = OurPayment { status: PaymentStatus::Failed, booked: None, ..ours() };
    assert_eq!(kinds(&payment(&unpaid, Some(&theirs()))), [Status]);
}

#[test]
fn a_movement_agrees_or_says_in_what_it_does_not() {
    use DifferenceKind::{Amount, Balance, MissingThere, Status};
    let ours = |done: bool, booked: Option<Money>| OurMovement {
        what: Moved::Refund(RefundId::generate()),
        reference: ProviderRef("refund_1".to_owned()),
        amount: eur(5),
        done,
        booked,
        created_at: DateTime::UNIX_EPOCH,
    };
    let theirs =
        |state, cents| Disbursement { reference: ProviderRef("refund_1".to_owned()), state, amount: eur(cents) };
    let done = theirs(DisbursementState::Done, 5);
    assert_eq!(movement(&ours(true, Some(eur(5))), Some(&done)), []);
    assert_eq!(kinds(&movement(&ours(true, Some(eur(4))), Some(&done))), [Balance]);
    assert_eq!(kinds(&movement(&ours(true, Some(eur(5))), None)), [MissingThere]);
    assert_eq!(kinds(&movement(&ours(false, None), Some(&done))), [Status]);
    // Whoever finds it first, the difference is the same one.
    let (here, there) = (ours(true, Some(eur(5))), theirs(DisbursementState::Failed, 5));
    assert_eq!(movement(&here, Some(&there)), [undone(here.what, &there)]);
    let other = theirs(DisbursementState::Pending, 6);
    assert_eq!(kinds(&movement(&ours(true, Some(eur(5))), Some(&other))), [Amount, Status]);
}
