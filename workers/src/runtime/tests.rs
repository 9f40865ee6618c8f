use shared::config::Source;
use shared::testing::{TestDb, limits_of};

use super::*;

#[tokio::test]
async fn handlers_have_the_limits_of_work_on_both_databases() {
    let db = TestDb::new().await;
    let config = Config::from_source(Source::new("", [("DATABASE_URL".to_owned(), db.url())].into())).unwrap();
    for pool in [handlers_connections(&config, "reports").unwrap(), Services::new(&config).unwrap().events] {
        assert_eq!(limits_of(&mut pool.acquire().await.unwrap()).await, Limits::WORKING);
        pool.close().await;
    }
    db.close().await;
}

/// Whoever breaks into another worker finds no key of conversations there.
#[tokio::test]
async fn only_the_pool_of_conversations_has_their_key() {
    let settings = [("DATABASE_URL", "postgres://localhost/x"), ("CHAT_KEY", shared::testing::MASTER_KEY)];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = Config::from_source(Source::new("", settings.clone().into())).unwrap();
    for pool in pools::NAMES {
        let services = Services::of_pool(pool, &config).unwrap();
        assert_eq!(services.keyring.is_some(), *pool == "chat", "{pool}");
    }
    let [database, _] = settings;
    let without = Config::from_source(Source::new("", [database].into())).unwrap();
    assert!(Services::of_pool("chat", &without).is_err());
    assert!(Services::of_pool("emails", &without).is_ok());
}
