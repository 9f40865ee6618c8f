//! Whether a VAT number can be one: its form and its check digits, by the rules that each country's administration publishes. That it was
//! given to somebody, only the administration knows.
//!
//! Numbers of the Union's countries, of Northern Ireland (`XI`), Great Britain, Switzerland and Norway are judged. Of Latvia's numbers of
//! persons, the Czech Republic's of nine digits that do not begin with 6, and Britain's of authorities (`GD`, `HA`), which have no check
//! digit, the form alone is judged. Of any other country's numbers nothing is.

mod letters;
mod several;

/// Why no number is like that.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VatFault {
    #[error("expected {0}")]
    Form(&'static str),
    #[error("the check digit should be {0}")]
    CheckDigit(String),
    /// Whatever the check digit were.
    #[error("no such number has a check digit that fits: a digit is wrong")]
    NoCheckDigit,
}

type Judged = Result<(), VatFault>;

/// Judges a number in capitals, without spaces: a country's two letters, and what follows.
pub fn judge(number: &str) -> Judged {
    let Some((country, rest)) = number.split_at_checked(2) else {
        return Err(VatFault::Form("two letters of a country, and its number"));
    };
    match country {
        "AT" => austria(rest),
        "BE" => belgium(rest),
        "BG" => several::bulgaria(rest),
        "CH" => switzerland(rest),
        "CY" => letters::cyprus(rest),
        "CZ" => several::czech_republic(rest),
        "DE" => mod_11_10(&digits(rest, 9, "DE and 9 digits, the first one not 0").and_then(not_zero)?),
        "DK" => {
            eleven(&digits(rest, 8, "DK and 8 digits, the first one not 0").and_then(not_zero)?, &[2, 7, 6, 5, 4, 3, 2])
        }
        "EE" => ten(&digits(rest, 9, "EE and 9 digits")?, &[3, 7, 1, 3, 7, 1, 3, 7]),
        "EL" => greece(rest),
        "GR" => Err(VatFault::Form("EL, not GR, and 9 digits")),
        "ES" => letters::spain(rest),
        "FI" => eleven(&digits(rest, 8, "FI and 8 digits")?, &[7, 9, 10, 5, 8, 4, 2]),
        "FR" => letters::france(rest),
        "GB" | "XI" => several::britain(rest),
        "HR" => mod_11_10(&digits(rest, 11, "HR and 11 digits")?),
        "HU" => ten(&digits(rest, 8, "HU and 8 digits")?, &[9, 7, 3, 1, 9, 7, 3]),
        "IE" => letters::ireland(rest),
        "IT" => {
            let all = digits(rest, 11, "IT and 11 digits")?;
            ends_with(&all, luhn(&all[..10]))
        }
        "LT" => several::lithuania(rest),
        "LU" => luxembourg(rest),
        "LV" => several::latvia(rest),
        "MT" => malta(rest),
        "NL" => several::netherlands(rest),
        "NO" => eleven(
            &digits(rest.strip_suffix("MVA").unwrap_or(rest), 9, "NO and 9 digits, and MVA if you like")?,
            &[3, 2, 7, 6, 5, 4, 3, 2],
        ),
        "PL" => {
            let all = digits(rest, 10, "PL and 10 digits")?;
            ends_with(&all, weighted(&all, &[6, 5, 7, 2, 3, 4, 5, 6, 7]) % 11)
        }
        "PT" => {
            let all = digits(rest, 9, "PT and 9 digits, the first one not 0").and_then(not_zero)?;
            ends_with(&all, complement(weighted(&all, &[9, 8, 7, 6, 5, 4, 3, 2])) % 10)
        }
        "RO" => several::romania(rest),
        "SE" => sweden(rest),
        "SI" => slovenia(rest),
        "SK" => slovakia(rest),
        _ => Ok(()),
    }
}

/// So many digits and nothing else.
fn digits(text: &str, many: usize, form: &'static str) -> Result<Vec<u32>, VatFault> {
    let all = text.chars().map(|c| c.to_digit(10)).collect::<Option<Vec<_>>>();
    all.filter(|all| all.len() == many).ok_or(VatFault::Form(form))
}

/// Refuses a first digit of 0, where no number begins so.
fn not_zero(all: Vec<u32>) -> Result<Vec<u32>, VatFault> {
    if all.first() == Some(&0) { Err(VatFault::Form("a first digit other than 0")) } else { Ok(all) }
}

