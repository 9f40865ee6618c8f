use chrono::NaiveDate;
use papers::invoice::{self, Category, Currency, Decimal, Invoice, Line, Party, Payment, Tax, Totals};

use super::{at, strings};

fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap_or_default()
}

fn euro() -> Currency {
    currency("EUR", 2)
}

fn currency(code: &str, exponent: u8) -> Currency {
    #[cfg_attr(not(test), expect(clippy::unwrap_used, reason = "a sample"))]
    Currency::new(code, exponent).unwrap()
}

fn seller() -> Party {
    Party {
        name: "Nordhof Landmaschinen GmbH".to_owned(),
        vat_id: Some("DE136695976".to_owned()),
        registration: Some("HRB 48211 Lübeck".to_owned()),
        address: address(&["Hofkoppel 12"], "23611", "Bad Schwartau", "DE"),
        email: Some("rechnung@nordhof.example".to_owned()),
    }
}

fn address(lines: &[&str], postcode: &str, city: &str, country: &str) -> invoice::Address {
    invoice::Address {
        lines: strings(lines),
        postcode: Some(postcode.to_owned()),
        city: Some(city.to_owned()),
        country: country.to_owned(),
    }
}

fn buyer(country: &str, vat_id: Option<&str>) -> Party {
    Party {
        name: "Gård & Maskin Søndergaard ApS".to_owned(),
        vat_id: vat_id.map(str::to_owned),
        registration: None,
        address: address(&["Østervej 4", "Bygning B"], "6700", "Esbjerg", country),
        email: Some("faktura@gm.example".to_owned()),
    }
}

fn line(
    name: &str,
    quantity: Decimal,
    unit: &str,
    price: Option<Decimal>,
    net: i64,
    category: Category,
    rate_bps: u32,
) -> Line {
    Line {
        name: name.to_owned(),
        description: None,
        item: None,
        period: None,
        quantity,
        unit: unit.to_owned(),
        price,
        net,
        category,
        rate_bps,
    }
}

/// An invoice of the lines, with the taxes and totals that they come to.
pub(crate) fn invoice(currency: Currency, buyer: Party, lines: Vec<Line>, reason: Option<&str>) -> Invoice {
    let mut taxes: Vec<Tax> = Vec::new();
    for line in &lines {
        match taxes.iter_mut().find(|tax| (tax.category, tax.rate_bps) == (line.category, line.rate_bps)) {
            Some(tax) => tax.net += line.net,
            None => taxes.push(Tax {
                category: line.category,
                rate_bps: line.rate_bps,
                net: line.net,
                tax: 0,
                reason: reason.map(str::to_owned),
            }),
        }
    }
    for tax in &mut taxes {
        tax.tax = (tax.net * i64::from(tax.rate_bps) + 5_000) / 10_000;
    }
    let net: i64 = lines.iter().map(|line| line.net).sum();
    let tax: i64 = taxes.iter().map(|tax| tax.tax).sum();
    Invoice {
        kind: invoice::Kind::Invoice,
        number: "NL-2026-000417".to_owned(),
        issued_on: day(2026, 10, 14),
        currency,
        seller: seller(),
        buyer,
        order: Some("TY-120044".to_owned()),
        buyer_reference: None,
        delivered_on: None,
        delivered_to: None,
        refers_to: None,
        lines,
        taxes,
        totals: Totals { net, tax, gross: net + tax, paid: net + tax, due: 0 },
        accounting_tax: None,
        payment: Payment::Online,
        terms: None,
        due_on: None,
        notes: Vec::new(),
        made_at: at(),
        language: "en".to_owned(),
    }
}

