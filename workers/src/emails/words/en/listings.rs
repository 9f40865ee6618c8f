//! Listings, who watches them, saved searches, and stock.

english! { Listings {
    because_lists = "You are receiving this email because you trade for the organisation that listed this.";
    because_watches = "You are receiving this email because you watch this listing.";
    because_keeps = "You are receiving this email because you trade for the organisation that keeps this.";

    listing_suspended_subject(title) = "Your listing is suspended: {title}";
    listing_suspended_preview = "Nobody else sees it for now. Here is why.";
    listing_suspended_heading = "Your listing is suspended";
    listing_suspended_text(title) = "We have taken {title} off the marketplace. The reason, as our team wrote it:";
    listing_suspended_auction = "Its auction goes on in time but takes no bids. If it ends before the listing is back, it is cancelled.";

    listing_back_subject(title) = "Your listing is back: {title}";
    listing_back_preview = "Everybody sees it again.";
    listing_back_heading = "Your listing is back";
    listing_back_text(title) = "{title} is shown to everybody again. If it is in an auction, that takes bids again.";

    listing_published_subject(title) = "Your listing is published: {title}";
    listing_published_preview = "Everybody sees it now.";
    listing_published_heading = "Your listing is published";
    listing_published_text(title) = "We have looked at {title}. Everybody sees it now.";

    listing_refused_subject(title) = "Your listing needs a change: {title}";
    listing_refused_preview = "We could not publish it yet. Here is why.";
    listing_refused_heading = "Your listing needs a change";
    listing_refused_text(title) = "We have looked at {title} and could not publish it. It is a draft again. The reason, as our team wrote it:";
    listing_refused_action = "Open the draft";
    listing_refused_note = "Change what is named, then publish it again.";

    inquiry_subject(title) = "A question about {title}";
    inquiry_preview(org) = "{org} asks about your listing.";
    inquiry_heading = "You have a question";
    inquiry_text(org, title) = "{org} asks about “{title}”:";

    price_fell_subject(now, title) = "Now {now}: {title}";
    price_fell_preview(was) = "It was {was}.";
    price_fell_heading = "The price has fallen";
    price_fell_text(title) = "“{title}”, which you watch, costs less now.";
    price_now = "Price now";
    price_before = "Price before";

    relisted_subject(title) = "On offer again: {title}";
    relisted_preview = "What you watched is listed again.";
    relisted_heading = "It is on offer again";
    relisted_text(title) = "“{title}”, which you watched, is listed again. You watch the new listing now.";

    digest_subject(new, name) = "{new}: {name}";
    digest_one = "1 new match";
    digest_several(count) = "{count} new matches";
    digest_preview(count) = "{count} listings that you have not seen yet.";
    digest_text(name) = "Your search “{name}” has found:";
    digest_more(count) = "And {count} more.";
    digest_action = "Open the newest";
    digest_note = "We write at most once a day about each search.";
    digest_reason = "You are receiving this email because you have saved this search and asked for alerts.";

    stock_low_subject(title) = "Running low: {title}";
    stock_preview(count, site) = "{count} on hand at {site}.";
    stock_low_heading = "Your stock is running low";
    stock_low_text(title, site) = "There is little left of {title} at {site}.";
    stock_low_note = "We write again when it has recovered.";
    stock_recovered_subject(title) = "No longer low: {title}";
    stock_recovered_heading = "Your stock has recovered";
    stock_recovered_text(title, site) = "There is enough of {title} at {site} again.";
    stock_on_hand = "On hand";
    stock_low_at = "Low at";
    stock_action = "Open the stock";
} }
