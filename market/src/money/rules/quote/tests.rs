use proptest::prelude::*;
use shared::money::Currency;

use super::*;
use crate::testing::eur;

fn bps(rate: i32) -> BasisPoints {
    BasisPoints::try_from(rate).expect("a rate")
}

fn line(minor: i64, tax: i32, fee: i32) -> QuotedLine {
    QuotedLine { amount: eur(minor), tax_rate: bps(tax), fee_rate: bps(fee) }
}

fn tenth() -> PremiumTariff {
    PremiumTariff::new(Currency::EUR, vec![], vec![bps(1_000)], 0).expect("a tariff")
}

#[test]
fn an_orders_amounts_are_made_of_its_lines_and_terms() {
    let tariff = tenth();
    let lines = [line(10_000, 1_900, 500), line(5_000, 700, 500)];
    let quote = Quote::of(&Terms { lines: &lines, premium: Some((&tariff, bps(1_900))) });
    let quote = quote.expect("amounts").expect("lines");
    assert_eq!((quote.total, quote.premium), (eur(15_000), eur(1_500)));
    assert_eq!(
        quote.taxes.iter().map(|tax| (tax.net, tax.goods, tax.premium)).collect::<Vec<_>>(),
        [(eur(5_000), eur(350), eur(0)), (eur(11_500), eur(1_900), eur(285))]
    );
    assert_eq!((quote.goods_tax, quote.premium_tax), (eur(350 + 1_900), eur(285)));
    assert_eq!((quote.fee, quote.net, quote.payable), (eur(750), eur(14_250), eur(19_035)));
}

#[test]
fn the_fee_of_lines_of_several_rates_is_rounded_once() {
    // 3.33 % of 10.05 and 5 % of 0.40 are 0.334665 and 0.02; rounded one by one they would be 0.33 and 0.02.
    let quote = |lines: &[QuotedLine]| Quote::of(&Terms { lines, premium: None }).expect("amounts").expect("lines");
    let mixed = quote(&[line(1_005, 0, 333), line(40, 0, 500)]);
    assert_eq!((mixed.fee, mixed.net), (eur(35), eur(1_010)));
    assert_eq!(quote(&[line(10, 0, 500), line(10, 0, 500)]).fee, eur(1));
}

#[test]
fn an_order_without_lines_has_no_amounts() {
    assert_eq!(Quote::of(&Terms { lines: &[], premium: None }), Ok(None));
}

proptest! {
    #[test]
    fn what_the_buyer_pays_is_what_everybody_gets(
        lines in prop::collection::vec((1_i64..10_000_000, prop::sample::select(vec![0, 700, 1_900]), 0..=10_000), 1..8),
        premium in prop::option::of(prop::sample::select(vec![0, 700, 1_900])),
    ) {
        let lines: Vec<_> = lines.into_iter().map(|(minor, tax, fee)| line(minor, tax, fee)).collect();
        let tariff = tenth();
        let premium = premium.map(|rate| (&tariff, bps(rate)));
        let quote = Quote::of(&Terms { lines: &lines, premium }).unwrap().unwrap();
        let taxes: i64 = quote.taxes.iter().map(|tax| tax.goods.minor() + tax.premium.minor()).sum();
        prop_assert_eq!(quote.goods_tax.minor() + quote.premium_tax.minor(), taxes);
        let shares = [quote.net, quote.fee, quote.premium, quote.goods_tax, quote.premium_tax];
        prop_assert_eq!(shares.iter().map(|share| share.minor()).sum::<i64>(), quote.payable.minor());
        prop_assert!(shares.iter().all(|share| share.minor() >= 0));
    }
}
