use serde_json::json;
use sqlx::Executor;

use super::*;
use crate::testing::TestDb;

async fn write(db: &TestDb, id: i64) -> Result<i64, sqlx::Error> {
    let mut tx = db.pool.begin().await?;
    let subject = ("org", id.to_string());
    let seq =
        append(&mut tx, Entry { actor: Actor::System, action: "org.approve", subject, data: json!({"n": id}) }).await?;
    tx.commit().await?;
    Ok(seq)
}

#[tokio::test]
async fn concurrent_entries_chain_without_gaps() {
    let db = TestDb::new().await;
    let written = futures::future::join_all((1..=16).map(|id| write(&db, id))).await;
    assert!(written.iter().all(Result::is_ok), "{written:?}");
    let mut conn = db.pool.acquire().await.unwrap();
    let seqs: Vec<i64> = page(&mut conn, None, None, 20).await.unwrap().iter().map(|entry| entry.seq).collect();
    assert_eq!(seqs, (1..=16).rev().collect::<Vec<_>>());
    assert_eq!(first_fault(&mut conn).await.unwrap(), None);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn an_act_that_goes_on_keeps_nobody_from_the_log() {
    let db = TestDb::new().await;
    let entry = |id: &str| Entry {
        actor: Actor::System,
        action: "org.approve",
        subject: ("org", id.to_owned()),
        data: json!({}),
    };
    let mut long = db.pool.begin().await.unwrap();
    let first = append(&mut long, entry("long")).await.unwrap();
    let mut short = db.pool.begin().await.unwrap();
    let second = append(&mut short, entry("short")).await.unwrap();
    assert_ne!(first, second, "each act has a number of its own");
    short.commit().await.unwrap();
    long.commit().await.unwrap();
    let mut conn = db.pool.acquire().await.unwrap();
    let written = page(&mut conn, None, None, 10).await.unwrap();
    assert_eq!(written.iter().map(|it| it.subject_id.as_str()).collect::<Vec<_>>(), ["long", "short"], "as they ended");
    assert_eq!(first_fault(&mut conn).await.unwrap(), None);
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM audit_acts").fetch_one(&mut *conn).await.unwrap();
    assert_eq!(left, 0);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn what_was_rolled_back_leaves_no_entry() {
    let db = TestDb::new().await;
    let mut tx = db.pool.begin().await.unwrap();
    let subject = ("org", "1".to_owned());
    append(&mut tx, Entry { actor: Actor::System, action: "org.approve", subject, data: json!({}) }).await.unwrap();
    tx.rollback().await.unwrap();
    write(&db, 2).await.unwrap();
    let mut conn = db.pool.acquire().await.unwrap();
    let written = page(&mut conn, None, None, 10).await.unwrap();
    assert_eq!(written.iter().map(|it| (it.seq, it.subject_id.as_str())).collect::<Vec<_>>(), [(1, "2")]);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn changes_are_refused_and_a_forced_one_shows() {
    let db = TestDb::new().await;
    for id in 1..=5 {
        write(&db, id).await.unwrap();
    }
    for sql in ["UPDATE audit_entries SET action = 'org.reject'", "DELETE FROM audit_entries", "TRUNCATE audit_entries"]
    {
        let error = db.pool.execute(sql).await.unwrap_err();
        assert!(error.to_string().contains("append-only"), "{sql}: {error}");
    }
    db.pool.execute("ALTER TABLE audit_entries DISABLE TRIGGER USER").await.unwrap();
    for (sql, fault) in [
        ("UPDATE audit_entries SET data = '{\"n\": 7}' WHERE seq = 4", 4),
        ("DELETE FROM audit_entries WHERE seq = 2", 3),
    ] {
        db.pool.execute(sql).await.unwrap();
        let mut conn = db.pool.acquire().await.unwrap();
        assert_eq!(first_fault(&mut conn).await.unwrap(), Some(fault), "{sql}");
    }
    db.close().await;
}

#[tokio::test]
async fn the_command_line_and_the_system_are_told_apart_and_older_entries_keep_their_hash() {
    let db = TestDb::new().await;
    // As an earlier version of the program wrote it.
    let old = "INSERT INTO audit_entries (action, subject_kind, subject_id, hash)
               VALUES ('org.approve', 'org', '1', '')";
    db.pool.execute(old).await.unwrap();
    let mut conn = db.pool.acquire().await.unwrap();
    for actor in [Actor::CommandLine, Actor::System] {
        let subject = ("org", "1".to_owned());
        append(&mut conn, Entry { actor, action: "org.approve", subject, data: json!({}) }).await.unwrap();
    }
    let kinds: Vec<_> =
        page(&mut conn, None, None, 10).await.unwrap().into_iter().map(|entry| entry.actor_kind).collect();
    assert_eq!(kinds, [Some(ActorKind::System), Some(ActorKind::CommandLine), None]);
    // The old entry has the hash that the earlier version computed.
    let unchanged: bool = sqlx::query_scalar(
        "SELECT hash = sha256(convert_to(jsonb_build_array(
             seq, (extract(epoch FROM at) * 1000000)::bigint, actor, action, subject_kind, subject_id, data,
             trace_id)::text, 'UTF8'))
         FROM audit_entries
         WHERE seq = 1",
    )
    .fetch_one(&mut *conn)
    .await
    .unwrap();
    assert!(unchanged);
    drop(conn);
    // Who acted is covered by the hash as well.
    db.pool.execute("ALTER TABLE audit_entries DISABLE TRIGGER USER").await.unwrap();
    db.pool.execute("UPDATE audit_entries SET actor_kind = 'system' WHERE seq = 2").await.unwrap();
    let mut conn = db.pool.acquire().await.unwrap();
    assert_eq!(first_fault(&mut conn).await.unwrap(), Some(2));
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn two_acts_of_one_person_at_once_do_not_deadlock() {
    let db = TestDb::new().await;
    let user = UserId::generate();
    sqlx::query("INSERT INTO users (id, email, name, password_hash) VALUES ($1, 'kim@example.test', 'Kim', '-')")
        .bind(user)
        .execute(&db.pool)
        .await
        .unwrap();
    let entry = |action| Entry { actor: Actor::User(user), action, subject: ("org", "1".to_owned()), data: json!({}) };
    // One holds the person's row, as founding an organisation does, and has an entry still to write.
    let mut first = db.pool.begin().await.unwrap();
    sqlx::query("SELECT FROM users WHERE id = $1 FOR UPDATE").bind(user).execute(&mut *first).await.unwrap();
    let mut second = db.pool.begin().await.unwrap();
    let writer: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *second).await.unwrap();
    let waiting = async {
        append(&mut second, entry("org.change")).await.unwrap();
        second.commit().await.unwrap();
    };
    let holding = async {
        let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $1 AND NOT granted)";
        while !sqlx::query_scalar::<_, bool>(waits).bind(writer).fetch_one(&mut *first).await.unwrap() {
            tokio::task::yield_now().await;
        }
        append(&mut first, entry("org.found")).await.unwrap();
        first.commit().await.unwrap();
    };
    tokio::join!(waiting, holding);
    let written = page(&mut db.pool.acquire().await.unwrap(), None, None, 10).await.unwrap();
    assert_eq!(written.iter().map(|it| it.action.as_str()).collect::<Vec<_>>(), ["org.change", "org.found"]);
    db.close().await;
}

