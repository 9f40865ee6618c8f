use shared::testing::TestDb;
use sqlx::Connection as _;

use super::*;
use crate::imports::model::ListingTerms;
use crate::imports::rules::tests::read;
use crate::testing::{Trader, trader};

use RowOutcome::{Applied, Refused, Unchanged};

async fn import(conn: &mut PgConnection, of: Trader, name: &str) -> Acting {
    let import = sqlx::query_scalar(
        "INSERT INTO imports (id, org_id, created_by, kind, checksum)
         VALUES (gen_random_uuid(), $1, $2, 'past_sales', sha256($3::text::bytea))
         RETURNING id",
    )
    .bind(of.org)
    .bind(of.user)
    .bind(name)
    .fetch_one(conn)
    .await
    .unwrap();
    Acting { org: of.org, user: of.user, import }
}

/// Applies lines, of which each is an id and an amount, together.
async fn keep_all(conn: &mut PgConnection, by: Acting, book: &str, lines: &[(&str, &str)]) -> Vec<ImportRow> {
    let lines: Vec<_> =
        lines.iter().map(|(id, amount)| format!("{id},A-1,2016-11-08,Chairs,South,EUR,{amount}")).collect();
    let file = format!("line_id,order,date,category,region,currency,amount\n{}\n", lines.join("\n"));
    let terms = ListingTerms { book: Some(book.to_owned()), ..ListingTerms::default() };
    let (columns, read) = read::<PastSale>(&file, &terms).unwrap();
    PastSale::apply(conn, by, &columns, &read).await.unwrap().0
}

/// The same in a transaction of its own; what became of each line.
async fn chunk(conn: &mut PgConnection, by: Acting, book: &str, lines: &[(&str, &str)]) -> Vec<RowOutcome> {
    let mut tx = conn.begin().await.unwrap();
    let dealt_with = keep_all(&mut tx, by, book, lines).await;
    tx.commit().await.unwrap();
    dealt_with.into_iter().map(|row| row.outcome).collect()
}

/// Book, id and amount of each line of an organisation.
async fn kept(conn: &mut PgConnection, of: Trader) -> Vec<(String, String, i64)> {
    sqlx::query_as("SELECT book, line_id, amount_fine FROM past_sales WHERE org_id = $1 ORDER BY book, line_id")
        .bind(of.org)
        .fetch_all(conn)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_later_file_corrects_a_line_and_no_file_contradicts_itself() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let (ann, bob) = (trader(&mut conn).await, trader(&mut conn).await);
    let first = import(&mut conn, ann, "first").await;
    let together = chunk(&mut conn, first, "Shop", &[("1", "1"), ("2", "2"), ("1", "1"), ("2", "3")]).await;
    assert_eq!(together, [Applied, Applied, Unchanged, Refused]);
    // Also when the rows are far apart.
    assert_eq!(chunk(&mut conn, first, "Shop", &[("2", "4"), ("1", "1")]).await, [Refused, Unchanged]);
    let second = import(&mut conn, ann, "second").await;
    assert_eq!(chunk(&mut conn, second, "Shop", &[("2", "2.0000"), ("1", "-1.5")]).await, [Unchanged, Applied]);
    // What it has found to be so is what it says.
    assert_eq!(chunk(&mut conn, second, "Shop", &[("2", "9"), ("1", "9")]).await, [Refused, Refused]);
    // Another book, and another organisation's, have lines of their own.
    assert_eq!(chunk(&mut conn, second, "Stall", &[("2", "9")]).await, [Applied]);
    let other = import(&mut conn, bob, "other").await;
    assert_eq!(chunk(&mut conn, other, "Shop", &[("1", "7")]).await, [Applied]);
    let line = |book: &str, id: &str, amount| (book.to_owned(), id.to_owned(), amount);
    let expected = [line("Shop", "1", -1_500_000), line("Shop", "2", 2_000_000), line("Stall", "2", 9_000_000)];
    assert_eq!(kept(&mut conn, ann).await, expected);
    assert_eq!(kept(&mut conn, bob).await, [line("Shop", "1", 7_000_000)]);
    drop(conn);
    db.close().await;
}

#[tokio::test]
async fn two_files_of_the_same_lines_at_once_leave_those_of_one() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let ann = trader(&mut conn).await;
    let (first, second) = (import(&mut conn, ann, "first").await, import(&mut conn, ann, "second").await);
    let mut one = db.pool.begin().await.unwrap();
    keep_all(&mut one, first, "Shop", &[("1", "1"), ("2", "1")]).await;
    let mut two = db.pool.begin().await.unwrap();
    // The second one waits for the first, although its file has the lines in another order.
    let waiting = async {
        let dealt_with = keep_all(&mut two, second, "Shop", &[("2", "2"), ("1", "2")]).await;
        two.commit().await.unwrap();
        dealt_with
    };
    let commit = async {
        let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')";
        while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&mut *conn).await.unwrap() {
            tokio::task::yield_now().await;
        }
        one.commit().await.unwrap();
    };
    let (dealt_with, ()) = futures::join!(waiting, commit);
    assert!(dealt_with.iter().all(|row| row.outcome == Applied), "{dealt_with:?}");
    let amounts: Vec<_> = kept(&mut conn, ann).await.into_iter().map(|(_, _, amount)| amount).collect();
    assert_eq!(amounts, [2_000_000, 2_000_000]);
    drop(conn);
    db.close().await;
}
