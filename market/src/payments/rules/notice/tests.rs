use super::*;

/// An event, a kind, a topic and a subject.
type Read = (Option<String>, String, Topic, String);

fn notice(provider: Provider, body: &str) -> Read {
    let notice = read(provider, body.as_bytes()).unwrap();
    (notice.event_id, notice.kind, notice.topic, notice.subject.0)
}

fn expected(event_id: &str, kind: &str, topic: Topic, subject: &str) -> Read {
    (Some(event_id.to_owned()), kind.to_owned(), topic, subject.to_owned())
}

#[test]
fn a_webhook_names_its_event_and_what_it_is_about() {
    for (kind, topic) in [
        ("payment.captured", Topic::Payment),
        ("refund.done", Topic::Disbursement),
        ("transfer.done", Topic::Disbursement),
        ("payout.done", Topic::Disbursement),
        ("account.changed", Topic::Account),
    ] {
        let body = format!(r#"{{"id":"evt_1","kind":"{kind}","subject":"x_1","amount":5}}"#);
        assert_eq!(notice(Provider::Simulator, &body), expected("evt_1", kind, topic, "x_1"));
    }
}

#[test]
fn an_event_of_stripe_names_what_can_be_asked_for() {
    for (object, account, topic, subject) in [
        (r#""payment_intent","id":"pi_1""#, "", Topic::Payment, "pi_1"),
        (r#""refund","id":"re_1""#, "", Topic::Disbursement, "re_1"),
        (r#""transfer","id":"tr_1""#, "", Topic::Disbursement, "tr_1"),
        (r#""payout","id":"po_1""#, r#""account":"acct_1","#, Topic::Disbursement, "acct_1/po_1"),
        (r#""account","id":"acct_1""#, r#""account":"acct_1","#, Topic::Account, "acct_1"),
    ] {
        let body = format!(r#"{{"id":"evt_1",{account}"type":"k","data":{{"object":{{"object":{object}}}}}}}"#);
        assert_eq!(notice(Provider::Stripe, &body), expected("evt_1", "k", topic, subject));
    }
}

#[test]
fn an_event_about_something_else_is_said_to_be_unused() {
    for (provider, body) in [
        (Provider::Stripe, r#"{"id":"evt_1","type":"k","data":{"object":{"object":"balance"}}}"#),
        (Provider::Stripe, r#"{"id":"evt_1","type":"k","data":{"object":{"object":"payout","id":"po_1"}}}"#),
        (Provider::Simulator, r#"{"id":"evt_1","kind":"k","subject":"s"}"#),
        (Provider::Mollie, r#"{"id":"event_1","type":"k","entityId":"pl_1"}"#),
    ] {
        let error = read(provider, body.as_bytes()).unwrap_err();
        assert!(matches!(&error, NoticeError::Unused { kind } if kind == "k"), "{body}: {error}");
    }
}

#[test]
fn a_webhook_that_cannot_be_read_says_what_is_wrong() {
    for body in ["", "[]", "{}", r#"{"id":1,"kind":"a","subject":"b"}"#] {
        for provider in [Provider::Simulator, Provider::Stripe, Provider::Mollie] {
            let error = read(provider, body.as_bytes()).unwrap_err();
            assert!(matches!(error, NoticeError::Malformed(_)), "{body}: {error}");
        }
    }
    let long = "a".repeat(MAX_NAME + 1);
    for (body, field) in [
        (r#"{"id":"","kind":"payment.captured","subject":"b"}"#.to_owned(), "the event's id"),
        (format!(r#"{{"id":"a","kind":"payment.{long}","subject":"b"}}"#), "the kind"),
        (r#"{"id":"a","kind":"payment.captured","subject":""}"#.to_owned(), "the subject"),
    ] {
        let error = read(Provider::Simulator, body.as_bytes()).unwrap_err();
        assert!(error.to_string().starts_with(field), "{error}");
    }
}

#[test]
fn an_event_of_mollie_names_what_can_be_asked_for() {
    for (kind, entity, embedded, topic, subject) in [
        ("payment.paid", "tr_1", "", Topic::Payment, "tr_1"),
        (
            "refund.refunded",
            "re_1",
            r#","_embedded":{"entity":{"paymentId":"tr_1"}}"#,
            Topic::Disbursement,
            "tr_1/re_1",
        ),
        ("connect-balance-transfer.succeeded", "cbtr_1", "", Topic::Disbursement, "cbtr_1"),
    ] {
        let body = format!(r#"{{"resource":"event","id":"event_1","type":"{kind}","entityId":"{entity}"{embedded}}}"#);
        assert_eq!(notice(Provider::Mollie, &body), expected("event_1", kind, topic, subject));
    }
    let error = read(Provider::Mollie, br#"{"id":"event_1","type":"refund.failed","entityId":"re_1"}"#).unwrap_err();
    assert!(matches!(error, NoticeError::Unused { .. }), "a refund without its payment cannot be asked for: {error}");
}

#[test]
fn a_classic_webhook_of_mollie_names_a_payment_and_no_event() {
    let (event, kind, topic, subject) = notice(Provider::Mollie, "id=tr_5B8cwPMGnU");
    assert_eq!((event, &*kind, topic, &*subject), (None, "classic", Topic::Payment, "tr_5B8cwPMGnU"));
    // What else is said is not read.
    assert_eq!(notice(Provider::Mollie, "testByMollie=1&id=tr_1&status=paid").3, "tr_1");
    let long = format!("id=tr_{}", "a".repeat(MAX_NAME));
    for body in ["id=", "id=tr_", "id=re_1", "id=tr_1%2F..", "id=tr_1/x", "id=tr_1&id=tr_2", "xid=tr_1", &long] {
        let error = read(Provider::Mollie, body.as_bytes()).unwrap_err();
        assert!(matches!(error, NoticeError::Malformed(_)), "{body}: {error}");
    }
}
