use super::*;

#[test]
fn a_message_names_what_has_happened_and_nobody() {
    let at = DateTime::from_timestamp_micros(1_764_345_600_123_456).unwrap();
    let order = OrderData { order: OrderId(uuid::Uuid::nil()), status: OrderStatus::InFulfilment, version: 3 };
    let text = |order| String::from_utf8(body("order.shipped", at, order).unwrap()).unwrap();
    assert_eq!(
        text(Some(order)),
        "{\"type\":\"order.shipped\",\"timestamp\":\"2025-11-28T16:00:00.123456Z\",\"data\":{\
         \"order\":\"00000000-0000-0000-0000-000000000000\",\"status\":\"in_fulfilment\",\"version\":3}}"
    );
    let test = String::from_utf8(body(TEST, at, None).unwrap()).unwrap();
    assert!(test.ends_with("\"data\":{}}"), "{test}");
}
