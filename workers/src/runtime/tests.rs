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
