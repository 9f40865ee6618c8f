//! Money: the exchange rates of each day.

mod eurofxref;
mod rates_file;
mod refresh_rates;

pub use rates_file::RatesFile;
