use shared::testing::TestDb;

use super::*;
use crate::testing::eur;

fn party<'a>(country: &'a str, number: &'a str) -> Party<'a> {
    let stated = |text: &'a str| Some(text).filter(|text| !text.is_empty());
    Party { country: stated(country), vat_number: stated(number) }
}

#[test]
fn reverse_charge_needs_a_number_of_another_eu_country() {
    let seller = party("DE", "DE123456788");
    let cases = [
        ("DE", "DE987654328", Treatment::SellersRate),
        ("DE", "FR11123456782", Treatment::SellersRate),
        ("FR", "FR11123456782", Treatment::ReverseCharge),
        ("FR", "BE0123456749", Treatment::ReverseCharge),
        ("GR", "EL123456783", Treatment::ReverseCharge),
        // No number, the seller's country's, one from outside, one of no country, one that Greece does not issue.
        ("FR", "", Treatment::SellersRate),
        ("FR", "DE987654328", Treatment::SellersRate),
        ("FR", "GB123456782", Treatment::SellersRate),
        ("FR", "ZZ123456789", Treatment::SellersRate),
        ("GR", "GR123456789", Treatment::SellersRate),
        ("US", "", Treatment::Export),
        ("CH", "FR11123456782", Treatment::Export),
        ("", "FR11123456782", Treatment::Outside),
    ];
    for (country, number, wanted) in cases {
        assert_eq!(Treatment::between(seller, party(country, number)), wanted, "{country} {number}");
    }
    assert_eq!(Treatment::between(party("US", ""), party("FR", "FR11123456782")), Treatment::Export);
    assert_eq!(Treatment::between(party("", ""), party("FR", "FR11123456782")), Treatment::Outside);
}

#[test]
fn tax_is_summed_per_rate_and_rounded_per_rate() {
    let bps = |rate| BasisPoints::try_from(rate).expect("a rate");
    // 19 % of 0.13 is 0.0247, which is 0.02 three times; of 0.39 it is 0.0741, which is 0.07.
    let lines = [(eur(13), bps(1_900)), (eur(50), bps(700)), (eur(13), bps(1_900)), (eur(13), bps(1_900))];
    let taxes = taxes(&lines).expect("taxes");
    let wanted =
        [Tax { rate: bps(700), net: eur(50), tax: eur(4) }, Tax { rate: bps(1_900), net: eur(39), tax: eur(7) }];
    assert_eq!(taxes, wanted);
}

#[tokio::test]
async fn the_members_of_the_union_are_those_of_the_database() {
    let db = TestDb::new().await;
    let members: String = sqlx::query_scalar("SELECT string_agg(code, ' ' ORDER BY code) FROM countries WHERE eu")
        .fetch_one(&db.pool)
        .await
        .expect("the members");
    assert_eq!(members, UNION);
    db.close().await;
}
