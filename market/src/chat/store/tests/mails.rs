//! Mails about what nobody reads.

use super::*;

async fn age(pool: &PgPool, minutes: i64) {
    let sql = "UPDATE conversation_parties SET unread_since = unread_since - make_interval(mins => $1::integer)";
    sqlx::query(sql).bind(i32::try_from(minutes).expect("small")).execute(pool).await.expect("aged");
}

#[tokio::test]
async fn a_mail_is_due_for_who_has_not_read_and_only_once() {
    let market = Market::new().await;
    let id = market.ask("One.").await;
    let check = async |of: Trader| {
        let mut tx = market.db.pool.begin().await.expect("a transaction");
        let found = check_mail(&mut tx, of.org, id).await.expect("checked");
        tx.commit().await.expect("committed");
        found
    };
    let due = async || to_mail(&mut market.db.pool.acquire().await.expect("a connection"), 10).await.expect("a list");
    assert!(matches!(check(market.seller).await, MailCheck::NotYet { .. }));
    assert_eq!((check(market.buyer).await, due().await), (MailCheck::Nothing, vec![]));
    age(&market.db.pool, 16).await;
    assert_eq!(due().await, [(id, market.seller.org)]);
    let MailCheck::Due(told) = check(market.seller).await else { panic!("nothing is due") };
    assert_eq!((told.unread, told.other_org_id), (1, market.buyer.org));
    assert_eq!((check(market.seller).await, due().await), (MailCheck::Nothing, vec![]));
    market.write(market.buyer, id, "Two.").await.expect("written");
    age(&market.db.pool, 16).await;
    assert_eq!((check(market.seller).await, due().await), (MailCheck::Nothing, vec![]));
    market.read(market.seller, id, 1).await.expect("marked");
    // The second one was there when the mail was sent, or came after it: somebody has looked since, and it waits still.
    age(&market.db.pool, 16).await;
    assert!(matches!(check(market.seller).await, MailCheck::Due(_)));
    market.db.close().await;
}
