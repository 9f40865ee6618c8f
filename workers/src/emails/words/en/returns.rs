//! Returns.

english! { Returns {
    return_units = "Units";
    return_not_needed = "Not needed";
    return_not_as_described = "Not as described";
    return_damaged = "Damaged";
    return_wrong_item = "Another item than ordered";
    return_other = "Another reason";

    return_requested_subject(goods) = "Return requested: {goods}";
    return_requested_heading = "Your buyer asks for a return";
    return_requested_text(goods) = "The buyer would like to send {goods} back. If you do not answer in time, the return is approved.";

    return_approved_subject(goods) = "Return approved: {goods}";
    return_approved_heading = "Your return is approved";
    return_approved_text(goods) = "You can send {goods} back. Please say in the return when you have sent it, and how.";
    return_send_by = "Send by";

    return_refused_subject(goods) = "Return refused: {goods}";
    return_refused_heading = "Your return is refused";
    return_refused_text(goods) = "The seller does not take {goods} back. What they write about it:";

    return_sent_subject(goods) = "Return sent: {goods}";
    return_sent_heading = "A return is on its way to you";
    return_sent_text(goods) = "The buyer has sent {goods} back. Please say in the return when it has arrived; otherwise it counts as received in the end.";
    return_sent_with = "Sent with";
    return_confirm_by = "Confirm by";

    return_received_subject(goods) = "Return received: {goods}";
    return_received_heading = "The return has arrived";
    return_counted_heading = "The return counts as received";
    return_received_buyer(goods) = "The seller has received {goods}.";
    return_received_seller(goods) = "You have received {goods}.";
    return_counted(goods) = "Nobody has said whether {goods} has arrived, so it counts as received.";
    return_nothing_back = "All of what it cost was given back before.";
    return_rest_to_buyer(amount) = "{amount} goes back to you: the rest of what it cost was given back before.";
    return_rest_to_seller(amount) = "{amount} goes back to the buyer: the rest of what it cost was given back before.";
    return_back_to_buyer(amount) = "{amount} goes back to you.";
    return_back_to_seller(amount) = "{amount} goes back to the buyer.";
    return_cost = "It cost";
} }
