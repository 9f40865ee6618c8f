use proptest::prelude::*;
use shared::money::Currency;

use super::*;
use crate::testing::eur;

fn bps(rate: i32) -> BasisPoints {
    BasisPoints::try_from(rate).expect("a rate")
}

fn tenth() -> PremiumTariff {
    PremiumTariff::new(Currency::EUR, vec![], vec![bps(1_000)], 0).expect("a tariff")
}

#[test]
fn an_orders_amounts_are_made_of_its_lines_and_terms() {
    let tariff = tenth();
    let lines = [(eur(10_000), bps(1_900)), (eur(5_000), bps(700))];
    let quote = Quote::of(&Terms { lines: &lines, fee_rate: bps(500), premium: Some((&tariff, bps(1_900))) });
    let quote = quote.expect("amounts").expect("lines");
    assert_eq!((quote.total, quote.premium), (eur(15_000), eur(1_500)));
    assert_eq!(
        quote.taxes.iter().map(|tax| (tax.net, tax.tax)).collect::<Vec<_>>(),
        [(eur(5_000), eur(350)), (eur(11_500), eur(2_185)),]
    );
    assert_eq!((quote.goods_tax, quote.premium_tax), (eur(350 + 1_900), eur(285)));
    assert_eq!((quote.fee, quote.net, quote.payable), (eur(750), eur(14_250), eur(19_035)));
}

#[test]
fn an_order_without_lines_has_no_amounts() {
    assert_eq!(Quote::of(&Terms { lines: &[], fee_rate: bps(500), premium: None }), Ok(None));
}

proptest! {
    #[test]
    fn what_the_buyer_pays_is_what_everybody_gets(
        lines in prop::collection::vec((1_i64..10_000_000, prop::sample::select(vec![0, 700, 1_900])), 1..8),
        fee in 0..=10_000,
        premium in prop::option::of(prop::sample::select(vec![0, 700, 1_900])),
    ) {
        let lines: Vec<_> = lines.into_iter().map(|(minor, rate)| (eur(minor), bps(rate))).collect();
        let tariff = tenth();
        let premium = premium.map(|rate| (&tariff, bps(rate)));
        let quote = Quote::of(&Terms { lines: &lines, fee_rate: bps(fee), premium }).unwrap().unwrap();
        let taxes: i64 = quote.taxes.iter().map(|tax| tax.tax.minor()).sum();
        prop_assert_eq!(quote.goods_tax.minor() + quote.premium_tax.minor(), taxes);
        let shares = [quote.net, quote.fee, quote.premium, quote.goods_tax, quote.premium_tax];
        prop_assert_eq!(shares.iter().map(|share| share.minor()).sum::<i64>(), quote.payable.minor());
        prop_assert!(shares.iter().all(|share| share.minor() >= 0));
    }
}
