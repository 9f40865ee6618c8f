//! What the market knows, as papers show it. What it does not know stays empty, to be filled in by hand.

use std::collections::{BTreeMap, BTreeSet};

use ::papers::fonts::Fonts;
use ::papers::label::{self, Label};
use ::papers::movement::{self, Carrier, Codes, Movement, Person};
use ::papers::slip::{self, ReleasePass};
use ::papers::{Paper, PaperError};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use market::identity::Country;
use market::papers::model::{
    Collection, Consignment, Goods, PickingList, Side, Units, WasteCarrier, WasteData, WasteFacility,
};

/// A paper before it is printed.
#[derive(Debug)]
pub(super) enum Content {
    PickingList(slip::PickingList),
    Label(Box<Label>),
    Pass(ReleasePass),
    Movement(Box<Movement>),
}

/// The words on papers.
const LANGUAGE: &str = "en";
const NOTHING: &str = "–";

impl Content {
    pub(super) fn print(&self, fonts: &Fonts) -> Result<Paper, PaperError> {
        match self {
            Self::PickingList(list) => slip::picking_list(fonts, list),
            Self::Label(label) => label::print(fonts, label),
            Self::Pass(pass) => slip::release_pass(fonts, pass),
            Self::Movement(movement) => movement::print(fonts, movement),
        }
    }

    pub(super) fn picking_list(of: PickingList, made_at: DateTime<Utc>) -> Self {
        let sites: BTreeSet<String> = of.lines.iter().filter_map(|line| line.site.clone()).collect();
        let sites: Vec<String> = sites.into_iter().collect();
        let zone = zone(&of.time_zone);
        let due = of.due.map(|due| format!("{} ({})", minute(due, zone), zone.name()));
        let order = of.order.to_string();
        let lines = of.lines.into_iter().map(|line| slip::Pick {
            place: line.site.unwrap_or_else(|| NOTHING.to_owned()),
            item: line.sku,
            quantity: quantity(&line.units),
            name: line.units.title,
            order: order.clone(),
        });
        let lines = lines.collect();
        Self::PickingList(slip::PickingList {
            number: order,
            organisation: of.seller,
            site: if sites.is_empty() { NOTHING.to_owned() } else { sites.join(", ") },
            due: due.unwrap_or_else(|| "as soon as possible".to_owned()),
            lines,
            made_at,
            language: LANGUAGE.to_owned(),
        })
    }

    /// `link` leads to what is known of the shipment's way.
    pub(super) fn label(of: Consignment, link: String, made_at: DateTime<Utc>) -> Self {
        let grams = sum(&of.goods, |goods| goods.weight_g);
        let address = |side: &Side| label::Address {
            name: side.name.clone(),
            lines: side.place.iter().flat_map(|place| place.split(',')).map(|line| line.trim().to_owned()).collect(),
            country: side.country_name.clone().or_else(|| side.country.clone()).unwrap_or_default(),
        };
        Self::Label(Box::new(Label {
            service: of.planned_delivery.map_or_else(|| "Shipment".to_owned(), |due| format!("Due {}", day(due))),
            from: address(&of.from),
            to: address(&of.to),
            carrier: of.carrier.unwrap_or(of.from.name),
            tracking_number: of.tracking.to_string(),
            link,
            weight: if grams == 0 { String::new() } else { format!("{} kg", thousandths(grams, 3)) },
            parcel: String::new(),
            reference: of.order.map(|order| order.to_string()).unwrap_or_default(),
            made_at,
            language: LANGUAGE.to_owned(),
        }))
    }

    pub(super) fn pass(of: Collection, pass: String, made_at: DateTime<Utc>) -> Self {
        let zone = zone(&of.time_zone);
        let ends = of.ends_at.with_timezone(&zone).format("%H:%M");
        let slot = format!("{}–{ends} ({})", minute(of.starts_at, zone), zone.name());
        let degrees = |e6: i64| {
            let sign = if e6 < 0 { "-" } else { "" };
            let e6 = e6.unsigned_abs();
            format!("{sign}{}.{:05}", e6 / 1_000_000, e6 % 1_000_000 / 10)
        };
        Self::Pass(ReleasePass {
            code: pass,
            organisation: of.seller,
            site: of.site,
            address: format!("{}, {}, {}", of.region, degrees(of.latitude_e6), degrees(of.longitude_e6)),
            slot,
            order: of.order.to_string(),
            buyer: of.buyer,
            lines: of.lines.into_iter().map(|units| (units.title.clone(), quantity(&units))).collect(),
            made_at,
            language: LANGUAGE.to_owned(),
        })
    }

