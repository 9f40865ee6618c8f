use std::collections::BTreeSet;

use serde_json::{Value, json};
use shared::testing::TestDb;
use sqlx::Connection;

use super::*;
use crate::exports::parts::tests::{all, scope};
use crate::ids::ItemId;
use crate::listings::model::SaleMode;
use crate::offers::model::{Party, Proposal};
use crate::offers::store::{NewTrade, propose};
use crate::stock::store::tests::new_site;
use crate::testing::{earn, eur, listing, trader};

/// Whoever adds a column that names a person decides what the person gets of it.
#[tokio::test]
async fn every_column_that_names_a_person_is_exported_or_has_a_reason() {
    let db = TestDb::new().await;
    let named: Vec<(String, String)> = sqlx::query_as(
        "SELECT c.conrelid::regclass::text, a.attname::text
         FROM pg_constraint AS c
         JOIN pg_attribute AS a ON a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)
         WHERE c.contype = 'f'
           AND c.confrelid = 'users'::regclass
         ORDER BY 1, 2",
    )
    .fetch_all(&db.pool)
    .await
    .unwrap();
    assert!(named.len() > 40, "only {named:?}");
    let named: BTreeSet<(&str, &str)> = named.iter().map(|(table, column)| (table.as_str(), column.as_str())).collect();
    let covered: BTreeSet<_> = PARTS.iter().flat_map(|part| part.covers).copied().collect();
    let left_out: BTreeSet<_> = LEFT_OUT.iter().map(|(table, column, _)| (*table, *column)).collect();
    assert!(covered.is_disjoint(&left_out), "both exported and left out");
    let known: BTreeSet<_> = covered.union(&left_out).copied().collect();
    assert_eq!(named, known, "what names a person, and what is exported or left out for a reason");
    assert!(LEFT_OUT.iter().all(|(_, _, why)| why.len() > 20));
    db.close().await;
}

/// Everything that a person did is in some file, and what somebody else did in none.
#[tokio::test]
async fn a_person_gets_their_own_rows_and_nobody_elses() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let (seller, buyer) = (trader(&mut conn).await, trader(&mut conn).await);
    earn(&mut conn, seller, buyer, eur(10_000)).await;
    earn(&mut conn, seller, buyer, eur(20_000)).await;
    let names: BTreeSet<_> = PARTS.iter().map(|part| part.name).collect();
    assert_eq!(names.len(), PARTS.len());
    let (buyers, sellers) = (scope(&mut conn, None, buyer.user).await, scope(&mut conn, None, seller.user).await);
    let mut filled = BTreeSet::new();
    for part in PARTS {
        let columns: BTreeSet<_> = part.columns.iter().map(|column| column.name).collect();
        assert_eq!(columns.len(), part.columns.len(), "{}", part.name);
        let amounts = part.columns.iter().any(|column| column.is_amount);
        assert!(!amounts || columns.contains("currency"), "{}: amounts stand beside their currency", part.name);
        let rows = all(&mut conn, part, &buyers, 1_000).await;
        assert_eq!(all(&mut conn, part, &buyers, 1).await, rows, "{}", part.name);
        for row in &rows {
            assert_eq!(row.keys().map(String::as_str).collect::<BTreeSet<_>>(), columns, "{}", part.name);
        }
        let others = all(&mut conn, part, &sellers, 1_000).await;
        assert!(rows.iter().all(|row| !others.contains(row)), "{}: somebody else's", part.name);
        if !rows.is_empty() {
            filled.insert(part.name);
        }
    }
    assert!(
        filled.is_superset(&BTreeSet::from(["profile", "memberships", "orders", "checkouts", "payments"])),
        "{filled:?}"
    );
    let secrets = ["password", "token", "hash", "device"];
    for part in PARTS {
        for column in part.columns {
            assert!(secrets.iter().all(|secret| !column.name.contains(secret)), "{}.{}", part.name, column.name);
        }
    }
    db.close().await;
}

#[tokio::test]
async fn terms_of_a_trade_name_its_item_and_where_it_is() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let (seller, buyer) = (trader(&mut conn).await, trader(&mut conn).await);
    let listing = listing(&mut conn, seller, SaleMode::Fixed, 1).await;
    let item: ItemId = sqlx::query_scalar("SELECT item_id FROM listings WHERE id = $1")
        .bind(listing)
        .fetch_one(&mut *conn)
        .await
        .unwrap();
    let site = new_site(&mut conn, seller.org, None).await.unwrap().id;
    let proposal = Proposal { price: eur(500), quantity: 1, note: None };
    let by = Party { org: seller.org, user: seller.user };
    let mut tx = conn.begin().await.unwrap();
    propose(&mut tx, by, NewTrade { buyer: buyer.org, item, site, proposal }).await.unwrap();
    tx.commit().await.unwrap();
    let offers = PARTS.iter().find(|part| part.name == "offers").unwrap();
    let scope = scope(&mut conn, None, seller.user).await;
    let rows = all(&mut conn, offers, &scope, 10).await;
    let named: Vec<_> = rows.iter().map(|row| [&row["listing"], &row["item"], &row["site"]]).collect();
    assert_eq!(named, [[&Value::Null, &json!(item), &json!(site)]]);
    // What is in no column is in no CSV.
    let columns: BTreeSet<_> = offers.columns.iter().map(|column| column.name).collect();
    assert_eq!(rows[0].keys().map(String::as_str).collect::<BTreeSet<_>>(), columns);
    drop(conn);
    db.close().await;
}
