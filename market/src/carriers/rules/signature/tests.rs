use super::super::secret;
use super::*;

const KEY: &[u8] = b"key of the webhooks";
const BODY: &[u8] = br#"[{"shipment":"S-1"}]"#;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_750_000_000 + seconds, 0).unwrap()
}

fn headers(signature: &str) -> Headers<'_> {
    Headers { id: "msg_1", timestamp: "1750000000", signature }
}

/// The example that the standard's own libraries are tested with.
#[test]
fn the_signature_is_the_standards_own() {
    let key = secret::read("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
    let (id, sent) = ("msg_p5jXN8AQM9LWM0D4loKWxJek", DateTime::from_timestamp(1_614_265_330, 0).unwrap());
    let body = br#"{"test": 2432232314}"#;
    let signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    assert_eq!(sign(&key, id, sent, body), signature);
    let headers = Headers { id, timestamp: "1614265330", signature };
    assert_eq!(check(&[&key], headers, body, sent), Ok(()));
}

#[test]
fn whatever_is_changed_makes_the_signature_foreign() {
    let signature = sign(KEY, "msg_1", at(0), BODY);
    let good = headers(&signature);
    assert_eq!(check(&[KEY], good, BODY, at(0)), Ok(()));
    let foreign = Err(SignatureError::Foreign);
    assert_eq!(check(&[], good, BODY, at(0)), foreign);
    assert_eq!(check(&[b"another"], good, BODY, at(0)), foreign);
    assert_eq!(check(&[KEY], good, b"[]", at(0)), foreign);
    assert_eq!(check(&[KEY], Headers { id: "msg_2", ..good }, BODY, at(0)), foreign);
    assert_eq!(check(&[KEY], Headers { timestamp: "1750000001", ..good }, BODY, at(0)), foreign);
    assert_eq!(check(&[KEY], Headers { timestamp: "01750000000", ..good }, BODY, at(0)), foreign);
    for other in [signature.replace("v1,", "v2,"), signature[..20].to_owned(), "v1,".to_owned(), "v1,???".to_owned()] {
        assert_eq!(check(&[KEY], headers(&other), BODY, at(0)), foreign, "{other}");
    }
    // The time is not spoken of to those who have not signed it.
    assert_eq!(check(&[b"another"], good, BODY, at(9_000)), foreign);
}

#[test]
fn a_time_too_far_from_ours_is_named_with_the_difference() {
    let signature = sign(KEY, "msg_1", at(0), BODY);
    let check = |now| check(&[KEY], headers(&signature), BODY, at(now));
    assert_eq!((check(300), check(-300)), (Ok(()), Ok(())));
    assert_eq!(check(301), Err(SignatureError::Time(TimeDelta::seconds(301))));
    assert_eq!(check(-301), Err(SignatureError::Time(TimeDelta::seconds(-301))));
    let text = check(412).unwrap_err().to_string();
    assert_eq!(text, "webhook-timestamp is 412 s behind our clock; at most 300 s are allowed");
    assert!(check(-412).unwrap_err().to_string().contains("412 s ahead of our clock"));
}

#[test]
fn one_of_several_signatures_and_keys_is_enough() {
    let (ours, other) = (sign(KEY, "msg_1", at(0), BODY), sign(b"other", "msg_1", at(0), BODY));
    let both = format!("{other} v1a,abc  {ours}");
    assert_eq!(check(&[b"third", KEY], headers(&both), BODY, at(0)), Ok(()));
    assert_eq!(check(&[b"third"], headers(&both), BODY, at(0)), Err(SignatureError::Foreign));
}

#[test]
fn headers_that_are_missing_or_unreadable_are_named() {
    let signature = sign(KEY, "msg_1", at(0), BODY);
    let good = headers(&signature);
    let (long, many) = ("x".repeat(256), [signature.as_str(); 9].join(" "));
    let wrong = [
        (Headers { id: "", ..good }, ID),
        (Headers { id: "a b", ..good }, ID),
        (Headers { id: &long, ..good }, ID),
        (Headers { timestamp: "", ..good }, TIMESTAMP),
        (Headers { timestamp: "+1750000000", ..good }, TIMESTAMP),
        (Headers { timestamp: "1750000000.5", ..good }, TIMESTAMP),
        (Headers { timestamp: "999999999999999", ..good }, TIMESTAMP),
        (Headers { signature: " ", ..good }, SIGNATURE),
        (Headers { signature: &many, ..good }, SIGNATURE),
    ];
    for (headers, name) in wrong {
        let refused = check(&[KEY], headers, BODY, at(0));
        assert!(matches!(refused, Err(SignatureError::Header(named, _)) if named == name), "{headers:?}: {refused:?}");
    }
}
