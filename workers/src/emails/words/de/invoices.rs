//! Invoices and credit notes.

translated! { German says Invoices {
    invoice_subject(reference, goods) = "Rechnung {reference}: {goods}";
    invoice_heading(reference) = "Rechnung {reference}";
    invoice_text(seller, goods) = "{seller} hat die Rechnung für {goods} ausgestellt.";
    invoice_amount = "Betrag";

    credit_note_subject(reference, goods) = "Gutschrift {reference}: {goods}";
    credit_note_heading(reference) = "Gutschrift {reference}";
    credit_note_text(seller, goods) = "{seller} hat eine Gutschrift für {goods} ausgestellt.";
    credit_note_amount = "Gutgeschrieben";

    document_preview(amount, seller) = "{amount}, von {seller}.";
    document_number = "Nummer";
    document_from = "Von";
    document_action = "PDF herunterladen";
    document_note(until) = "Der Link gilt bis {until}; danach finden Sie das Dokument bei Ihrer Bestellung. Wer den Link hat, kann es herunterladen.";
} }
