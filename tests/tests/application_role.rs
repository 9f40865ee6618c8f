//! The role that programs connect as owns nothing, and cannot harm append-only tables, whatever it
//! tries. Tables, triggers and functions are found in the catalogue, so that those of later
//! migrations are tested as well.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where its stack does not work")]

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Output, Stdio};
use std::time::Duration;

use shared::db::grants::APPEND_ONLY;
use shared::testing::TestDb;
use sqlx::{AssertSqlSafe, PgPool};
use tests::servers::{OwnPostgres, Tls, free_port};
use tokio::process::Command;

async fn names(pool: &PgPool, sql: &str) -> BTreeSet<String> {
    let names: Vec<String> = sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_all(pool).await.unwrap();
    names.into_iter().collect()
}

/// The append-only tables, recognised by the form of their triggers.
async fn append_only(pool: &PgPool) -> BTreeSet<String> {
    let by_form =
        format!("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgtype = {APPEND_ONLY} AND tgqual IS NULL");
    names(pool, &by_form).await
}

/// Asserts that the server refuses a statement because a right is missing, and not by a trigger.
async fn refused(pool: &PgPool, statement: &str) {
    let result = sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(pool).await;
    let error = result.expect_err(statement);
    let said = error.as_database_error().unwrap();
    let of_the_server = ["permission denied", "must be "].iter().any(|words| said.message().starts_with(words));
    assert!(said.code().as_deref() == Some("42501") && of_the_server, "{statement}: {error}");
}

#[tokio::test]
async fn the_application_role_owns_nothing_and_is_no_superuser() {
    let db = TestDb::new().await;
    // What programs create while they run belongs to the owner, too.
    sqlx::query("SELECT cargo_ensure_partitions(6)").execute(&db.app).await.unwrap();
    let owned = "WITH me AS (SELECT oid FROM pg_roles WHERE rolname = current_user)
                 SELECT 'relation ' || relname FROM pg_class, me WHERE relowner = me.oid
                 UNION ALL SELECT 'function ' || proname FROM pg_proc, me WHERE proowner = me.oid
                 UNION ALL SELECT 'type ' || typname FROM pg_type, me WHERE typowner = me.oid
                 UNION ALL SELECT 'schema ' || nspname FROM pg_namespace, me WHERE nspowner = me.oid
                 UNION ALL SELECT 'database ' || datname FROM pg_database, me WHERE datdba = me.oid";
    assert_eq!(names(&db.app, owned).await, BTreeSet::new());
    let powers = "SELECT rolname FROM pg_roles
                  WHERE (rolname = current_user AND (rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls))
                     OR (rolname <> current_user AND pg_has_role(oid, 'MEMBER'))";
    assert_eq!(names(&db.app, powers).await, BTreeSet::new());
    assert!(!names(&db.pool, owned).await.is_empty(), "the owner owns something");
    db.close().await;
}

#[tokio::test]
async fn what_only_grows_is_safe_from_the_application_role() {
    let db = TestDb::new().await;
    sqlx::query("SELECT cargo_ensure_partitions(6)").execute(&db.app).await.unwrap();
    let tables = append_only(&db.pool).await;
    let named =
        names(&db.pool, "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE '%append_only'").await;
    assert_eq!(tables, named, "the rights follow from the form of a trigger, people read its name");
    for known in ["audit_entries", "bids", "order_lines", "cargo_events", "cargo_event_keys", "cargo_epcis_events"] {
        assert!(tables.contains(known), "{known} only grows: {tables:?}");
    }
    assert!(tables.iter().filter(|table| table.starts_with("cargo_events_")).count() >= 7, "{tables:?}");
    for table in &tables {
        let column = "SELECT quote_ident(attname) FROM pg_attribute
                      WHERE attrelid = $1::regclass AND attnum > 0 AND attidentity = '' AND attgenerated = '' LIMIT 1";
        let column: String = sqlx::query_scalar(column).bind(table).fetch_one(&db.pool).await.unwrap();
        for statement in [
            format!("UPDATE {table} SET {column} = {column}"),
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table}"),
            format!("ALTER TABLE {table} DISABLE TRIGGER ALL"),
            format!("ALTER TABLE {table} ADD COLUMN more integer"),
            format!("ALTER TABLE {table} OWNER TO CURRENT_USER"),
            format!("DROP TABLE {table} CASCADE"),
            format!("CREATE RULE gone AS ON INSERT TO {table} DO INSTEAD NOTHING"),
        ] {
            refused(&db.app, &statement).await;
        }
        let rights = "SELECT bool_or(has_any_column_privilege(current_user, $1, p)) FROM unnest('{UPDATE, REFERENCES}'::text[]) AS p";
        assert!(!sqlx::query_scalar::<_, bool>(rights).bind(table).fetch_one(&db.app).await.unwrap(), "{table}");
    }
    db.close().await;
}

