//! Offers and counter-offers. An offer of terms is a „Preisvorschlag“: „Angebot“ is the listing.

translated! { German says Offers {
    because_offer = "Sie erhalten diese E-Mail, weil Sie für eine Seite dieses Preisvorschlags handeln.";
    offer_preview(price, quantity) = "{price} pro Stück bei einer Menge von {quantity}.";
    offer_price = "Preis pro Stück";
    offer_answer = "Antworten";
    offer_open = "Preisvorschlag öffnen";
    offer_note = "Bis eine Seite annimmt, ist nichts reserviert.";

    offer_received_subject(title) = "Ein Preisvorschlag für {title}";
    offer_received_heading = "Sie haben einen Preisvorschlag";
    offer_received_text(other) = "{other} hat Ihnen einen Preisvorschlag gemacht.";

    offer_countered_subject(title) = "Andere Bedingungen für {title}";
    offer_countered_heading = "Es gibt andere Bedingungen";
    offer_countered_text(other) = "{other} hat auf Ihren Preisvorschlag mit anderen Bedingungen geantwortet.";

    offer_declined_subject(title) = "Abgelehnt: Ihr Preisvorschlag für {title}";
    offer_declined_heading = "Ihr Preisvorschlag wurde abgelehnt";
    offer_declined_text(other) = "{other} hat Ihren Preisvorschlag abgelehnt. Sie können einen anderen machen.";

    offer_withdrawn_subject(title) = "Zurückgezogen: der Preisvorschlag für {title}";
    offer_withdrawn_heading = "Der Preisvorschlag wurde zurückgezogen";
    offer_withdrawn_text(other) = "{other} hat den Preisvorschlag zurückgezogen, bevor Sie geantwortet haben.";

    offer_expired_subject(title) = "Verfallen: der Preisvorschlag für {title}";
    offer_expired_heading = "Der Preisvorschlag ist verfallen";
    offer_expired_text(other) = "Niemand hat rechtzeitig geantwortet. Die andere Seite war {other}.";

    agreed_subject(title) = "Vereinbart: {title}";
    agreed_heading = "Der Preisvorschlag ist angenommen";
    agreed_buyer(title, other) = "„{title}“ gehört Ihnen. {other} bereitet die Übergabe vor, sobald Sie bezahlt haben.";
    agreed_seller(title, other) = "„{title}“ ist an {other} verkauft. Bitte geben Sie nichts heraus, bevor die Zahlung eingegangen ist.";
} }
