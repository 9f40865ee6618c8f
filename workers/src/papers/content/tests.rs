use market::ids::OrderId;
use market::papers::model::Pick;
use market::shipments::model::Tracking;
use serde_json::json;

use super::*;

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn units(title: &str, quantity: i64) -> Units {
    Units { title: title.to_owned(), quantity, unit: "piece".to_owned() }
}

fn goods(title: &str, is_waste: bool, weight_g: i64) -> Goods {
    Goods {
        title: title.to_owned(),
        quantity: 3,
        weight_g,
        volume_ml: 500_000,
        is_waste,
        ewc_code: is_waste.then(|| "02 01 04".to_owned()),
        material: is_waste.then(|| "LDPE".to_owned()),
        origin: is_waste.then(|| "post_consumer".to_owned()),
        packaging: None,
        processing: vec!["washed".to_owned()],
    }
}

/// What whoever asks for the document of waste says of it.
fn stated() -> WasteData {
    serde_json::from_value(json!({
        "facility": {"name": "Nordic Recycling", "address": "Kajen 4, Malmö", "country": "SE"},
        "operation": "R3",
        "basel_code": "B3011",
        "oecd_code": "GH013",
        "national_code": "19 12 04",
        "transit": ["NL", "SE"],
        "carriers": [
            {"name": "Hansa Freight", "address": "Kai 1", "means_of_transport": "road", "transferred_on": "2026-12-01"},
            {"name": "Sund Lines", "address": "Havnegade 1"},
        ],
    }))
    .unwrap()
}

fn movement(of: Consignment, stated: WasteData) -> Movement {
    let names = BTreeMap::from([("SE".to_owned(), "Sweden".to_owned())]);
    let Content::Movement(movement) = Content::movement(of, stated, &names, at("2026-11-28T12:00:00Z")) else {
        panic!("another paper");
    };
    *movement
}

fn consignment() -> Consignment {
    let side = |name: &str, place: &str, code: &str, country: &str| Side {
        name: name.to_owned(),
        place: Some(place.to_owned()),
        country: Some(code.to_owned()),
        country_name: Some(country.to_owned()),
    };
    Consignment {
        tracking: Tracking::generate(),
        order: Some(OrderId::generate()),
        from: side("Ann Ltd", "Depot", "DE", "Germany"),
        to: side("Bob Ltd", "Havnegade 1, 6700 Esbjerg", "DK", "Denmark"),
        carrier: None,
        vehicle: Some("HH-TY 1".to_owned()),
        planned_pickup: None,
        planned_delivery: Some(at("2026-12-01T10:00:00Z")),
        picked_up_at: Some(at("2026-11-29T23:30:00Z")),
        goods: vec![goods("Film", true, 250_001), goods("Pallets", false, 20_000)],
    }
}

#[test]
fn a_label_has_the_weight_of_everything_and_a_line_for_each_part_of_an_address() {
    let of = consignment();
    let Content::Label(label) =
        Content::label(of.clone(), "https://tradeyard.example/x".to_owned(), at("2026-11-28T12:00:00Z"))
    else {
        panic!("another paper");
    };
    assert_eq!((label.weight.as_str(), label.service.as_str()), ("810.003 kg", "Due 2026-12-01"));
    assert_eq!(
        (label.to.lines.as_slice(), label.to.country.as_str()),
        (&["Havnegade 1".to_owned(), "6700 Esbjerg".to_owned()][..], "Denmark")
    );
    assert_eq!((label.carrier.as_str(), &label.tracking_number), ("Ann Ltd", &of.tracking.to_string()));
}

#[test]
fn a_document_of_waste_is_about_the_waste_alone() {
    let movement = self::movement(consignment(), WasteData::default());
    assert_eq!((movement.tonnes.as_deref(), movement.cubic_metres.as_deref()), (Some("0.750003"), Some("1.5")));
    assert_eq!(movement.description, "Film (LDPE, post consumer, washed)");
    assert_eq!((movement.codes.ewc.as_str(), movement.shipped_on.as_deref()), ("02 01 04", Some("2026-11-29")));
    assert_eq!((movement.dispatch.as_str(), movement.destination.as_str()), ("DE Germany", "DK Denmark"));
    assert_eq!((movement.operation.as_str(), movement.facility.name.as_str()), ("", ""), "to be filled in by hand");
    let mut waits = consignment();
    (waits.picked_up_at, waits.goods[0].weight_g) = (None, 0);
    let movement = self::movement(waits, WasteData::default());
    assert_eq!((movement.tonnes, movement.shipped_on), (None, None), "nobody has weighed or sent it");
}

