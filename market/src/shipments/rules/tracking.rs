//! Tracking numbers: 80 random bits in Crockford's base 32, and a check character.

/// The digits: no I, L, O and U, which are mistaken for others.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const PREFIX: &str = "TY";
/// As the OpenAPI document and the database say it.
pub const PATTERN: &str = "^TY[0-9A-HJKMNP-TV-Z]{17}$";

/// The number of these random bytes.
#[must_use]
pub fn number(random: [u8; 10]) -> String {
    let bits = random.iter().fold(0_u128, |bits, byte| (bits << 8) | u128::from(*byte));
    let values: Vec<u8> = (0..16).rev().map(|place| ((bits >> (5 * place)) & 31).to_le_bytes()[0]).collect();
    let digits = values.iter().copied().chain([check(&values)]);
    PREFIX.chars().chain(digits.map(|value| char::from(DIGITS[usize::from(value & 31)]))).collect()
}

/// Whether it is one, with the right check character.
#[must_use]
pub fn is_valid(text: &str) -> bool {
    let Some(digits) = text.strip_prefix(PREFIX).filter(|digits| digits.len() == 17) else { return false };
    let value = |digit: u8| DIGITS.iter().zip(0_u8..).find(|(known, _)| **known == digit).map(|(_, value)| value);
    let Some(values) = digits.bytes().map(value).collect::<Option<Vec<u8>>>() else { return false };
    values.split_last().is_some_and(|(last, rest)| check(rest) == *last)
}

/// Luhn's check character to the base of 32: it shows every single wrong character and nearly every swap of two neighbours.
/// (Crockford's own has five symbols more, which references in the event log cannot have.)
fn check(values: &[u8]) -> u8 {
    let sum = values.iter().rev().zip([2_u8, 1].into_iter().cycle()).fold(0_u8, |sum, (value, factor)| {
        let product = value * factor;
        (sum + product / 32 + product % 32) % 32
    });
    (32 - sum) % 32
}

#[cfg(test)]
mod tests;
