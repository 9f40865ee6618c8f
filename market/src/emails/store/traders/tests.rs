use std::collections::BTreeSet;

use shared::ids::UserId;
use shared::testing::TestDb;

use super::*;
use crate::emails::model::OrgApproved;
use crate::emails::store::insert_for;
use crate::identity::store::traders;
use crate::testing::{Trader, member_of, trader, trader_as};

fn mail(to: Trader, reference: &str) -> ToTraders {
    let content = Content::OrgApproved(OrgApproved { org: to.org, org_name: "Hof".to_owned() });
    ToTraders { org: to.org, reference: reference.to_owned(), content }
}

#[tokio::test]
async fn a_mail_goes_to_those_who_trade_for_its_organisation_each_once() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let (large, small) = (trader(&mut conn).await, trader(&mut conn).await);
    let barred = trader_as(&mut conn, "suspended", &["buyer"]).await;
    let members = [
        member_of(&mut conn, &[large.org]).await,
        member_of(&mut conn, &[large.org]).await,
        member_of(&mut conn, &[large.org]).await,
    ];
    // One only looks on, one may do nothing, and one has come before the others.
    for (sql, user) in [
        "UPDATE memberships SET role = 'viewer' WHERE user_id = $1",
        "UPDATE users SET status = 'suspended' WHERE id = $1",
        "UPDATE memberships SET created_at = created_at - interval '1 day' WHERE user_id = $1",
    ]
    .into_iter()
    .zip(members)
    {
        sqlx::query(sql).bind(user).execute(&mut *conn).await.expect("a change");
    }
    let [.., first] = members;
    for (most, expected) in [(1, vec![first]), (20, vec![first, large.user])] {
        let people = traders(&mut conn, &[large.org], most).await.expect("read");
        let expected: BTreeSet<UserId> = expected.into_iter().collect();
        assert_eq!(people.into_iter().collect::<BTreeSet<_>>(), expected);

        let reference = format!("at most {most}");
        let mails = [mail(large, &reference), mail(barred, &reference), mail(small, &reference)];
        let stored = insert_for_traders(&mut conn, &mails, most).await.expect("stored");
        assert_eq!(stored.len(), expected.len() + 1);
        // The same template and reference: the first of them stands for all.
        assert!(stored.iter().all(|(_, place)| *place == 0));
        let got: Vec<(UserId, serde_json::Value)> =
            sqlx::query_as("SELECT user_id, data FROM emails WHERE reference = $1")
                .bind(&reference)
                .fetch_all(&mut *conn)
                .await
                .expect("the mails");
        let of = |org: OrgId| {
            let theirs = got.iter().filter(move |(_, data)| data["org"] == serde_json::json!(org));
            theirs.map(|(user, _)| *user).collect::<BTreeSet<_>>()
        };
        assert_eq!((of(large.org), of(small.org)), (expected, BTreeSet::from([small.user])));
        assert_eq!(insert_for_traders(&mut conn, &mails, most).await.expect("stored"), []);
    }
    // Whoever has the mail already is left out, and the others are not.
    insert_for(&mut conn, &[first], "again", &mail(large, "again").content).await.expect("stored");
    assert_eq!(insert_for_traders(&mut conn, &[mail(large, "again")], 20).await.expect("stored").len(), 1);
    // What is stored belongs to the mail that it is one of.
    let references = ["one", "two", "three"];
    let stored = insert_for_traders(&mut conn, &references.map(|reference| mail(small, reference)), 20).await;
    for (id, place) in stored.expect("stored") {
        let reference: String = sqlx::query_scalar("SELECT reference FROM emails WHERE id = $1")
            .bind(id)
            .fetch_one(&mut *conn)
            .await
            .expect("the mail");
        assert_eq!(reference, references[place]);
    }
    drop(conn);
    db.close().await;
}
