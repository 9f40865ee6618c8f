use serde_json::json;
use shared::testing::TestDb;
use sqlx::Connection;

use super::*;
use crate::emails::model::{Content, EmailCategory, NewEmail, OrgApproved, PriceFell, Recipient, VerifyAddress};
use crate::emails::store::preferences::{Channel, want};
use crate::emails::store::{insert, insert_for};
use crate::testing::{eur, member_of, trader};

fn approved(org: shared::ids::OrgId) -> Content {
    Content::OrgApproved(OrgApproved { org, org_name: "Hof".to_owned() })
}

#[tokio::test]
async fn a_posted_mail_is_a_notice_of_each_reader_once() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let ann = trader(&mut conn).await;
    let bob = member_of(&mut conn, &[ann.org]).await;
    // What is not committed has not happened.
    let mut tx = conn.begin().await.expect("a transaction");
    insert_for(&mut tx, &[ann.user], "0", &approved(ann.org)).await.expect("posted");
    tx.rollback().await.expect("rolled back");
    assert_eq!(unread(&mut conn, ann.user).await.expect("counted"), 0);
    for _ in 0..2 {
        insert_for(&mut conn, &[ann.user, bob], "1", &approved(ann.org)).await.expect("posted");
    }
    let mail = |recipient, content| NewEmail { recipient, reference: "2".to_owned(), content };
    insert(&mut conn, &mail(Recipient::User(ann.user), approved(ann.org))).await.expect("posted");
    // Nothing but a link, and to nobody who has an account.
    let link = Content::VerifyAddress(VerifyAddress {});
    insert(&mut conn, &mail(Recipient::User(ann.user), link)).await.expect("posted");
    let stranger = Recipient::Address("eve@example.test".to_owned());
    insert(&mut conn, &mail(stranger, approved(ann.org))).await.expect("posted");

    assert_eq!(unread(&mut conn, bob).await.expect("counted"), 1);
    let all = page(&mut conn, ann.user, None, 10).await.expect("read");
    assert_eq!(all.len(), 2);
    assert_eq!((all[0].kind.as_str(), &all[0].data["org_name"]), ("org_approved", &json!("Hof")));
    assert_eq!(page(&mut conn, ann.user, None, 1).await.expect("read"), all[..1]);
    assert_eq!(page(&mut conn, ann.user, Some(all[0].id), 10).await.expect("read"), all[1..]);

    assert!(!read(&mut conn, bob, all[0].id).await.expect("looked"), "somebody else's");
    assert!(read(&mut conn, ann.user, all[0].id).await.expect("marked"));
    let first = page(&mut conn, ann.user, None, 1).await.expect("read")[0].read_at;
    assert!(first.is_some() && read(&mut conn, ann.user, all[0].id).await.expect("marked"));
    assert_eq!(page(&mut conn, ann.user, None, 1).await.expect("read")[0].read_at, first);
    assert_eq!(unread(&mut conn, ann.user).await.expect("counted"), 1);
    read_all(&mut conn, ann.user).await.expect("marked");
    assert_eq!(
        (unread(&mut conn, ann.user).await.expect("counted"), unread(&mut conn, bob).await.expect("counted")),
        (0, 1)
    );

    assert_eq!(purge(&mut conn, 1, 10).await.expect("purged"), 0);
    assert_eq!(purge(&mut conn, 0, 2).await.expect("purged"), 2);
    assert_eq!(purge(&mut conn, 0, 2).await.expect("purged"), 1);
    let mails: i64 = sqlx::query_scalar("SELECT count(*) FROM emails").fetch_one(&mut *conn).await.expect("counted");
    assert_eq!(mails, 5);
    drop(conn);
    db.close().await;
}

/// Mails and notices are wanted apart; what cannot be ended is always a notice.
#[tokio::test]
async fn a_kind_that_nobody_wants_makes_no_notice() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let ann = trader(&mut conn).await;
    let bob = member_of(&mut conn, &[ann.org]).await;
    let fell = |was| {
        let (listing, title) = (uuid::Uuid::nil().into(), "Console".to_owned());
        Content::PriceFell(PriceFell { listing, title, was: eur(was), now: eur(1) })
    };
    let both = [ann.user, bob];
    insert_for(&mut conn, &both, "1", &fell(4)).await.expect("posted");
    want(&mut conn, ann.user, Channel::Notices, EmailCategory::Watches, false).await.expect("noted");
    want(&mut conn, ann.user, Channel::Notices, EmailCategory::Watches, false).await.expect("noted");
    // Wants no mail, and reads it here.
    want(&mut conn, bob, Channel::Mails, EmailCategory::Watches, false).await.expect("noted");
    want(&mut conn, bob, Channel::Notices, EmailCategory::Stock, false).await.expect("noted");
    insert_for(&mut conn, &both, "2", &fell(3)).await.expect("posted");
    insert_for(&mut conn, &both, "3", &approved(ann.org)).await.expect("posted");
    for (user, expected) in
        [(ann.user, ["org_approved", "price_fell"].as_slice()), (bob, &["org_approved", "price_fell", "price_fell"])]
    {
        let all = page(&mut conn, user, None, 10).await.expect("read");
        assert_eq!(all.iter().map(|notice| notice.kind.as_str()).collect::<Vec<_>>(), expected);
    }
    want(&mut conn, ann.user, Channel::Notices, EmailCategory::Watches, true).await.expect("noted");
    insert_for(&mut conn, &both, "4", &fell(2)).await.expect("posted");
    assert_eq!(page(&mut conn, ann.user, None, 10).await.expect("read").len(), 3);
    drop(conn);
    db.close().await;
}
