//! Invoices and credit notes.

english! { Invoices {
    invoice_subject(reference, goods) = "Invoice {reference}: {goods}";
    invoice_heading(reference) = "Invoice {reference}";
    invoice_text(seller, goods) = "{seller} has issued the invoice for {goods}.";
    invoice_amount = "Amount";

    credit_note_subject(reference, goods) = "Credit note {reference}: {goods}";
    credit_note_heading(reference) = "Credit note {reference}";
    credit_note_text(seller, goods) = "{seller} has issued a credit note for {goods}.";
    credit_note_amount = "Amount credited";

    document_preview(amount, seller) = "{amount}, from {seller}.";
    document_number = "Number";
    document_from = "From";
    document_action = "Download PDF";
    document_note(until) = "The link works until {until}; after that the document is found with your order. Anyone who has the link can download it.";
} }
