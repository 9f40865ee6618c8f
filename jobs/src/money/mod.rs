//! Money: the exchange rates of each day.

mod refresh_rates;

pub use refresh_rates::RefreshRates;
