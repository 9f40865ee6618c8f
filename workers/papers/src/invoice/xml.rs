//! The document as a `CrossIndustryInvoice` of UN/CEFACT (D22B), as Factur-X 1.0 uses it. The order of the elements is the schema's.

use std::io;

use chrono::NaiveDate;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesStart, BytesText, Event};

use super::{Address, Category, Decimal, Invoice, InvoiceError, Kind, Line, Party, Payment, Tax, unit_code};

/// BT-24.
const PROFILE: &str = "urn:cen.eu:en16931:2017";

const NAMESPACES: [(&str, &str); 4] = [
    ("xmlns:rsm", "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"),
    ("xmlns:ram", "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"),
    ("xmlns:qdt", "urn:un:unece:uncefact:data:standard:QualifiedDataType:100"),
    ("xmlns:udt", "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100"),
];

struct Xml(Writer<Vec<u8>>);

type Written = io::Result<()>;

impl Xml {
    fn within(&mut self, tag: &str, content: impl FnOnce(&mut Self) -> Written) -> Written {
        self.element(BytesStart::new(tag), content)
    }

    fn element(&mut self, start: BytesStart<'_>, content: impl FnOnce(&mut Self) -> Written) -> Written {
        let end = start.to_end().into_owned();
        self.0.write_event(Event::Start(start))?;
        content(self)?;
        self.0.write_event(Event::End(end))
    }

    fn text(&mut self, tag: &str, text: &str) -> Written {
        self.within(tag, |xml| xml.characters(text))
    }

    fn maybe(&mut self, tag: &str, text: Option<&str>) -> Written {
        text.map_or(Ok(()), |text| self.text(tag, text))
    }

    fn with(&mut self, tag: &str, attribute: (&str, &str), text: &str) -> Written {
        self.element(BytesStart::new(tag).with_attributes([attribute]), |xml| xml.characters(text))
    }

    /// Without the characters that XML 1.0 has no way to write.
    fn characters(&mut self, text: &str) -> Written {
        let allowed =
            |it: char| matches!(it, '\t' | '\n' | '\r') || (it >= ' ' && !matches!(it, '\u{FFFE}' | '\u{FFFF}'));
        let text: String = text.chars().filter(|it| allowed(*it)).collect();
        self.0.write_event(Event::Text(BytesText::new(text.trim())))
    }

    /// 102: year, month and day.
    fn date(&mut self, tag: &str, kind: &str, date: NaiveDate) -> Written {
        self.within(tag, |xml| {
            xml.with(&format!("{kind}:DateTimeString"), ("format", "102"), &date.format("%Y%m%d").to_string())
        })
    }
}

pub(super) fn write(invoice: &Invoice) -> Result<Vec<u8>, InvoiceError> {
    let mut xml = Xml(Writer::new_with_indent(Vec::new(), b' ', 1));
    xml.0.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    xml.element(BytesStart::new("rsm:CrossIndustryInvoice").with_attributes(NAMESPACES), |xml| {
        xml.within("rsm:ExchangedDocumentContext", |xml| {
            xml.within("ram:GuidelineSpecifiedDocumentContextParameter", |xml| xml.text("ram:ID", PROFILE))
        })?;
        xml.within("rsm:ExchangedDocument", |xml| {
            xml.text("ram:ID", &invoice.number)?;
            xml.text("ram:TypeCode", if invoice.kind == Kind::Invoice { "380" } else { "381" })?;
            xml.date("ram:IssueDateTime", "udt", invoice.issued_on)?;
            invoice
                .notes
                .iter()
                .try_for_each(|note| xml.within("ram:IncludedNote", |xml| xml.text("ram:Content", note)))
        })?;
        xml.within("rsm:SupplyChainTradeTransaction", |xml| {
            for (index, line) in invoice.lines.iter().enumerate() {
                xml.within("ram:IncludedSupplyChainTradeLineItem", |xml| write_line(xml, invoice, index + 1, line))?;
            }
            xml.within("ram:ApplicableHeaderTradeAgreement", |xml| agreement(xml, invoice))?;
            xml.within("ram:ApplicableHeaderTradeDelivery", |xml| delivery(xml, invoice))?;
            xml.within("ram:ApplicableHeaderTradeSettlement", |xml| settlement(xml, invoice))
        })
    })?;
    Ok(xml.0.into_inner())
}

