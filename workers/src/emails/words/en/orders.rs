//! Orders, their payment, disputes and payouts.

english! { Orders {
    placed_subject_buyer(goods) = "Your order: {goods}";
    placed_heading_buyer = "Your order is reserved";
    placed_buyer(goods) = "We have reserved {goods} for you. The seller will prepare everything as soon as you have paid.";
    placed_subject_seller(goods) = "New order: {goods}";
    placed_preview_seller(by) = "The buyer has until {by} to pay.";
    placed_heading_seller = "You have a new order";
    placed_seller(goods) = "A buyer has ordered {goods}, and the units are reserved. Please hand nothing over before the payment has arrived.";

    expired_subject(goods) = "Not paid in time: {goods}";
    expired_heading = "The order has expired";
    expired_buyer(goods) = "We have not received your payment for {goods} in time, so nothing is reserved for you any more. Nothing was charged.";
    expired_seller(goods) = "The buyer of {goods} has not paid in time. What was reserved can be sold again.";

    cancelled_subject(goods) = "Cancelled: {goods}";
    cancelled_heading = "The order is cancelled";
    cancelled_buyer(goods) = "Your order of {goods} is cancelled. Nothing was charged.";
    cancelled_seller(goods) = "The buyer has cancelled the order of {goods}. What was reserved can be sold again.";

    written_off_subject(goods) = "Written off: {goods}";
    written_off_heading = "The trade is written off";
    written_off_buyer(goods) = "Your payment for {goods} did not arrive in time although the goods had left for you, so the seller has written the trade off. It can no longer be paid here, and counts as a strike against your organisation.";
    written_off_seller(goods) = "You have written off {goods}: the trade is over, and can no longer be paid here.";
    written_off_stock = "What has left is out of your stock; what had not left can be sold again. If any of it comes back, count it in.";

    days_hired_subject(goods) = "Days hired: {goods}";
    days_hired_heading = "The days are chosen";
    days_hired_buyer(goods) = "You have hired {goods} for these days. Nobody else can have them unless the order comes to nothing.";
    days_hired_seller(goods) = "The buyer has chosen these days for {goods}. They are taken in your calendar.";
    hired_days = "Days";
    days_given_up_subject(goods) = "Days given up: {goods}";
    days_given_up_heading = "No days are chosen any more";
    days_given_up_buyer(goods) = "You have given up the days for {goods}, and others can hire them. You can choose days in the order until the work is done.";
    days_given_up_seller(goods) = "The buyer has given up the days for {goods}. They are free in your calendar again.";

    reminder_subject(goods) = "Please pay for {goods}";
    reminder_preview(amount, by) = "{amount} is due by {by}.";
    reminder_heading = "Your payment is due soon";
    reminder_text(goods) = "We have not received your payment for {goods} yet.";
    reminder_note = "If you have paid in the meantime, ignore this email.";

    failed_subject(goods) = "Payment failed: {goods}";
    failed_preview(by) = "You can try again until {by}.";
    failed_heading = "Your payment has failed";
    failed_text(goods) = "Your payment for {goods} did not go through, and nothing was charged. You can try again, with another method of payment if you like.";

    paid_subject_buyer(goods) = "Paid: {goods}";
    paid_heading_buyer = "We have received your payment";
    paid_buyer(goods) = "You have paid for {goods}. The money is held until you have received and accepted the goods.";
    paid_subject_seller(goods) = "Paid, please send: {goods}";
    paid_heading_seller = "Your buyer has paid";
    paid_seller(goods) = "The buyer has paid for {goods}, and the money is held for you. Please send the goods, and say so in the order.";

    shipped_subject(goods) = "On its way: {goods}";
    shipped_heading = "Your order is on its way";
    shipped_text(goods) = "The seller has sent {goods}. Please say in the order when it has arrived.";

    delivered_subject(goods) = "Arrived: {goods}";
    delivered_heading_buyer = "Please inspect your order";
    delivered_buyer(goods) = "You have received {goods}.";
    delivered_inspect(until) = "If something is wrong with it, open a dispute by {until}. After that the seller is paid.";
    delivered_heading_seller = "Your buyer has received the order";
    delivered_seller(goods) = "The buyer has received {goods}.";
    delivered_wait(until) = "Unless the buyer finds fault with it by {until}, you are paid then at the latest.";

    completed_subject(goods) = "Completed: {goods}";
    completed_heading_buyer = "Your order is completed";
    completed_buyer(goods) = "Your order of {goods} is completed, and the seller is paid.";
    completed_heading_seller = "The money is yours";
    completed_seller(goods) = "The order of {goods} is completed, and the money is yours.";

    dispute_subject(goods) = "Dispute: {goods}";
    dispute_heading = "A dispute is open";
    dispute_buyer(goods) = "You have opened a dispute about {goods}. The money stays where it is until we have decided.";
    dispute_seller(goods) = "The buyer finds fault with {goods}. The money is held until the dispute is decided.";
    dispute_held = "Held";
    dispute_not_received = "Not received";
    dispute_not_as_described = "Not as described";
    dispute_damaged = "Damaged";
    dispute_other = "Another reason";

    withdrawn_subject(goods) = "Dispute withdrawn: {goods}";
    withdrawn_heading = "The dispute is withdrawn";
    withdrawn_text(goods) = "The buyer has withdrawn the dispute about {goods}. The order goes on where it was.";

    decided_subject(goods) = "Dispute decided: {goods}";
    decided_heading = "The dispute is decided";
    decided_against_buyer(goods) = "We have decided the dispute about {goods} for the seller, who is paid.";
    decided_for_buyer(goods, amount) = "We have decided the dispute about {goods}: {amount} goes back to you.";
    decided_for_seller(goods) = "We have decided the dispute about {goods} for you, and the money is yours.";
    decided_against_seller(goods, amount) = "We have decided the dispute about {goods}: {amount} goes back to the buyer.";

    refund_subject(goods) = "Refund: {goods}";
    refund_preview(amount) = "{amount} is on its way to you.";
    refund_heading = "Your money is on its way back";
    refund_text(amount, goods) = "We have refunded {amount} for {goods}, to the method of payment that you used. It may take your bank a few days to show it.";

    because_earned = "You are receiving this email because you trade for the organisation that has earned this.";
    open_payouts = "Open your payouts";
    payout = "Payout";
    payout_subject(amount) = "{amount} is on its way to your bank";
    payout_preview = "What you have earned was paid out.";
    payout_heading = "Your payout is on its way";
    payout_text(amount) = "Our payment provider has paid out {amount} of your earnings to your bank.";
    payout_note = "Your bank may take some days to show it.";
    account_needed_subject(amount) = "{amount} waits for your payout account";
    account_needed_preview = "We cannot pay out what you have earned yet.";
    account_needed_heading = "Where shall we pay out your earnings?";
    account_needed_text(amount) = "You have earned {amount}, and have no account that our payment provider can pay out to. As soon as there is one, the payout goes on by itself.";
    earned = "Earned";
} }
