use super::{SEQ, number_of};

#[test]
fn the_number_of_a_message_is_found_and_an_error_is_not_taken_for_one() {
    let event = r#"{"topic":"auction:1","seq":17,"type":"bid","data":{"seq":3},"server_time":"2026-01-01T00:00:00Z"}"#;
    assert_eq!(number_of(event, SEQ).unwrap(), Some(17));
    assert_eq!(number_of(r#"{"type":"error","code":"not_found","detail":"no such topic"}"#, SEQ).unwrap(), None);
    assert!(number_of(r#"{"seq":null}"#, SEQ).is_err());
    let seen = r#"{"seq":4,"data":{"note":"latitude","position":{"latitude":31.0,"longitude":13.5}}}"#;
    assert_eq!(number_of(seen, r#""latitude":"#).unwrap(), Some(31));
    assert_eq!(number_of(event, r#""latitude":"#).unwrap(), None);
}
