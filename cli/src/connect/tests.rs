use shared::config::Source;
use shared::testing::TestDb;

use super::*;

#[tokio::test]
async fn production_takes_no_command_from_the_owner_but_migrate() {
    let db = TestDb::new().await;
    let config = |url: String, mode| {
        let config = Config::from_source(Source::new("", [("DATABASE_URL".to_owned(), url)].into())).unwrap();
        Config { mode, ..config }
    };
    for (url, mode, taken) in [
        (db.url(), Mode::Production, true),
        (db.owner_url(), Mode::Development, true),
        (db.owner_url(), Mode::Production, false),
    ] {
        let config = config(url, mode);
        for opened in [open(&config).await, events(&config).await] {
            let refused = opened.map(drop).err();
            assert_eq!(refused.is_none(), taken, "{mode}: {refused:?}");
            if let Some(refused) = refused {
                assert!(refused.is::<ConfigError>() && refused.to_string().contains("is a superuser"), "{refused:?}");
            }
        }
        as_owner(&config.database.migrate_url).await.unwrap();
    }
    db.close().await;
}
