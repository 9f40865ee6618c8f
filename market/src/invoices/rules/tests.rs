use super::*;
use crate::testing::eur;

fn rates(from: &str, to: &str) -> Rates {
    let rate = |text: &str| (!text.is_empty()).then(|| text.parse().expect("a rate"));
    Rates { from: rate(from), to: rate(to) }
}

#[test]
fn a_tax_is_accounted_for_in_the_sellers_currency_by_the_orders_rates() {
    let (sek, dkk): (Currency, Currency) = ("SEK".parse().expect("a currency"), "DKK".parse().expect("a currency"));
    let in_sek = |minor| Money::from_minor(minor, sek);
    assert_eq!(accounting_tax(eur(1_900), Some(Currency::EUR), rates("", "")), Ok(Some(eur(1_900))));
    assert_eq!(accounting_tax(eur(1_900), Some(sek), rates("", "11.5")), Ok(Some(in_sek(21_850))));
    let danish = Money::from_minor(7_450, dkk);
    assert_eq!(accounting_tax(danish, Some(Currency::EUR), rates("7.45", "")), Ok(Some(eur(1_000))));
    assert_eq!(accounting_tax(danish, Some(sek), rates("7.45", "11.5")), Ok(Some(in_sek(11_500))));
    assert_eq!(accounting_tax(eur(1_900), Some(sek), rates("", "")), Ok(None), "no rate");
    assert_eq!(accounting_tax(eur(0), Some(sek), rates("", "")), Ok(Some(in_sek(0))));
    assert_eq!(accounting_tax(eur(1_900), None, rates("", "")), Ok(None), "no currency");
}

#[test]
fn credit_notes_that_come_to_the_whole_take_back_each_rate_exactly() {
    let of = |rate_bps, net, tax| Left { rate_bps, net: eur(net), tax: eur(tax) };
    let mut left = vec![of(0, 333, 0), of(700, 1_001, 70), of(1_900, 10_000, 1_900)];
    for (net, tax) in [(1, 0), (3_333, 333), (0, 1), (8_000, 1_636)] {
        for credited in credited(eur(net), eur(tax), &left).expect("shared out") {
            let rate = left.iter_mut().find(|left| left.rate_bps == credited.rate_bps).expect("the rate");
            rate.net = eur(rate.net.minor() - credited.net.minor());
            rate.tax = eur(rate.tax.minor() - credited.tax.minor());
        }
    }
    assert_eq!(left, [of(0, 0, 0), of(700, 0, 0), of(1_900, 0, 0)]);
    assert!(credited(eur(1), eur(0), &left).is_err(), "nothing is left");
}

#[test]
fn who_charges_no_tax_says_why() {
    assert!(note(Treatment::ReverseCharge).is_some_and(|note| note.starts_with("Reverse charge")));
    assert!(note(Treatment::Export).is_some());
    assert_eq!((note(Treatment::SellersRate), note(Treatment::Outside)), (None, None));
}
