use super::*;
use crate::testing::eur;

fn line(price: Money) -> CheckoutLine {
    CheckoutLine { listing: ListingId::generate(), quantity: 3, price }
}

#[test]
fn a_line_is_sold_as_it_was_shown_or_not_at_all() {
    let (seller, buyer) = (OrgId::generate(), OrgId::generate());
    let offer = Offer {
        seller,
        seller_trades: true,
        status: ListingStatus::Published,
        sale_mode: SaleMode::Fixed,
        price: Some(eur(500)),
        min_quantity: 2,
        quantity: 3,
    };
    let asked = line(eur(500));
    assert_eq!(judge(&asked, &offer, buyer), Ok(()));
    for (offer, refusal) in [
        (Offer { status: ListingStatus::Withdrawn, ..offer }, LineRefusal::NotOnOffer),
        (Offer { status: ListingStatus::Suspended, ..offer }, LineRefusal::NotOnOffer),
        (Offer { seller_trades: false, ..offer }, LineRefusal::NotOnOffer),
        (Offer { seller: buyer, ..offer }, LineRefusal::OwnListing),
        (Offer { sale_mode: SaleMode::Auction, price: None, ..offer }, LineRefusal::NotFixed),
        (Offer { sale_mode: SaleMode::Offer, ..offer }, LineRefusal::NotFixed),
        (Offer { price: Some(eur(501)), ..offer }, LineRefusal::PriceChanged(eur(501))),
        (Offer { quantity: 2, ..offer }, LineRefusal::Quantity { least: 2, most: 2 }),
        (Offer { min_quantity: 4, quantity: 9, ..offer }, LineRefusal::Quantity { least: 4, most: 9 }),
    ] {
        assert_eq!(judge(&asked, &offer, buyer), Err(refusal), "{offer:?}");
    }
}

#[test]
fn a_checkout_has_one_currency_and_each_listing_once() {
    let (euros, yen) = (line(eur(5)), line(Money::from_minor(5, Currency::JPY)));
    assert_eq!(currency(&[euros.clone(), euros.clone()]), Ok(Currency::EUR));
    assert_eq!(currency(&[yen.clone(), euros.clone(), yen.clone()]), Err(vec![Currency::EUR, Currency::JPY]));
    assert_eq!(repeated(&[euros.clone(), yen.clone()]), None);
    assert_eq!(repeated(&[euros.clone(), yen, euros.clone()]), Some((2, euros.listing)));
}
