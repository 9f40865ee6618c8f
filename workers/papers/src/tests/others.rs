use std::cell::Cell;

use super::samples::{movement, picking_list, release_pass, report, shipping_label};
use super::{FONTS, Printed, assert_in_order};
use crate::PaperError;
use crate::document::print_while;
use crate::label::{self, Address};
use crate::movement::{self, Carrier, Codes, Movement, Person};
use crate::slip;

#[test]
fn a_waste_movement_document_has_its_boxes_in_order() {
    let printed = Printed::new(movement::print(&FONTS, &movement()).unwrap());
    assert_eq!(printed.paper.pages, 1);
    let tree = printed.structure();
    assert_in_order(
        &tree,
        &[
            "1. Person who arranges",
            "Ostsee Recycling GmbH",
            "2. Importer or consignee",
            "Fonderies du Rhône SA",
            "3. Actual quantity",
            "24.860",
            "4. Actual date",
            "2026-10-19",
            "5 (a). First carrier",
            "Road, HL-HC 482",
            "5 (b). Second carrier",
            "Rail Fret Est",
            "5 (c). Third carrier",
            "6. Waste generator",
            "7. Recovery facility",
            "8. Recovery operation",
            "R4",
            "9. Usual description",
            "Ferrous scrap",
            "10. Waste identification",
            "B1010",
            "19 12 02",
            "11. Countries concerned",
            "DE – Germany",
            "12. Declaration",
            "I certify",
            "Jana Petersen",
            "13. Received by the consignee",
            "14. Shipment received at the facility",
        ],
    );
    assert!(printed.paper.missing.is_empty());
}

/// A form to be filled in by hand.
#[test]
fn an_empty_waste_movement_document_is_one_page() {
    let empty = Movement {
        arranger: Person::default(),
        consignee: Person::default(),
        tonnes: None,
        shipped_on: None,
        carriers: Vec::new(),
        generator: Person::default(),
        facility: Person::default(),
        operation: String::new(),
        description: String::new(),
        codes: Codes::default(),
        dispatch: String::new(),
        destination: String::new(),
        declaration: None,
        ..movement()
    };
    let printed = Printed::new(movement::print(&FONTS, &empty).unwrap());
    assert_eq!(printed.paper.pages, 1);
    let tree = printed.structure();
    assert_in_order(&tree, &["11. Countries concerned", "Transit", "Destination"]);
    assert!(!tree.contains('–'), "nobody has said that no country lies between: {tree}");
}

#[test]
fn a_fourth_carrier_has_no_box() {
    let mut four = movement();
    four.carriers = vec![Carrier::default(); 4];
    assert!(matches!(movement::print(&FONTS, &four), Err(PaperError::Shape("a fourth carrier"))));
}

#[test]
fn a_label_is_one_page_of_ten_by_fifteen() {
    let printed = Printed::new(label::print(&FONTS, &shipping_label()).unwrap());
    let info = printed.ask("pdfinfo", &[], &[]);
    assert_eq!(printed.paper.pages, 1);
    assert!(info.contains("Page size:       283.465 x 425.197 pts"), "{info}");
    assert_in_order(
        &printed.structure(),
        &[
            "Hansa Cargo",
            "Nordhof",
            "Gård & Maskin Søndergaard ApS",
            "6700 Esbjerg",
            "DENMARK",
            "12.5 kg",
            "HC0048211773920DK",
        ],
    );
}

#[test]
fn a_long_address_is_set_smaller_and_one_without_end_is_refused() {
    let with = |lines: usize| {
        let lines =
            (0..lines).map(|line| format!("line {line} of a long address in a street with a long name")).collect();
        let to = Address { name: "Somebody".to_owned(), lines, country: "Denmark".to_owned() };
        label::print(&FONTS, &label::Label { to, ..shipping_label() })
    };
    assert_eq!(with(6).unwrap().pages, 1);
    assert!(matches!(with(60), Err(PaperError::Shape(_))));
}

#[test]
fn slips_say_what_to_fetch_and_what_may_leave() {
    let list = Printed::new(slip::picking_list(&FONTS, &picking_list()).unwrap());
    assert_in_order(
        &list.structure(),
        &["Picking list PL-2026-00981", "Depot Bad Schwartau", "A-03-2", "HP-28-R", "TY-120061"],
    );
    assert!(list.paper.missing.is_empty(), "{:?}", list.paper.missing);
    let pass = Printed::new(slip::release_pass(&FONTS, &release_pass()).unwrap());
    assert_in_order(&pass.structure(), &["Release pass", "TY-120061", "7KQ4-MX2P", "14:00", "Fendt 724 Vario S4"]);
}

/// A long table takes a while: whoever gives it up is heard at its next row.
#[test]
fn a_paper_that_nobody_waits_for_is_given_up_at_its_next_row() {
    let document = report();
    let asked = Cell::new(0);
    let ask = || {
        asked.set(asked.get() + 1);
        true
    };
    print_while(&FONTS, &document, &ask).unwrap();
    let in_all = asked.get();
    assert!(in_all > document.blocks.len() + 10, "rows are asked for, too: {in_all}");
    for last in [1, in_all / 2, in_all] {
        asked.set(0);
        let ask = || {
            asked.set(asked.get() + 1);
            asked.get() < last
        };
        let given_up = print_while(&FONTS, &document, &ask).map(|paper| paper.pages);
        assert!(matches!(given_up, Err(PaperError::Unwanted)), "{given_up:?}");
        assert_eq!(asked.get(), last);
    }
}
