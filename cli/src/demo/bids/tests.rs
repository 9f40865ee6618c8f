use super::*;

const HEAD: &str = "auction,duration_days,opening_bid,final_price,bid_no,placed_at_days,bidder,amount\n";

#[test]
fn the_recorded_auctions_are_all_there() {
    let auctions = parse(XBOX).unwrap();
    assert_eq!(auctions.len(), 149);
    assert_eq!(auctions.iter().map(|auction| auction.bids.len()).sum::<usize>(), 2_811);
    assert!(auctions.iter().all(|auction| auction.bids.is_sorted_by_key(|bid| bid.placed)));
}

#[test]
fn bids_come_in_the_order_of_their_time() {
    let auctions = parse(&format!("{HEAD}a,3,1,5,2,2.5,y,5\na,3,1,5,1,0.5,x,4\n")).unwrap();
    let bidders: Vec<_> = auctions[0].bids.iter().map(|bid| bid.bidder.as_str()).collect();
    assert_eq!(bidders, ["x", "y"]);
}

#[test]
fn faults_name_their_line() {
    for (row, expected) in [
        ("a,3,1,5,1,0.5,x,four", "line 2: column amount: \"four\""),
        ("a,3,1,5,1,0.5,x,0", "line 2: column amount"),
        ("a,3,1,5,1,0.5,x,99999999999999999", "line 2: column amount"),
        ("a,3,1,5,one,0.5,x,4", "line 2: column bid_no"),
        ("a,3,1,5,1,-1,x,4", "line 2: column placed_at_days"),
        ("a,3,1,5,1,NaN,x,4", "line 2: column placed_at_days"),
        ("a,0,1,5,1,0.5,x,4", "line 2: column duration_days"),
        ("a b,3,1,5,1,0.5,x,4", "line 2: column auction"),
        ("a,3,1,5,1,0.5,,4", "line 2: column bidder"),
        ("a,3,1,5,1,0.5", "line 2: 6 columns, but line 1 names 8"),
        ("a,3,1,5,1,0.5,x,4\na,3,2,5,2,0.6,y,5", "line 3: column opening_bid: a has another"),
        ("a,3,1,5,1,0.5,x,4\na,3,1,5,1,0.5,x,4", "line 3, column bid_no: bid 1 of a is on line 2 already"),
    ] {
        let error = format!("{:#}", parse(&format!("{HEAD}{row}\n")).unwrap_err());
        assert!(error.contains(expected), "{row}: {error}");
    }
    for (file, expected) in [
        (HEAD, "no bids"),
        ("a,b\n1,2\n", "lacks the column auction, duration_days"),
        ("", "line 1 lacks the column"),
        (&HEAD.replace("amount", "sum"), "lacks the column amount;"),
    ] {
        let error = format!("{:#}", parse(file).unwrap_err());
        assert!(error.contains(expected), "{file}: {error}");
    }
}

#[test]
fn columns_come_in_any_order() {
    let swapped = "bidder,amount,auction,duration_days,opening_bid,final_price,bid_no,placed_at_days,more\n\
                   x,4,a,3,1,5,1,0.5,z\n";
    let plain = format!("{HEAD}a,3,1,5,1,0.5,x,4\n");
    assert_eq!(parse(swapped).unwrap(), parse(&plain).unwrap());
}

#[test]
fn other_encodings_are_named_by_their_place() {
    let error = text(b"auction\na\xE9,1").unwrap_err();
    assert_eq!(error.to_string(), "line 2, byte 2: this is not UTF-8 text");
}
