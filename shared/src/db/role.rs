//! Checks whether the role that a program connects as is bound by the rules of the database.
//!
//! A superuser bypasses every rule, and the owner of a table can switch its triggers off. So
//! programs connect as a role that is neither, and only `tradeyard migrate` connects as the owner
//! (docs/decisions/0024).

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};

/// How long the check may take; a database that is slower, or away, is not judged.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why the rules do not bind a role. The texts follow the name of the setting with the role's URL.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{user} {why}; the rules of the database would not hold for this program. Connect as a role that owns nothing: \
     `tradeyard migrate` makes it, and connects as the owner itself, by MIGRATE_DATABASE_URL"
)]
pub struct Unbound {
    pub user: String,
    pub why: Power,
}

/// What a role may do that no program should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Power {
    #[error("is a superuser, or may become one")]
    Superuser,
    #[error("may make roles, and so become any other (CREATEROLE)")]
    MakesRoles,
    /// One thing that it owns, as PostgreSQL describes it.
    #[error("owns what programs only use, such as {0}")]
    Owner(String),
}

/// Checks the role that `url` logs in as. Returns `Ok` even if the database cannot be reached at
/// the moment: programs wait for it.
pub async fn check(url: &SecretString) -> Result<(), Unbound> {
    let judged = async {
        let options: PgConnectOptions = url.expose_secret().parse()?;
        let mut conn = options.application_name("role check").connect().await?;
        let found = examine(&mut conn).await?;
        conn.close().await?;
        Ok::<_, sqlx::Error>(found)
    };
    match tokio::time::timeout(PATIENCE, judged).await {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => {
            tracing::debug!(%error, "the database's role could not be checked");
            Ok(())
        }
        Err(_) => {
            tracing::debug!("the database's role could not be checked in time");
            Ok(())
        }
    }
}

/// Checks the role of this connection.
pub async fn examine(conn: &mut PgConnection) -> Result<Result<(), Unbound>, sqlx::Error> {
    // Roles that this one may become count as itself. What the first superuser owns is not recorded in pg_shdepend.
    let (user, superuser, makes_roles, owned): (String, bool, bool, Option<String>) = sqlx::query_as(
        "WITH mine AS (
             SELECT oid, rolsuper, rolcreaterole
             FROM pg_roles
             WHERE pg_has_role(oid, 'MEMBER')
         ),
         here AS (
             SELECT oid FROM pg_database WHERE datname = current_database()
         )
         SELECT
             current_user::text,
             (SELECT bool_or(rolsuper) FROM mine),
             (SELECT bool_or(rolcreaterole) FROM mine),
             (
                 SELECT pg_describe_object(d.classid, d.objid, d.objsubid)
                 FROM pg_shdepend AS d, here
                 WHERE d.deptype = 'o'
                   AND d.refclassid = 'pg_authid'::regclass
                   AND d.refobjid IN (SELECT oid FROM mine)
                   AND (d.dbid = here.oid OR (d.classid = 'pg_database'::regclass AND d.objid = here.oid))
                 ORDER BY d.classid <> 'pg_class'::regclass, d.objid
                 LIMIT 1
             )",
    )
    .fetch_one(conn)
    .await?;
    let why = match (superuser, makes_roles, owned) {
        (true, ..) => Power::Superuser,
        (_, true, _) => Power::MakesRoles,
        (.., Some(owned)) => Power::Owner(owned),
        (.., None) => return Ok(Ok(())),
    };
    Ok(Err(Unbound { user, why }))
}

#[cfg(test)]
mod tests;
