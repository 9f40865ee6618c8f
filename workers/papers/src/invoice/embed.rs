//! Says in the file's metadata that it is Factur-X.
//!
//! The standard wants four properties of its own in the XMP packet, and PDF/A wants properties that it does not know to be described
//! beside them. The library that writes the file has no way to add any, so the packet is completed afterwards. It stands in the last
//! object but one, as it is, uncompressed (PDF/A demands that): what follows it moves, and the table of offsets at the end is corrected.

use super::InvoiceError;
use super::page::FILE;

const NAMESPACE: &str = "urn:factur-x:pdfa:CrossIndustryDocument:invoice:1p0#";

const PROPERTIES: [(&str, &str, &str); 4] = [
    ("DocumentFileName", FILE, "The name of the embedded XML document"),
    ("DocumentType", "INVOICE", "The type of the hybrid document in capital letters"),
    ("Version", "1.0", "The version of the standard that applies to the embedded XML document"),
    ("ConformanceLevel", "EN 16931", "The conformance level of the embedded XML document"),
];

/// The file with the properties of Factur-X.
pub(super) fn declare(pdf: &[u8]) -> Result<Vec<u8>, InvoiceError> {
    let packet =
        find_last(pdf, b"<?xpacket begin=", pdf.len()).ok_or(InvoiceError::Metadata("there is no XMP packet"))?;
    let schemas =
        find(pdf, b"</pdfaExtension:schemas>", packet).ok_or(InvoiceError::Metadata("no schemas are described"))?;
    let bag = find_last(pdf, b"</rdf:Bag>", schemas).ok_or(InvoiceError::Metadata("the schemas are no list"))?;
    let end = find(pdf, b"</rdf:RDF>", schemas).ok_or(InvoiceError::Metadata("the packet has no end"))?;
    let (schema, values) = (schema(), values());

    let written = find_last(pdf, b"/Length ", packet).ok_or(InvoiceError::Metadata("the packet has no length"))? + 8;
    let (length, digits) = number(pdf, written).ok_or(InvoiceError::Metadata("the packet has no length"))?;
    let new_length = (length + schema.len() + values.len()).to_string();
    let table =
        find_last(pdf, b"startxref\n", pdf.len()).ok_or(InvoiceError::Metadata("there is no table of offsets"))?;
    let (offset, _) = number(pdf, table + 10).ok_or(InvoiceError::Metadata("there is no table of offsets"))?;

    let grown = schema.len() + values.len() + new_length.len() - digits;
    let mut file = Vec::with_capacity(pdf.len() + grown + 16);
    file.extend_from_slice(&pdf[..written]);
    file.extend_from_slice(new_length.as_bytes());
    file.extend_from_slice(&pdf[written + digits..bag]);
    file.extend_from_slice(schema.as_bytes());
    file.extend_from_slice(&pdf[bag..end]);
    file.extend_from_slice(values.as_bytes());
    let after = end;
    file.extend_from_slice(&pdf[after..offset]);
    moved(&mut file, &pdf[offset..table], after, grown)?;
    file.extend_from_slice(format!("startxref\n{}\n%%EOF", offset + grown).as_bytes());
    Ok(file)
}

/// The table of offsets, in which everything that stands after `from` is `by` further on. Entries are 20 bytes: ten digits of the offset,
/// five of the generation, `n` or `f`.
fn moved(file: &mut Vec<u8>, table: &[u8], from: usize, by: usize) -> Result<(), InvoiceError> {
    let broken = InvoiceError::Metadata("the table of offsets is not as expected");
    let Some(rest) = table.strip_prefix(b"xref\n") else { return Err(broken) };
    let Some(line) = rest.iter().position(|byte| *byte == b'\n') else { return Err(broken) };
    let (head, entries) = rest.split_at(line + 1);
    file.extend_from_slice(b"xref\n");
    file.extend_from_slice(head);
    let count = head.split(|byte| *byte == b' ').nth(1).and_then(|count| number(count, 0));
    let Some((count, _)) = count else { return Err(broken) };
    if entries.len() < count * 20 {
        return Err(broken);
    }
    let (entries, trailer) = entries.split_at(count * 20);
    for entry in entries.chunks(20) {
        let Some((offset, 10)) = number(entry, 0) else { return Err(broken) };
        let offset = if offset > from && entry[17] == b'n' { offset + by } else { offset };
        file.extend_from_slice(format!("{offset:010}").as_bytes());
        file.extend_from_slice(&entry[10..]);
    }
    file.extend_from_slice(trailer);
    Ok(())
}

fn schema() -> String {
    let described = PROPERTIES.map(|(name, _, meaning)| {
        format!(
            "<rdf:li rdf:parseType=\"Resource\"><pdfaProperty:name>{name}</pdfaProperty:name>\
             <pdfaProperty:valueType>Text</pdfaProperty:valueType><pdfaProperty:category>external</pdfaProperty:category>\
             <pdfaProperty:description>{meaning}</pdfaProperty:description></rdf:li>"
        )
    });
    let properties = described.concat();
    format!(
        "<rdf:li rdf:parseType=\"Resource\"><pdfaSchema:schema>Factur-X PDFA Extension Schema</pdfaSchema:schema>\
         <pdfaSchema:namespaceURI>{NAMESPACE}</pdfaSchema:namespaceURI><pdfaSchema:prefix>fx</pdfaSchema:prefix>\
         <pdfaSchema:property><rdf:Seq>{properties}</rdf:Seq></pdfaSchema:property></rdf:li>"
    )
}

fn values() -> String {
    let values = PROPERTIES.map(|(name, value, _)| format!("<fx:{name}>{value}</fx:{name}>")).concat();
    format!("<rdf:Description rdf:about=\"\" xmlns:fx=\"{NAMESPACE}\">{values}</rdf:Description>")
}

fn find(bytes: &[u8], wanted: &[u8], from: usize) -> Option<usize> {
    bytes.get(from..)?.windows(wanted.len()).position(|window| window == wanted).map(|at| from + at)
}

fn find_last(bytes: &[u8], wanted: &[u8], before: usize) -> Option<usize> {
    bytes.get(..before)?.windows(wanted.len()).rposition(|window| window == wanted)
}

/// A number and how many digits it has.
fn number(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let digits = bytes.get(at..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let text = std::str::from_utf8(&bytes[at..at + digits]).ok()?;
    Some((text.parse().ok()?, digits))
}
