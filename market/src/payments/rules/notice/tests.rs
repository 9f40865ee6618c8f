use super::*;

#[test]
fn a_webhook_names_its_event_and_what_it_is_about() {
    let body = br#"{"id":"evt_1","kind":"payment.captured","subject":"pay_1","amount":5}"#;
    let notice = read(Provider::Simulator, body).unwrap();
    assert_eq!((&*notice.event_id, &*notice.kind, &*notice.subject.0), ("evt_1", "payment.captured", "pay_1"));
}

#[test]
fn a_webhook_that_cannot_be_read_says_what_is_wrong() {
    for body in ["", "[]", "{}", r#"{"id":1,"kind":"a","subject":"b"}"#] {
        let error = read(Provider::Simulator, body.as_bytes()).unwrap_err();
        assert!(matches!(error, NoticeError::Malformed(_)), "{body}: {error}");
    }
    let long = "a".repeat(MAX_NAME + 1);
    for (body, field) in [
        (r#"{"id":"","kind":"a","subject":"b"}"#.to_owned(), "/id"),
        (format!(r#"{{"id":"a","kind":"{long}","subject":"b"}}"#), "/kind"),
        (r#"{"id":"a","kind":"a","subject":""}"#.to_owned(), "/subject"),
    ] {
        let error = read(Provider::Simulator, body.as_bytes()).unwrap_err();
        assert!(error.to_string().starts_with(field), "{error}");
    }
    assert!(matches!(read(Provider::Adyen, b"{}"), Err(NoticeError::Provider)));
}