/// What a walk in batches of two finds.
async fn walked(db: &TestDb, noted: &[Head]) -> Result<Whole, Fault> {
    let mut conn = db.pool.acquire().await.unwrap();
    match verify::verify_by(&mut conn, noted, 2).await {
        Ok(whole) => Ok(whole),
        Err(VerifyError::Fault(fault)) => Err(fault),
        Err(VerifyError::Sql(error)) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_changed_removed_or_truncated_entry_is_found() {
    let db = TestDb::new().await;
    assert_eq!(walked(&db, &[]).await, Ok(Whole { entries: 0, head: None }));
    let mut heads = Vec::new();
    for id in 1..=5 {
        write(&db, id).await.unwrap();
        heads.push(walked(&db, &heads).await.unwrap().head.unwrap());
    }
    assert_eq!(heads.iter().map(|head| head.seq).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
    assert_eq!(heads[4].to_string().parse(), Ok(heads[4].clone()));
    db.pool.execute("ALTER TABLE audit_entries DISABLE TRIGGER USER").await.unwrap();
    db.pool.execute("CREATE TABLE kept AS SELECT * FROM audit_entries").await.unwrap();

    // What each column says, and each place: the first of a batch, its last, the first of all, the last of all.
    for (seq, change) in [
        (1, "action = 'org.reject'"),
        (2, "data = '{\"n\": 7}'"),
        (3, "at = at + interval '1 microsecond'"),
        (4, "subject_id = '8'"),
        (5, "trace_id = 'another'"),
        (3, "actor_kind = 'command_line'"),
        (4, "hash = sha256(hash)"),
    ] {
        let sql = format!("UPDATE audit_entries SET {change} WHERE seq = {seq}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&db.pool).await.unwrap();
        assert_eq!(walked(&db, &[]).await, Err(Fault::Changed { seq }), "{change}");
        restore(&db).await;
    }
    for (which, first, last) in [("seq = 1", 1, 1), ("seq IN (2, 3)", 2, 3), ("seq = 4", 4, 4)] {
        let sql = format!("DELETE FROM audit_entries WHERE {which}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&db.pool).await.unwrap();
        assert_eq!(walked(&db, &[]).await, Err(Fault::Missing { first, last }), "{which}");
        restore(&db).await;
    }

    // A chain that ends earlier is whole, and so is one that was written anew: only a head that was noted shows both.
    db.pool.execute("DELETE FROM audit_entries WHERE seq > 3").await.unwrap();
    assert_eq!(walked(&db, &heads[..3]).await.unwrap().head.as_ref(), Some(&heads[2]));
    let noted = heads[4].clone();
    assert_eq!(walked(&db, &heads[4..]).await, Err(Fault::Truncated { last: 3, noted }));
    db.pool.execute("ALTER TABLE audit_entries ENABLE TRIGGER USER").await.unwrap();
    for id in 6..=9 {
        write(&db, id).await.unwrap();
    }
    assert_eq!(walked(&db, &[]).await.unwrap().entries, 7);
    let noted = heads[4].clone();
    assert_eq!(walked(&db, &heads[4..]).await, Err(Fault::Another { noted }));
    db.close().await;
}

#[tokio::test]
async fn an_act_that_was_committed_past_the_log_is_found() {
    let db = TestDb::new().await;
    write(&db, 1).await.unwrap();
    // As a restore of data without triggers does, and somebody who forgets to switch it on again.
    db.pool.execute("ALTER TABLE audit_acts DISABLE TRIGGER audit_acts_chained").await.unwrap();
    write(&db, 2).await.unwrap();
    db.pool.execute("ALTER TABLE audit_acts ENABLE TRIGGER audit_acts_chained").await.unwrap();
    write(&db, 3).await.unwrap();
    assert_eq!(walked(&db, &[]).await, Err(Fault::Unchained { acts: 1 }));
    db.pool.execute("DELETE FROM audit_acts").await.unwrap();
    assert_eq!(walked(&db, &[]).await.unwrap().entries, 2);
    db.close().await;
}

/// Puts the entries back as they were kept.
async fn restore(db: &TestDb) {
    db.pool.execute("DELETE FROM audit_entries; INSERT INTO audit_entries SELECT * FROM kept").await.unwrap();
    assert_eq!(walked(db, &[]).await.unwrap().entries, 5);
}

#[test]
fn what_is_not_a_head_is_refused() {
    for text in ["", "1", "1:", "1:abcd", "0:", ":", "x:00"] {
        assert_eq!(text.parse::<Head>(), Err(NoHead), "{text}");
    }
    let zeros = "0".repeat(64);
    assert_eq!(format!("0:{zeros}").parse::<Head>(), Err(NoHead));
    assert_eq!(format!("7:{zeros}").parse::<Head>(), Ok(Head { seq: 7, hash: vec![0; 32] }));
}
