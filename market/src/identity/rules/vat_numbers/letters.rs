//! Numbers with letters in them.

use super::{Judged, VatFault, digits, ends_with, luhn, number, remainder, weighted};

/// Whether the last letter or digit is the one that it should be.
fn letter(last: &str, expected: char) -> Judged {
    if last.chars().eq([expected]) { Ok(()) } else { Err(VatFault::CheckDigit(expected.to_string())) }
}

/// The letter at a place of an alphabet.
fn at(alphabet: &str, place: u32) -> Result<char, VatFault> {
    let place = usize::try_from(place).unwrap_or(usize::MAX);
    alphabet.chars().nth(place).ok_or(VatFault::NoCheckDigit)
}

/// Where a letter is in an alphabet.
fn place(alphabet: &str, letter: char) -> Option<u64> {
    (0..).zip(alphabet.chars()).find(|(_, known)| *known == letter).map(|(place, _)| place)
}

pub(super) fn cyprus(rest: &str) -> Judged {
    let form = "CY, 8 digits and a letter; no number begins with 12";
    let (body, last) = rest.split_at_checked(8).ok_or(VatFault::Form(form))?;
    let all = digits(body, 8, form)?;
    if last.len() != 1 || all.starts_with(&[1, 2]) {
        return Err(VatFault::Form(form));
    }
    let odd = all.iter().step_by(2).map(|digit| match digit {
        0 => 1,
        1 => 0,
        2 => 5,
        3 => 7,
        4 => 9,
        more => more * 2 + 3,
    });
    let sum: u32 = odd.chain(all.iter().skip(1).step_by(2).copied()).sum();
    letter(last, at("ABCDEFGHIJKLMNOPQRSTUVWXYZ", sum % 26)?)
}

/// Persons have their letter by 23, organisations a digit or a letter by Luhn's algorithm.
pub(super) fn spain(rest: &str) -> Judged {
    const BY_23: &str = "TRWAGMYFPDXBNJZSQVHLCKE";
    let form = "ES, a letter or a digit, 7 digits, and a letter or a digit";
    let (Some((first, _)), Some((body, last))) = (rest.split_at_checked(1), rest.split_at_checked(8)) else {
        return Err(VatFault::Form(form));
    };
    if last.len() != 1 {
        return Err(VatFault::Form(form));
    }
    let seven = digits(&body[1..], 7, form)?;
    let by_23 = |first: u32| {
        let all = [&[first][..], seven.as_slice()].concat();
        letter(last, at(BY_23, remainder(&all, 23))?)
    };
    match first {
        "X" | "K" | "L" | "M" => by_23(0),
        "Y" => by_23(1),
        "Z" => by_23(2),
        "A" | "B" | "C" | "D" | "E" | "F" | "G" | "H" | "J" | "N" | "P" | "Q" | "R" | "S" | "U" | "V" | "W" => {
            let check = luhn(&seven);
            letter(last, at("JABCDEFGHI", check)?).or_else(|_| letter(last, at("0123456789", check)?))
        }
        digit => by_23(digits(digit, 1, form)?[0]),
    }
}

/// Two characters, and the number of the business, which has a check digit of its own. Monaco's, which begins with 000, has none.
pub(super) fn france(rest: &str) -> Judged {
    const ALPHABET: &str = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ";
    let form = "FR, two digits or letters other than I and O, and 9 digits";
    let (key, siren) = rest.split_at_checked(2).ok_or(VatFault::Form(form))?;
    let business = digits(siren, 9, form)?;
    if !business.starts_with(&[0, 0, 0]) {
        ends_with(&business, luhn(&business[..8]))?;
    }
    if key.bytes().all(|byte| byte.is_ascii_digit()) {
        let expected = (12 + 3 * remainder(&business, 97)) % 97;
        let expected = format!("{expected:02}");
        return if key == expected { Ok(()) } else { Err(VatFault::CheckDigit(format!("{expected}, after FR"))) };
    }
    let places: Option<Vec<u64>> = key.chars().map(|c| place(ALPHABET, c)).collect();
    let Some(&[one, two]) = places.as_deref() else { return Err(VatFault::Form(form)) };
    // Two digits were read above: with at most one digit there are ten places or more.
    let check = if one < 10 { one * 24 + two - 10 } else { (one * 34 + two).saturating_sub(100) };
    if (number(&business) + 1 + check / 11) % 11 == check % 11 { Ok(()) } else { Err(VatFault::NoCheckDigit) }
}

/// 7 digits and a check letter, and a letter more or not; before 2013 the second one could be a letter.
pub(super) fn ireland(rest: &str) -> Judged {
    const ALPHABET: &str = "WABCDEFGHIJKLMNOPQRSTUV";
    let form = "IE, 7 digits, and one or two letters";
    let (body, last) = rest.split_at_checked(7).ok_or(VatFault::Form(form))?;
    let mut letters = last.chars();
    let (Some(check), second, None) = (letters.next(), letters.next(), letters.next()) else {
        return Err(VatFault::Form(form));
    };
    let more = match second {
        Some(second) => {
            place(ALPHABET, second).and_then(|place| u32::try_from(place).ok()).ok_or(VatFault::Form(form))?
        }
        None => 0,
    };
    let is_old = body.as_bytes()[1].is_ascii_uppercase();
    let (all, more) = if is_old {
        (digits(&format!("0{}{}", &body[2..], &body[..1]), 7, form)?, 0)
    } else {
        (digits(body, 7, form)?, more)
    };
    let sum = weighted(&all, &[8, 7, 6, 5, 4, 3, 2]) + 9 * more;
    let expected = at(ALPHABET, sum % 23)?;
    if check == expected { Ok(()) } else { Err(VatFault::CheckDigit(expected.to_string())) }
}
