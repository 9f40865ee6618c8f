//! Mails about orders and their money.

use chrono::NaiveDate;
use market::appointments::model::AppointmentKind;
use market::auctions::model::ApprovalStatus;
use market::emails::model::{
    AppointmentNews, ApprovalNews, AwardDefaulted, BidderApproved, BidderRefused, BidsLapsed, Content, DaysHired,
    DisputeOpened, ImportEnded, OrderEnded, OrderNews, OrderPlaced, OrderSettled, OrderWrittenOff, PaymentFailed,
    PaymentReminder, RefundPaid, ReturnNews, ReviewAsked, ReviewShown, SaleEventCancelled, SecondChanceLapsed,
    SecondChanceOffered, ShipmentNews, StorageNews,
};
use market::escrow::model::DisputeReason;
use market::imports::model::{ImportKind, RowCounts};
use market::orders::model::Side;
use market::returns::model::ReturnReason;

use super::{at, eur, id};

/// One of each, and one for each side where the words differ.
pub(super) fn mails(title: &str, other: &str) -> Vec<Content> {
    use Side::{Buyer, Seller};
    let (title, other) = (title.to_owned(), other.to_owned());
    let (order, checkout, more, payable) = (id(2), id(6), 2, eur(12_345_600));
    let placed = |side| OrderPlaced {
        order,
        side,
        other: other.clone(),
        title: title.clone(),
        more: 0,
        payable,
        pay_by: at(12, 0),
    };
    let ended = |side| OrderEnded { order, side, other: other.clone(), title: title.clone(), more, payable };
    let news = |side, inspect_until| OrderNews {
        order,
        side,
        other: other.clone(),
        title: title.clone(),
        more,
        payable,
        inspect_until,
    };
    let settled = |side, refunded| OrderSettled {
        order,
        side,
        other: other.clone(),
        title: title.clone(),
        more,
        payable,
        refunded: eur(refunded),
        earned: eur(10_000_000 - refunded),
    };
    let disputed = |side| DisputeOpened {
        order,
        side,
        other: other.clone(),
        title: title.clone(),
        more,
        payable,
        reason: DisputeReason::NotAsDescribed,
        text: "It has 9,000 hours, not 2,000.\n<b>The seat is torn.</b>".to_owned(),
    };
    let mut mails = Vec::new();
    for side in [Buyer, Seller] {
        mails.push(Content::OrderPlaced(placed(side)));
        mails.push(Content::OrderExpired(ended(side)));
        mails.push(Content::OrderCancelled(ended(side)));
        mails.push(Content::OrderPaid(news(side, None)));
        mails.push(Content::OrderDelivered(news(side, Some(at(18, 0)))));
        mails.push(Content::OrderCompleted(settled(side, 0)));
        mails.push(Content::DisputeOpened(disputed(side)));
        mails.push(Content::DisputeDecided(settled(side, 0)));
        mails.push(Content::DisputeDecided(settled(side, 2_500_000)));
    }
    mails.push(Content::OrderShipped(news(Buyer, None)));
    mails.push(Content::DisputeWithdrawn(news(Seller, None)));
    mails.push(Content::PaymentReminder(PaymentReminder {
        checkout,
        title: title.clone(),
        more,
        payable,
        pay_by: at(12, 0),
    }));
    mails.push(Content::PaymentFailed(PaymentFailed {
        checkout,
        title: title.clone(),
        more,
        payable,
        pay_by: at(12, 0),
    }));
    for (most_auctions, barred_until) in [(None, None), (Some(3), None), (None, Some(at(20, 0)))] {
        mails.push(Content::AwardDefaulted(AwardDefaulted {
            auction: id(1),
            order,
            side: Buyer,
            title: title.clone(),
            amount: payable,
            offered_until: None,
            most_auctions,
            barred_until,
        }));
    }
    for offered_until in [None, Some(at(20, 0))] {
        mails.push(Content::AwardDefaulted(AwardDefaulted {
            auction: id(1),
            order,
            side: Seller,
            title: title.clone(),
            amount: payable,
            offered_until,
            most_auctions: None,
            barred_until: None,
        }));
        mails.push(Content::SecondChanceLapsed(SecondChanceLapsed {
            auction: id(1),
            title: title.clone(),
            offered_until,
        }));
    }
    mails.push(Content::SecondChanceOffered(SecondChanceOffered {
        auction: id(1),
        chance: id(7),
        title: title.clone(),
        quantity: 1,
        amount: payable,
        until: at(20, 0),
    }));
    mails.extend(approvals(&title));
    mails.extend(imports());
    mails.push(Content::RefundPaid(RefundPaid { checkout, title: title.clone(), more, amount: eur(2_500_000) }));
    mails.extend(returns(&title, &other));
    mails.extend(reviews(&title, &other));
    mails.extend(shipments(&title));
    mails.extend(appointments(&title, &other));
    mails
}

