//! Returns that nobody goes on with.

mod lapse_return;
mod sweep_returns;
#[cfg(test)]
mod tests;