#[test]
fn what_is_stated_of_waste_stands_in_its_boxes() {
    let movement = self::movement(consignment(), stated());
    let facility = (movement.facility.name.as_str(), movement.facility.address.as_str());
    assert_eq!(facility, ("Nordic Recycling", "Kajen 4, Malmö, Sweden"));
    let codes = &movement.codes;
    assert_eq!((movement.operation.as_str(), codes.ewc.as_str()), ("R3", "02 01 04"));
    assert_eq!((codes.basel.as_str(), codes.oecd.as_str(), codes.national.as_str()), ("B3011", "GH013", "19 12 04"));
    assert_eq!(movement.transit, ["NL", "SE Sweden"], "a country without a name has its code");
    let carriers: Vec<_> = movement
        .carriers
        .iter()
        .map(|it| (it.person.name.as_str(), it.means_of_transport.as_str(), it.transferred_on.as_deref()))
        .collect();
    assert_eq!(
        carriers,
        [("Hansa Freight", "road", Some("2026-12-01")), ("Sund Lines", "", None)],
        "not the shipper's own vehicle"
    );
}

#[test]
fn times_are_by_the_clock_on_the_wall() {
    let collection = Collection {
        order: OrderId::generate(),
        seller: "Ann Ltd".to_owned(),
        buyer: "Bob Ltd".to_owned(),
        site: "Depot".to_owned(),
        region: "Germany".to_owned(),
        latitude_e6: 53_500_000,
        longitude_e6: -9_990_010,
        time_zone: "Europe/Berlin".to_owned(),
        starts_at: at("2026-12-01T07:00:00Z"),
        ends_at: at("2026-12-01T08:00:00Z"),
        lines: vec![units("Console", 2)],
    };
    let Content::Pass(pass) = Content::pass(collection, "TP7".to_owned(), at("2026-11-28T12:00:00Z")) else {
        panic!("another paper");
    };
    assert_eq!(pass.slot, "2026-12-01 08:00–09:00 (Europe/Berlin)");
    assert_eq!(pass.address, "Germany, 53.50000, -9.99001");
    assert_eq!(pass.lines, [("Console".to_owned(), "2 piece".to_owned())]);
    let pick = |site: Option<&str>, sku: &str| Pick {
        site: site.map(str::to_owned),
        sku: sku.to_owned(),
        units: units("Console", 2),
    };
    let list = PickingList {
        order: OrderId::generate(),
        seller: "Ann Ltd".to_owned(),
        due: Some(at("2026-12-01T07:00:00Z")),
        time_zone: "Europe/Berlin".to_owned(),
        lines: vec![pick(Some("Depot"), "one"), pick(None, "two"), pick(Some("Depot"), "three")],
    };
    let Content::PickingList(list) = Content::picking_list(list, at("2026-11-28T12:00:00Z")) else {
        panic!("another paper");
    };
    assert_eq!((list.due.as_str(), list.site.as_str()), ("2026-12-01 08:00 (Europe/Berlin)", "Depot"));
    assert_eq!(list.lines.iter().map(|line| line.place.as_str()).collect::<Vec<_>>(), ["Depot", "–", "Depot"]);
}

#[test]
fn numbers_end_without_zeros() {
    let of: [(i128, usize, &str); 4] =
        [(1, 6, "0.000001"), (1_500_000, 6, "1.5"), (2_000, 3, "2"), (12_345, 3, "12.345")];
    for (amount, places, wanted) in of {
        assert_eq!(thousandths(amount, places), wanted);
    }
}

#[test]
fn every_paper_can_be_printed() {
    let fonts = crate::papers::PaperFonts::default().load().unwrap();
    let made_at = at("2026-11-28T12:00:00Z");
    for content in [
        Content::label(consignment(), "https://x.example".to_owned(), made_at),
        Content::Movement(Box::new(movement(consignment(), WasteData::default()))),
        Content::Movement(Box::new(movement(consignment(), stated()))),
    ] {
        let paper = content.print(&fonts).unwrap();
        assert_eq!(paper.pages, 1);
    }
    // Of somebody of whom nothing but a name is known.
    let mut bare = consignment();
    for side in [&mut bare.from, &mut bare.to] {
        (side.place, side.country, side.country_name) = (None, None, None);
    }
    for content in [
        Content::label(bare.clone(), "https://x.example".to_owned(), made_at),
        Content::Movement(Box::new(movement(bare, WasteData::default()))),
    ] {
        content.print(&fonts).unwrap();
    }
}
