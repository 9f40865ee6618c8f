//! Finding listings: what is written beside them to search by.

mod convert_prices;
