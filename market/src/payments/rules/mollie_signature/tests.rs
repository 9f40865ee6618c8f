use super::*;

const KEY: &[u8] = b"test_webhook_secret";
const BODY: &[u8] = br#"{"id":"event_1"}"#;
// printf '{"id":"event_1"}' | openssl dgst -sha256 -hmac 'test_webhook_secret'
const SIGNATURE: &str = "sha256=1dfc9ecdfbd1c3c5dd9217da0982aa7c25070cd7892f4eaadbc852dc5ca3d994";

#[test]
fn a_signature_is_the_one_that_openssl_makes() {
    assert_eq!(check(KEY, &[SIGNATURE], BODY), Ok(()));
    assert_eq!(check(KEY, &[SIGNATURE.trim_start_matches("sha256=")], BODY), Ok(()));
    assert_eq!(check(b"another", &[SIGNATURE], BODY), Err(SignatureError::Foreign));
    assert_eq!(check(KEY, &[SIGNATURE], b"{}"), Err(SignatureError::Foreign));
    assert_eq!(check(b"", &[SIGNATURE], BODY), Err(SignatureError::EmptyKey));
}

#[test]
fn one_of_two_signatures_is_enough_while_a_key_is_replaced() {
    let other = format!("sha256={}", "0".repeat(64));
    assert_eq!(check(KEY, &[&other, SIGNATURE], BODY), Ok(()));
    assert_eq!(check(KEY, &[&other, &other], BODY), Err(SignatureError::Foreign));
    assert_eq!(check(KEY, &[SIGNATURE; MAX_SIGNATURES + 1], BODY), Err(SignatureError::TooMany));
}

#[test]
fn what_is_not_a_signature_is_said_to_be_missing() {
    for header in ["", "sha256=", "sha256=00", "sha512=00"] {
        assert_eq!(check(KEY, &[header], BODY), Err(SignatureError::Missing), "{header}");
    }
    assert_eq!(check(KEY, &[], BODY), Err(SignatureError::Missing));
}
