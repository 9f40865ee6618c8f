use papers::label::{self, Label};
use papers::movement::{Carrier, Codes, Movement, Person, Signature};
use papers::slip::{Pick, PickingList, ReleasePass};

use super::{at, pairs, strings};

pub(crate) fn shipping_label() -> Label {
    Label {
        carrier: "Hansa Cargo".to_owned(),
        service: "Parcel 24 · signed for".to_owned(),
        from: label::Address {
            name: "Nordhof Landmaschinen GmbH".to_owned(),
            lines: strings(&["Hofkoppel 12", "23611 Bad Schwartau"]),
            country: "Germany".to_owned(),
        },
        to: label::Address {
            name: "Gård & Maskin Søndergaard ApS".to_owned(),
            lines: strings(&["att. Æbbe Østergård", "Østervej 4, Bygning B", "6700 Esbjerg"]),
            country: "Denmark".to_owned(),
        },
        tracking_number: "HC0048211773920DK".to_owned(),
        link: "https://tradeyard.example/t/HC0048211773920DK".to_owned(),
        weight: "12.5 kg".to_owned(),
        parcel: "1 of 2".to_owned(),
        reference: "TY-120044".to_owned(),
        made_at: at(),
        language: "en".to_owned(),
    }
}

pub(crate) fn picking_list() -> PickingList {
    let pick = |place: &str, item: &str, name: &str, quantity: &str, order: &str| Pick {
        place: place.to_owned(),
        item: item.to_owned(),
        name: name.to_owned(),
        quantity: quantity.to_owned(),
        order: order.to_owned(),
    };
    PickingList {
        number: "PL-2026-00981".to_owned(),
        organisation: "Nordhof Landmaschinen GmbH".to_owned(),
        site: "Depot Bad Schwartau".to_owned(),
        due: "2026-10-15 14:00 Europe/Berlin".to_owned(),
        lines: vec![
            pick("A-03-2", "HP-28-R", "Hydraulic pump, 28 cm³, refurbished", "2", "TY-120044"),
            pick("A-03-4", "OF-SET", "Oil filter set", "14", "TY-120044"),
            pick("B-11-1", "KV-150-NET", "Net wrap for round balers, 3,000 m", "6", "TY-120057"),
            pick("Yard 4", "TR-724-0091", "Fendt 724 Vario S4", "1", "TY-120061"),
            pick("Yard 4", "AC-4003", "Amazone Cirrus 4003 seed drill with front tyre packer", "1", "TY-120061"),
        ],
        made_at: at(),
        language: "en".to_owned(),
    }
}

pub(crate) fn release_pass() -> ReleasePass {
    ReleasePass {
        code: "7KQ4-MX2P".to_owned(),
        organisation: "Nordhof Landmaschinen GmbH".to_owned(),
        site: "Depot Bad Schwartau".to_owned(),
        address: "Hofkoppel 12, 23611 Bad Schwartau".to_owned(),
        slot: "15 Oct 2026, 14:00–14:30 CEST".to_owned(),
        order: "TY-120061".to_owned(),
        buyer: "Gård & Maskin Søndergaard ApS".to_owned(),
        lines: pairs(&[("Fendt 724 Vario S4", "1"), ("Amazone Cirrus 4003 seed drill with front tyre packer", "1")]),
        made_at: at(),
        language: "en".to_owned(),
    }
}

pub(crate) fn movement() -> Movement {
    let person = |name: &str, address: &str, contact: &str| Person {
        name: name.to_owned(),
        address: address.to_owned(),
        contact: contact.to_owned(),
        phone: "+49 451 555 0142".to_owned(),
        email: "transport@recycling.example".to_owned(),
    };
    let arranger = person("Ostsee Recycling GmbH", "Werftstraße 9, 23552 Lübeck, DE", "Jana Petersen");
    let facility = person("Fonderies du Rhône SA", "12 quai des Forges, 69007 Lyon, FR", "Hélène Moreau");
    Movement {
        number: "WM-2026-00214".to_owned(),
        arranger: arranger.clone(),
        consignee: facility.clone(),
        tonnes: Some("24.860".to_owned()),
        cubic_metres: None,
        shipped_on: Some("2026-10-19".to_owned()),
        carriers: vec![
            Carrier {
                person: person("Hansa Cargo GmbH", "Hafenstraße 3, 23568 Lübeck, DE", "Ole Brandt"),
                means_of_transport: "Road, HL-HC 482".to_owned(),
                transferred_on: Some("2026-10-19".to_owned()),
                signed_by: Some("Ole Brandt".to_owned()),
            },
            Carrier {
                person: person("Rail Fret Est", "4 rue de la Gare, 67000 Strasbourg, FR", "Luc Weber"),
                ..Carrier::default()
            },
        ],
        generator: arranger,
        facility,
        operation: "R4 – Recycling of metals and metal compounds".to_owned(),
        description: "Ferrous scrap, mixed, sorted and free of oil (grade E3), loose in containers".to_owned(),
        codes: Codes {
            basel: "B1010".to_owned(),
            oecd: String::new(),
            ewc: "19 12 02".to_owned(),
            national: String::new(),
        },
        dispatch: "DE – Germany".to_owned(),
        transit: vec![],
        destination: "FR – France".to_owned(),
        declaration: Some(Signature {
            name: "Jana Petersen".to_owned(),
            on: "2026-10-19".to_owned(),
            signed_by: "signed electronically".to_owned(),
        }),
        received_by_consignee: None,
        received_by_facility: None,
        received_quantity: None,
        made_at: at(),
        language: "en".to_owned(),
    }
}
