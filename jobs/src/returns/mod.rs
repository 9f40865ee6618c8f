//! Returns: what follows from each step, and where nobody acts, time does.

mod act;
mod lapse_return;
pub mod mail;
mod sweep_returns;

pub use act::{ActError, follow, receive, request};
pub use lapse_return::LapseReturn;
pub use sweep_returns::SweepReturns;
