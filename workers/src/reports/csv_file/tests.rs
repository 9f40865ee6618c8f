use shared::money::Money;

use super::*;

#[test]
fn formulas_become_text() {
    for formula in ["=1+1", "+49 40", "-2", "@SUM(A1)", "\t=1", "\r=1", "\n=1"] {
        assert_eq!(safe(formula), format!("'{formula}"));
    }
    for text in ["", "Tractor", " =1", "1-2", "Müller & Co"] {
        assert_eq!(safe(text), text);
    }
}

#[test]
fn numbers_below_zero_stay_numbers() {
    assert_eq!(text(&Cell::Integer(-2), Tz::UTC), "-2");
    assert_eq!(text(&Cell::Money(Money::from_minor(-5, Currency::EUR)), Tz::UTC), "-0.05");
    assert_eq!(text(&Cell::text("-2"), Tz::UTC), "'-2");
}
