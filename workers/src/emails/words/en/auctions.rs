//! Auctions, and what follows from them.

english! { Auctions {
    outbid_subject(title) = "You have been outbid: {title}";
    outbid_preview(price) = "The price is {price} now. You can still win.";
    outbid_heading = "You have been outbid";
    outbid_text(title) = "Another bidder is now leading on “{title}”. You can bid again until the auction ends.";
    outbid_minimum = "Minimum next bid";
    outbid_action = "Bid again";
    outbid_reason = "You are receiving this email because you bid on this auction.";

    won_subject(title) = "You won: {title}";
    won_heading = "You won the auction";
    won_text(title) = "Congratulations: “{title}” is yours. The seller will prepare it as soon as you have paid.";
    won_reason = "You are receiving this email because you won this auction.";

    sold_subject(amount, title) = "Sold for {amount}: {title}";
    sold_heading = "Your lot is sold";
    sold_text(title) = "“{title}” has a buyer. We will let you know when the payment has arrived; please do not hand it over before then.";
    sold_fee = "Our fee";
    sold_reason = "You are receiving this email because your organisation sold this lot.";

    unsold_subject(title) = "Not sold: {title}";
    unsold_preview = "There were no bids.";
    unsold_heading = "Your lot was not sold";
    unsold_text(title) = "The auction of “{title}” has ended without a sale. There were no bids.";
    unsold_again = "You can list it again, perhaps with a lower opening price or reserve.";
    unsold_reason = "You are receiving this email because your organisation offered this lot.";

    ending_subject(title) = "Ending soon: {title}";
    ending_preview(standing, price) = "{standing} The price is {price}.";
    ending_heading = "This auction ends soon";
    ending_text(title, standing) = "The auction of “{title}” is about to end. {standing}";
    ending_leading = "You are the highest bidder.";
    ending_not_leading = "You are not the highest bidder.";
    ending_watching = "You are watching it.";
    ending_bid = "You have bid on it.";
    ending_reason = "You are receiving this email because you bid on this auction or watch it.";

    winning_subject(title) = "You are winning: {title}";
    winning_below_subject(title) = "You lead, below the reserve: {title}";
    winning_preview(price) = "Your bid is the highest. The price is {price}.";
    winning_heading = "You are the highest bidder";
    winning_text(title) = "The auction of “{title}” is about to end, and you are leading.";
    winning_again(title) = "A higher bid on “{title}” was taken back, so you are leading again. Your bid binds you as before.";
    winning_outlook = "If nobody outbids you before the end, you win the lot at the current price.";
    winning_below_outlook = "The seller's reserve has not been met. If it still is not at the end, the seller decides about your bid. You can raise your maximum until then.";

    default_subject(title) = "Not paid in time: “{title}”";
    default_heading = "The sale is off";
    default_buyer(title) = "Your payment for “{title}” did not arrive in time, so the sale is off. This counts as a strike against your organisation.";
    default_barred(until) = "It is the third within 90 days: your organisation cannot bid until {until}.";
    default_limited(most) = "It is not the first within 90 days: your organisation can have bids in at most {most} open auctions at once.";
    default_appeal = "If this is not your fault, appeal against the strike, and we will look into it.";
    default_seller(title) = "The buyer of “{title}” has not paid in time, so the sale is off.";
    default_next(until) = "We have offered it to the next bidder, until {until}.";

    chance_subject(title) = "A second chance: “{title}”";
    chance_preview(until) = "You can have it for your own bid until {until}.";
    chance_heading = "You can still have it";
    chance_text(title) = "“{title}” is available again, and you were the next bidder. You can have it at the price that you offered; you need not.";
    chance_your_bid = "Your bid";

    lapsed_subject(title) = "Not taken: “{title}”";
    lapsed_heading = "The next bidder did not take it";
    lapsed_text(title) = "The bidder to whom “{title}” was offered has not taken it.";
    lapsed_next(until) = "We have offered it to the bidder after that, until {until}.";

    approval_subject_seller(title) = "Your decision: “{title}”";
    approval_subject_buyer(title) = "The seller decides: “{title}”";
    approval_heading = "The highest bid is below the reserve";
    approval_seller(until) = "The highest bid is below your reserve. Accept it, decline it or ask for another amount by {until}.";
    approval_seller_note = "If you do not answer, the lot is not sold. Its units are kept until then.";
    approval_buyer(until) = "Your bid is the highest, but below the seller's reserve. The seller decides about it by {until}.";
    approval_buyer_note = "You need do nothing. Your bid binds you until then.";
    approval_highest_bid = "Highest bid";
    approval_asked = "The seller asks for";

    counter_subject(title) = "Another amount: “{title}”";
    counter_heading = "The seller asks for more";
    counter_text(until) = "The seller does not accept your bid, but you can have it for another amount until {until}.";
    counter_note = "You need not: if you do not answer, nothing is sold.";

    approval_ended_subject(title) = "Not sold: “{title}”";
    approval_ended_heading = "It is not sold";
    approval_declined_buyer = "The seller does not accept your bid.";
    approval_declined_seller = "The bidder does not want it for the amount that you asked for.";
    approval_late_you = "You have not answered in time.";
    approval_late_seller = "The seller has not answered in time.";
    approval_late_bidder = "The bidder has not answered in time.";

    bidder_approved_subject(title) = "You can bid: {title}";
    bidder_approved_heading = "You can bid";
    bidder_approved_text(title) = "The seller has approved your organisation as a bidder in the sale event “{title}”.";
    bidder_limit = "Your limit";
    bidder_limit_note = "It applies to all lots together. While you lead on a lot, your maximum bid and the buyer's premium on it are reserved. What you win stays reserved.";
    bidder_action = "Open the sale event";
    bidder_refused_subject(title) = "Your registration was refused: {title}";
    bidder_refused_heading = "You cannot bid in this sale event";
    bidder_refused_text(title) = "The seller has refused your organisation's registration for the sale event “{title}”.";
    bids_lapsed_subject(title) = "Your bids no longer count: {title}";
    bids_lapsed_heading = "Your limit does not cover this lot any more";
    bids_lapsed_text(title) = "A higher bid on “{title}” was taken back, and you would have led again. Your limit is reserved for other lots by now, so your bids on this one no longer count.";
    bids_lapsed_note = "You can bid again as far as your limit reaches, for example once you have been outbid on another lot.";
    sale_event_cancelled_subject(title) = "Cancelled: {title}";
    sale_event_cancelled_heading = "The sale event is cancelled";
    sale_event_cancelled_text(title) = "The seller has cancelled the sale event “{title}”, for which your organisation has registered. None of its lots is sold.";
    bidder_reason = "You are receiving this email because you trade for the organisation that registered for this sale event.";
} }
