use shared::config::Source;
use shared::testing::TestDb;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

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
        as_owner(keys::MIGRATE_DATABASE_URL, &config.database.migrate_url).await.unwrap();
    }
    db.close().await;
}

/// The address of a server that refuses settings at connect, as `PgBouncer` does.
async fn pooler() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let length = client.read_u32().await.unwrap();
            client.read_exact(&mut vec![0; length as usize - 4]).await.unwrap();
            let fields = b"SFATAL\0VFATAL\0C08P01\0Munsupported startup parameter: options\0\0";
            client.write_u8(b'E').await.unwrap();
            client.write_u32(u32::try_from(fields.len()).unwrap() + 4).await.unwrap();
            client.write_all(fields).await.unwrap();
        }
    });
    format!("postgres://tradeyard@{address}/tradeyard?sslmode=disable")
}

#[tokio::test]
async fn every_way_to_a_database_is_refused_that_leads_through_a_pooler() {
    let pooler = SecretString::from(pooler().await);
    let direct = SecretString::from("postgres://tradeyard@127.0.0.1/tradeyard".to_owned());
    let config = |main: &SecretString, events: &SecretString| {
        let urls = [("DATABASE_URL", main), ("EVENTS_DATABASE_URL", events)];
        let urls = urls.map(|(name, url)| (name.to_owned(), url.expose_secret().to_owned()));
        Config::from_source(Source::new("", urls.into())).unwrap()
    };
    let key = keys::MIGRATE_EVENTS_DATABASE_URL;
    for (key, refused) in [
        (keys::DATABASE_URL, open(&config(&pooler, &direct)).await),
        (keys::EVENTS_DATABASE_URL, events(&config(&direct, &pooler)).await),
        (key, as_owner(key, &pooler).await),
        (key, read_only(key, &pooler).await),
    ] {
        let refused = refused.unwrap_err();
        let text = refused.to_string();
        assert!(refused.is::<ConfigError>() && text.contains(key.env) && text.contains("PgBouncer"), "{text}");
    }
}