/// About registrations in a sale event.
pub(super) fn bidders(title: &str) -> [Content; 2] {
    let (event, title) = (id(9), title.to_owned());
    [
        Content::BidderApproved(BidderApproved { event, title: title.clone(), limit: eur(12_345_600) }),
        Content::BidderRefused(BidderRefused { event, title }),
    ]
}

/// About what became of a sale event, and of bids in one.
pub(super) fn in_sale_events(title: &str) -> [Content; 2] {
    let title = title.to_owned();
    [
        Content::BidsLapsed(BidsLapsed {
            auction: id(1),
            title: title.clone(),
            price: eur(8_500_000),
            next_minimum: eur(8_510_000),
            ends_at: at(17, 0),
        }),
        Content::SaleEventCancelled(SaleEventCancelled { event: id(9), title }),
    ]
}

/// About an appointment, to both sides.
fn appointments(title: &str, other: &str) -> Vec<Content> {
    let news = |side, kind, missed| AppointmentNews {
        order: id(2),
        side,
        other: other.to_owned(),
        title: title.to_owned(),
        more: 1,
        kind,
        site: (kind == AppointmentKind::Collection).then(|| "Depot\r\n<North>".to_owned()),
        starts_at: at(20, 0),
        ends_at: at(21, 0),
        missed,
    };
    let mut mails = Vec::new();
    for kind in [AppointmentKind::Collection, AppointmentKind::Delivery] {
        mails.push(Content::AppointmentProposed(news(Side::Buyer, kind, 0)));
        for side in [Side::Buyer, Side::Seller] {
            mails.push(Content::AppointmentBooked(news(side, kind, 0)));
            mails.push(Content::AppointmentReminder(news(side, kind, 0)));
        }
    }
    for side in [Side::Buyer, Side::Seller] {
        for content in [Content::AppointmentMoved, Content::AppointmentCancelled, Content::AppointmentMissed] {
            mails.push(content(news(side, AppointmentKind::Collection, 1)));
        }
    }
    mails.push(Content::AppointmentMissed(news(Side::Seller, AppointmentKind::Collection, 3)));
    for side in [Side::Buyer, Side::Seller] {
        mails.push(Content::StorageBegun(StorageNews {
            order: id(2),
            side,
            other: other.to_owned(),
            title: title.to_owned(),
            more: 0,
            per_day: eur(250),
        }));
    }
    mails
}

/// About a delivery in a slot of its site, to both sides.
pub(super) fn deliveries(title: &str, other: &str) -> [Content; 4] {
    let news = |side| AppointmentNews {
        order: id(2),
        side,
        other: other.to_owned(),
        title: title.to_owned(),
        more: 1,
        kind: AppointmentKind::Delivery,
        site: Some("Depot\r\n<North>".to_owned()),
        starts_at: at(20, 0),
        ends_at: at(21, 0),
        missed: 0,
    };
    [
        Content::AppointmentBooked(news(Side::Buyer)),
        Content::AppointmentReminder(news(Side::Buyer)),
        Content::AppointmentBooked(news(Side::Seller)),
        Content::AppointmentReminder(news(Side::Seller)),
    ]
}

/// About a shipment, to the side that sends it and to the one that gets it.
fn shipments(title: &str) -> Vec<Content> {
    let news = |sends: bool| ShipmentNews {
        tracking: "TY7K3M9QX2B5W8ZC4DT".to_owned(),
        sends,
        title: title.to_owned(),
        more: usize::from(!sends),
        carrier: sends.then(|| "Hansa\r\n<Freight>".to_owned()),
        order: (!sends).then(|| id(2)),
        heard_at: at(20, 0),
    };
    let mut mails = vec![Content::ShipmentStalled(news(true))];
    for content in [Content::ShipmentException, Content::ShipmentAttemptFailed, Content::ShipmentReturned] {
        mails.extend([content(news(true)), content(news(false))]);
    }
    mails
}

