//! EPCIS 2.0 (GS1): what trading partners report about goods, taken in, kept and found in the standard's own form.
//!
//! An event is judged by itself ([`judge`]), gets the standard's hash as its id when it has none, and is kept word for
//! word but for its context and two words that have several forms. What speaks of one shipment also goes to the log of
//! [`crate::cargo`], and what that log holds can be read as EPCIS ([`shipments`]).

pub mod model;
mod rules;
pub mod store;

pub use rules::document::{Document, NAMESPACE, answer, collection};
pub use rules::epc::canonical;
pub use rules::judge::judge;
pub use rules::query::{BadParameter, NEXT_PAGE, PARAMETERS, PER_PAGE, Resource, below, query};
pub use rules::shipments;