fn write_line(xml: &mut Xml, invoice: &Invoice, number: usize, line: &Line) -> Written {
    let unit = unit_code(&line.unit);
    xml.within("ram:AssociatedDocumentLineDocument", |xml| xml.text("ram:LineID", &number.to_string()))?;
    xml.within("ram:SpecifiedTradeProduct", |xml| {
        xml.maybe("ram:SellerAssignedID", line.item.as_deref())?;
        xml.text("ram:Name", &line.name)?;
        xml.maybe("ram:Description", line.description.as_deref())
    })?;
    xml.within("ram:SpecifiedLineTradeAgreement", |xml| {
        xml.within("ram:NetPriceProductTradePrice", |xml| {
            if let Some(price) = line.price {
                return xml.text("ram:ChargeAmount", &price.fixed());
            }
            xml.text("ram:ChargeAmount", &invoice.currency.amount(line.net))?;
            xml.with("ram:BasisQuantity", ("unitCode", unit), &line.quantity.short())
        })
    })?;
    xml.within("ram:SpecifiedLineTradeDelivery", |xml| {
        xml.with("ram:BilledQuantity", ("unitCode", unit), &line.quantity.short())
    })?;
    xml.within("ram:SpecifiedLineTradeSettlement", |xml| {
        xml.within("ram:ApplicableTradeTax", |xml| {
            xml.text("ram:TypeCode", "VAT")?;
            xml.text("ram:CategoryCode", line.category.code())?;
            rate(xml, line.category, line.rate_bps)
        })?;
        if let Some((first, last)) = line.period {
            xml.within("ram:BillingSpecifiedPeriod", |xml| {
                xml.date("ram:StartDateTime", "udt", first)?;
                xml.date("ram:EndDateTime", "udt", last)
            })?;
        }
        xml.within("ram:SpecifiedTradeSettlementLineMonetarySummation", |xml| {
            xml.text("ram:LineTotalAmount", &invoice.currency.amount(line.net))
        })
    })
}

fn agreement(xml: &mut Xml, invoice: &Invoice) -> Written {
    // A document that is outside of VAT names no VAT numbers (BR-O-02).
    let outside = invoice.taxes.iter().any(|tax| tax.category == Category::Outside);
    xml.maybe("ram:BuyerReference", invoice.buyer_reference.as_deref())?;
    xml.within("ram:SellerTradeParty", |xml| party(xml, &invoice.seller, outside))?;
    xml.within("ram:BuyerTradeParty", |xml| party(xml, &invoice.buyer, outside))?;
    match &invoice.order {
        Some(order) => xml.within("ram:BuyerOrderReferencedDocument", |xml| xml.text("ram:IssuerAssignedID", order)),
        None => Ok(()),
    }
}

fn party(xml: &mut Xml, party: &Party, outside: bool) -> Written {
    xml.text("ram:Name", &party.name)?;
    if let Some(registration) = &party.registration {
        xml.within("ram:SpecifiedLegalOrganization", |xml| xml.text("ram:ID", registration))?;
    }
    xml.within("ram:PostalTradeAddress", |xml| address(xml, &party.address))?;
    if let Some(email) = &party.email {
        xml.within("ram:URIUniversalCommunication", |xml| xml.with("ram:URIID", ("schemeID", "EM"), email))?;
    }
    match &party.vat_id {
        Some(id) if !outside => {
            xml.within("ram:SpecifiedTaxRegistration", |xml| xml.with("ram:ID", ("schemeID", "VA"), id))
        }
        _ => Ok(()),
    }
}

fn address(xml: &mut Xml, address: &Address) -> Written {
    xml.maybe("ram:PostcodeCode", address.postcode.as_deref())?;
    for (tag, line) in ["ram:LineOne", "ram:LineTwo", "ram:LineThree"].iter().zip(&address.lines) {
        xml.text(tag, line)?;
    }
    xml.maybe("ram:CityName", address.city.as_deref())?;
    xml.text("ram:CountryID", &address.country)
}

