use proptest::prelude::*;

use super::*;

/// Numbers that are published, of companies and in the administrations' own examples; another program finds all of them right.
const PUBLISHED: &str = "ATU13585627 ATU37675002 BE0428759497 BE0203201340 BG175074752 BG7523169263 CY10259033P CZ25123891 \
    CZ640903926 CZ7103192745 DE136695976 DE811128135 DE129273398 DK13585628 DK24256790 EE100931558 EL094259216 ESB58378431 \
    ESA28015865 ESA15075062 ES54362315K ESX2482300W FI20774740 FI01120389 FR40303265045 FR23334175221 FRK7399859412 \
    HR33392005961 HU12892312 HU10625790 IE6433435F IE6433435OA IE8D79739I IE6388047V IT00743110157 IT00905811006 LT119511515 \
    LT100001919017 LU15027442 LU26375245 LV40003521600 MT11679112 NL004495445B01 NL002455799B11 PL8567346215 PL7740001454 \
    PT501964843 PT500697256 RO18547290 RO1590082 SE556012579001 SE556703748501 SI50223054 SK2022749619 GB980780684 GB220430231 \
    XI980780684 CHE107787577 CHE116281710 CHE107787577TVA NO995525828MVA NO923609016";
/// One for each turn that a rule takes: a sum for which there is no digit, the second weights, the numbers of persons, letters. Made up;
/// python-stdnum finds all of them right.
const TURNS: &str = "ATU86193690 BE0080510097 BE1510446287 BG152321348 BG746520450 CZ79949151 CZ15387330 CZ609052687 DE265588970 \
    DK23055090 EL105864920 ESY4653887N ESZ9189920E ESK4368868H ESL3740038P ESM8409907A ESQ6654620A ESB26676700 FI65435240 \
    FR9N362723975 FRH4278041652 FRCJ762495612 GB824957985 GB308010749 GB294402611 GB865070520705 IE7359969SM IE9G97660P \
    LT879808719 LT218834510 LT853985636819 LV80247381449 LV44405894783 NL562143053B87 PL3476290050 PT703092600 PT548001340 \
    RO60835200 RO3127090125 RO78 SI65957440 SK5236177331";
/// Every country that has rules here.
const COUNTRIES: &str = "AT BE BG CH CY CZ DE DK EE EL ES FI FR GB HR HU IE IT LT LU LV MT NL NO PL PT RO SE SI SK XI";
/// Of these countries every single wrong digit is found: the numbers above whose form leaves no other rule to fit.
const STRICT: &str = "ATU13585627 BE0428759497 CY10259033P DE136695976 DE811128135 DK13585628 EE100931558 ES54362315K \
    ESB58378431 FI20774740 FR40303265045 HR33392005961 HU12892312 IE6433435F IT00743110157 LU15027442 MT11679112 PL8567346215 \
    SK2022749619 CHE107787577 NO923609016";

/// The number with another digit at a place.
fn with(number: &str, place: usize, digit: char) -> String {
    number.char_indices().map(|(at, c)| if at == place { digit } else { c }).collect()
}

fn digits_of(number: &str) -> Vec<usize> {
    number.char_indices().filter(|(_, c)| c.is_ascii_digit()).map(|(at, _)| at).collect()
}

#[test]
fn published_numbers_of_every_country_are_right() {
    for number in PUBLISHED.split_whitespace() {
        assert_eq!(judge(number), Ok(()), "{number}");
    }
    for country in COUNTRIES.split(' ') {
        assert!(PUBLISHED.split_whitespace().any(|number| number.starts_with(country)), "{country} has no example");
        let short = judge(&format!("{country}1"));
        assert!(matches!(short, Err(VatFault::Form(form)) if form.len() > 8), "{country}: {short:?}");
    }
}

#[test]
fn every_turn_of_a_rule_has_a_number_that_takes_it() {
    for number in TURNS.split_whitespace() {
        assert_eq!(judge(number), Ok(()), "{number}");
    }
}

#[test]
fn a_wrong_digit_anywhere_is_found() {
    for number in STRICT.split_whitespace() {
        assert_eq!(judge(number), Ok(()), "{number}");
        for place in digits_of(number) {
            for digit in ('0'..='9').filter(|digit| !number[place..].starts_with(*digit)) {
                let wrong = with(number, place, digit);
                assert!(judge(&wrong).is_err(), "{wrong} is taken for {number}");
            }
        }
    }
}

#[test]
fn a_refusal_says_what_the_check_digit_should_be() {
    for (number, said) in [
        ("DE123456789", "the check digit should be 8"),
        ("ATU13585626", "the check digit should be 7"),
        ("BE0428759496", "the check digit should be 97"),
        ("CY10259033Q", "the check digit should be P"),
        ("ES54362315A", "the check digit should be K"),
        ("IE6433435A", "the check digit should be F"),
        ("FR41303265045", "the check digit should be 40, after FR"),
        ("GR094259216", "expected EL, not GR, and 9 digits"),
        ("DE12345678", "expected DE and 9 digits, the first one not 0"),
        ("NL004495445X01", "expected NL, 9 digits, B and 2 digits other than 00"),
        ("NL004495445B00", "expected NL, 9 digits, B and 2 digits other than 00"),
        ("DE265588971", "the check digit should be 0"),
    ] {
        assert_eq!(judge(number).unwrap_err().to_string(), said, "{number}");
    }
    // Of other countries nothing is known.
    assert_eq!((judge("US123456789"), judge("ZZ1")), (Ok(()), Ok(())));
}

proptest! {
    /// Whatever the other digits are: one check digit at most fits, and no other digit may be wrong beside it.
    #[test]
    fn whatever_the_number_a_single_wrong_digit_is_found(
        which in 0..8_usize, body in "[1-9][0-9]{10}", place in 0..12_usize, digit in 0..10_u32,
    ) {
        let (prefix, length) =
            [("DE", 9), ("HR", 11), ("DK", 8), ("FI", 8), ("PL", 10), ("NO", 9), ("CHE", 9), ("HU", 8)][which];
        let fitting: Vec<String> = (0..10)
            .map(|check| format!("{prefix}{}{check}", &body[..length - 1]))
            .filter(|number| judge(number).is_ok())
            .collect();
        prop_assert!(fitting.len() <= 1, "{:?}", fitting);
        if let Some(right) = fitting.first() {
            let place = prefix.len() + place % length;
            let wrong = with(right, place, char::from_digit(digit, 10).unwrap());
            prop_assert!(wrong == *right || judge(&wrong).is_err(), "{} is taken for {}", wrong, right);
        }
    }

    #[test]
    fn no_text_makes_it_panic(country in "[A-Z]{2}", rest in "\\PC{0,14}", known in 0..31_usize) {
        let _ = judge(&format!("{country}{rest}"));
        let _ = judge(&format!("{}{rest}", COUNTRIES.split(' ').nth(known).unwrap()));
    }
}
