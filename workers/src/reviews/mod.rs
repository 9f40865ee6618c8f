//! Reviews that are asked for, and those whose time has come.

mod ask_reviews;
mod show_reviews;
mod sweep_reviews;
#[cfg(test)]
mod tests;