/// Each digit times its weight, together; digits without a weight do not count.
fn weighted(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

/// What is missing to a multiple of 11.
const fn complement(sum: u32) -> u32 {
    (11 - sum % 11) % 11
}

/// Whether the last digit is the one that it should be. 10 is none.
fn ends_with(digits: &[u32], expected: u32) -> Judged {
    if expected > 9 {
        return Err(VatFault::NoCheckDigit);
    }
    if digits.last() == Some(&expected) { Ok(()) } else { Err(VatFault::CheckDigit(expected.to_string())) }
}

/// Whether the last two digits are what they should be.
fn ends_with_two(digits: &[u32], expected: u32) -> Judged {
    if last_two(digits) == expected { Ok(()) } else { Err(VatFault::CheckDigit(format!("{expected:02}"))) }
}

/// The number that the last two digits are.
fn last_two(digits: &[u32]) -> u32 {
    digits.iter().rev().take(2).rev().fold(0, |number, digit| number * 10 + digit)
}

/// The number that these digits are.
fn number(digits: &[u32]) -> u64 {
    digits.iter().fold(0, |number, digit| number * 10 + u64::from(*digit))
}

/// The remainder of the number that these digits are.
fn remainder(digits: &[u32], modulus: u32) -> u32 {
    digits.iter().fold(0, |rest, digit| (rest * 10 + digit) % modulus)
}

/// The weighted sum and the last digit are a multiple of 11.
fn eleven(digits: &[u32], weights: &[u32]) -> Judged {
    ends_with(digits, complement(weighted(digits, weights)))
}

/// The weighted sum and the last digit are a multiple of 10.
fn ten(digits: &[u32], weights: &[u32]) -> Judged {
    ends_with(digits, (10 - weighted(digits, weights) % 10) % 10)
}

/// ISO/IEC 7064, MOD 11,10.
fn mod_11_10(digits: &[u32]) -> Judged {
    let product = digits[..digits.len() - 1].iter().fold(10, |product, digit| {
        let sum = (digit + product) % 10;
        2 * (if sum == 0 { 10 } else { sum }) % 11
    });
    ends_with(digits, (11 - product) % 10)
}

/// The digit that follows these by Luhn's algorithm.
fn luhn(digits: &[u32]) -> u32 {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| if place.is_multiple_of(2) { twice(*digit) } else { *digit })
        .sum();
    (10 - sum % 10) % 10
}

/// The digits of twice a digit, together.
const fn twice(digit: u32) -> u32 {
    digit / 5 + digit * 2 % 10
}

fn austria(rest: &str) -> Judged {
    let form = "ATU and 8 digits";
    let all = digits(rest.strip_prefix('U').ok_or(VatFault::Form(form))?, 8, form)?;
    let sum: u32 = all[..7]
        .iter()
        .enumerate()
        .map(|(place, digit)| if place.is_multiple_of(2) { *digit } else { twice(*digit) })
        .sum();
    ends_with(&all, (10 - (sum + 4) % 10) % 10)
}

fn belgium(rest: &str) -> Judged {
    let form = "BE and 10 digits, the first one 0 or 1";
    let all = digits(rest, 10, form)?;
    if all[0] > 1 {
        return Err(VatFault::Form(form));
    }
    ends_with_two(&all, 97 - remainder(&all[..8], 97))
}

fn switzerland(rest: &str) -> Judged {
    let form = "CHE and 9 digits, and TVA or IVA if you like; MWST is left out";
    let rest = rest.strip_prefix('E').ok_or(VatFault::Form(form))?;
    let suffix = ["TVA", "IVA", "VAT", "MWST"].into_iter().find_map(|suffix| rest.strip_suffix(suffix));
    eleven(&digits(suffix.unwrap_or(rest), 9, form)?, &[5, 4, 3, 2, 7, 6, 5, 4])
}

fn greece(rest: &str) -> Judged {
    let all = digits(rest, 9, "EL and 9 digits")?;
    let sum = all[..8].iter().fold(0, |sum, digit| sum * 2 + digit);
    ends_with(&all, sum * 2 % 11 % 10)
}

fn luxembourg(rest: &str) -> Judged {
    let all = digits(rest, 8, "LU and 8 digits")?;
    ends_with_two(&all, remainder(&all[..6], 89))
}

fn malta(rest: &str) -> Judged {
    let all = digits(rest, 8, "MT and 8 digits")?;
    let sum = weighted(&all, &[3, 4, 6, 7, 8, 9]);
    if (sum + last_two(&all)).is_multiple_of(37) { Ok(()) } else { ends_with_two(&all, 37 - sum % 37) }
}

fn sweden(rest: &str) -> Judged {
    let form = "SE and 12 digits, the last two from 01 to 94";
    let all = digits(rest, 12, form)?;
    if !(1..=94).contains(&last_two(&all)) {
        return Err(VatFault::Form(form));
    }
    ends_with(&all[..10], luhn(&all[..9]))
}

fn slovenia(rest: &str) -> Judged {
    let all = digits(rest, 8, "SI and 8 digits, the first one not 0").and_then(not_zero)?;
    match 11 - weighted(&all, &[8, 7, 6, 5, 4, 3, 2]) % 11 {
        10 => ends_with(&all, 0),
        expected => ends_with(&all, expected),
    }
}

fn slovakia(rest: &str) -> Judged {
    let form = "SK and 10 digits, the first one not 0, the third one 2, 3, 4, 7, 8 or 9";
    let all = digits(rest, 10, form)?;
    if all[0] == 0 || ![2, 3, 4, 7, 8, 9].contains(&all[2]) {
        return Err(VatFault::Form(form));
    }
    ends_with(&all, complement(remainder(&all[..9], 11) * 10))
}

#[cfg(test)]
mod tests;
