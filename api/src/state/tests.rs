use shared::config::{Config, Source};
use shared::db::Limits;
use shared::testing::{TestDb, limits_of};
use tokio_util::sync::CancellationToken;

use super::connect;

#[tokio::test]
async fn requests_have_the_limits_of_the_settings_on_both_databases_and_in_the_ledger() {
    let db = TestDb::new().await;
    for (settings, statement) in [(None, Limits::SERVING.statement), (Some("7"), std::time::Duration::from_secs(7))] {
        let mut source = vec![
            ("DATABASE_URL".to_owned(), db.url()),
            ("JWT_SECRET".to_owned(), "x".repeat(40)),
            ("MASTER_KEY".to_owned(), shared::testing::MASTER_KEY.to_owned()),
            ("CHAT_KEY".to_owned(), shared::testing::MASTER_KEY.to_owned()),
        ];
        source.extend(settings.map(|seconds| ("DATABASE_STATEMENT_SECONDS".to_owned(), seconds.to_owned())));
        let config = Config::from_source(Source::new("", source.into_iter().collect())).unwrap();
        let limits = Limits { statement, ..Limits::SERVING };
        let state = connect(config, CancellationToken::new()).unwrap();
        for pool in [&state.db, &state.events] {
            assert_eq!(limits_of(&mut pool.acquire().await.unwrap()).await, limits);
        }
        assert_eq!(limits_of(&mut state.reads.acquire().await.unwrap()).await, limits);
        let mut tx = state.ledger.begin().await.unwrap();
        assert_eq!(limits_of(&mut tx).await, limits);
        tx.rollback().await.unwrap();
        state.db.close().await;
        state.events.close().await;
    }
    db.close().await;
}
