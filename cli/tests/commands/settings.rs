//! Settings and migrations.

use sqlx::AssertSqlSafe;

use super::TestShell;

#[tokio::test]
async fn wrong_settings_are_all_told_and_end_with_two() {
    let shell = TestShell::new().await;
    let wrong = [("REDIS_URL", "nonsense"), ("S3_ENDPOINT", "files"), ("JWT_SECRET", "short"), ("LOG", "sqlx=loud")];
    for command in [&["jobs", "list"][..], &["migrate"], &["demo"], &["dev"]] {
        let output = shell.run_with(command, &wrong).await;
        assert_eq!((output.code, output.out.as_str()), (Some(2), ""), "{output:?}");
        for (name, _) in wrong {
            assert!(output.err.contains(name), "{name}: {output:?}");
        }
    }
    shell.db.close().await;
}

#[tokio::test]
async fn a_file_of_settings_that_cannot_be_read_is_a_fault_and_not_an_absent_one() {
    let shell = TestShell::new().await;
    let dir = std::env::temp_dir().join(format!("tradeyard-settings-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir_all(dir.join("tradeyard.toml")).unwrap();
    let output = shell.run_in(&dir, &["jobs", "list"], &[]).await;
    assert_eq!(output.code, Some(2), "{output:?}");
    assert!(output.err.contains("cannot read tradeyard.toml"), "{output:?}");
    std::fs::remove_dir_all(&dir).unwrap();
    shell.db.close().await;
}

#[tokio::test]
async fn both_databases_are_migrated_when_the_events_have_their_own() {
    let shell = TestShell::new().await;
    let url = shell.db.url();
    let name = shell.db.options().get_database().unwrap();
    let (market, events) = (format!("{name}_market"), format!("{name}_events"));
    for name in [&market, &events] {
        let create = format!(r#"CREATE DATABASE "{name}" TEMPLATE template0"#);
        sqlx::query(AssertSqlSafe(create)).execute(&shell.db.pool).await.unwrap();
    }
    let settings = [("DATABASE_URL", url.replace(name, &market)), ("EVENTS_DATABASE_URL", url.replace(name, &events))];
    let settings = settings.each_ref().map(|(name, url)| (*name, url.as_str()));

    let first = TestShell::ok(shell.run_with(&["migrate", "--json"], &settings).await);
    let first: serde_json::Value = serde_json::from_str(&first).unwrap();
    assert_eq!(first["applied"].as_array().unwrap().len(), shared::db::MIGRATOR.iter().count());
    assert_eq!(first["events"]["applied"][0], "0080 cargo");
    let options = shell.db.options().clone().database(&events);
    let own = shared::db::pool_with(options, 1, "test");
    let tables = "SELECT count(*) FROM pg_tables WHERE tablename IN ('cargo_events', 'cargo_rejects', 'jobs')";
    assert_eq!(sqlx::query_scalar::<_, i64>(tables).fetch_one(&own).await.unwrap(), 2, "the log alone");

    let again = TestShell::ok(shell.run_with(&["migrate"], &settings).await);
    assert!(again.starts_with("The database is up to date (version "), "{again}");
    assert!(again.contains("\nThe events database is up to date (version "), "{again}");
    let one = shell.json(&["migrate"]).await;
    assert!(one.get("events").is_none(), "without a database of their own there is nothing to report: {one}");

    own.close().await;
    for name in [&market, &events] {
        let drop = format!(r#"DROP DATABASE "{name}" WITH (FORCE)"#);
        sqlx::query(AssertSqlSafe(drop)).execute(&shell.db.pool).await.unwrap();
    }
    shell.db.close().await;
}

#[tokio::test]
async fn a_database_that_is_away_is_one_and_says_what_to_do() {
    let shell = TestShell::new().await;
    let absent = shell.db.url().replace(shell.db.options().get_database().unwrap(), "no_such_database");
    let output = shell.run_with(&["jobs", "list"], &[("DATABASE_URL", &absent)]).await;
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.err.contains("help: create it, then run `tradeyard migrate`"), "{output:?}");
    shell.db.close().await;
}
