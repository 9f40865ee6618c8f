//! The rights of the application role. Every program connects as this role, except
//! `tradeyard migrate`, which grants it these rights after every run (docs/decisions/0024).
//!
//! The rights follow from the catalogue, so that no migration has to name them: a table that only
//! grows is recognised by its trigger, a partition has no rights of its own, and everything else
//! can be read and written. A role is identified by its name alone; only a missing one is created
//! with the password from its URL.
//!
//! # How to get this wrong
//! - Giving a table that only grows a trigger of another form than
//!   `BEFORE UPDATE OR DELETE OR TRUNCATE … FOR EACH STATEMENT`, without a condition: the table is
//!   then taken for one that may be changed (a test compares the names of triggers with their
//!   forms).
//! - Letting the application role own anything: an owner can switch triggers off.
//! - A function with the owner's rights (`SECURITY DEFINER`) that PUBLIC may call, or that has no
//!   fixed `search_path` ending with `pg_temp`.

use std::str::FromStr;

use percent_encoding::percent_decode_str;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{AssertSqlSafe, Connection, Executor};
use url::Url;

/// `BEFORE UPDATE OR DELETE OR TRUNCATE … FOR EACH STATEMENT`, as `pg_trigger.tgtype` has it.
pub const APPEND_ONLY: i16 = 2 | 8 | 16 | 32;

/// The lock for granting: two runs at once would change the same rows of the catalogue.
const LOCK: i64 = 7_261_352;

/// The role that a URL logs in as.
#[derive(Clone, Debug)]
pub struct Login {
    pub name: String,
    password: Option<SecretString>,
}

impl Login {
    /// Reads it from the URL of a database.
    pub fn of(url: &SecretString) -> Result<Self, sqlx::Error> {
        let options = PgConnectOptions::from_str(url.expose_secret())?;
        let parsed = Url::parse(url.expose_secret()).map_err(|error| sqlx::Error::Configuration(error.into()))?;
        let in_query = parsed.query_pairs().find(|(name, _)| name == "password").map(|(_, word)| word.into_owned());
        let before_host = parsed.password().map(|word| percent_decode_str(word).decode_utf8_lossy().into_owned());
        let password = in_query.or(before_host).map(SecretString::from);
        Ok(Self { name: options.get_username().to_owned(), password })
    }

    /// Another role with the same password.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// Changes the options to log in as this role.
    #[must_use]
    pub fn apply(&self, options: PgConnectOptions) -> PgConnectOptions {
        let options = options.username(&self.name);
        match &self.password {
            Some(password) => options.password(password.expose_secret()),
            None => options,
        }
    }
}

/// Why the rights were not given.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    #[error("the role {0} does not exist, and {1}, who migrates, may not make it")]
    NoRole(String, String),
    #[error("{statement}")]
    Statement {
        statement: String,
        #[source]
        source: sqlx::Error,
    },
    #[error(transparent)]
    Sql(#[from] sqlx::Error),
}

/// Grants `to` the rights that programs need in the database of `conn`, which is the owner's
/// connection, and revokes all others on its tables. Creates the role if it does not exist. Returns
/// `false` if it is the owner itself, and there is nothing to grant.
pub async fn give(conn: &mut PgConnection, to: &Login) -> Result<bool, GrantError> {
    let owner: String = sqlx::query_scalar("SELECT current_user::text").fetch_one(&mut *conn).await?;
    if owner == to.name {
        return Ok(false);
    }
    make_if_missing(conn, to, owner).await?;
    let mut tx = conn.begin().await?;
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(LOCK).execute(&mut *tx).await?;
    let statements: Vec<String> =
        sqlx::query_scalar(STATEMENTS).bind(&to.name).bind(APPEND_ONLY).fetch_all(&mut *tx).await?;
    for statement in statements {
        if let Err(source) = tx.execute(sqlx::raw_sql(AssertSqlSafe(statement.clone()))).await {
            return Err(GrantError::Statement { statement, source });
        }
    }
    tx.commit().await?;
    Ok(true)
}

