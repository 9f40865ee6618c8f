//! Reviews: both sides are asked for one, and what was written is shown.

mod act;
mod ask_reviews;
pub mod mail;
mod show_reviews;
mod sweep_reviews;

pub use act::{ActError, write};
pub use ask_reviews::AskReviews;
pub use show_reviews::ShowReviews;
pub use sweep_reviews::SweepReviews;
