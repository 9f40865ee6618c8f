//! Words that many mails share.

translated! { German says Common {
    hello = "Guten Tag,";
    hello_to(name) = "Guten Tag {name},";
    and_one_more(title) = "„{title}“ (und 1 weitere Position)";
    and_more(title, more) = "„{title}“ (und {more} weitere Positionen)";
    quoted(title) = "„{title}“";
    about(title) = "Es geht um „{title}“.";

    to_pay = "Zu zahlen";
    pay_by = "Zahlbar bis";
    answer_by = "Antwort bis";
    amount = "Betrag";
    paid = "Bezahlt";
    price = "Preis";
    refunded = "Erstattet";
    you_receive = "Sie erhalten";
    the_buyer_pays = "Der Käufer zahlt";
    quantity = "Menge";
    ends = "Ende";
    current_price = "Aktueller Preis";
    seller = "Verkäufer";
    buyer = "Käufer";
    order = "Bestellung";
    reason = "Grund";

    view_order = "Bestellung ansehen";
    view_auction = "Auktion ansehen";
    view_checkout = "Zur Zahlung";
    open_listing = "Angebot öffnen";

    list_again = "Sie können den Artikel erneut anbieten.";
    end_may_move = "Das Ende kann sich verschieben: Ein Gebot in den letzten Minuten verlängert die Auktion.";
    pay_amount_by(amount, by) = "Bitte zahlen Sie {amount} bis {by}.";
    receive_once_paid(amount) = "Sie erhalten {amount}, sobald der Käufer bezahlt hat.";

    because_buyer = "Sie erhalten diese E-Mail, weil Sie für das Unternehmen handeln, das dies bestellt hat.";
    because_seller = "Sie erhalten diese E-Mail, weil Sie für das Unternehmen handeln, das dies verkauft.";
    because_bidder = "Sie erhalten diese E-Mail, weil Sie für ein Unternehmen handeln, das hier geboten hat.";
    because_owner = "Sie erhalten diese E-Mail, weil Sie Inhaber dieses Unternehmens sind.";

    unsubscribe = "Abbestellen";
    unsubscribe_from(category) = "Sie können E-Mails über {category} abbestellen; alle anderen erhalten Sie weiter.";
    category_auction_reminders = "bald endende Auktionen";
    category_watches = "beobachtete Angebote";
    category_saved_searches = "Ihre gespeicherten Suchen";
    category_stock = "Ihren Bestand";
    category_reports = "regelmäßige Berichte";
    category_reviews = "Bewertungen";
} }
