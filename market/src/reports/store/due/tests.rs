use shared::testing::TestDb;

use super::*;
use crate::testing::{member_of, trader};

#[tokio::test]
async fn a_scheduled_report_is_in_the_language_that_all_owners_read() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let ann = trader(&mut conn).await;
    let bob = member_of(&mut conn, &[ann.org]).await;
    sqlx::query("UPDATE memberships SET role = 'owner' WHERE user_id = $1")
        .bind(bob)
        .execute(&mut *conn)
        .await
        .expect("an owner");
    for (anns, bobs, read) in [
        ("de", "de", "de"),
        ("de-CH", "de-AT", "de-AT"),
        ("de", "en", "en"),
        ("en-GB", "en-US", "en-GB"),
        ("de-CH", "en-GB", "en"),
    ] {
        for (user, locale) in [(ann.user, anns), (bob, bobs)] {
            let sql = "UPDATE users SET locale = $2 WHERE id = $1";
            sqlx::query(sql).bind(user).bind(locale).execute(&mut *conn).await.expect("a locale");
        }
        let owners = readers_locale(&mut conn, ann.org, None).await.expect("read");
        assert_eq!(owners.as_str(), read, "{anns} and {bobs}");
        let asked = readers_locale(&mut conn, ann.org, Some(bob)).await.expect("read");
        assert_eq!(asked.as_str(), bobs, "whoever has asked reads alone");
    }
    drop(conn);
    db.close().await;
}
