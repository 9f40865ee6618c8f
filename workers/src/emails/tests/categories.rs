use serde_json::Value;
use shared::testing::TestDb;

use super::every_mail;

/// The trigger that makes notices of mails knows each one's category as the program does.
#[tokio::test]
async fn a_mail_and_its_notice_are_of_one_category() {
    let db = TestDb::new().await;
    for (content, _) in every_mail() {
        let mut stored = serde_json::to_value(&content).unwrap();
        let found: Option<String> = sqlx::query_scalar("SELECT notice_category($1, $2)")
            .bind(content.template())
            .bind(stored["data"].take())
            .fetch_one(&db.pool)
            .await
            .unwrap();
        let expected = content.category().map(|category| serde_json::to_value(category).unwrap());
        assert_eq!(found.map(Value::String), expected, "{content:?}");
    }
    db.close().await;
}
