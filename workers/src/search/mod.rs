//! Finding listings: what is written beside them to search by, and searches that people keep.

mod convert_prices;
mod match_saved;
