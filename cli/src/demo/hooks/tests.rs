use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use market::carriers::rules::signature::sign;

use super::*;

fn sent(key: &[u8], id: DeliveryId) -> Sent {
    let at = DateTime::from_timestamp(1_750_000_000, 0).unwrap();
    let body = br#"{"type":"order.paid"}"#;
    Sent {
        id: id.to_string(),
        timestamp: at.timestamp().to_string(),
        signature: sign(key, &id.to_string(), at, body),
        body: body.as_slice().into(),
    }
}

#[test]
fn a_delivery_has_come_if_it_is_signed_for_its_own_endpoint() {
    let secret = |key: &[u8]| SecretString::from(format!("whsec_{}", STANDARD.encode(key)));
    let (ours, other) = (EndpointId::generate(), EndpointId::generate());
    let secrets = HashMap::from([(ours, vec![secret(b"before"), secret(b"ours")]), (other, vec![secret(b"other")])]);
    let [once, twice, lost, mistaken] = [(); 4].map(|()| DeliveryId::generate());
    let sent = [sent(b"ours", twice), sent(b"ours", once), sent(b"ours", twice), sent(b"other", mistaken)];
    let delivered = [(ours, once), (ours, twice), (ours, lost), (ours, mistaken)];
    assert_eq!(arrived(&delivered, &sent, &secrets), 2);
    assert_eq!(arrived(&[(other, mistaken)], &sent, &secrets), 1);
    assert_eq!(arrived(&delivered, &sent, &HashMap::new()), 0);
}
