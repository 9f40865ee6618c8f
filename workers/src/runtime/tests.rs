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

/// Nobody hands a secret to a worker that does not use it, and one that cannot do without says so at its start.
#[tokio::test]
async fn in_production_a_pool_asks_for_the_secrets_that_it_uses_and_for_no_others() {
    let settings = [
        ("MODE", "production"),
        ("DATABASE_URL", "postgres://a@db.example/x?sslmode=verify-full"),
        ("PUBLIC_URL", "https://tradeyard.example"),
        ("S3_ENDPOINT", "https://files.example"),
        ("PAYMENTS_PROVIDER", "stripe"),
        ("PAYMENTS_KEY", "sk_live_secret"),
        ("SMTP_URL", "smtps://mail.example"),
        ("CHAT_KEY", shared::testing::MASTER_KEY),
    ];
    let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let without = |secret: &str| {
        let left = settings.iter().filter(|(name, _)| name != secret).cloned().collect();
        Config::from_source(Source::new("", left)).unwrap()
    };
    for (secret, user) in [("PAYMENTS_KEY", "auctions"), ("SMTP_URL", "emails"), ("CHAT_KEY", "chat")] {
        let (with, without) = (without(""), without(secret));
        for pool in pools::NAMES {
            assert!(Services::of_pool(pool, &with).is_ok(), "{pool}");
            assert_eq!(Services::of_pool(pool, &without).is_err(), *pool == user, "{pool} without {secret}");
        }
    }
    let all = without("");
    for pool in pools::NAMES {
        assert_eq!(Services::of_pool(pool, &all).unwrap().gateway.is_some(), *pool == "auctions", "{pool}");
    }
}
