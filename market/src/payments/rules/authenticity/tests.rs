use super::*;

use Provider::{Mollie, Simulator, Stripe};

const EVENT: &[u8] = br#"{"id":"event_1"}"#;
const CLASSIC: &[u8] = b"id=tr_1";

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_750_000_000, 0).unwrap()
}

#[test]
fn one_of_several_keys_is_enough() {
    let signed = signature::sign(b"new", EVENT, now()).unwrap();
    for provider in [Stripe, Simulator] {
        assert_eq!(check(provider, &[b"old", b"new"], &[&signed], EVENT, now()), Ok(()));
        assert_eq!(check(provider, &[b"old"], &[&signed], EVENT, now()), Err(SignatureError::Foreign));
        assert_eq!(check(provider, &[b"old", b"new"], &[], EVENT, now()), Err(SignatureError::Time));
    }
}

#[test]
fn without_a_signature_only_the_name_of_a_payment_of_mollie_is_taken() {
    assert_eq!(check(Mollie, &[], &[], CLASSIC, now()), Ok(()));
    assert_eq!(check(Mollie, &[b"key"], &[], CLASSIC, now()), Ok(()));
    assert_eq!(check(Mollie, &[b"key"], &[], EVENT, now()), Err(SignatureError::Missing));
    assert_eq!(check(Mollie, &[], &[], EVENT, now()), Err(SignatureError::EmptyKey));
    // Who signs is held to it.
    let foreign = format!("sha256={}", "0".repeat(64));
    assert_eq!(check(Mollie, &[b"key"], &[&foreign], CLASSIC, now()), Err(SignatureError::Foreign));
    for provider in [Stripe, Simulator] {
        assert!(check(provider, &[b"key"], &[], CLASSIC, now()).is_err(), "{provider:?}");
    }
}
