use super::super::tests::{place, ring};
use super::*;

fn message(seq: i64) -> Place {
    Place::new("messages", &[&"7", &seq, &1])
}

#[test]
fn what_a_data_key_seals_opens_and_is_never_sealed_alike() {
    let ring = ring(&[1]);
    let (key, kept_sealed) = ring.make_data_key(&place()).unwrap();
    assert_eq!(kept_sealed.len(), KEY_BYTES + super::super::OVERHEAD);
    for text in [b"".as_slice(), b"a", &[7; 1000]] {
        let (one, other) = (key.seal(&message(1), text).unwrap(), key.seal(&message(1), text).unwrap());
        assert_eq!(one.len(), text.len() + DATA_OVERHEAD);
        assert_ne!(one, other);
        // Read back from what is kept.
        let kept = ring.open_data_key(&place(), &kept_sealed).unwrap();
        assert_eq!(kept.open(&message(1), &one).unwrap().expose_secret(), text);
    }
}

#[test]
fn every_changed_byte_and_every_other_place_is_found() {
    let (key, _) = ring(&[1]).make_data_key(&place()).unwrap();
    let sealed = key.seal(&message(1), b"Is it still there?").unwrap();
    for at in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[at] ^= 1;
        assert!(key.open(&message(1), &changed).is_err(), "byte {at}");
        assert!(key.open(&message(1), &sealed[..at]).is_err(), "cut to {at} bytes");
    }
    assert_eq!(key.open(&message(2), &sealed).unwrap_err(), SealError::Broken);
    let (other, _) = ring(&[1]).make_data_key(&place()).unwrap();
    assert_eq!(other.open(&message(1), &sealed).unwrap_err(), SealError::Broken);
}

#[test]
fn a_master_key_is_replaced_without_what_data_keys_have_sealed() {
    let (old, both, new) = (ring(&[1]), ring(&[2, 1]), ring(&[2]));
    let (key, kept_sealed) = old.make_data_key(&place()).unwrap();
    let sealed = key.seal(&message(1), b"before").unwrap();
    let again = both.reseal(&place(), &kept_sealed).unwrap();
    assert_ne!(again, kept_sealed);
    assert!(new.is_current(&again) && !new.is_current(&kept_sealed));
    assert_eq!(again[1..=4], new.current_id());
    let opened = new.open_data_key(&place(), &again).unwrap().open(&message(1), &sealed).unwrap();
    assert_eq!(opened.expose_secret(), b"before");
    assert_eq!(new.open_data_key(&place(), &kept_sealed).unwrap_err(), SealError::UnknownKey);
    assert_eq!(both.reseal(&message(1), &kept_sealed).unwrap_err(), SealError::Broken);
}

/// What a master key has sealed is not taken for a text, nor a text for a key.
#[test]
fn the_two_forms_are_not_mixed_up() {
    let ring = ring(&[1]);
    let (key, kept_sealed) = ring.make_data_key(&place()).unwrap();
    assert_eq!(key.open(&place(), &kept_sealed).unwrap_err(), SealError::Form);
    let sealed = key.seal(&place(), &[0; KEY_BYTES]).unwrap();
    assert_eq!(ring.open(&place(), &sealed).unwrap_err(), SealError::Form);
    assert!(!format!("{key:?}").contains("LessSafeKey"));
}
