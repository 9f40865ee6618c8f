//! Finding listings: what is written beside them to search by, and searches that people keep.

mod convert_prices;
pub mod mail;
mod match_saved;

pub use convert_prices::ConvertPrices;
pub use match_saved::MatchSaved;
