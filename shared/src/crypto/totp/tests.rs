use secrecy::ExposeSecret;

use super::*;

/// The secret of the examples in RFC 4226 and RFC 6238.
const SECRET: &[u8] = b"12345678901234567890";

#[test]
fn codes_are_those_of_rfc_6238() {
    for (seconds, eight_digits) in [
        (59, 94_287_082),
        (1_111_111_109, 7_081_804),
        (1_111_111_111, 14_050_471),
        (1_234_567_890, 89_005_924),
        (2_000_000_000, 69_279_037),
        (20_000_000_000, 65_353_130),
    ] {
        assert_eq!(number(SECRET, step_at(seconds)) % 100_000_000, eight_digits, "{seconds}");
    }
}

#[test]
fn codes_are_those_of_rfc_4226() {
    let codes = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
    for (step, expected) in (0..).zip(codes) {
        assert_eq!(code(SECRET, step), expected);
    }
    // Zeros in front are digits as well.
    assert_eq!(code(SECRET, step_at(1_111_111_109)), "081804");
}

#[test]
fn base_32_is_that_of_rfc_4648() {
    for (text, expected) in [
        ("", ""),
        ("f", "MY"),
        ("fo", "MZXQ"),
        ("foo", "MZXW6"),
        ("foob", "MZXW6YQ"),
        ("fooba", "MZXW6YTB"),
        ("foobar", "MZXW6YTBOI"),
    ] {
        assert_eq!(base32(text.as_bytes()), expected);
    }
}

#[test]
fn clocks_may_be_a_step_apart_and_a_code_works_once() {
    for (off, expected) in [(-2, None), (-1, Some(99)), (0, Some(100)), (1, Some(101)), (2, None)] {
        assert_eq!(matching_step(SECRET, &code(SECRET, 100 + off), 100, None), expected);
    }
    let given = code(SECRET, 100);
    assert_eq!(matching_step(SECRET, &given, 100, Some(99)), Some(100));
    assert_eq!(matching_step(SECRET, &given, 101, Some(100)), None, "used");
    assert_eq!(matching_step(SECRET, &code(SECRET, 99), 100, Some(100)), None, "older than what was used");
    for nonsense in ["", "75522", "7552244", "75522x", "７５５２２４"] {
        assert_eq!(matching_step(SECRET, nonsense, 0, None), None);
    }
}

#[test]
fn apps_are_told_of_whom_and_where() {
    assert_eq!(
        uri(SECRET, "Trade Yard", "ann+x@farm.example").expose_secret(),
        "otpauth://totp/Trade%20Yard:ann%2Bx%40farm%2Eexample?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Trade%20Yard\
         &algorithm=SHA1&digits=6&period=30"
    );
    let (one, other) = (generate(), generate());
    assert_eq!(one.expose_secret().len(), SECRET_BYTES);
    assert_ne!(one.expose_secret(), other.expose_secret());
}
