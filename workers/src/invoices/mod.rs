//! Invoices and credit notes: what was issued becomes a PDF with the same document as XML (Factur-X) in the blob store. And exports that
//! nobody proves, whose sellers are reminded before they are taxed.
//!
//! A document is printed from its own rows alone, which never change: the same bytes, whenever and however often. Where the standard
//! demands what nobody has stated, such as the seller's VAT number, the paper is printed for people alone and says so.
//!
//! How to get this wrong: print what the organisations are called today; take the time of printing into the file.

mod paper;
mod remind_exports;
mod render_invoice;
mod sweep_invoices;
mod tax_exports;

#[cfg(test)]
mod tests;
