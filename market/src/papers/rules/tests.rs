use serde_json::{Value, json};
use uuid::Uuid;

use super::*;

/// Everything that can be stated.
fn stated() -> Value {
    json!({
        "facility": {"name": "Nordic Recycling", "address": "Kajen 4, 211 19 Malmö", "country": "SE"},
        "operation": "R3",
        "basel_code": "B3011",
        "oecd_code": "GH013",
        "national_code": "19 12 04",
        "transit": ["DK", "NL"],
        "carriers": [
            {"name": "Hansa Freight", "address": "Kai 1, Hamburg", "means_of_transport": "road", "transferred_on": "2026-12-01"},
            {"name": "Sund Lines", "address": "Havnegade 1, Esbjerg"},
            {"name": "Skåne Rail", "address": "Bangatan 2, Malmö", "transferred_on": "2026-12-01"},
        ],
    })
}

fn asked(kind: &str, waste: &Value) -> NewPaper {
    serde_json::from_value(json!({"kind": kind, "about": Uuid::nil(), "waste": waste})).unwrap()
}

/// Where the faults are.
fn pointers(new: &NewPaper) -> Vec<String> {
    judge(new).err().iter().flatten().map(|fault| fault.pointer.clone()).collect()
}

/// What is wrong when this field is so instead.
fn changed(field: &str, value: Value) -> Vec<String> {
    let mut waste = stated();
    *waste.pointer_mut(field).unwrap() = value;
    pointers(&asked("waste_movement", &waste))
}

#[test]
fn what_is_stated_of_waste_is_judged_field_by_field() {
    assert_eq!(judge(&asked("waste_movement", &stated())), Ok(()));
    assert_eq!(judge(&asked("waste_movement", &json!({}))), Ok(()), "nothing is stated");
    for (field, bad) in [
        ("/facility/name", json!("")),
        ("/facility/name", json!("x".repeat(201))),
        ("/facility/address", json!("x".repeat(301))),
        ("/operation", json!("R14")),
        ("/operation", json!("R0")),
        ("/operation", json!("r3")),
        ("/operation", json!("D10")),
        ("/basel_code", json!("A1010")),
        ("/basel_code", json!("B5010")),
        ("/basel_code", json!("B30110")),
        ("/oecd_code", json!("AC010")),
        ("/oecd_code", json!("G1010")),
        ("/national_code", json!(" ")),
        ("/transit/1", json!("DK")),
        ("/carriers/0/name", json!("")),
        ("/carriers/1/address", json!("")),
        ("/carriers/0/means_of_transport", json!("x".repeat(101))),
        ("/carriers/0/transferred_on", json!("0001-01-01")),
        ("/carriers/2/transferred_on", json!("2026-11-30")),
    ] {
        assert_eq!(changed(field, bad.clone()), [format!("/waste{field}")], "{bad}");
    }
}

#[test]
fn the_form_has_room_for_three_carriers_and_ten_countries() {
    let carriers = vec![json!({"name": "One", "address": "Street"}); 4];
    assert_eq!(changed("/carriers", json!(carriers)), ["/waste/carriers"]);
    let countries = json!(["AT", "BE", "CH", "CZ", "DK", "ES", "FI", "FR", "IT", "NL", "PL"]);
    assert_eq!(changed("/transit", countries), ["/waste/transit"]);
}

#[test]
fn everything_that_is_wrong_is_said_at_once_and_other_papers_have_no_waste() {
    let mut waste = stated();
    (waste["operation"], waste["basel_code"]) = (json!("R14"), json!("X"));
    assert_eq!(pointers(&asked("waste_movement", &waste)), ["/waste/operation", "/waste/basel_code"]);
    for kind in ["picking_list", "shipping_label", "release_pass"] {
        assert_eq!(pointers(&asked(kind, &stated())), ["/waste"], "{kind}");
    }
}

#[test]
fn what_is_kept_of_waste_is_what_was_stated() {
    let waste = asked("waste_movement", &stated()).waste.unwrap();
    assert_eq!(serde_json::to_value(waste).unwrap(), stated());
}
