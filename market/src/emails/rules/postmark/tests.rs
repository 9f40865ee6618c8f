use serde_json::{Value, json};

use super::*;

fn reason(report: Value) -> Option<(String, SuppressionReason)> {
    let report: Report = serde_json::from_value(report).unwrap();
    suppression(&report).map(|found| (found.address.to_owned(), found.reason))
}

#[test]
fn only_what_is_for_good_suppresses() {
    use SuppressionReason::{Bounced, Complained, Manual};
    let ann = |reason| Some(("ann@example.com".to_owned(), reason));
    let bounce = |kind: &str, inactive: bool| json!({"RecordType": "Bounce", "Type": kind, "Email": "ann@example.com", "Inactive": inactive});
    assert_eq!(reason(bounce("HardBounce", true)), ann(Bounced));
    assert_eq!(reason(bounce("HardBounce", false)), ann(Bounced));
    assert_eq!(reason(bounce("BadEmailAddress", false)), ann(Bounced));
    assert_eq!(reason(bounce("SpamComplaint", true)), ann(Complained));
    assert_eq!(reason(bounce("Blocked", true)), ann(Bounced), "Postmark does not write to it any more");
    for passing in ["Transient", "SoftBounce", "DnsError", "AutoResponder", "Blocked", "SpamNotification"] {
        assert_eq!(reason(bounce(passing, false)), None, "{passing}");
    }
    assert_eq!(reason(json!({"RecordType": "SpamComplaint", "Email": " ann@example.com"})), ann(Complained));
    let change = |suppress: bool, why: Option<&str>| {
        json!({"RecordType": "SubscriptionChange", "Recipient": "ann@example.com", "SuppressSending": suppress,
            "SuppressionReason": why})
    };
    assert_eq!(reason(change(true, Some("ManualSuppression"))), ann(Manual));
    assert_eq!(reason(change(true, Some("HardBounce"))), ann(Bounced));
    assert_eq!(reason(change(false, None)), None);
    for other in ["Delivery", "Open", "Click", "Inbound", ""] {
        assert_eq!(reason(json!({"RecordType": other, "Email": "ann@example.com", "Inactive": true})), None);
    }
}

#[test]
fn a_report_without_an_address_suppresses_nobody() {
    for address in [Value::Null, json!(""), json!("nobody"), json!(format!("{}@example.com", "a".repeat(250)))] {
        assert_eq!(reason(json!({"RecordType": "SpamComplaint", "Email": address})), None);
    }
}
