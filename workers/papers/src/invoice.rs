//! Invoices and credit notes as Factur-X: a PDF/A-3 for people that carries the same document as XML (EN 16931, profile "EN 16931").
//!
//! The names BT-… and BG-… are those of EN 16931-1. What the amounts come to is checked before anything is written: a document that
//! does not add up, or lacks what its kind of tax demands, is an error and no file.

mod check;
mod embed;
mod page;
mod xml;

use chrono::{DateTime, NaiveDate, Utc};

use crate::fonts::Fonts;
use crate::{Paper, PaperError};

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Invoice,
    /// Takes back (a part of) an invoice, by amounts above zero.
    CreditNote,
}

/// A currency with the number of its fraction digits: 2 for EUR, 0 for JPY, 3 for KWD.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Currency {
    code: [u8; 3],
    exponent: u8,
}

impl Currency {
    /// Nothing unless the code is three capital letters and the digits are at most 4.
    #[must_use]
    pub fn new(code: &str, exponent: u8) -> Option<Self> {
        let code: [u8; 3] = code.as_bytes().try_into().ok()?;
        (code.iter().all(u8::is_ascii_uppercase) && exponent <= 4).then_some(Self { code, exponent })
    }

    #[must_use]
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.code).unwrap_or_default()
    }

    /// An amount in minor units as a decimal number: 12.50.
    #[must_use]
    pub fn amount(self, minor: i64) -> String {
        Decimal { units: minor, places: self.exponent }.fixed()
    }
}

/// A decimal number: `units` × 10^−`places`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    pub units: i64,
    /// At most 9.
    pub places: u8,
}

impl Decimal {
    #[must_use]
    pub const fn whole(units: i64) -> Self {
        Self { units, places: 0 }
    }

    /// With all its places: 12.50.
    #[must_use]
    pub fn fixed(self) -> String {
        let places = usize::from(self.places);
        let digits = format!("{:0>width$}", self.units.unsigned_abs(), width = places + 1);
        let (whole, fraction) = digits.split_at(digits.len() - places);
        let sign = if self.units < 0 { "-" } else { "" };
        let point = if places == 0 { "" } else { "." };
        format!("{sign}{whole}{point}{fraction}")
    }

    /// Without zeros at its end: 12.5.
    #[must_use]
    pub fn short(self) -> String {
        let text = self.fixed();
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    }
}

/// The seller (BG-4) or the buyer (BG-7).
#[derive(Clone, Debug, Default)]
pub struct Party {
    pub name: String,
    /// BT-31 or BT-48, with the country's letters before it.
    pub vat_id: Option<String>,
    /// BT-30 or BT-47: the number in a register of companies.
    pub registration: Option<String>,
    pub address: Address,
    /// BT-34 or BT-49: where electronic documents go.
    pub email: Option<String>,
}

#[derive(Clone, Debug, Default)]
pub struct Address {
    /// At most three.
    pub lines: Vec<String>,
    pub postcode: Option<String>,
    pub city: Option<String>,
    /// ISO 3166-1, two letters; the one thing that the standard demands.
    pub country: String,
}

/// Why a line is taxed as it is: the categories of UN/CEFACT 5305 that EN 16931 knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// S: the seller's rate.
    Standard,
    /// Z: a rate of zero.
    Zero,
    /// E: exempt by law; the document names the reason.
    Exempt,
    /// AE: the buyer owes the tax.
    ReverseCharge,
    /// K: goods that go to another member of the Union.
    IntraCommunity,
    /// G: goods that leave the Union.
    Export,
    /// O: not subject to VAT at all.
    Outside,
}

impl Category {
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Standard => "S",
            Self::Zero => "Z",
            Self::Exempt => "E",
            Self::ReverseCharge => "AE",
            Self::IntraCommunity => "K",
            Self::Export => "G",
            Self::Outside => "O",
        }
    }

    /// BT-121: the list of CEF has one reason for each of these.
    #[must_use]
    pub const fn reason_code(self) -> Option<&'static str> {
        match self {
            Self::ReverseCharge => Some("VATEX-EU-AE"),
            Self::IntraCommunity => Some("VATEX-EU-IC"),
            Self::Export => Some("VATEX-EU-G"),
            Self::Outside => Some("VATEX-EU-O"),
            Self::Standard | Self::Zero | Self::Exempt => None,
        }
    }
}

/// One line (BG-25). A buyer's premium is a line of its own.
#[derive(Clone, Debug)]
pub struct Line {
    /// BT-153.
    pub name: String,
    /// BT-154, in a line below the name.
    pub description: Option<String>,
    /// BT-155: the seller's own name for the item.
    pub item: Option<String>,
    /// BT-134 and BT-135: the first and the last day of what is billed.
    pub period: Option<(NaiveDate, NaiveDate)>,
    pub quantity: Decimal,
    /// As people read it, such as "piece".
    pub unit: String,
    /// BT-146 of one unit; nothing where the net amount is not a multiple of one, which then is the price of the whole quantity (BT-149).
    pub price: Option<Decimal>,
    /// BT-131, in minor units.
    pub net: i64,
    pub category: Category,
    /// In hundredths of a percent.
    pub rate_bps: u32,
}

