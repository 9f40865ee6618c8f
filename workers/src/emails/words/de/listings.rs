//! Listings, who watches them, saved searches, and stock.

translated! { German says Listings {
    because_lists = "Sie erhalten diese E-Mail, weil Sie für das Unternehmen handeln, das dies anbietet.";
    because_watches = "Sie erhalten diese E-Mail, weil Sie dieses Angebot beobachten.";
    because_keeps = "Sie erhalten diese E-Mail, weil Sie für das Unternehmen handeln, dem dieser Bestand gehört.";

    listing_suspended_subject(title) = "Ihr Angebot ist gesperrt: {title}";
    listing_suspended_preview = "Vorerst sieht es niemand sonst. Hier steht, warum.";
    listing_suspended_heading = "Ihr Angebot ist gesperrt";
    listing_suspended_text(title) = "Wir haben {title} vom Marktplatz genommen. Die Begründung unseres Teams im Wortlaut:";
    listing_suspended_auction = "Die Zeit der Auktion läuft weiter, Gebote nimmt sie nicht an. Wenn sie endet, bevor das Angebot wieder sichtbar ist, wird sie abgebrochen.";

    listing_back_subject(title) = "Ihr Angebot ist wieder da: {title}";
    listing_back_preview = "Alle sehen es wieder.";
    listing_back_heading = "Ihr Angebot ist wieder da";
    listing_back_text(title) = "{title} wird allen wieder angezeigt. Wenn dazu eine Auktion läuft, nimmt sie wieder Gebote an.";

    listing_published_subject(title) = "Ihr Angebot ist veröffentlicht: {title}";
    listing_published_preview = "Alle sehen es jetzt.";
    listing_published_heading = "Ihr Angebot ist veröffentlicht";
    listing_published_text(title) = "Wir haben {title} geprüft. Alle sehen das Angebot jetzt.";

    listing_refused_subject(title) = "Bitte ändern Sie Ihr Angebot: {title}";
    listing_refused_preview = "Wir konnten es noch nicht veröffentlichen. Hier steht, warum.";
    listing_refused_heading = "Bitte ändern Sie Ihr Angebot";
    listing_refused_text(title) = "Wir haben {title} geprüft und konnten das Angebot nicht veröffentlichen. Es ist wieder ein Entwurf. Die Begründung unseres Teams im Wortlaut:";
    listing_refused_action = "Entwurf öffnen";
    listing_refused_note = "Ändern Sie, was dort genannt ist, und veröffentlichen Sie das Angebot dann erneut.";

    inquiry_subject(title) = "Eine Frage zu {title}";
    inquiry_preview(org) = "{org} hat eine Frage zu Ihrem Angebot.";
    inquiry_heading = "Sie haben eine Anfrage";
    inquiry_text(org, title) = "{org} fragt zu „{title}“:";

    price_fell_subject(now, title) = "Jetzt {now}: {title}";
    price_fell_preview(was) = "Vorher waren es {was}.";
    price_fell_heading = "Der Preis ist gesunken";
    price_fell_text(title) = "„{title}“ auf Ihrer Beobachtungsliste kostet jetzt weniger.";
    price_now = "Preis jetzt";
    price_before = "Preis vorher";

    relisted_subject(title) = "Wieder im Angebot: {title}";
    relisted_preview = "Was Sie beobachtet haben, wird wieder angeboten.";
    relisted_heading = "Es ist wieder im Angebot";
    relisted_text(title) = "„{title}“ von Ihrer Beobachtungsliste wird wieder angeboten. Sie beobachten jetzt das neue Angebot.";

    digest_subject(new, name) = "{new}: {name}";
    digest_one = "1 neuer Treffer";
    digest_several(count) = "{count} neue Treffer";
    digest_preview(count) = "{count} Angebote, die Sie noch nicht gesehen haben.";
    digest_text(name) = "Ihre Suche „{name}“ hat gefunden:";
    digest_more(count) = "Und {count} weitere.";
    digest_action = "Neuestes Angebot öffnen";
    digest_note = "Wir schreiben Ihnen zu jeder Suche höchstens einmal am Tag.";
    digest_reason = "Sie erhalten diese E-Mail, weil Sie diese Suche gespeichert und Benachrichtigungen dazu eingeschaltet haben.";

    stock_low_subject(title) = "Wird knapp: {title}";
    stock_preview(count, site) = "{count} vorrätig am Standort {site}.";
    stock_low_heading = "Ihr Bestand wird knapp";
    stock_low_text(title, site) = "Von {title} ist am Standort {site} nur noch wenig da.";
    stock_low_note = "Wir schreiben Ihnen wieder, wenn sich der Bestand erholt hat.";
    stock_recovered_subject(title) = "Nicht mehr knapp: {title}";
    stock_recovered_heading = "Ihr Bestand hat sich erholt";
    stock_recovered_text(title, site) = "Von {title} ist am Standort {site} wieder genug da.";
    stock_on_hand = "Vorrätig";
    stock_low_at = "Knapp ab";
    stock_action = "Bestand öffnen";
} }
