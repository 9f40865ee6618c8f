//! GS1 keys in one form: whoever writes a key as an EPC URN and whoever writes it as a Digital Link mean the same thing.
//!
//! The form is the one that the standard's event hash wants (CBV 2.0, section 8.9.2): a Digital Link at `id.gs1.org` with
//! the key and its finest qualifier alone.

use std::fmt::Write as _;

const HOME: &str = "https://id.gs1.org/";

/// The canonical form of a URI: a GS1 Digital Link for GS1 keys, itself for anything else.
#[must_use]
pub fn canonical(uri: &str) -> String {
    of_urn(uri).or_else(|| of_link(uri)).unwrap_or_else(|| uri.to_owned())
}

/// Digits of a given number; `None` for anything else.
fn digits(text: &str, count: usize) -> Option<&str> {
    (text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(text)
}

/// A key with its check digit: weights 3 and 1 alternate from the right.
fn checked(key: &str) -> String {
    let weighed = key.bytes().rev().enumerate().map(|(at, digit)| {
        let digit = u32::from(digit - b'0');
        if at % 2 == 0 { 3 * digit } else { digit }
    });
    let check = (10 - weighed.sum::<u32>() % 10) % 10;
    format!("{key}{check}")
}

/// What a Digital Link's path cannot hold as it is.
fn encoded(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '!' | '(' | ')' | '*' | '+' | ',' | ':' => {
                let _ = write!(encoded, "%{:02X}", u32::from(c));
            }
            other => encoded.push(other),
        }
    }
    encoded
}

/// An EPC, a class of EPCs or a pattern for all serial numbers (EPC Tag Data Standard 1.13, section 6).
fn of_urn(uri: &str) -> Option<String> {
    let (kind, rest) = uri.strip_prefix("urn:epc:")?.split_once(':')?;
    let (scheme, body) = rest.split_once(':')?;
    let (prefix, key) = body.split_once('.')?;
    let is_pattern = match kind {
        "id" | "class" => false,
        "idpat" => true,
        _ => return None,
    };
    let length = prefix.len();
    digits(prefix, length).filter(|_| (6..=12).contains(&length))?;
    // The first part after the company's prefix, and what follows it.
    let (first, tail) = key.split_once('.').map_or((key, None), |(first, tail)| (first, Some(tail)));
    let item = || {
        let first = digits(first, 13 - length)?;
        Some(checked(&format!("{}{prefix}{}", &first[..1], &first[1..])))
    };
    let twelve = |before: &str| Some(checked(&format!("{before}{prefix}{}", digits(first, 12 - length)?)));
    let whole = |count: usize| digits(key, count - length);
    // With a qualifier, or without for all serial numbers.
    let qualified = |key: String, qualifier: &str| match tail.filter(|tail| !tail.is_empty())? {
        "*" if is_pattern => Some(key),
        _ if is_pattern => None,
        tail => Some(format!("{key}{qualifier}{}", encoded(tail))),
    };
    let path = match scheme {
        "sgtin" => qualified(format!("01/{}", item()?), "/21/")?,
        "lgtin" => qualified(format!("01/{}", item()?), "/10/")?,
        "upui" => qualified(format!("01/{}", item()?), "/235/")?,
        "sgln" if tail == Some("0") => format!("414/{}", twelve("")?),
        "sgln" => qualified(format!("414/{}", twelve("")?), "/254/")?,
        "grai" => qualified(format!("8003/{}", twelve("0")?), "")?,
        "gdti" => qualified(format!("253/{}", twelve("")?), "")?,
        "sgcn" => qualified(format!("255/{}", twelve("")?), "")?,
        "itip" => {
            let (piece, after) = tail?.split_once('.')?;
            let (total, serial) = after.split_once('.')?;
            let key = format!("8006/{}{}{}", item()?, digits(piece, 2)?, digits(total, 2)?);
            if is_pattern && serial == "*" { key } else { format!("{key}/21/{}", encoded(serial)) }
        }
        "cpi" => {
            let key = format!("8010/{}", encoded(&format!("{prefix}{first}")));
            let serial = tail.filter(|tail| !tail.contains('.'))?;
            if is_pattern && serial == "*" { key } else { format!("{key}/8011/{serial}") }
        }
        _ if is_pattern => return None,
        "sscc" => {
            let serial = whole(17)?;
            format!("00/{}", checked(&format!("{}{prefix}{}", &serial[..1], &serial[1..])))
        }
        "pgln" if tail.is_none() => format!("417/{}", twelve("")?),
        "gsrn" => format!("8018/{}", checked(&format!("{prefix}{}", whole(17)?))),
        "gsrnp" => format!("8017/{}", checked(&format!("{prefix}{}", whole(17)?))),
        "gsin" => format!("402/{}", checked(&format!("{prefix}{}", whole(16)?))),
        "giai" if !key.is_empty() => format!("8004/{prefix}{}", encoded(key)),
        "ginc" if !key.is_empty() => format!("401/{prefix}{}", encoded(key)),
        _ => return None,
    };
    Some(format!("{HOME}{path}"))
}