    /// Of the waste in a shipment: whoever sells it arranges its way, whoever buys it gets it. Weights are those that were stated, and
    /// the date is that on which it was picked up. `stated` is what whoever asked for the paper has said of it; `names` are those of the
    /// countries in it.
    pub(super) fn movement(
        of: Consignment,
        stated: WasteData,
        names: &BTreeMap<String, String>,
        made_at: DateTime<Utc>,
    ) -> Self {
        let waste: Vec<Goods> = of.goods.into_iter().filter(|goods| goods.is_waste).collect();
        let (grams, millilitres) = (sum(&waste, |goods| goods.weight_g), sum(&waste, |goods| goods.volume_ml));
        let known = |amount: i128| (amount > 0).then(|| thousandths(amount, 6));
        let shipped_on = of.picked_up_at.map(day);
        let arranger = person(&of.from);
        let mut carriers: Vec<Carrier> = stated.carriers.into_iter().map(stated_carrier).collect();
        if carriers.is_empty() {
            carriers.push(Carrier {
                person: of.carrier.map_or_else(|| arranger.clone(), |name| Person { name, ..Person::default() }),
                means_of_transport: of.vehicle.unwrap_or_default(),
                transferred_on: shipped_on.clone(),
                signed_by: None,
            });
        }
        let ewc: BTreeSet<&str> = waste.iter().filter_map(|goods| goods.ewc_code.as_deref()).collect();
        let codes = Codes {
            basel: stated.basel_code.unwrap_or_default(),
            oecd: stated.oecd_code.unwrap_or_default(),
            ewc: ewc.into_iter().collect::<Vec<_>>().join(", "),
            national: stated.national_code.unwrap_or_default(),
        };
        Self::Movement(Box::new(Movement {
            number: of.tracking.to_string(),
            consignee: person(&of.to),
            tonnes: known(grams),
            cubic_metres: known(millilitres),
            shipped_on,
            carriers,
            generator: arranger.clone(),
            arranger,
            facility: stated.facility.map(|facility| place(facility, names)).unwrap_or_default(),
            operation: stated.operation.unwrap_or_default(),
            description: waste.iter().map(described).collect::<Vec<_>>().join("; "),
            codes,
            dispatch: country(&of.from),
            transit: stated.transit.iter().map(|country| named(country, names)).collect(),
            destination: country(&of.to),
            declaration: None,
            received_by_consignee: None,
            received_by_facility: None,
            received_quantity: None,
            made_at,
            language: LANGUAGE.to_owned(),
        }))
    }
}

fn quantity(units: &Units) -> String {
    format!("{} {}", units.quantity, units.unit)
}

fn zone(name: &str) -> Tz {
    name.parse().unwrap_or(Tz::UTC)
}

fn minute(at: DateTime<Utc>, zone: Tz) -> String {
    at.with_timezone(&zone).format("%Y-%m-%d %H:%M").to_string()
}

/// By the calendar of UTC, as the paper says of its own date.
fn day(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d").to_string()
}

fn sum(goods: &[Goods], of_one: fn(&Goods) -> i64) -> i128 {
    goods.iter().map(|goods| i128::from(goods.quantity) * i128::from(of_one(goods))).sum()
}

/// An amount divided by 10^`places`, without zeros at its end.
fn thousandths(amount: i128, places: usize) -> String {
    let digits = format!("{amount:0>width$}", width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

fn person(side: &Side) -> Person {
    let country = side.country_name.clone().or_else(|| side.country.clone());
    let address: Vec<String> = side.place.iter().cloned().chain(country).collect();
    Person { name: side.name.clone(), address: address.join(", "), ..Person::default() }
}

/// A carrier as it was stated. Whoever takes over the waste signs by hand.
fn stated_carrier(of: WasteCarrier) -> Carrier {
    Carrier {
        person: Person { name: of.name, address: of.address, ..Person::default() },
        means_of_transport: of.means_of_transport.unwrap_or_default(),
        transferred_on: of.transferred_on.map(|day| day.to_string()),
        signed_by: None,
    }
}

fn place(of: WasteFacility, names: &BTreeMap<String, String>) -> Person {
    let code = of.country.as_str();
    let country = names.get(code).map_or(code, String::as_str);
    Person { address: format!("{}, {country}", of.address), name: of.name, ..Person::default() }
}

/// The code with the name, where it is known.
fn named(country: &Country, names: &BTreeMap<String, String>) -> String {
    let code = country.as_str();
    names.get(code).map_or_else(|| code.to_owned(), |name| format!("{code} {name}"))
}

/// The code with the name, where it is known.
fn country(side: &Side) -> String {
    let parts: Vec<&str> = [&side.country, &side.country_name].into_iter().flatten().map(String::as_str).collect();
    parts.join(" ")
}

/// What the waste is: its name with what its category asks for.
fn described(goods: &Goods) -> String {
    let details: Vec<String> = [&goods.material, &goods.origin, &goods.packaging]
        .into_iter()
        .flatten()
        .chain(&goods.processing)
        .map(|detail| detail.replace('_', " "))
        .collect();
    if details.is_empty() { goods.title.clone() } else { format!("{} ({})", goods.title, details.join(", ")) }
}

#[cfg(test)]
mod tests;
