use super::*;

const SMALL: &str = "auction,duration_days,opening_bid,final_price,bid_no,placed_at_days,bidder,amount\n\
                     a,3,1,5,1,0.5,Ann,4\na,3,1,5,2,0.6,ann,5\n";

#[test]
fn names_differ_by_file_and_never_clash() {
    let plan = Plan::new(SMALL).unwrap();
    let other = Plan::new(&format!("{SMALL}a,3,1,5,3,0.7,Bo,6\n")).unwrap();
    assert_ne!(plan.run, other.run);
    // Addresses have no upper case, so names alone would turn two people into one.
    assert_eq!(plan.bidders, ["Ann", "ann"]);
    assert_ne!(plan.bidder_email(0), plan.bidder_email(1));
    assert_eq!(plan.place_of("ann"), Some(1));
    assert_eq!(plan.place_of("bob"), None);
}

#[test]
fn a_seller_names_its_round() {
    let plan = Plan::new(SMALL).unwrap();
    assert_eq!(Plan::round_of(&plan.seller_email(12)), Some(12));
    assert_eq!(Plan::round_of(&plan.bidder_email(0)), None);
}
