use sqlx::{AssertSqlSafe, Executor};

use super::*;
use crate::testing::TestDb;

#[tokio::test]
async fn superusers_owners_and_who_may_become_one_are_recognised() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let run = |sql: String| sqlx::raw_sql(AssertSqlSafe(sql));
    // Roles belong to the whole server.
    let role = |kind: &str| format!("{}_{kind}", db.options().get_database().unwrap());
    let (plain, owner, member, maker, heir) =
        (role("plain"), role("owner"), role("member"), role("maker"), role("heir"));
    let superuser = db.options().get_username();
    let made = format!(
        r#"CREATE ROLE "{plain}"; CREATE ROLE "{owner}"; CREATE ROLE "{maker}" CREATEROLE; CREATE ROLE "{member}";
           CREATE ROLE "{heir}" NOINHERIT; GRANT "{owner}" TO "{member}"; GRANT "{superuser}" TO "{heir}";
           CREATE TABLE owned (); ALTER TABLE owned OWNER TO "{owner}""#
    );
    conn.execute(run(made)).await.unwrap();
    let owned = || Some(Power::Owner("table owned".to_owned()));
    for (role, why) in [
        (&plain, None),
        (&owner, owned()),
        (&member, owned()),
        (&maker, Some(Power::MakesRoles)),
        (&heir, Some(Power::Superuser)),
    ] {
        conn.execute(run(format!(r#"SET ROLE "{role}""#))).await.unwrap();
        let found = examine(&mut conn).await.unwrap();
        conn.execute("RESET ROLE").await.unwrap();
        assert_eq!(found.err(), why.map(|why| Unbound { user: role.clone(), why }), "{role}");
    }
    // The owner of the database also owns its schema, and so can drop anything in it.
    let name = db.options().get_database().unwrap();
    conn.execute(run(format!(r#"ALTER DATABASE "{name}" OWNER TO "{plain}"; SET ROLE "{plain}""#))).await.unwrap();
    let found = examine(&mut conn).await.unwrap().unwrap_err();
    assert_eq!(found.why, Power::Owner(format!("database {name}")));
    conn.execute("RESET ROLE").await.unwrap();
    conn.execute(run(format!(r#"ALTER DATABASE "{name}" OWNER TO CURRENT_USER; DROP TABLE owned"#))).await.unwrap();
    let gone = format!(r#"DROP ROLE "{plain}", "{member}", "{owner}", "{maker}", "{heir}""#);
    conn.execute(run(gone)).await.unwrap();
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn the_role_behind_an_address_is_judged_and_a_database_that_is_away_is_not() {
    let db = TestDb::new().await;
    assert_eq!(check(&db.url().into()).await, Ok(()));
    let refused = check(&db.owner_url().into()).await.unwrap_err();
    assert_eq!(refused.why, Power::Superuser);
    assert!(refused.to_string().contains("MIGRATE_DATABASE_URL"), "{refused}");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(check(&format!("postgres://somebody@{nobody}/none").into()).await, Ok(()));
    db.close().await;
}