fn delivery(xml: &mut Xml, invoice: &Invoice) -> Written {
    if let Some(place) = &invoice.delivered_to {
        xml.within("ram:ShipToTradeParty", |xml| xml.within("ram:PostalTradeAddress", |xml| address(xml, place)))?;
    }
    match invoice.delivered_on {
        Some(day) => {
            xml.within("ram:ActualDeliverySupplyChainEvent", |xml| xml.date("ram:OccurrenceDateTime", "udt", day))
        }
        None => Ok(()),
    }
}

fn settlement(xml: &mut Xml, invoice: &Invoice) -> Written {
    let currency = invoice.currency;
    xml.text("ram:PaymentReference", &invoice.number)?;
    if let Some((other, _)) = invoice.accounting_tax {
        xml.text("ram:TaxCurrencyCode", other.code())?;
    }
    xml.text("ram:InvoiceCurrencyCode", currency.code())?;
    xml.within("ram:SpecifiedTradeSettlementPaymentMeans", |xml| means(xml, &invoice.payment))?;
    for tax in &invoice.taxes {
        xml.within("ram:ApplicableTradeTax", |xml| write_tax(xml, invoice, tax))?;
    }
    if invoice.terms.is_some() || invoice.due_on.is_some() {
        xml.within("ram:SpecifiedTradePaymentTerms", |xml| {
            xml.maybe("ram:Description", invoice.terms.as_deref())?;
            invoice.due_on.map_or(Ok(()), |day| xml.date("ram:DueDateDateTime", "udt", day))
        })?;
    }
    xml.within("ram:SpecifiedTradeSettlementHeaderMonetarySummation", |xml| {
        let totals = invoice.totals;
        xml.text("ram:LineTotalAmount", &currency.amount(totals.net))?;
        xml.text("ram:TaxBasisTotalAmount", &currency.amount(totals.net))?;
        xml.with("ram:TaxTotalAmount", ("currencyID", currency.code()), &currency.amount(totals.tax))?;
        if let Some((other, tax)) = invoice.accounting_tax {
            xml.with("ram:TaxTotalAmount", ("currencyID", other.code()), &other.amount(tax))?;
        }
        xml.text("ram:GrandTotalAmount", &currency.amount(totals.gross))?;
        xml.text("ram:TotalPrepaidAmount", &currency.amount(totals.paid))?;
        xml.text("ram:DuePayableAmount", &currency.amount(totals.due))
    })?;
    match &invoice.refers_to {
        Some((number, day)) => xml.within("ram:InvoiceReferencedDocument", |xml| {
            xml.text("ram:IssuerAssignedID", number)?;
            xml.date("ram:FormattedIssueDateTime", "qdt", *day)
        }),
        None => Ok(()),
    }
}

/// UNTDID 4461: 68 is a payment online, 58 a SEPA transfer.
fn means(xml: &mut Xml, payment: &Payment) -> Written {
    match payment {
        Payment::Online => xml.text("ram:TypeCode", "68"),
        Payment::Transfer { iban, bic, holder } => {
            xml.text("ram:TypeCode", "58")?;
            xml.within("ram:PayeePartyCreditorFinancialAccount", |xml| {
                xml.text("ram:IBANID", &iban.replace(' ', ""))?;
                xml.text("ram:AccountName", holder)
            })?;
            match bic {
                Some(bic) => {
                    xml.within("ram:PayeeSpecifiedCreditorFinancialInstitution", |xml| xml.text("ram:BICID", bic))
                }
                None => Ok(()),
            }
        }
    }
}

fn write_tax(xml: &mut Xml, invoice: &Invoice, tax: &Tax) -> Written {
    xml.text("ram:CalculatedAmount", &invoice.currency.amount(tax.tax))?;
    xml.text("ram:TypeCode", "VAT")?;
    xml.maybe("ram:ExemptionReason", tax.reason.as_deref())?;
    xml.text("ram:BasisAmount", &invoice.currency.amount(tax.net))?;
    xml.text("ram:CategoryCode", tax.category.code())?;
    xml.maybe("ram:ExemptionReasonCode", tax.category.reason_code())?;
    rate(xml, tax.category, tax.rate_bps)
}

/// BT-119 and BT-152; what is outside of VAT has no rate, not even zero.
fn rate(xml: &mut Xml, category: Category, rate_bps: u32) -> Written {
    if category == Category::Outside {
        return Ok(());
    }
    xml.text("ram:RateApplicablePercent", &Decimal { units: rate_bps.into(), places: 2 }.short())
}
