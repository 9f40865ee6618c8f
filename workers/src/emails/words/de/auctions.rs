//! Auctions, and what follows from them.

translated! { German says Auctions {
    outbid_subject(title) = "Sie wurden überboten: {title}";
    outbid_preview(price) = "Der Preis liegt jetzt bei {price}. Sie können noch gewinnen.";
    outbid_heading = "Sie wurden überboten";
    outbid_text(title) = "Bei „{title}“ liegt jetzt ein anderer Bieter vorn. Bis zum Ende der Auktion können Sie erneut bieten.";
    outbid_minimum = "Nächstes Mindestgebot";
    outbid_action = "Erneut bieten";
    outbid_reason = "Sie erhalten diese E-Mail, weil Sie in dieser Auktion geboten haben.";

    won_subject(title) = "Sie haben gewonnen: {title}";
    won_heading = "Sie haben die Auktion gewonnen";
    won_text(title) = "Herzlichen Glückwunsch: „{title}“ gehört Ihnen. Der Verkäufer bereitet die Übergabe vor, sobald Sie bezahlt haben.";
    won_reason = "Sie erhalten diese E-Mail, weil Sie diese Auktion gewonnen haben.";

    sold_subject(amount, title) = "Verkauft für {amount}: {title}";
    sold_heading = "Ihr Los ist verkauft";
    sold_text(title) = "„{title}“ hat einen Käufer. Wir sagen Ihnen Bescheid, sobald die Zahlung eingegangen ist; bitte geben Sie vorher nichts heraus.";
    sold_fee = "Unsere Gebühr";
    sold_reason = "Sie erhalten diese E-Mail, weil Ihr Unternehmen dieses Los verkauft hat.";

    unsold_subject(title) = "Nicht verkauft: {title}";
    unsold_preview = "Es gab keine Gebote.";
    unsold_heading = "Ihr Los wurde nicht verkauft";
    unsold_text(title) = "Die Auktion von „{title}“ ist ohne Verkauf zu Ende gegangen. Es gab keine Gebote.";
    unsold_again = "Sie können den Artikel erneut anbieten, vielleicht mit einem niedrigeren Start- oder Mindestpreis.";
    unsold_reason = "Sie erhalten diese E-Mail, weil Ihr Unternehmen dieses Los angeboten hat.";

    ending_subject(title) = "Endet bald: {title}";
    ending_preview(standing, price) = "{standing} Der Preis liegt bei {price}.";
    ending_heading = "Diese Auktion endet bald";
    ending_text(title, standing) = "Die Auktion von „{title}“ geht zu Ende. {standing}";
    ending_leading = "Sie sind der Höchstbietende.";
    ending_not_leading = "Sie sind nicht der Höchstbietende.";
    ending_watching = "Sie beobachten sie.";
    ending_bid = "Sie haben mitgeboten.";
    ending_reason = "Sie erhalten diese E-Mail, weil Sie in dieser Auktion geboten haben oder sie beobachten.";

    winning_subject(title) = "Sie liegen vorn: {title}";
    winning_below_subject(title) = "Sie liegen vorn, unter dem Mindestpreis: {title}";
    winning_preview(price) = "Ihr Gebot ist das höchste. Der Preis liegt bei {price}.";
    winning_heading = "Sie sind der Höchstbietende";
    winning_text(title) = "Die Auktion von „{title}“ geht zu Ende, und Sie liegen vorn.";
    winning_again(title) = "Ein höheres Gebot auf „{title}“ wurde zurückgenommen, deshalb liegen Sie wieder vorn. Sie sind wie zuvor an Ihr Gebot gebunden.";
    winning_outlook = "Wenn Sie bis zum Ende niemand überbietet, gewinnen Sie das Los zum aktuellen Preis.";
    winning_below_outlook = "Der Mindestpreis des Verkäufers ist nicht erreicht. Bleibt es bis zum Ende dabei, entscheidet der Verkäufer über Ihr Gebot. Bis dahin können Sie Ihr Höchstgebot erhöhen.";

    default_subject(title) = "Nicht rechtzeitig bezahlt: „{title}“";
    default_heading = "Der Verkauf ist hinfällig";
    default_buyer(title) = "Ihre Zahlung für „{title}“ ist nicht rechtzeitig eingegangen, deshalb ist der Verkauf hinfällig. Das zählt als Verstoß Ihres Unternehmens.";
    default_barred(until) = "Es ist der dritte innerhalb von 90 Tagen: Ihr Unternehmen kann bis {until} nicht bieten.";
    default_limited(most) = "Es ist nicht der erste innerhalb von 90 Tagen: Ihr Unternehmen kann in höchstens {most} laufenden Auktionen zugleich bieten.";
    default_appeal = "Wenn Sie das nicht zu verantworten haben, legen Sie Einspruch ein; wir prüfen ihn.";
    default_seller(title) = "Der Käufer von „{title}“ hat nicht rechtzeitig bezahlt, deshalb ist der Verkauf hinfällig.";
    default_next(until) = "Wir haben das Los bis {until} dem nächsten Bieter angeboten.";

    chance_subject(title) = "Eine zweite Chance: „{title}“";
    chance_preview(until) = "Sie können das Los bis {until} zu Ihrem eigenen Gebot haben.";
    chance_heading = "Sie können es noch haben";
    chance_text(title) = "„{title}“ ist wieder verfügbar, und Sie waren der nächste Bieter. Sie können das Los zu dem Preis haben, den Sie geboten haben; Sie müssen es nicht nehmen.";
    chance_your_bid = "Ihr Gebot";

    lapsed_subject(title) = "Nicht genommen: „{title}“";
    lapsed_heading = "Der nächste Bieter hat es nicht genommen";
    lapsed_text(title) = "Der Bieter, dem „{title}“ angeboten wurde, hat das Los nicht genommen.";
    lapsed_next(until) = "Wir haben es bis {until} dem Bieter danach angeboten.";

    approval_subject_seller(title) = "Ihre Entscheidung: „{title}“";
    approval_subject_buyer(title) = "Der Verkäufer entscheidet: „{title}“";
    approval_heading = "Das Höchstgebot liegt unter dem Mindestpreis";
    approval_seller(until) = "Das Höchstgebot liegt unter Ihrem Mindestpreis. Nehmen Sie es bis {until} an, lehnen Sie es ab oder nennen Sie einen anderen Betrag.";
    approval_seller_note = "Wenn Sie nicht antworten, ist das Los nicht verkauft. Bis dahin bleibt der Bestand reserviert.";
    approval_buyer(until) = "Ihr Gebot ist das höchste, liegt aber unter dem Mindestpreis des Verkäufers. Der Verkäufer entscheidet bis {until} darüber.";
    approval_buyer_note = "Sie müssen nichts tun. Bis dahin sind Sie an Ihr Gebot gebunden.";
    approval_highest_bid = "Höchstgebot";
    approval_asked = "Der Verkäufer möchte";

    counter_subject(title) = "Ein anderer Betrag: „{title}“";
    counter_heading = "Der Verkäufer möchte mehr";
    counter_text(until) = "Der Verkäufer nimmt Ihr Gebot nicht an, aber Sie können das Los bis {until} für einen anderen Betrag haben.";
    counter_note = "Sie müssen nicht: Wenn Sie nicht antworten, wird nichts verkauft.";

    approval_ended_subject(title) = "Nicht verkauft: „{title}“";
    approval_ended_heading = "Das Los ist nicht verkauft";
    approval_declined_buyer = "Der Verkäufer nimmt Ihr Gebot nicht an.";
    approval_declined_seller = "Der Bieter möchte das Los nicht für den Betrag, den Sie genannt haben.";
    approval_late_you = "Sie haben nicht rechtzeitig geantwortet.";
    approval_late_seller = "Der Verkäufer hat nicht rechtzeitig geantwortet.";
    approval_late_bidder = "Der Bieter hat nicht rechtzeitig geantwortet.";

    bidder_approved_subject(title) = "Sie können bieten: {title}";
    bidder_approved_heading = "Sie können bieten";
    bidder_approved_text(title) = "Der Verkäufer hat Ihr Unternehmen als Bieter für die Auktion „{title}“ zugelassen.";
    bidder_limit = "Ihr Limit";
    bidder_limit_note = "Es gilt für alle Lose zusammen. Solange Sie bei einem Los führen, ist Ihr Höchstgebot samt Aufgeld reserviert. Was Sie ersteigern, bleibt reserviert.";
    bidder_action = "Auktion öffnen";
    bidder_refused_subject(title) = "Ihre Anmeldung wurde abgelehnt: {title}";
    bidder_refused_heading = "Sie können bei dieser Auktion nicht mitbieten";
    bidder_refused_text(title) = "Der Verkäufer hat die Anmeldung Ihres Unternehmens für die Auktion „{title}“ abgelehnt.";
    bids_lapsed_subject(title) = "Ihre Gebote gelten nicht mehr: {title}";
    bids_lapsed_heading = "Ihr Limit reicht für dieses Los nicht mehr";
    bids_lapsed_text(title) = "Ein höheres Gebot auf „{title}“ wurde zurückgenommen, und Sie hätten wieder geführt. Ihr Limit ist inzwischen für andere Lose reserviert, deshalb gelten Ihre Gebote auf dieses nicht mehr.";
    bids_lapsed_note = "Sie können wieder bieten, soweit Ihr Limit reicht, zum Beispiel wenn Sie bei einem anderen Los überboten wurden.";
    sale_event_cancelled_subject(title) = "Abgesagt: {title}";
    sale_event_cancelled_heading = "Die Auktion ist abgesagt";
    sale_event_cancelled_text(title) = "Der Verkäufer hat die Auktion „{title}“ abgesagt, für die sich Ihr Unternehmen angemeldet hat. Keines ihrer Lose wird verkauft.";
    bidder_reason = "Sie erhalten diese E-Mail, weil Sie für das Unternehmen handeln, das sich zu dieser Auktion angemeldet hat.";
} }