/// About a return, from the request to the refund.
fn returns(title: &str, other: &str) -> Vec<Content> {
    let news = |side| ReturnNews {
        order: id(2),
        side,
        other: other.to_owned(),
        title: title.to_owned(),
        more: 1,
        units: 3,
        reason: ReturnReason::Damaged,
        words: None,
        tracking: None,
        due_at: Some(at(20, 0)),
        share: None,
        refunded: None,
        by_time: false,
    };
    let words = |side, words: &str| ReturnNews { words: Some(words.to_owned()), ..news(side) };
    let received = |side, refunded: Option<i64>, by_time| ReturnNews {
        due_at: None,
        share: Some(eur(2_500_000)),
        refunded: refunded.map(eur),
        by_time,
        ..news(side)
    };
    vec![
        Content::ReturnRequested(words(Side::Seller, "The seat is torn.\n<b>Both seats.</b>")),
        Content::ReturnApproved(news(Side::Buyer)),
        Content::ReturnApproved(words(Side::Buyer, "Please send it to Halle <3>.")),
        Content::ReturnRefused(words(Side::Buyer, "It was torn when it was sold.")),
        Content::ReturnSent(ReturnNews { tracking: Some("Parcel\r\n<1>".to_owned()), ..news(Side::Seller) }),
        Content::ReturnReceived(received(Side::Buyer, Some(2_500_000), false)),
        Content::ReturnReceived(received(Side::Buyer, Some(500_000), false)),
        Content::ReturnReceived(received(Side::Buyer, None, false)),
        Content::ReturnReceived(received(Side::Seller, Some(2_500_000), true)),
    ]
}

/// About reviews, to either side.
fn reviews(title: &str, other: &str) -> Vec<Content> {
    let (title, other) = (title.to_owned(), other.to_owned());
    let asked = |side, more| ReviewAsked {
        order: id(2),
        side,
        other: other.clone(),
        title: title.clone(),
        more,
        until: at(20, 0),
    };
    let shown = ReviewShown {
        order: id(2),
        side: Side::Seller,
        other: other.clone(),
        title: title.clone(),
        more: 0,
        stars: 4,
        text: "Good.\n<b>Very</b> good.".to_owned(),
    };
    vec![
        Content::ReviewAsked(asked(Side::Buyer, 0)),
        Content::ReviewAsked(asked(Side::Seller, 1)),
        Content::ReviewShown(shown),
    ]
}

/// One for each side and step of a sale on approval, where the words differ.
fn approvals(title: &str) -> Vec<Content> {
    use ApprovalStatus::{Asked, Countered, Declined, Expired};
    use Side::{Buyer, Seller};
    let news = |side, status, countered: bool| ApprovalNews {
        auction: id(1),
        title: title.to_owned(),
        side,
        status,
        price: eur(12_345_600),
        counter: countered.then(|| eur(13_000_000)),
        answer_by: at(12, 0),
    };
    let mut mails = vec![Content::ApprovalCountered(news(Buyer, Countered, true))];
    for side in [Buyer, Seller] {
        mails.push(Content::ApprovalAsked(news(side, Asked, false)));
        mails.push(Content::ApprovalEnded(news(side, Declined, side == Seller)));
        mails.push(Content::ApprovalEnded(news(side, Expired, false)));
        mails.push(Content::ApprovalEnded(news(side, Expired, true)));
    }
    mails
}

/// A file that was applied, one of which rows were refused, one that failed, and two that were only tried.
fn imports() -> Vec<Content> {
    let ended = |kind, refused, failure: Option<&str>| {
        let counts = RowCounts { applied: 997, unchanged: 0, incomplete: 0, refused };
        let failure = failure.map(str::to_owned);
        ImportEnded { import: id(8), kind, counts, failure, validate_only: false }
    };
    let tried = |refused| ImportEnded { validate_only: true, ..ended(ImportKind::Listings, refused, None) };
    let all = [
        ended(ImportKind::Stock, 0, None),
        ended(ImportKind::Listings, 3, None),
        ended(ImportKind::Stock, 0, Some("the file has a header and no rows")),
        tried(0),
        tried(3),
    ];
    all.map(Content::ImportEnded).to_vec()
}

/// A trade that is written off, to its buyer without another strike and with one, and to its seller.
pub(super) fn written_off(title: &str, other: &str) -> impl Iterator<Item = Content> {
    [(Side::Buyer, None), (Side::Buyer, Some(3)), (Side::Seller, None)].into_iter().map(move |(side, most_auctions)| {
        Content::OrderWrittenOff(OrderWrittenOff {
            order: id(2),
            side,
            other: other.to_owned(),
            title: title.to_owned(),
            more: 0,
            payable: eur(12_345_600),
            reason: "Three letters came back. <b>Enough.</b>".to_owned(),
            most_auctions,
            barred_until: None,
        })
    })
}

/// Days that are chosen, some of which follow each other, and days that are given up, to both sides.
pub(super) fn hired(title: &str, other: &str) -> impl Iterator<Item = Content> {
    let some: Vec<_> = [3, 4, 5, 6, 7, 12].iter().filter_map(|day| NaiveDate::from_ymd_opt(2027, 3, *day)).collect();
    let all = [Side::Buyer, Side::Seller].map(|side| [(side, some.clone()), (side, Vec::new())]);
    all.into_iter().flatten().map(move |(side, days)| {
        let (other, title) = (other.to_owned(), title.to_owned());
        Content::DaysHired(DaysHired { order: id(2), line: 1, side, other, title, days })
    })
}
