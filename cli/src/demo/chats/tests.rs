use super::super::bids;
use super::*;

#[test]
fn a_message_written_again_has_the_same_name_and_no_other_has_it() {
    let (order, other) = (OrderId::generate(), OrderId::generate());
    assert_eq!(message(order, 1, ANSWER), message(order, 1, ANSWER));
    let names = [message(order, 1, ANSWER), message(order, 2, ANSWER), message(other, 1, ANSWER)];
    let names: std::collections::BTreeSet<_> = names.map(|message| message["client_id"].to_string()).into();
    assert_eq!(names.len(), 3);
}

#[test]
fn people_write_three_messages_about_sixty_orders_of_the_recorded_bids() {
    assert_eq!(wanted(&Plan::new(bids::XBOX).unwrap()), 180);
}
