//! Invoices and credit notes, and proofs of exports.

english! { Invoices {
    invoice_subject(reference, goods) = "Invoice {reference}: {goods}";
    invoice_heading(reference) = "Invoice {reference}";
    invoice_text(seller, goods) = "{seller} has issued the invoice for {goods}.";
    invoice_anew_text(seller, goods) = "{seller} has issued a new invoice for {goods}, in the place of an earlier one. There is nothing more to pay.";
    invoice_amount = "Amount";

    credit_note_subject(reference, goods) = "Credit note {reference}: {goods}";
    credit_note_heading(reference) = "Credit note {reference}";
    credit_note_text(seller, goods) = "{seller} has issued a credit note for {goods}.";
    credit_note_anew_text(seller, goods) = "{seller} has cancelled an invoice for {goods} by a credit note, and a new invoice takes its place. No money is paid back.";
    credit_note_amount = "Amount credited";

    document_preview(amount, seller) = "{amount}, from {seller}.";
    document_number = "Number";
    document_from = "From";
    document_action = "Download PDF";
    document_note(until) = "The link works until {until}; after that the document is found with your order. Anyone who has the link can download it.";

    export_proof_heading = "Please prove that the goods have left the EU";
    export_proof_subject(goods) = "Proof of export missing: {goods}";
    export_proof_text(goods, day) = "You sold {goods} without VAT, as an export. We have no proof yet that the goods have left the European Union. Please hand it in by {day}; otherwise VAT is charged on this sale.";
    export_taxed_subject(goods) = "VAT charged without proof of export: {goods}";
    export_taxed_text(goods, day) = "You sold {goods} without VAT, as an export, and we had no proof by {day} that the goods have left the European Union. The invoice has been cancelled by a credit note, and a new one includes VAT. The buyer pays nothing more: the tax is part of the price.";
    export_proof_due = "Proof due by";
    export_tax = "VAT included";
    export_proof_note = "With your order, enter the number of the customs declaration (MRN) and the day on which the goods left, and add the confirmation of exit. If it comes later, the sale is invoiced without VAT again.";
} }
