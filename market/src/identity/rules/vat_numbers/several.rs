//! Countries that number businesses and persons by several rules. What fits one of them is accepted.

use super::{
    Judged, VatFault, complement, digits, eleven, ends_with, ends_with_two, last_two, not_zero, remainder, weighted,
};

/// 9 digits of a business; 10 of a person, a foreigner or another.
pub(super) fn bulgaria(rest: &str) -> Judged {
    let form = "BG and 9 or 10 digits";
    if rest.len() == 9 {
        let all = digits(rest, 9, form)?;
        let check = match weighted(&all, &[1, 2, 3, 4, 5, 6, 7, 8]) % 11 {
            10 => weighted(&all, &[3, 4, 5, 6, 7, 8, 9, 10]) % 11 % 10,
            check => check,
        };
        return ends_with(&all, check);
    }
    let all = digits(rest, 10, form)?;
    let person = weighted(&all, &[2, 4, 8, 5, 10, 9, 7, 3, 6]) % 11 % 10;
    let foreigner = weighted(&all, &[21, 19, 17, 13, 11, 9, 7, 3, 1]) % 10;
    ends_with(&all, person)
        .or_else(|_| ends_with(&all, foreigner))
        .or_else(|_| eleven(&all, &[4, 3, 2, 7, 6, 5, 4, 3, 2]))
}

/// 8 digits of a business; 9, beginning with 6, of others; 9 without a check digit or 10 of a person.
pub(super) fn czech_republic(rest: &str) -> Judged {
    let form = "CZ and 8, 9 or 10 digits; of 8, the first one not 9";
    match rest.len() {
        8 => {
            let all = digits(rest, 8, form)?;
            if all[0] == 9 {
                return Err(VatFault::Form(form));
            }
            let check = match complement(weighted(&all, &[8, 7, 6, 5, 4, 3, 2])) {
                0 => 1,
                check => check % 10,
            };
            ends_with(&all, check)
        }
        9 => {
            let all = digits(rest, 9, form)?;
            if all[0] != 6 {
                return Ok(());
            }
            let sum = weighted(&all[1..], &[8, 7, 6, 5, 4, 3, 2]) % 11;
            // 10 less the sum, and 8 less that, each within its modulus.
            ends_with(&all, (18 - (21 - sum) % 11) % 10)
        }
        _ => {
            let all = digits(rest, 10, form)?;
            ends_with(&all, remainder(&all[..9], 11) % 10)
        }
    }
}

/// 9 digits, or 12 with those of a branch; some of authorities are shorter and have no check digit.
pub(super) fn britain(rest: &str) -> Judged {
    let form = "GB or XI and 9 or 12 digits, or GD or HA and 3 digits";
    if let Some(authority) = rest.strip_prefix("GD").or_else(|| rest.strip_prefix("HA")) {
        return digits(authority, 3, form).map(drop);
    }
    let all = digits(rest, if rest.len() == 12 { 12 } else { 9 }, form)?;
    let sum = weighted(&all, &[8, 7, 6, 5, 4, 3, 2]);
    let left = (sum + last_two(&all[..9])) % 97;
    // Since 2010 numbers are given out whose sum is 42 or 55 more.
    let fits = left == 0 || (!all.starts_with(&[0]) && (left == 42 || left == 55));
    if fits { Ok(()) } else { ends_with_two(&all[..9], 97 - sum % 97) }
}

/// 9 digits of a business, 12 of others.
pub(super) fn lithuania(rest: &str) -> Judged {
    let form = "LT and 9 or 12 digits, the last but one of them 1";
    let all = digits(rest, if rest.len() == 12 { 12 } else { 9 }, form)?;
    if all[all.len() - 2] != 1 {
        return Err(VatFault::Form(form));
    }
    let (first, second) = ([1, 2, 3, 4, 5, 6, 7, 8, 9, 1, 2], [3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4]);
    let body = &all[..all.len() - 1];
    let check = match weighted(body, &first) % 11 {
        10 => weighted(body, &second) % 11 % 10,
        check => check,
    };
    ends_with(&all, check)
}

/// 11 digits: of a business if the first one is above 3.
pub(super) fn latvia(rest: &str) -> Judged {
    let all = digits(rest, 11, "LV and 11 digits")?;
    if all[0] <= 3 {
        return Ok(());
    }
    let sum = weighted(&all, &[9, 1, 4, 8, 3, 10, 2, 5, 7, 6]);
    ends_with(&all, (14 - sum % 11) % 11)
}

/// 9 digits, B and 2 digits: by 11, or since 2020 by 97 for all of it.
pub(super) fn netherlands(rest: &str) -> Judged {
    let form = "NL, 9 digits, B and 2 digits other than 00";
    let (body, tail) = rest.split_at_checked(9).ok_or(VatFault::Form(form))?;
    let branch = digits(tail.strip_prefix('B').ok_or(VatFault::Form(form))?, 2, form)?;
    if branch == [0, 0] {
        return Err(VatFault::Form(form));
    }
    let all = digits(body, 9, form)?;
    // N, L and B as numbers: 23, 21 and 11.
    let whole = [&[2, 3, 2, 1][..], all.as_slice(), &[1, 1][..], branch.as_slice()].concat();
    if remainder(&whole, 97) == 1 {
        return Ok(());
    }
    ends_with(&all, weighted(&all, &[9, 8, 7, 6, 5, 4, 3, 2]) % 11)
}

/// 2 to 10 digits.
pub(super) fn romania(rest: &str) -> Judged {
    let form = "RO and 2 to 10 digits, the first one not 0";
    if !(2..=10).contains(&rest.len()) {
        return Err(VatFault::Form(form));
    }
    let all = digits(rest, rest.len(), form).and_then(not_zero)?;
    let mut backwards = all[..all.len() - 1].to_vec();
    backwards.reverse();
    ends_with(&all, weighted(&backwards, &[2, 3, 5, 7, 1, 2, 3, 5, 7]) * 10 % 11 % 10)
}