/// The tax of everything that has one category and rate (BG-23).
#[derive(Clone, Debug)]
pub struct Tax {
    pub category: Category,
    pub rate_bps: u32,
    pub net: i64,
    pub tax: i64,
    /// BT-120: why there is none, in the words of the law.
    pub reason: Option<String>,
}

/// What the document comes to (BG-22), in minor units.
#[derive(Clone, Copy, Debug)]
pub struct Totals {
    /// BT-109.
    pub net: i64,
    /// BT-110.
    pub tax: i64,
    /// BT-112.
    pub gross: i64,
    /// BT-113: what has been paid already.
    pub paid: i64,
    /// BT-115.
    pub due: i64,
}

/// How it is paid (BG-16).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payment {
    /// By the marketplace's payment provider, when it was ordered.
    Online,
    /// By a transfer to this account.
    Transfer { iban: String, bic: Option<String>, holder: String },
}

/// A document as it was issued.
#[derive(Clone, Debug)]
pub struct Invoice {
    pub kind: Kind,
    /// BT-1.
    pub number: String,
    /// BT-2.
    pub issued_on: NaiveDate,
    pub currency: Currency,
    pub seller: Party,
    pub buyer: Party,
    /// BT-13.
    pub order: Option<String>,
    /// BT-10.
    pub buyer_reference: Option<String>,
    /// BT-72.
    pub delivered_on: Option<NaiveDate>,
    /// BG-15.
    pub delivered_to: Option<Address>,
    /// BG-3: what a credit note takes back, or whose place an invoice takes.
    pub refers_to: Option<(String, NaiveDate)>,
    pub lines: Vec<Line>,
    pub taxes: Vec<Tax>,
    pub totals: Totals,
    /// BT-6 and BT-111: the tax in the currency of the seller's country, where that is another one.
    pub accounting_tax: Option<(Currency, i64)>,
    pub payment: Payment,
    /// BT-20.
    pub terms: Option<String>,
    /// BT-9.
    pub due_on: Option<NaiveDate>,
    /// BT-22.
    pub notes: Vec<String>,
    /// The file's date.
    pub made_at: DateTime<Utc>,
    /// BCP 47.
    pub language: String,
}

/// Why a document is not written. Amounts are in minor units.
#[derive(Debug, thiserror::Error)]
pub enum InvoiceError {
    #[error("{what} should be {computed} and is {stated}")]
    Mismatch { what: String, stated: i64, computed: i64 },
    #[error("{what} is missing: {why}")]
    Missing { what: &'static str, why: &'static str },
    #[error("{what} is not allowed: {why}")]
    NotAllowed { what: String, why: &'static str },
    #[error("an amount is out of range")]
    Overflow,
    #[error("the XML cannot be written: {0}")]
    Xml(#[from] std::io::Error),
    #[error("the metadata cannot be completed: {0}")]
    Metadata(&'static str),
}

/// Prints a document with its XML attached.
pub fn print(fonts: &Fonts, invoice: &Invoice) -> Result<Paper, PaperError> {
    let xml = xml(invoice)?;
    let mut paper = page::print(fonts, invoice, Some(xml))?;
    paper.bytes = embed::declare(&paper.bytes)?;
    Ok(paper)
}

/// Prints a document for people alone: something that EN 16931 demands of the XML is not known. Nothing is checked.
pub fn print_without_xml(fonts: &Fonts, invoice: &Invoice) -> Result<Paper, PaperError> {
    page::print(fonts, invoice, None)
}

/// The document as XML alone: a `CrossIndustryInvoice` of the profile EN 16931.
pub fn xml(invoice: &Invoice) -> Result<Vec<u8>, InvoiceError> {
    check::check(invoice)?;
    xml::write(invoice)
}

/// The code of UN/ECE recommendation 20 for a unit as people write it; "one" where the list has no better word.
#[must_use]
pub fn unit_code(unit: &str) -> &'static str {
    match unit.to_ascii_lowercase().as_str() {
        "kg" | "kilogram" => "KGM",
        "g" | "gram" => "GRM",
        "t" | "tonne" => "TNE",
        "l" | "litre" | "liter" => "LTR",
        "m" | "metre" | "meter" => "MTR",
        "m2" | "m²" => "MTK",
        "m3" | "m³" => "MTQ",
        "km" => "KMT",
        "h" | "hour" => "HUR",
        "day" => "DAY",
        "week" => "WEE",
        "month" => "MON",
        "kwh" => "KWH",
        "pair" => "PR",
        "set" => "SET",
        "pallet" => "XPX",
        "box" => "XBX",
        "piece" => "H87",
        _ => "C62",
    }
}