async fn make_if_missing(conn: &mut PgConnection, role: &Login, owner: String) -> Result<(), GrantError> {
    let (exists, may_make): (bool, bool) = sqlx::query_as(
        "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1), rolsuper OR rolcreaterole
         FROM pg_roles
         WHERE rolname = current_user",
    )
    .bind(&role.name)
    .fetch_one(&mut *conn)
    .await?;
    if exists {
        return Ok(());
    }
    // Not even tried, because the server would log the failed statement, and with it the password.
    if !may_make {
        return Err(GrantError::NoRole(role.name.clone(), owner));
    }
    // The server does the quoting, because this statement takes no parameters.
    let statement: String = sqlx::query_scalar(
        "SELECT format('CREATE ROLE %I LOGIN', $1::text) || coalesce(format(' PASSWORD %L', $2::text), '')",
    )
    .bind(&role.name)
    .bind(role.password.as_ref().map(ExposeSecret::expose_secret))
    .fetch_one(&mut *conn)
    .await?;
    let Err(error) = conn.execute(sqlx::raw_sql(AssertSqlSafe(statement))).await else { return Ok(()) };
    match error.as_database_error().and_then(sqlx::error::DatabaseError::code).as_deref() {
        // Somebody else has just created it, from another database on the server.
        Some("42710" | "23505") => Ok(()),
        _ => Err(error.into()),
    }
}

/// Selects the statements that are missing for the role `$1` to have exactly the rights that it
/// should; `$2` is [`APPEND_ONLY`]. Whatever is right already is not touched: each change makes the
/// running programs plan their statements again.
const STATEMENTS: &str = r"
WITH role AS (
    SELECT oid, quote_ident(rolname) AS name
    FROM pg_roles
    WHERE rolname = $1
),
place AS (
    SELECT oid, quote_ident(nspname) AS name
    FROM pg_namespace
    WHERE nspname = current_schema()
),
relations AS (
    SELECT
        c.oid,
        CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END AS kind,
        ARRAY(
            SELECT acl.privilege_type FROM aclexplode(c.relacl) AS acl WHERE acl.grantee = role.oid ORDER BY 1
        ) AS held,
        CASE
            WHEN c.relispartition THEN '{}'
            WHEN c.relkind = 'S' THEN '{USAGE}'
            WHEN c.relkind IN ('v', 'm') OR c.relname = '_sqlx_migrations' THEN '{SELECT}'
            WHEN EXISTS (SELECT FROM pg_trigger AS t WHERE t.tgrelid = c.oid AND t.tgtype = $2 AND t.tgqual IS NULL)
                THEN '{INSERT, SELECT}'
            ELSE '{DELETE, INSERT, SELECT, UPDATE}'
        END::text[] AS wanted
    FROM pg_class AS c, role, place
    WHERE c.relnamespace = place.oid
      AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
      -- What others own is theirs to give.
      AND pg_has_role(c.relowner, 'USAGE')
),
statements AS (
    SELECT 1 AS step, format('GRANT USAGE ON SCHEMA %s TO %s', place.name, role.name) AS statement
    FROM role, place
    WHERE NOT has_schema_privilege(role.oid, place.oid, 'USAGE')
    UNION ALL
    -- A function or a table of its own here could stand in for one of ours.
    SELECT 1, format('REVOKE CREATE ON SCHEMA %s FROM PUBLIC, %s', place.name, role.name)
    FROM role, place
    WHERE has_schema_privilege(role.oid, place.oid, 'CREATE')
    UNION ALL
    SELECT 2, format('REVOKE ALL ON %s %s FROM %s', kind, relations.oid::regclass, role.name)
    FROM role, relations
    WHERE held <> wanted AND held <> '{}'
    UNION ALL
    SELECT 3, format('GRANT %s ON %s %s TO %s', array_to_string(wanted, ', '), kind, relations.oid::regclass, role.name)
    FROM role, relations
    WHERE held <> wanted AND wanted <> '{}'
    UNION ALL
    SELECT 3, format('GRANT EXECUTE ON ROUTINE %s TO %s', p.oid::regprocedure, role.name)
    FROM pg_proc AS p, role, place
    WHERE p.pronamespace = place.oid
      AND pg_has_role(p.proowner, 'USAGE')
      AND NOT has_function_privilege(role.oid, p.oid, 'EXECUTE')
    UNION ALL
    -- For what is made between this run and the next.
    SELECT 4, format('ALTER DEFAULT PRIVILEGES IN SCHEMA %s GRANT %s TO %s', place.name, given.what, role.name)
    FROM role, place, (
        VALUES
            ('r', 'SELECT, INSERT, UPDATE, DELETE ON TABLES'),
            ('S', 'USAGE ON SEQUENCES'),
            ('f', 'EXECUTE ON FUNCTIONS')
    ) AS given (kind, what)
    WHERE NOT EXISTS (
        SELECT
        FROM pg_default_acl AS d
        JOIN pg_roles AS maker ON maker.oid = d.defaclrole AND maker.rolname = current_user
        CROSS JOIN aclexplode(d.defaclacl) AS acl
        WHERE d.defaclnamespace = place.oid
          AND d.defaclobjtype::text = given.kind
          AND acl.grantee = role.oid
    )
)
SELECT statement
FROM statements
ORDER BY step, statement
";
