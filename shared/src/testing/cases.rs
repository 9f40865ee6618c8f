//! How long model tests play.

/// The most cases that share a database: checks that look at everything in it would become slow.
const AT_ONCE: u32 = 200;

/// How many cases a test plays on each of its databases: `few` in all, or as many as `TEST_CASES` says, which
/// `./dev test --full` sets.
///
/// # Panics
/// When `TEST_CASES` is not a number.
#[expect(clippy::disallowed_methods, clippy::expect_used, reason = "tests have no configuration")]
pub fn cases(few: u32) -> impl Iterator<Item = u32> {
    let asked = std::env::var("TEST_CASES").ok().map(|cases| cases.parse().expect("TEST_CASES is a number"));
    let all: u32 = asked.unwrap_or(few);
    (0..all).step_by(AT_ONCE as usize).map(move |begun| AT_ONCE.min(all - begun))
}

#[cfg(test)]
mod tests;