/// A key of Digital Links: its number, its name, whether a value can be one, and its qualifiers from the finest on.
type Key = (&'static str, &'static str, fn(&str) -> bool, &'static [&'static str]);

const KEYS: [Key; 14] = [
    ("00", "sscc", |value| digits(value, 18).is_some(), &[]),
    (
        "01",
        "gtin",
        |value| matches!(value.len(), 8 | 12..=14) && digits(value, value.len()).is_some(),
        &["21", "10", "235"],
    ),
    ("253", "gdti", |value| begins(value, 13, 30), &[]),
    ("255", "gcn", |value| begins(value, 13, 25), &[]),
    ("401", "ginc", |value| (1..=30).contains(&value.len()), &[]),
    ("402", "gsin", |value| digits(value, 17).is_some(), &[]),
    ("414", "gln", |value| digits(value, 13).is_some(), &["254"]),
    ("417", "party", |value| digits(value, 13).is_some(), &[]),
    ("8003", "grai", |value| begins(value, 14, 30), &[]),
    ("8004", "giai", |value| (1..=30).contains(&value.len()), &[]),
    ("8006", "itip", |value| digits(value, 18).is_some(), &["21", "10"]),
    ("8010", "cpid", |value| (1..=30).contains(&value.len()), &["8011"]),
    ("8017", "gsrnp", |value| digits(value, 18).is_some(), &[]),
    ("8018", "gsrn", |value| digits(value, 18).is_some(), &[]),
];

/// The names of qualifiers.
const QUALIFIERS: [(&str, &str); 3] = [("ser", "21"), ("lot", "10"), ("cpv", "22")];

/// Whether a value begins with so many digits and is no longer than `most`.
fn begins(value: &str, count: usize, most: usize) -> bool {
    value.len() <= most && value.get(..count).is_some_and(|start| digits(start, count).is_some())
}

/// A GS1 Digital Link at any address (GS1 Digital Link: URI Syntax 1.2).
fn of_link(uri: &str) -> Option<String> {
    let rest = uri.strip_prefix("https://").or_else(|| uri.strip_prefix("http://"))?;
    let (_, path) = rest.split_once('/')?;
    let path = path.split(['?', '#']).next()?;
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let (at, (number, _, fits, qualifiers)) = parts.iter().enumerate().find_map(|(at, part)| {
        let paired = (parts.len() - at).is_multiple_of(2);
        let key = KEYS.iter().find(|(number, name, ..)| part == number || part == name)?;
        paired.then_some((at, key))
    })?;
    let value = parts.get(at + 1).filter(|value| fits(value))?;
    let value = if *number == "01" { format!("{value:0>14}") } else { (*value).to_owned() };
    let pairs: Vec<(&str, &str)> = parts[at + 2..].chunks_exact(2).map(|pair| (pair[0], pair[1])).collect();
    let named = |name: &str| {
        QUALIFIERS.iter().find(|(known, _)| *known == name).map_or(name.to_owned(), |(_, it)| (*it).to_owned())
    };
    let finest = qualifiers.iter().find_map(|wanted| pairs.iter().find(|(name, _)| named(name) == *wanted));
    Some(match finest {
        Some((name, qualifier)) => format!("{HOME}{number}/{value}/{}/{qualifier}", named(name)),
        None => format!("{HOME}{number}/{value}"),
    })
}
