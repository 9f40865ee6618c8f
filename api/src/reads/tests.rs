use market::identity::PlatformRole;
use market::testing;
use shared::ids::UserId;
use shared::testing::TestDb;
use sqlx::PgConnection;

use super::*;

async fn session(conn: &mut PgConnection, user: UserId) -> SessionRef {
    let opened = identity::open_session(conn, user, None).await.unwrap();
    SessionRef { user, session: opened.session, version: 1 }
}

#[tokio::test]
async fn an_old_token_is_worth_nothing_beside_a_new_one_of_its_session() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let trader = testing::trader(&mut conn).await;
    let good = session(&mut conn, trader.user).await;
    let old = SessionRef { version: 0, ..good };
    let connections = ReadConnections::like(&db.pool);
    let answers = authorities(&connections, &[good, old, good]).await.unwrap();
    assert!(answers[0].as_ref().unwrap().is_some() && answers[0] == answers[2]);
    assert_eq!(answers[1], Err(Unanswered));
    let answers = authorities(&connections, &[old, good]).await.unwrap();
    assert_eq!(answers, [Ok(None), Err(Unanswered)]);

    // At the same moment, and each for itself.
    let reads = Reads::start(&db.pool);
    let (old, good) = tokio::join!(reads.authority(old), reads.authority(good));
    assert_eq!(old.unwrap(), None);
    assert_eq!(good.unwrap().unwrap().platform_role, PlatformRole::User);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn each_of_many_is_answered_what_was_asked() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let (ann, bob) = (testing::trader(&mut conn).await, testing::trader(&mut conn).await);
    let terms = testing::terms(&mut conn).await;
    let (one, two) = (testing::auction(&mut conn, ann, &terms).await, testing::auction(&mut conn, ann, &terms).await);
    let reads = Reads::start(&db.pool);
    let unknown = AuctionId::generate();
    let asked = [(one, None), (unknown, None), (two, Some(bob.org)), (one, Some(ann.org)), (one, None)];
    let answers = futures::future::join_all(asked.map(|(id, viewer)| reads.auction(id, viewer))).await;
    for ((id, viewer), answer) in asked.into_iter().zip(answers) {
        let answer = answer.unwrap();
        assert_eq!(answer.as_ref().map(|view| view.id), (id != unknown).then_some(id));
        assert_eq!(answer.and_then(|view| view.you_lead), (id != unknown).then_some(viewer).flatten().map(|_| false));
    }
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn an_auction_that_many_ask_for_at_once_is_read_once() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let (ann, terms) = (testing::trader(&mut conn).await, testing::terms(&mut conn).await);
    let auction = testing::auction(&mut conn, ann, &terms).await;
    let (one, other) = ((auction, None), (auction, Some(ann.org)));
    let connections = ReadConnections::like(&db.pool);
    let looks: Vec<_> = [one, other].into_iter().cycle().take(200).collect();
    let answers = views(&connections, &looks).await.unwrap();
    assert_eq!(answers.len(), looks.len());
    // A row has its own time of reading, to the microsecond.
    let read = answers.iter().map(|answer| answer.as_ref().unwrap().as_ref().unwrap().server_time);
    assert_eq!(read.collect::<std::collections::HashSet<_>>().len(), 2, "one row for each who looks");
    let leads = |answer: &Answer<AuctionView>| answer.as_ref().unwrap().as_ref().unwrap().you_lead;
    assert!(answers.iter().zip(&looks).all(|(answer, look)| leads(answer).is_some() == look.1.is_some()));
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn who_gets_no_answer_from_the_shared_statement_asks_alone() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let trader = testing::trader(&mut conn).await;
    let good = session(&mut conn, trader.user).await;
    let reads = Reads::start(&db.pool);
    assert!(reads.authority(good).await.unwrap().is_some());
    // The connection that was used a moment ago breaks: the shared statement finds out.
    let others = "SELECT pg_terminate_backend(pid)
                  FROM pg_stat_activity
                  WHERE datname = current_database()
                    AND pid <> pg_backend_pid()
                    AND query LIKE '%session_version = open.version%'";
    sqlx::query(others).execute(&mut *conn).await.unwrap();
    assert!(reads.authority(good).await.unwrap().is_some());
    drop(conn);
    db.close().await;
}
