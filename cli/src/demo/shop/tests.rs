use super::*;

fn left(sku: &str, on_hand: i64) -> Left {
    Left { sku: sku.to_owned(), offered: 14, on_hand, reserved: 0, quarantined: 0 }
}

#[test]
fn what_is_left_is_what_was_stocked_less_what_the_orders_buy() {
    type Break = fn(&mut Vec<Left>);
    // Of seven orders three are of the first of the goods: of one, two and one unit.
    let right = vec![left("CABLE", 11), left("CASE", 10), left("FIGURE", 11)];
    assert_eq!(mismatches(&right, 7), 0);
    assert_eq!((mismatches(&right, 6), mismatches(&right, 8), mismatches(&[], 7)), (1, 1, 3));
    let breaks: [Break; 6] = [
        |left| left[0].on_hand += 1,
        |left| left[1].on_hand -= 1,
        |left| left[1].reserved = 1,
        |left| left[2].quarantined = 1,
        |left| left[2].offered += 1,
        |left| left.truncate(2),
    ];
    for breaks in breaks {
        let mut wrong = right.clone();
        breaks(&mut wrong);
        assert_eq!(mismatches(&wrong, 7), 1, "{wrong:?}");
    }
}