#[tokio::test]
async fn the_application_role_changes_no_rule_and_becomes_nobody_else() {
    let db = TestDb::new().await;
    refused(&db.app, "SET session_replication_role = replica").await;
    refused(&db.app, &format!(r#"SET ROLE "{}""#, db.options().get_username())).await;
    refused(&db.app, "CREATE TABLE mine ()").await;
    refused(&db.app, "CREATE SCHEMA mine").await;
    refused(&db.app, "CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'").await;
    refused(&db.app, "COPY jobs TO PROGRAM 'true'").await;
    refused(&db.app, "DELETE FROM _sqlx_migrations").await;
    let of_triggers = "SELECT DISTINCT tgfoid::regprocedure::text FROM pg_trigger WHERE NOT tgisinternal";
    let functions = names(&db.pool, of_triggers).await;
    assert!(functions.contains("refuse_rewrite()"), "{functions:?}");
    for function in functions {
        refused(&db.app, &format!("DROP FUNCTION {function} CASCADE")).await;
        refused(&db.app, &format!("ALTER FUNCTION {function} SECURITY DEFINER")).await;
    }
    // Ordinary tables can be read and written, but nothing else.
    let tables = "SELECT oid::regclass::text FROM pg_class
                  WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND NOT relispartition";
    let all = names(&db.pool, tables).await;
    for table in &all {
        refused(&db.app, &format!("TRUNCATE {table}")).await;
        refused(&db.app, &format!("ALTER TABLE {table} DISABLE TRIGGER ALL")).await;
    }
    assert!(all.contains("jobs") && all.len() > 30, "{all:?}");
    db.close().await;
}

/// Whoever calls such a function acts as the owner, so it must do one thing, and only for programs.
#[tokio::test]
async fn functions_with_the_owners_rights_cannot_be_led_astray() {
    let db = TestDb::new().await;
    let of_the_owner = "SELECT oid::regprocedure::text FROM pg_proc
                        WHERE prosecdef AND pronamespace = 'public'::regnamespace";
    let known = [
        "cargo_drop_keys(integer)",
        "cargo_drop_month(date)",
        "cargo_ensure_partitions(integer)",
        "cargo_epcis_ensure_partitions(integer)",
    ];
    assert_eq!(names(&db.pool, of_the_owner).await, known.map(str::to_owned).into());
    let open = "SELECT oid::regprocedure::text FROM pg_proc
                WHERE prosecdef AND pronamespace = 'public'::regnamespace
                  AND (NOT coalesce(proconfig @> '{\"search_path=public, pg_temp\"}', false)
                       OR EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) AS acl WHERE acl.grantee = 0))";
    assert_eq!(names(&db.pool, open).await, BTreeSet::new());
    // A table in the caller's own temporary schema is not taken for the log.
    let mut conn = db.app.acquire().await.unwrap();
    sqlx::query("CREATE TEMPORARY TABLE cargo_events (n integer)").execute(&mut *conn).await.unwrap();
    let made: i32 = sqlx::query_scalar("SELECT cargo_ensure_partitions(5)").fetch_one(&mut *conn).await.unwrap();
    assert_eq!(made, 2);
    let partitions = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'public.cargo_events'::regclass";
    assert_eq!(sqlx::query_scalar::<_, i64>(partitions).fetch_one(&db.pool).await.unwrap(), 6);
    drop(conn);
    db.close().await;
}

/// A scheduler in production, which accepts only encrypted connections.
fn in_production(database: &str, health: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stack-part"));
    command.arg("scheduler").env_clear().envs(BTreeMap::from([
        ("MODE", "production"),
        ("DATABASE_URL", database),
        ("HEALTH_ADDR", health),
        ("PUBLIC_URL", "https://tradeyard.example"),
        ("S3_ENDPOINT", "https://files.example"),
        ("SMTP_URL", "smtps://mail.example"),
    ]));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn production_starts_no_program_as_superuser_or_owner() {
    let tls = Tls::new().unwrap();
    let postgres = OwnPostgres::start_tls(&tls).await.unwrap();
    let url = format!("{}&sslrootcert={}", postgres.url(), tls.authority().display());
    let db = TestDb::on(&url).await;
    let health = format!("127.0.0.1:{}", free_port().unwrap());
    let program = |user: &str| {
        let mut program = url::Url::parse(&url).unwrap();
        program.set_username(user).unwrap();
        program.set_path(db.options().get_database().unwrap());
        program.to_string()
    };
    sqlx::raw_sql("CREATE ROLE somebody LOGIN; CREATE TABLE kept (); ALTER TABLE kept OWNER TO somebody")
        .execute(&db.pool)
        .await
        .unwrap();
    let superuser = program(db.options().get_username());
    for (url, why) in
        [(superuser, "is a superuser"), (program("somebody"), "owns what programs only use, such as table kept")]
    {
        let Output { status, stdout, stderr } = in_production(&url, &health).output().await.unwrap();
        let said = String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned();
        assert_eq!(status.code(), Some(2), "{said}");
        assert!(said.contains("DATABASE_URL") && said.contains(why), "{said}");
    }
    let mut started = in_production(&program(db.app_options().get_username()), &health).spawn().unwrap();
    let http = reqwest::Client::new();
    let ready = async {
        while !http.get(format!("http://{health}/readyz")).send().await.is_ok_and(|answer| answer.status() == 200) {
            assert!(started.try_wait().unwrap().is_none(), "it has ended");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), ready).await.expect("the application role is taken");
    started.kill().await.unwrap();
    db.close().await;
}
