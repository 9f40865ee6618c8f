use super::*;

/// Of 32 bytes, all of them `byte`.
fn key(byte: u8) -> String {
    STANDARD.encode([byte; KEY_BYTES])
}

pub(super) fn ring(keys: &[u8]) -> Keyring {
    let keys: Vec<_> = keys.iter().map(|byte| key(*byte)).collect();
    Keyring::read(&keys.join(",").into()).unwrap()
}

pub(super) fn place() -> Place {
    Place::new("secrets", &[&"7", &1])
}

#[test]
fn what_is_sealed_opens_and_is_never_sealed_alike() {
    let ring = ring(&[1]);
    for secret in [b"".as_slice(), b"a", &[7; 1000]] {
        let (one, other) = (ring.seal(&place(), secret).unwrap(), ring.seal(&place(), secret).unwrap());
        assert_eq!(one.len(), secret.len() + OVERHEAD);
        assert_ne!(one, other);
        assert_eq!(ring.open(&place(), &one).unwrap().expose_secret(), secret);
        assert!(secret.is_empty() || !one.windows(secret.len()).any(|part| part == secret && secret.len() > 4));
    }
}

#[test]
fn every_changed_byte_and_every_missing_one_is_found() {
    let ring = ring(&[1, 2]);
    let sealed = ring.seal(&place(), b"the secret of a carrier").unwrap();
    for at in 0..sealed.len() {
        for bit in 0..8 {
            let mut changed = sealed.clone();
            changed[at] ^= 1 << bit;
            assert!(ring.open(&place(), &changed).is_err(), "bit {bit} of byte {at}");
        }
        assert!(ring.open(&place(), &sealed[..at]).is_err(), "cut to {at} bytes");
        assert!(ring.open(&place(), &sealed[at + 1..]).is_err(), "without the first {}", at + 1);
    }
    assert!(ring.open(&place(), &[sealed.as_slice(), b"x"].concat()).is_err());
}

#[test]
fn a_value_that_was_moved_does_not_open() {
    let ring = ring(&[1]);
    let sealed = ring.seal(&place(), b"secret").unwrap();
    let elsewhere = [
        Place::new("secrets", &[&"7", &2]),
        Place::new("secrets", &[&"8", &1]),
        Place::new("keys", &[&"7", &1]),
        Place::new("secrets", &[&"71"]),
        Place::new("secrets", &[&"7", &"", &1]),
        Place::new("secrets7", &[&1]),
    ];
    for other in elsewhere {
        assert_eq!(ring.open(&other, &sealed).unwrap_err(), SealError::Broken, "{other:?}");
    }
}

#[test]
fn a_key_is_replaced_while_the_old_one_still_opens() {
    let (old, both, new) = (ring(&[1]), ring(&[2, 1]), ring(&[2]));
    let before = old.seal(&place(), b"before").unwrap();
    assert_eq!(both.open(&place(), &before).unwrap().expose_secret(), b"before");
    assert!(old.is_current(&before) && !both.is_current(&before));
    let after = both.seal(&place(), b"after").unwrap();
    assert_eq!(new.open(&place(), &after).unwrap().expose_secret(), b"after");
    assert!(new.is_current(&after));
    assert_eq!(new.open(&place(), &before).unwrap_err(), SealError::UnknownKey);
    assert_eq!(old.open(&place(), &after).unwrap_err(), SealError::UnknownKey);
}

/// A key that claims to be another one opens nothing.
#[test]
fn the_id_of_a_key_decides_nothing() {
    let (one, other) = (ring(&[1]), ring(&[2]));
    let mut sealed = one.seal(&place(), b"secret").unwrap();
    sealed[1..=KEY_ID].copy_from_slice(&other.first.id);
    assert_eq!(other.open(&place(), &sealed).unwrap_err(), SealError::Broken);
}

#[test]
fn what_is_not_a_key_is_refused_and_not_shown() {
    for text in ["", "secret", "c2VjcmV0", &key(1)[1..], &format!("{},", key(1)), &format!("{}=", key(1))] {
        let refused = Keyring::read(&text.to_owned().into()).unwrap_err();
        assert_eq!(refused, KeyringError::NotAKey, "{text}");
    }
    assert_eq!(Keyring::read(&format!("{0}, {0}", key(1)).into()).unwrap_err(), KeyringError::Twice);
    let shown = format!("{:?}", ring(&[1, 2]));
    assert!(!shown.contains(&key(1)[..8]) && shown.contains("ids"), "{shown}");
}
