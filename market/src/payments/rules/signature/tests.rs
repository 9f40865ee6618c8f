use super::*;

const KEY: &[u8] = b"key of the webhooks";
const BODY: &[u8] = br#"{"id":"evt_1"}"#;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_750_000_000 + seconds, 0).unwrap()
}

#[test]
fn a_signature_is_the_one_that_openssl_makes() {
    // printf '1750000000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac 'key of the webhooks'
    assert_eq!(
        sign(KEY, BODY, at(0)).unwrap(),
        "t=1750000000,v1=dc39d4fef7b9e49b34facb17796cc9d3a47378cdbf87694791e3f55a4873d08b"
    );
}

#[test]
fn a_foreign_or_old_signature_is_refused() {
    let header = sign(KEY, BODY, at(0)).unwrap();
    assert_eq!(check(KEY, &header, BODY, at(0)), Ok(()));
    assert_eq!(check(KEY, &header, BODY, at(300)), Ok(()));
    assert_eq!(check(KEY, &header, BODY, at(-300)), Ok(()));
    assert_eq!(check(KEY, &header, BODY, at(301)), Err(SignatureError::Old));
    assert_eq!(check(KEY, &header, BODY, at(-301)), Err(SignatureError::Old));
    assert_eq!(check(b"another", &header, BODY, at(0)), Err(SignatureError::Foreign));
    assert_eq!(check(KEY, &header, b"{}", at(0)), Err(SignatureError::Foreign));
}

#[test]
fn a_time_moved_forward_makes_the_signature_foreign() {
    let moved = sign(KEY, BODY, at(0)).unwrap().replace("t=1750000000", "t=1750000900");
    assert_eq!(check(KEY, &moved, BODY, at(900)), Err(SignatureError::Foreign));
}

#[test]
fn one_of_two_signatures_is_enough_while_a_key_is_replaced() {
    let (ours, other) = (sign(KEY, BODY, at(0)).unwrap(), sign(b"old", BODY, at(0)).unwrap());
    let both = format!("{other},{},v0=abc", ours.split_once(',').unwrap().1);
    assert_eq!(check(KEY, &both, BODY, at(0)), Ok(()));
}

#[test]
fn a_header_that_is_not_one_says_what_is_wrong() {
    let code = "0".repeat(64);
    for (header, error) in [
        (String::new(), SignatureError::Time),
        (format!("v1={code}"), SignatureError::Time),
        (format!("t=soon,v1={code}"), SignatureError::Time),
        (format!("t=1,t=2,v1={code}"), SignatureError::Time),
        ("t=1".to_owned(), SignatureError::Missing),
        ("t=1,v1=00".to_owned(), SignatureError::Missing),
        (format!("t=1{}", format!(",v1={code}").repeat(9)), SignatureError::TooMany),
        (format!("t={},v1={code}", i64::MAX), SignatureError::Foreign),
    ] {
        assert_eq!(check(KEY, &header, BODY, at(0)), Err(error), "{header}");
    }
    assert_eq!(sign(b"", BODY, at(0)), Err(SignatureError::EmptyKey));
}
