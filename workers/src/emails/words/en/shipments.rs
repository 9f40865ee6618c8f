//! Shipments on their way.

english! { Shipments {
    because_sends = "You are receiving this email because you trade for the organisation that sends this.";
    because_gets = "You are receiving this email because you trade for the organisation that gets this.";
    shipment_number = "Tracking number";
    shipment_carrier = "Carrier";
    view_shipment = "View shipment";

    exception_subject(goods) = "Problem on the way: {goods}";
    exception_heading = "Something went wrong on the way";
    exception_sender(goods) = "The carrier reports that {goods} is damaged, lost or held on its way. Please ask the carrier what has happened.";
    exception_receiver(goods) = "The carrier reports that {goods} is damaged, lost or held on its way. The sender knows of it.";

    attempt_subject(goods) = "Not delivered: {goods}";
    attempt_heading = "Nobody was there to take the delivery";
    attempt_text(goods) = "Nobody could take {goods} when it was to be delivered. It is still on its way.";

    came_back_subject(goods) = "Came back: {goods}";
    came_back_heading = "A shipment has come back";
    came_back_sender(goods) = "What was not delivered of {goods} has come back to you.";
    came_back_receiver(goods) = "What was not delivered of {goods} has come back to its sender.";

    stalled_subject(goods) = "Nothing heard: {goods}";
    stalled_heading = "A shipment has fallen silent";
    stalled_text(goods, since) = "Nothing was heard of {goods} since {since}. Please ask the carrier where it is. You are told again only if it falls silent another time.";
} }
