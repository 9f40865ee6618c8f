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

/// Databases and roles of the test's own, besides the shell's.
struct Fresh {
    market: String,
    events: String,
    /// The programs' role; the names of the test's other roles begin with this one.
    role: String,
}

impl Fresh {
    async fn new(shell: &TestShell) -> Self {
        let name = shell.db.options().get_database().unwrap();
        let fresh =
            Self { market: format!("{name}_market"), events: format!("{name}_events"), role: format!("{name}_app") };
        for name in [&fresh.market, &fresh.events] {
            sql(shell, format!(r#"CREATE DATABASE "{name}" TEMPLATE template0"#)).await;
        }
        fresh
    }

    async fn drop(self, shell: &TestShell) {
        for name in [&self.market, &self.events] {
            sql(shell, format!(r#"DROP DATABASE "{name}" WITH (FORCE)"#)).await;
        }
        sql(shell, format!(r#"DROP ROLE IF EXISTS "{0}", "{0}_owner""#, self.role)).await;
    }
}

async fn sql(shell: &TestShell, statement: String) {
    sqlx::query(AssertSqlSafe(statement)).execute(&shell.db.pool).await.unwrap();
}

/// The URL of another database, for another role.
fn named(url: &str, database: &str, user: &str) -> String {
    let mut url = url::Url::parse(url).unwrap();
    url.set_path(database);
    url.set_username(user).unwrap();
    url.to_string()
}

#[tokio::test]
async fn both_databases_are_migrated_and_programs_get_their_rights_in_both() {
    let shell = TestShell::new().await;
    let fresh = Fresh::new(&shell).await;
    let owner = shell.db.owner_url();
    let user = shell.db.options().get_username();
    let settings = [
        ("DATABASE_URL", named(&owner, &fresh.market, &fresh.role)),
        ("MIGRATE_DATABASE_URL", named(&owner, &fresh.market, user)),
        ("EVENTS_DATABASE_URL", named(&owner, &fresh.events, &fresh.role)),
        ("MIGRATE_EVENTS_DATABASE_URL", named(&owner, &fresh.events, user)),
    ];
    let settings = settings.each_ref().map(|(name, url)| (*name, url.as_str()));

    let first = TestShell::ok(shell.run_with(&["migrate", "--json"], &settings).await);
    let first: serde_json::Value = serde_json::from_str(&first).unwrap();
    assert_eq!(first["applied"].as_array().unwrap().len(), shared::db::MIGRATOR.iter().count());
    assert_eq!(first["events"]["applied"][0], "0080 cargo");
    assert_eq!((&first["role"], &first["events"]["role"]), (&fresh.role.as_str().into(), &fresh.role.as_str().into()));
    let own = sqlx::PgPool::connect(settings[2].1).await.unwrap();
    let tables = "SELECT count(*) FROM pg_tables WHERE tablename IN ('cargo_events', 'cargo_rejects', 'jobs')";
    assert_eq!(sqlx::query_scalar::<_, i64>(tables).fetch_one(&own).await.unwrap(), 2, "the log alone");
    let made: i32 = sqlx::query_scalar("SELECT cargo_ensure_partitions(5)").fetch_one(&own).await.unwrap();
    assert_eq!(made, 2, "the programs' role has partitions made");
    own.close().await;
    // An ordinary command, as the role that was just made.
    TestShell::ok(shell.run_with(&["queues", "list"], &settings[..1]).await);

    let again = TestShell::ok(shell.run_with(&["migrate"], &settings).await);
    assert!(again.starts_with("The database is up to date (version "), "{again}");
    assert!(again.contains("\nThe events database is up to date (version "), "{again}");
    let one = TestShell::ok(shell.run_as_owner(&["migrate", "--json"]).await);
    assert!(!one.contains("events"), "without a database of their own there is nothing to report: {one}");
    fresh.drop(&shell).await;
    shell.db.close().await;
}

#[tokio::test]
async fn a_table_of_a_later_migration_is_the_programs_to_use_and_one_that_only_grows_to_add_to() {
    let shell = TestShell::new().await;
    for statement in [
        "CREATE TABLE later (n bigserial PRIMARY KEY)",
        "CREATE TABLE later_log (n integer)",
        "CREATE TRIGGER later_log_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON later_log FOR EACH STATEMENT
         EXECUTE FUNCTION refuse_rewrite()",
        "REVOKE ALL ON later FROM PUBLIC",
    ] {
        sql(&shell, statement.to_owned()).await;
    }
    let printed = TestShell::ok(shell.run_as_owner(&["migrate"]).await);
    let role = shell.db.app_options().get_username();
    assert!(printed.ends_with(&format!("{role} has its rights.\n")), "{printed}");
    let may = "SELECT string_agg(t || ' ' || p, ', ' ORDER BY t, p)
               FROM unnest('{later, later_log}'::text[]) AS t,
                    unnest('{SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER}'::text[]) AS p
               WHERE has_table_privilege(current_user, t, p)";
    let may: String = sqlx::query_scalar(may).fetch_one(&shell.db.app).await.unwrap();
    assert_eq!(may, "later DELETE, later INSERT, later SELECT, later UPDATE, later_log INSERT, later_log SELECT");
    sqlx::query("INSERT INTO later DEFAULT VALUES").execute(&shell.db.app).await.unwrap();
    // Rights that the role should not have are taken away again.
    sql(&shell, format!(r#"GRANT ALL ON later_log, _sqlx_migrations TO "{role}""#)).await;
    TestShell::ok(shell.run_as_owner(&["migrate"]).await);
    for statement in ["UPDATE later_log SET n = 1", "DELETE FROM _sqlx_migrations"] {
        let refused = sqlx::query(statement).execute(&shell.db.app).await.unwrap_err();
        assert!(refused.to_string().contains("permission denied"), "{statement}: {refused}");
    }
    shell.db.close().await;
}

#[tokio::test]
async fn who_may_not_migrate_is_told_what_is_missing() {
    let shell = TestShell::new().await;
    // As the programs' role alone.
    sql(&shell, "DELETE FROM _sqlx_migrations WHERE version = (SELECT max(version) FROM _sqlx_migrations)".to_owned())
        .await;
    let output = shell.run(&["migrate"]).await;
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.err.contains("permission denied") && output.err.contains("MIGRATE_DATABASE_URL"), "{output:?}");

    // As an owner who may not create roles.
    let fresh = Fresh::new(&shell).await;
    let (owner, url) = (format!("{}_owner", fresh.role), shell.db.owner_url());
    let word = url::Url::parse(&url).unwrap().password().unwrap_or_default().to_owned();
    sql(&shell, format!(r#"CREATE ROLE "{owner}" LOGIN PASSWORD '{word}'"#)).await;
    sql(&shell, format!(r#"ALTER DATABASE "{}" OWNER TO "{owner}""#, fresh.market)).await;
    let settings = [
        ("DATABASE_URL", named(&url, &fresh.market, &fresh.role)),
        ("MIGRATE_DATABASE_URL", named(&url, &fresh.market, &owner)),
    ];
    let settings = settings.each_ref().map(|(name, url)| (*name, url.as_str()));
    let output = shell.run_with(&["migrate"], &settings).await;
    assert_eq!(output.code, Some(1), "{output:?}");
    assert!(output.err.contains(&format!("the role {} does not exist", fresh.role)), "{output:?}");
    assert!(output.err.contains("CREATE ROLE") && !output.err.contains(&word), "{output:?}");
    // And again once somebody has created it.
    sql(&shell, format!(r#"CREATE ROLE "{}" LOGIN PASSWORD '{word}'"#, fresh.role)).await;
    TestShell::ok(shell.run_with(&["migrate"], &settings).await);
    TestShell::ok(shell.run_with(&["queues", "list"], &settings[..1]).await);

    let elsewhere =
        shell.run_with(&["migrate"], &[("MIGRATE_DATABASE_URL", &named(&url, &fresh.market, &owner))]).await;
    assert_eq!(elsewhere.code, Some(2), "{elsewhere:?}");
    assert!(elsewhere.err.contains("MIGRATE_DATABASE_URL: names another database"), "{elsewhere:?}");
    fresh.drop(&shell).await;
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
