//! Offers and counter-offers.

english! { Offers {
    because_offer = "You are receiving this email because you trade for one side of this offer.";
    offer_preview(price, quantity) = "{price} for each of {quantity}.";
    offer_price = "Price per unit";
    offer_answer = "Answer";
    offer_open = "Open the offer";
    offer_note = "Nothing is reserved until one side accepts.";

    offer_received_subject(title) = "An offer for {title}";
    offer_received_heading = "You have an offer";
    offer_received_text(other) = "{other} has made you an offer.";

    offer_countered_subject(title) = "Other terms for {title}";
    offer_countered_heading = "There are other terms";
    offer_countered_text(other) = "{other} has answered your offer with other terms.";

    offer_declined_subject(title) = "Declined: your offer for {title}";
    offer_declined_heading = "Your offer was declined";
    offer_declined_text(other) = "{other} has declined your offer. You can make another one.";

    offer_withdrawn_subject(title) = "Withdrawn: the offer for {title}";
    offer_withdrawn_heading = "The offer was withdrawn";
    offer_withdrawn_text(other) = "{other} has withdrawn the offer before you answered.";

    offer_expired_subject(title) = "Expired: the offer for {title}";
    offer_expired_heading = "The offer has expired";
    offer_expired_text(other) = "Nobody has answered in time. The other side was {other}.";

    agreed_subject(title) = "Agreed: {title}";
    agreed_heading = "The offer is accepted";
    agreed_buyer(title, other) = "“{title}” is yours. {other} prepares it as soon as you have paid.";
    agreed_seller(title, other) = "“{title}” is sold to {other}. Please do not hand it over before the payment has arrived.";
} }
