//! What may be stated of a shipment of waste. Annex VII is for waste of the green lists alone, so codes of others are refused.

use chrono::{Datelike, NaiveDate};
use shared::invalid::{Faults, Invalid};

use super::model::{NewPaper, PaperKind, WasteCarrier, WasteData};

/// As many carriers as the form has room for.
const MOST_CARRIERS: usize = 3;
const MOST_TRANSIT: usize = 10;
/// The years that a transfer may be in; the form has room for four digits.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=2199;
/// The recovery operations of Annex II to Directive 2008/98/EC.
const OPERATIONS: [&str; 13] = ["R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "R9", "R10", "R11", "R12", "R13"];

/// Judges what is stated with a request for a paper; says everything that is wrong with it, each with its field.
pub fn judge(new: &NewPaper) -> Result<(), Faults> {
    let Some(waste) = &new.waste else { return Ok(()) };
    let faults = if new.kind == PaperKind::WasteMovement {
        judge_waste(waste)
    } else {
        vec![Invalid::new("/waste", "only the document of a shipment of waste has it")]
    };
    Faults::of(faults).map_or(Ok(()), Err)
}

fn judge_waste(waste: &WasteData) -> Vec<Invalid> {
    let mut faults = Vec::new();
    if let Some(facility) = &waste.facility {
        judge_text("/waste/facility/name", &facility.name, 200, &mut faults);
        judge_text("/waste/facility/address", &facility.address, 300, &mut faults);
    }
    if waste.operation.as_deref().is_some_and(|code| !OPERATIONS.contains(&code)) {
        faults.push(Invalid::new("/waste/operation", "must be one of R1 to R13"));
    }
    if waste.basel_code.as_deref().is_some_and(|code| !is_basel(code)) {
        faults.push(Invalid::new(
            "/waste/basel_code",
            "must be an entry of Annex IX to the Basel Convention, such as B3011",
        ));
    }
    if waste.oecd_code.as_deref().is_some_and(|code| !is_oecd(code)) {
        faults.push(Invalid::new("/waste/oecd_code", "must be a code of the green list, such as GN010"));
    }
    if let Some(code) = &waste.national_code {
        judge_text("/waste/national_code", code, 40, &mut faults);
    }
    if waste.transit.len() > MOST_TRANSIT {
        faults.push(Invalid::new("/waste/transit", format!("has at most {MOST_TRANSIT} countries")));
    }
    for (index, country) in waste.transit.iter().enumerate() {
        if waste.transit[..index].contains(country) {
            faults.push(Invalid::new(format!("/waste/transit/{index}"), "is named already"));
        }
    }
    judge_carriers(&waste.carriers, &mut faults);
    faults
}

fn judge_carriers(carriers: &[WasteCarrier], faults: &mut Vec<Invalid>) {
    if carriers.len() > MOST_CARRIERS {
        faults.push(Invalid::new("/waste/carriers", format!("has at most {MOST_CARRIERS} carriers")));
    }
    let mut before: Option<NaiveDate> = None;
    for (index, carrier) in carriers.iter().enumerate() {
        let at = |field: &str| format!("/waste/carriers/{index}/{field}");
        judge_text(&at("name"), &carrier.name, 200, faults);
        judge_text(&at("address"), &carrier.address, 300, faults);
        if let Some(means) = &carrier.means_of_transport {
            judge_text(&at("means_of_transport"), means, 100, faults);
        }
        let Some(on) = carrier.transferred_on else { continue };
        if !YEARS.contains(&on.year()) {
            let message = format!("must be from {} to {}", YEARS.start(), YEARS.end());
            faults.push(Invalid::new(at("transferred_on"), message));
        } else if let Some(before) = before.filter(|before| on < *before) {
            let message = format!("must not be before the transfer to the carrier before, {before}");
            faults.push(Invalid::new(at("transferred_on"), message));
        } else {
            before = Some(on);
        }
    }
}

fn judge_text(pointer: &str, text: &str, most: usize, faults: &mut Vec<Invalid>) {
    if !(1..=most).contains(&text.chars().count()) {
        faults.push(Invalid::new(pointer, format!("must have 1 to {most} characters")));
    }
}

/// Of Annex IX, whose four lists are of metals, of inorganic and of organic waste, and of what may be either.
fn is_basel(code: &str) -> bool {
    matches!(code.as_bytes(), [b'B', b'1'..=b'4', rest @ ..] if are_digits(rest))
}

fn is_oecd(code: &str) -> bool {
    matches!(code.as_bytes(), [b'G', b'A'..=b'Z', rest @ ..] if are_digits(rest))
}

fn are_digits(rest: &[u8]) -> bool {
    rest.len() == 3 && rest.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests;
