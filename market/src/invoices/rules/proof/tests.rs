use super::*;
use crate::testing::eur;

fn day(day: &str) -> NaiveDate {
    day.parse().expect("a day")
}

fn judged(mrn: &str, left_on: &str) -> Result<(), String> {
    let days = Days { ordered_on: day("2025-12-20"), today: day("2026-03-01") };
    judge(mrn, day(left_on), days).map_err(|invalid| format!("{}: {}", invalid.pointer, invalid.message))
}

/// Numbers that were published by others.
#[test]
fn published_numbers_of_declarations_are_right() {
    for mrn in ["06DE586600006143E1", "10NL5663962BE1E825", "15ITQ1V1T0240456E9"] {
        assert_eq!(judge_mrn(mrn), Ok(()), "{mrn}");
    }
}

#[test]
fn a_wrong_character_of_a_declarations_number_is_found_and_the_refusal_says_what_is_wrong() {
    let right = "06DE586600006143E1";
    // Of a remainder of 10 the standard makes 0, so a few wrong ones pass: every tenth at most.
    let mut found = 0;
    for place in 4..17 {
        for wrong in b'0'..=b'9' {
            let mut changed = right.as_bytes().to_vec();
            if changed[place] != wrong {
                changed[place] = wrong;
                found += i32::from(judge_mrn(std::str::from_utf8(&changed).expect("text")).is_err());
            }
        }
    }
    assert!(found > 100, "only {found} of some 118 wrong ones are found");
    for (mrn, why) in [
        ("06DE586600006143E2", "the check digit should be 1"),
        ("06CH586600006143E1", "CH is not a member"),
        ("06de586600006143e1", "expected 18 characters"),
        ("06DE586600006143E", "expected 18 characters"),
        ("06DE58660000614ÄE1", "expected 18 characters"),
        ("", "expected 18 characters"),
    ] {
        let refused = judge_mrn(mrn).expect_err(mrn);
        assert!(refused.pointer == "/mrn" && refused.message.contains(why), "{mrn}: {refused:?}");
    }
}

#[test]
fn goods_leave_after_their_order_and_in_the_year_of_their_declaration_or_the_next() {
    // 25DE5866000061431 and 26DE586600006143E with their digits.
    let of = |year: &str| {
        let number = format!("{year}DE586600006143E");
        let digit = check_digit(number.as_bytes());
        format!("{number}{digit}")
    };
    assert_eq!(judged(&of("25"), "2025-12-20"), Ok(()));
    assert_eq!(judged(&of("25"), "2026-01-02"), Ok(()), "declared the year before");
    assert_eq!(judged(&of("26"), "2026-03-01"), Ok(()));
    for (year, left_on, why) in [
        ("26", "2025-12-31", "/mrn: is of another year"),
        ("24", "2026-01-02", "/mrn: is of another year"),
        ("25", "2025-12-19", "/left_on: must not be before the day of the order, 2025-12-20"),
        ("26", "2026-03-02", "/left_on: must not be after today, 2026-03-01"),
    ] {
        let refused = judged(&of(year), left_on).expect_err(left_on);
        assert!(refused.starts_with(why), "{refused}");
    }
}

#[test]
fn only_exports_of_the_union_have_to_be_proved() {
    assert!(needs_proof(Treatment::Export, Some("DE")));
    assert!(!needs_proof(Treatment::Export, Some("CH")));
    assert!(!needs_proof(Treatment::Export, None));
    assert!(!needs_proof(Treatment::ReverseCharge, Some("DE")));
}

#[test]
fn a_price_and_the_tax_in_it_come_to_the_price_within_a_cent_of_the_rate() {
    for bps in [0, 700, 1_900, 2_500] {
        let rate = BasisPoints::try_from(bps).expect("a rate");
        let mut exact = 0;
        for cents in 1..=2_000 {
            let tax = included_tax(eur(cents), rate).expect("in range");
            let net = eur(cents - tax.minor());
            assert!(tax.minor() >= 0 && net.minor() > 0, "{cents} at {bps}: {tax:?}");
            let off = net.fee(rate).expect("in range").minor() - tax.minor();
            assert!(off.abs() <= 1, "{cents} at {bps}: {tax:?}");
            exact += i32::from(off == 0);
        }
        assert!(exact > 1_500, "{exact} of 2000 at {bps}");
    }
    assert_eq!(included_tax(eur(11_900), BasisPoints::try_from(1_900).expect("a rate")), Ok(eur(1_900)));
}
