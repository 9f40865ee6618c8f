//! Invoices and credit notes, and proofs of exports.

translated! { German says Invoices {
    invoice_subject(reference, goods) = "Rechnung {reference}: {goods}";
    invoice_heading(reference) = "Rechnung {reference}";
    invoice_text(seller, goods) = "{seller} hat die Rechnung für {goods} ausgestellt.";
    invoice_anew_text(seller, goods) = "{seller} hat für {goods} eine neue Rechnung ausgestellt; sie ersetzt eine frühere. Sie müssen nichts nachzahlen.";
    invoice_amount = "Betrag";

    credit_note_subject(reference, goods) = "Gutschrift {reference}: {goods}";
    credit_note_heading(reference) = "Gutschrift {reference}";
    credit_note_text(seller, goods) = "{seller} hat eine Gutschrift für {goods} ausgestellt.";
    credit_note_anew_text(seller, goods) = "{seller} hat eine Rechnung für {goods} durch eine Gutschrift storniert; eine neue Rechnung ersetzt sie. Es wird kein Geld zurückgezahlt.";
    credit_note_amount = "Gutgeschrieben";

    document_preview(amount, seller) = "{amount}, von {seller}.";
    document_number = "Nummer";
    document_from = "Von";
    document_action = "PDF herunterladen";
    document_note(until) = "Der Link gilt bis {until}; danach finden Sie das Dokument bei Ihrer Bestellung. Wer den Link hat, kann es herunterladen.";

    export_proof_heading = "Bitte weisen Sie die Ausfuhr nach";
    export_proof_subject(goods) = "Ausfuhrnachweis fehlt: {goods}";
    export_proof_text(goods, day) = "Sie haben {goods} als Ausfuhr ohne Umsatzsteuer verkauft. Uns liegt noch kein Nachweis vor, dass die Ware die Europäische Union verlassen hat. Bitte reichen Sie ihn bis zum {day} ein; sonst wird für diesen Verkauf Umsatzsteuer berechnet.";
    export_taxed_subject(goods) = "Umsatzsteuer berechnet, weil der Ausfuhrnachweis fehlt: {goods}";
    export_taxed_text(goods, day) = "Sie haben {goods} als Ausfuhr ohne Umsatzsteuer verkauft, und bis zum {day} lag uns kein Nachweis vor, dass die Ware die Europäische Union verlassen hat. Die Rechnung wurde durch eine Gutschrift storniert; eine neue weist Umsatzsteuer aus. Der Käufer zahlt nicht mehr: Die Steuer ist im Preis enthalten.";
    export_proof_due = "Nachweis fällig bis";
    export_tax = "Enthaltene Umsatzsteuer";
    export_proof_note = "Tragen Sie bei der Bestellung die Nummer der Ausfuhranmeldung (MRN) und den Tag des Ausgangs ein und fügen Sie den Ausgangsvermerk bei. Kommt er später, wird der Verkauf wieder ohne Umsatzsteuer berechnet.";
} }
