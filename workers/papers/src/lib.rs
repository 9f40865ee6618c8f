//! Makes the papers that go out of a marketplace: reports, invoices, waste movement documents, labels.
//!
//! Everything here is pure: plain data in, the bytes of a PDF out; no database, no network, no clock. The same input makes the same
//! bytes. Every paper is PDF/A-3b and PDF/UA-1: its fonts are embedded, and programs that read it aloud find headings, tables with header
//! cells and the text of every figure.
//!
//! | | |
//! |---|---|
//! | [`document`] | pages made of blocks, such as reports |
//! | [`invoice`] | invoices and credit notes as Factur-X |
//! | [`movement`] | waste movement documents |
//! | [`label`] | shipping labels |
//! | [`slip`] | picking lists and release passes |
//! | [`fonts`] | what text is set in |
//!
//! Memory: a paper takes what its text takes, set and written; rows beyond [`document::MAX_ROWS`] are counted and
//! not kept.
//!
//! A package of its own, beside `pictures`: what shapes text and writes files takes a while to compile, and only one worker needs it.
//!
//! How to get this wrong: draw outside a mark (the file then claims to be readable aloud and is not); put what people wrote into one
//! text with our own words (the two directions mix: give it a cell or a line of its own).

pub mod code;
pub mod document;
pub mod fonts;
pub mod invoice;
pub mod label;
pub mod movement;
pub mod slip;

mod axis;
mod chart;
mod flow;
mod look;
mod sheet;
mod table;
mod text;

// The samples name the crate as the example does, which shares them.
#[cfg(test)]
extern crate self as papers;
#[cfg(test)]
mod tests;

/// A finished paper.
#[derive(Clone, Debug)]
pub struct Paper {
    /// The PDF.
    pub bytes: Vec<u8>,
    pub pages: usize,
    /// Characters that no font has. The paper shows U+FFFD in their place.
    pub missing: Vec<char>,
}

/// Why a paper cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PaperError {
    #[error("a font cannot be embedded")]
    Font,
    #[error("the file cannot be written: {0}")]
    Write(String),
    #[error("the code cannot be drawn: {0}")]
    Code(String),
    #[error(transparent)]
    Invoice(#[from] invoice::InvoiceError),
    #[error("{0} is not a colour, size or number that can be drawn")]
    Shape(&'static str),
    #[error("nobody waits for the paper any more")]
    Unwanted,
}
