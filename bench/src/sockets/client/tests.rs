use super::seq_of;

#[test]
fn the_number_of_a_message_is_found_and_an_error_is_not_taken_for_one() {
    let event = r#"{"topic":"auction:1","seq":17,"type":"bid","data":{"seq":3},"server_time":"2026-01-01T00:00:00Z"}"#;
    assert_eq!(seq_of(event).unwrap(), 17);
    assert!(seq_of(r#"{"type":"error","code":"not_found","detail":"no such topic"}"#).is_err());
    assert!(seq_of(r#"{"seq":null}"#).is_err());
}
