use proptest::prelude::*;

use super::*;

/// A file as the bank writes it, with these lines for the day.
fn file(days: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<gesmes:Envelope xmlns:gesmes=\"http://www.gesmes.org/xml/2002-08-01\" \
         xmlns=\"http://www.ecb.int/vocabulary/2002-08-01/eurofxref\">\n\t<gesmes:subject>Reference rates</gesmes:subject>\n\
         \t<gesmes:Sender>\n\t\t<gesmes:name>European Central Bank</gesmes:name>\n\t</gesmes:Sender>\n\t<Cube>\n{days}\n\t</Cube>\n\
         </gesmes:Envelope>"
    )
}

fn one_day(rates: &str) -> String {
    file(&format!("<Cube time='2026-11-27'>{rates}</Cube>"))
}

#[test]
fn a_file_of_the_bank_is_read_to_the_last_digit() {
    let stated = read(
        one_day("<Cube currency='USD' rate='1.0862'/><Cube currency='JPY' rate='163.06'/><Cube currency='IDR' rate=\"17129.52\"/>")
            .as_bytes(),
    )
    .unwrap();
    assert_eq!(stated.day.to_string(), "2026-11-27");
    let rates: Vec<_> = stated.rates.iter().map(|(currency, rate)| format!("{currency} {rate}")).collect();
    assert_eq!(rates, ["IDR 17129.5200000000", "JPY 163.0600000000", "USD 1.0862000000"]);
    assert!(stated.skipped.is_empty());
}

#[test]
fn a_currency_that_nobody_can_pay_in_is_skipped_and_named() {
    let stated =
        read(one_day("<Cube currency='USD' rate='1.1'/><Cube currency='HRK' rate='7.53'/>").as_bytes()).unwrap();
    assert_eq!(stated.rates.len(), 1);
    assert_eq!(stated.skipped, ["HRK"]);
}

#[test]
fn a_broken_file_is_refused_whole_and_says_why() {
    let usd = "<Cube currency='USD' rate='1.1'/>";
    let cases = [
        (String::new(), "is not in the format"),
        ("<html><body>Maintenance</body></html>".to_owned(), "is not in the format"),
        (one_day(usd)[..300].to_owned(), "is not in the format"),
        (file(&format!("<Cube time='27.11.2026'>{usd}</Cube>")), "is not in the format"),
        (file(&format!("<Cube>{usd}</Cube>")), "is not in the format"),
        (file(""), "0 days"),
        (file(&format!("<Cube time='2026-11-26'>{usd}</Cube><Cube time='2026-11-27'>{usd}</Cube>")), "2 days"),
        (one_day(""), "no rate of a currency that is known"),
        (one_day("<Cube currency='HRK' rate='7.53'/>"), "no rate of a currency that is known"),
        (one_day(&format!("{usd}<Cube currency='JPY' rate='0'/>")), "rate of JPY"),
        (one_day(&format!("{usd}<Cube currency='JPY' rate='-1'/>")), "rate of JPY"),
        (one_day(&format!("{usd}<Cube currency='JPY' rate='163,06'/>")), "rate of JPY"),
        (one_day(&format!("{usd}<Cube currency='JPY' rate='NaN'/>")), "rate of JPY"),
        (one_day(&format!("{usd}<Cube currency='JPY' rate='1e3'/>")), "rate of JPY"),
        (one_day(&format!("{usd}<Cube currency='HRK' rate=''/>")), "rate of HRK"),
        (one_day(&format!("{usd}<Cube currency='JPY'/>")), "is not in the format"),
        (one_day(&format!("{usd}{usd}")), "USD twice"),
        (one_day(&format!("{usd}<Cube currency='EUR' rate='1'/>")), "\"EUR\" in the place of a currency"),
        (one_day(&format!("{usd}<Cube currency='usd' rate='1'/>")), "\"usd\" in the place of a currency"),
        (one_day("<Cube currency='US&dollar;' rate='1'/>"), "is not in the format"),
    ];
    for (broken, why) in cases {
        let error = read(broken.as_bytes()).expect_err(&broken);
        assert!(error.to_string().contains(why), "{broken}\n{error}");
    }
    assert!(matches!(read(b"\xff\xfe<"), Err(BadFile::NotText)));
}

#[test]
fn entities_of_a_file_are_not_expanded() {
    let bomb = "<!DOCTYPE x [<!ENTITY a \"1\"><!ENTITY b \"&a;&a;&a;&a;\">]>";
    let file = one_day("<Cube currency='USD' rate='&b;'/>").replacen("?>", &format!("?>{bomb}"), 1);
    assert!(read(file.as_bytes()).is_err());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), cut in 0_usize..600) {
        let _ = read(&bytes);
        let mut file = one_day("<Cube currency='USD' rate='1.0862'/>").into_bytes();
        let cut = cut.min(file.len());
        file.splice(cut.., bytes);
        let _ = read(&file);
    }
}
