//! Words that many mails share.

english! { Common {
    hello = "Hello,";
    hello_to(name) = "Hello {name},";
    and_one_more(title) = "“{title}” and 1 more";
    and_more(title, more) = "“{title}” and {more} more";
    quoted(title) = "“{title}”";
    about(title) = "It is about “{title}”.";

    to_pay = "To pay";
    pay_by = "Pay by";
    answer_by = "Answer by";
    amount = "Amount";
    paid = "Paid";
    price = "Price";
    refunded = "Refunded";
    you_receive = "You receive";
    the_buyer_pays = "The buyer pays";
    quantity = "Quantity";
    ends = "Ends";
    current_price = "Current price";
    seller = "Seller";
    buyer = "Buyer";
    order = "Order";
    reason = "Reason";

    view_order = "View order";
    view_auction = "View auction";
    view_checkout = "View checkout";
    open_listing = "Open the listing";

    list_again = "You can list it again.";
    end_may_move = "The end may move: a bid in the last minutes extends the auction.";
    pay_amount_by(amount, by) = "Please pay {amount} by {by}.";
    receive_once_paid(amount) = "You receive {amount} once the buyer has paid.";

    because_buyer = "You are receiving this email because you trade for the organisation that ordered this.";
    because_seller = "You are receiving this email because you trade for the organisation that sells this.";
    because_bidder = "You are receiving this email because you trade for an organisation that bid on this.";
    because_owner = "You are receiving this email because you are an owner of this organisation.";

    unsubscribe = "Unsubscribe";
    unsubscribe_from(category) = "You can stop emails about {category}; all others go on.";
    category_auction_reminders = "auctions that end soon";
    category_watches = "what you watch";
    category_saved_searches = "your saved searches";
    category_stock = "your stock";
    category_reports = "regular reports";
    category_reviews = "reviews";
} }
