//! Offers that nobody answers.

mod expire_offer;
mod sweep_offers;
#[cfg(test)]
mod tests;