/// Two rates, a premium, a quantity with decimals and a price for all of it.
pub(crate) fn domestic() -> Invoice {
    let standard = Category::Standard;
    let mut tractor = line(
        "Fendt 724 Vario S4",
        Decimal::whole(1),
        "piece",
        Some(Decimal { units: 9_800_000, places: 2 }),
        9_800_000,
        standard,
        1_900,
    );
    tractor.description = Some("First registered in March 2019, 4,812 hours, front linkage, tyres at 70 %".to_owned());
    tractor.item = Some("TR-724-0091".to_owned());
    let mut made = invoice(
        euro(),
        buyer("DE", Some("DE811257345")),
        vec![
            tractor,
            line(
                "Hydraulic oil HVLP 46",
                Decimal { units: 20_850, places: 2 },
                "litre",
                Some(Decimal { units: 31_995, places: 4 }),
                66_710,
                standard,
                1_900,
            ),
            line("Oil filters, box of mixed sizes", Decimal::whole(7), "piece", None, 10_000, standard, 1_900),
            line(
                "Seed potatoes, certified",
                Decimal::whole(40),
                "kg",
                Some(Decimal { units: 135, places: 2 }),
                5_400,
                standard,
                700,
            ),
            line(
                "Buyer's premium",
                Decimal::whole(1),
                "piece",
                Some(Decimal { units: 104_320, places: 2 }),
                104_320,
                standard,
                1_900,
            ),
        ],
        None,
    );
    made.delivered_on = Some(day(2026, 10, 20));
    made.payment = Payment::Transfer {
        iban: "DE02 1203 0000 0000 2020 51".to_owned(),
        bic: Some("BYLADEM1001".to_owned()),
        holder: "Nordhof Landmaschinen GmbH".to_owned(),
    };
    made.totals.paid = 0;
    made.totals.due = made.totals.gross;
    made.due_on = Some(day(2026, 10, 28));
    made.terms = Some("Payable within 14 days without deduction.".to_owned());
    made.notes = vec!["Sold as seen; the inspection report of 2 October is part of the agreement.".to_owned()];
    made
}

/// One invoice for each category of tax, and the currencies with other exponents; each with its name.
pub(crate) fn invoices() -> Vec<(&'static str, Invoice)> {
    let one = |net: i64, category: Category, rate: u32| {
        vec![line("Krone Comprima V 150 XC", Decimal::whole(3), "piece", None, net, category, rate)]
    };
    let abroad = || buyer("DK", Some("DK13585628"));
    let reverse = invoice(
        euro(),
        abroad(),
        one(4_000_000, Category::ReverseCharge, 0),
        Some("Reverse charge: the buyer owes the tax (article 196 of Directive 2006/112/EC)."),
    );
    let mut goods = invoice(
        euro(),
        abroad(),
        one(4_000_000, Category::IntraCommunity, 0),
        Some("Intra-Community supply, exempt (article 138 of Directive 2006/112/EC)."),
    );
    goods.delivered_on = Some(day(2026, 10, 19));
    goods.delivered_to = Some(address(&["Havnegade 1"], "6700", "Esbjerg", "DK"));
    let export = invoice(
        euro(),
        buyer("NO", None),
        one(4_000_000, Category::Export, 0),
        Some("Export outside the Union, exempt (article 146 of Directive 2006/112/EC)."),
    );
    let exempt = invoice(
        euro(),
        buyer("DE", None),
        one(4_000_000, Category::Exempt, 0),
        Some("Exempt: small business (§ 19 UStG)."),
    );
    let zero = invoice(euro(), buyer("DE", None), one(4_000_000, Category::Zero, 0), None);
    let outside = invoice(
        euro(),
        buyer("US", None),
        one(4_000_000, Category::Outside, 0),
        Some("Not subject to VAT: the place of supply is outside the Union."),
    );
    let yen = currency("JPY", 0);
    let mut japan = invoice(yen, buyer("DE", None), one(1_234_567, Category::Standard, 1_900), None);
    japan.accounting_tax = Some((euro(), 145_211));
    let kuwait = currency("KWD", 3);
    let dinars = invoice(
        kuwait,
        buyer("KW", None),
        one(1_234_567, Category::Export, 0),
        Some("Export outside the Union, exempt."),
    );
    let mut credit = invoice(
        euro(),
        buyer("DE", Some("DE811257345")),
        vec![line(
            "Oil filters, box of mixed sizes",
            Decimal::whole(2),
            "piece",
            None,
            2_857,
            Category::Standard,
            1_900,
        )],
        None,
    );
    credit.kind = invoice::Kind::CreditNote;
    credit.number = String::from("NL-C-2026-000031");
    credit.refers_to = Some(("NL-2026-000417".to_owned(), day(2026, 10, 14)));
    credit.accounting_tax = Some((currency("PLN", 2), 2_311));
    credit.notes = vec!["Two boxes came back on 30 October.".to_owned()];
    let mut driver =
        line("Operator with a harvester", Decimal::whole(6), "day", None, 192_000, Category::Standard, 1_900);
    driver.description = Some("Hired: 3–7 March 2027; 12 March 2027".to_owned());
    driver.period = Some((day(2027, 3, 3), day(2027, 3, 12)));
    let hired = invoice(euro(), buyer("DE", None), vec![driver], None);
    vec![
        ("domestic", domestic()),
        ("hired", hired),
        ("reverse-charge", reverse),
        ("intra-community", goods),
        ("export", export),
        ("exempt", exempt),
        ("zero", zero),
        ("outside", outside),
        ("yen", japan),
        ("dinar", dinars),
        ("credit-note", credit),
    ]
}
