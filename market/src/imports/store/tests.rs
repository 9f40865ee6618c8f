use shared::testing::TestDb;
use sqlx::{Connection as _, PgConnection};

use super::*;
use crate::ids::{ItemId, RegionId, SiteId};
use crate::images::store::{insert_upload, keep_upload};
use crate::imports::model::{CSV, RowFault, RowOutcome};
use crate::imports::rules::listing::ListingRow;
use crate::imports::rules::stock::StockRow;
use crate::imports::rules::tests::read;
use crate::listings::store::listing;
use crate::stock::model::{MovementKind, NewSite, SiteKind};
use crate::stock::store as stock;
use crate::testing::{Trader, auction, terms, trader};

/// A seller who sends files.
struct TestImports {
    db: TestDb,
    seller: Trader,
}

impl TestImports {
    async fn new() -> (Self, PgConnection) {
        let db = TestDb::new().await;
        let mut conn = db.pool.acquire().await.expect("a connection").detach();
        let seller = trader(&mut conn).await;
        (Self { db, seller }, conn)
    }

    async fn close(self, conn: PgConnection) {
        conn.close().await.expect("closed");
        self.db.close().await;
    }

    async fn new_import(&self, conn: &mut PgConnection, kind: ImportKind, checksum: u8) -> NewImport {
        let valid = std::time::Duration::from_mins(15);
        let upload = insert_upload(conn, self.seller.org, self.seller.user, CSV, 5, valid).await.expect("announced");
        let (org, created_by) = (self.seller.org, self.seller.user);
        NewImport { org, created_by, kind, checksum: [checksum; 32], upload: upload.id, terms: ListingTerms::default() }
    }

    /// A running import.
    async fn import(&self, conn: &mut PgConnection, kind: ImportKind, rows: usize) -> Acting {
        let new = self.new_import(conn, kind, 1).await;
        keep_upload(conn, new.upload).await.expect("kept");
        let Begun::New(id) = create(conn, &new).await.expect("begun") else { panic!("known") };
        begin(conn, id).await.expect("begun");
        let (encoding, separator) = (Encoding::Utf8, Separator::Comma);
        let shape = Shape { encoding, separator, skip: 0, columns: Vec::new(), rows };
        set_shape(conn, id, &shape).await.expect("noted");
        Acting { org: self.seller.org, user: self.seller.user, import: id }
    }

    async fn item(&self, conn: &mut PgConnection, sku: &str) -> ItemId {
        sqlx::query_scalar(
            "INSERT INTO items (id, org_id, category_id, sku, title, unit)
             SELECT gen_random_uuid(), $1, id, $2, 'Console', 'piece' FROM categories WHERE path = 'electronics/consoles'
             RETURNING id",
        )
        .bind(self.seller.org)
        .bind(sku)
        .fetch_one(conn)
        .await
        .expect("an item")
    }

    async fn site(&self, conn: &mut PgConnection, name: &str, capacity: Option<i64>) -> SiteId {
        let region_id: RegionId = sqlx::query_scalar("SELECT id FROM regions WHERE code = 'earth/de'")
            .fetch_one(&mut *conn)
            .await
            .expect("the region");
        let (name, kind) = (name.to_owned(), SiteKind::Depot);
        let new = NewSite { region_id, name, kind, latitude: 53.5, longitude: 10.0, capacity };
        stock::create_site(conn, self.seller.org, &new).await.expect("a site").id
    }
}

async fn apply(conn: &mut PgConnection, by: Acting, file: &str) -> Vec<ImportRow> {
    let (columns, rows) = read::<StockRow>(file, &ListingTerms::default()).expect("columns");
    let mut tx = conn.begin().await.expect("a transaction");
    let (rows, _) = StockRow::apply(&mut tx, by, &columns, &rows).await.expect("applied");
    record(&mut tx, by.import, &rows).await.expect("noted");
    tx.commit().await.expect("committed");
    rows
}

/// Line, outcome, and the first reason with its column.
fn summary(rows: &[ImportRow]) -> Vec<(i32, RowOutcome, String)> {
    let reason = |fault: &RowFault| format!("{}: {}", fault.column.clone().unwrap_or_default(), fault.reason);
    rows.iter().map(|row| (row.line, row.outcome, row.faults.first().map(reason).unwrap_or_default())).collect()
}

#[tokio::test]
async fn the_same_file_is_one_import_also_when_it_comes_twice_at_once() {
    let (test, mut conn) = TestImports::new().await;
    let [first, second, other] = [1, 1, 2];
    let mut new = Vec::new();
    for checksum in [first, second, other] {
        new.push(test.new_import(&mut conn, ImportKind::Stock, checksum).await);
    }
    let mut one = test.db.pool.begin().await.expect("a transaction");
    let Begun::New(id) = create(&mut one, &new[0]).await.expect("begun") else { panic!("known") };
    let mut two = test.db.pool.begin().await.expect("a transaction");
    // The second one waits for the first, and finds it.
    let waiting = async {
        let begun = create(&mut two, &new[1]).await.expect("begun");
        two.commit().await.expect("committed");
        begun
    };
    let commit = async {
        let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')";
        while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&mut conn).await.expect("an answer") {
            tokio::task::yield_now().await;
        }
        one.commit().await.expect("committed");
    };
    let (begun, ()) = futures::join!(waiting, commit);
    assert_eq!(begun, Begun::Known(id));
    assert_eq!(create(&mut conn, &new[1]).await.expect("begun"), Begun::Known(id));
    assert_ne!(create(&mut conn, &new[2]).await.expect("begun"), Begun::Known(id));
    let listings = NewImport { kind: ImportKind::Listings, ..new[0].clone() };
    assert_ne!(create(&mut conn, &listings).await.expect("begun"), Begun::Known(id));
    test.close(conn).await;
}

#[tokio::test]
async fn rows_are_applied_in_their_order_and_refused_ones_leave_nothing() {
    let (test, mut conn) = TestImports::new().await;
    let (item, full) = (test.item(&mut conn, "A").await, test.item(&mut conn, "B").await);
    let (depot, small) = (test.site(&mut conn, "Depot", None).await, test.site(&mut conn, "Small", Some(10)).await);
    test.site(&mut conn, "Twin", None).await;
    test.site(&mut conn, "Twin", None).await;
    let by = test.import(&mut conn, ImportKind::Stock, 9).await;
    let file = format!(
        "sku,site,on_hand,delta,reason\nA,Depot,7,,counted\nA,{depot},,-2,\nA,Depot,5,,\nA,Depot,,-6,\nB,Small,11,,\nB,Small,10,,\n\
         C,Depot,1,,\nA,Barn,1,,\nA,Twin,1,,\n"
    );
    let rows = apply(&mut conn, by, &file).await;
    let said = |text: &str| text.to_owned();
    let expected = [
        (2, RowOutcome::Applied, said("")),
        (3, RowOutcome::Applied, said("")),
        (4, RowOutcome::Unchanged, said("")),
        (5, RowOutcome::Refused, said("delta: only 5 units are available")),
        (6, RowOutcome::Refused, said("on_hand: the site's capacity does not allow that many units")),
        (7, RowOutcome::Applied, said("")),
        (8, RowOutcome::Refused, said("sku: the organisation has no such item")),
        (9, RowOutcome::Refused, said("site: the organisation has no such site")),
        (10, RowOutcome::Refused, said("site: several sites are called so: name the site by its id")),
    ];
    assert_eq!(summary(&rows), expected);
    let level = stock::level(&mut conn, by.org, item, depot).await.expect("read").expect("the level");
    assert_eq!(level.on_hand, 5);
    let level = stock::level(&mut conn, by.org, full, small).await.expect("read").expect("the level");
    assert_eq!(level.on_hand, 10);
    let movements = stock::movements(&mut conn, item, depot, None, 10).await.expect("read");
    let by_file = movements.iter().all(|it| it.kind == MovementKind::Import && it.reference == Some(by.import.0));
    assert!(by_file && movements.len() == 2, "{movements:?}");
    assert_eq!(movements[1].reason.as_deref(), Some("counted"));
    finish(&mut conn, by.import).await.expect("every row was dealt with");
    let import = get(&mut conn, by.import).await.expect("read");
    let counts = RowCounts { applied: 3, unchanged: 1, incomplete: 0, refused: 5 };
    assert_eq!((import.status, import.counts), (ImportStatus::Done, counts));
    let refused = page(&mut conn, by.import, Some(RowOutcome::Refused), Some(5), 2).await.expect("read");
    assert_eq!(
        refused,
        rows[4..7].iter().filter(|row| row.outcome == RowOutcome::Refused).cloned().collect::<Vec<_>>()
    );
    test.close(conn).await;
}

#[tokio::test]
async fn what_is_reserved_stays_and_no_row_is_noted_twice() {
    let (test, mut conn) = TestImports::new().await;
    let terms = terms(&mut conn).await;
    let lot = auction(&mut conn, test.seller, &terms).await;
    let (item, sku): (ItemId, String) = sqlx::query_as(
        "SELECT i.id, i.sku FROM items AS i JOIN listings AS l ON l.item_id = i.id JOIN auctions AS a ON a.listing_id = l.id
         WHERE a.id = $1",
    )
    .bind(lot)
    .fetch_one(&mut conn)
    .await
    .expect("the item");
    let site = test.site(&mut conn, "Depot", None).await;
    let by = test.import(&mut conn, ImportKind::Stock, 3).await;
    apply(&mut conn, by, &format!("sku,site,on_hand\n{sku},Depot,5\n")).await;
    let mut tx = conn.begin().await.expect("a transaction");
    // Somebody reserves three.
    sqlx::raw_sql(
        "UPDATE stock_levels SET reserved = 3, version = version + 1;
         INSERT INTO stock_movements (item_id, site_id, version, kind, reserved_delta)
         SELECT item_id, site_id, version, 'reserve', 3 FROM stock_levels",
    )
    .execute(&mut *tx)
    .await
    .expect("reserved");
    tx.commit().await.expect("committed");
    let rows = apply(&mut conn, by, &format!("sku,site,on_hand\n\n{sku},Depot,2\n{sku},Depot,3\n")).await;
    let refused = "on_hand: only 2 units are available".to_owned();
    assert_eq!(summary(&rows), [(3, RowOutcome::Refused, refused), (4, RowOutcome::Applied, String::new())]);
    let level = stock::level(&mut conn, by.org, item, site).await.expect("read").expect("the level");
    assert_eq!((level.on_hand, level.reserved), (3, 3));
    let again = record(&mut conn, by.import, &rows).await.expect_err("refused");
    assert!(matches!(&again, ImportError::Sql(error) if violated(error) == Some("import_rows_once")), "{again:?}");
    test.close(conn).await;
}

async fn list(conn: &mut PgConnection, by: Acting, file: &str, publish: bool) -> Vec<ImportRow> {
    let defaults = [("currency".to_owned(), "EUR".to_owned())].into();
    let terms = ListingTerms { defaults, publish, ..ListingTerms::default() };
    let (columns, rows) = read::<ListingRow>(file, &terms).expect("columns");
    let mut tx = conn.begin().await.expect("a transaction");
    let (rows, _) = ListingRow::apply(&mut tx, by, &columns, &rows).await.expect("applied");
    tx.commit().await.expect("committed");
    rows
}

#[tokio::test]
async fn rows_become_drafts_of_old_and_new_items_and_what_is_complete_is_published() {
    let (test, mut conn) = TestImports::new().await;
    let known = test.item(&mut conn, "OLD").await;
    let by = test.import(&mut conn, ImportKind::Listings, 9).await;
    let file = "sku;title;category;price;sale_mode;attributes.make;attributes.model;attributes.year\n\
        OLD;Console;;12,50;;;;\n\
        T-1;Tractor;machinery/tractors;1.250,00;;Fendt;724;2015\n\
        T-2;Tractor;machinery/tractors;;;Fendt;;\n\
        T-3;Tractor;machinery/tractors;5;;Fendt;724;new\n\
        T-4;Tractor;;5;;;;\n\
        T-5;Tractor;nowhere;5;;;;\n\
        T-1;Again;electronics/consoles;5;;;;\n\
        OLD;Auction;;5;auction;;;\n";
    let rows = list(&mut conn, by, file, true).await;
    let said = |text: &str| text.to_owned();
    let expected = [
        (2, RowOutcome::Applied, said("")),
        (3, RowOutcome::Applied, said("")),
        (4, RowOutcome::Incomplete, said("price: a fixed sale needs a price")),
        (5, RowOutcome::Refused, said("attributes.year: must be of type integer")),
        (6, RowOutcome::Refused, said("category: a new item needs a category")),
        (7, RowOutcome::Refused, said("category: there is no such category")),
        (8, RowOutcome::Refused, said("category: the item is in machinery/tractors")),
        (9, RowOutcome::Refused, said("price: a fixed sale needs a price, an auction has its own")),
    ];
    assert_eq!(summary(&rows), expected);
    let missing: Vec<_> = rows[2].faults.iter().filter_map(|fault| fault.column.as_deref()).collect();
    assert_eq!(missing, ["price", "attributes.model"]);
    let mut listed = Vec::new();
    for row in rows.iter().filter_map(|row| row.listing) {
        listed.push(listing(&mut conn, row).await.expect("read").expect("the listing"));
    }
    let status: Vec<_> = listed.iter().map(|one| serde_json::to_value(one.status).expect("a word")).collect();
    assert_eq!(status, ["published", "published", "draft"]);
    assert_eq!((listed[0].item_id, listed[1].price.expect("a price").minor()), (known, 125_000));
    assert_eq!(listed[1].attributes, serde_json::json!({"make": "Fendt", "model": "724", "year": 2015}));
    let items: i64 = sqlx::query_scalar("SELECT count(*) FROM items").fetch_one(&mut conn).await.expect("a count");
    assert_eq!(items, 3, "what was refused has made no item");
    test.close(conn).await;
}

#[tokio::test]
async fn what_the_plan_does_not_allow_stays_a_draft() {
    let (test, mut conn) = TestImports::new().await;
    test.item(&mut conn, "OLD").await;
    sqlx::query("UPDATE plans SET most_listings = 1").execute(&mut conn).await.expect("few");
    let by = test.import(&mut conn, ImportKind::Listings, 2).await;
    let rows = list(&mut conn, by, "sku;title;price\nOLD;One;5\nOLD;Two;6\n", true).await;
    let limit = ": the organisation's plan allows 1 published listings at once".to_owned();
    assert_eq!(summary(&rows), [(2, RowOutcome::Applied, String::new()), (3, RowOutcome::Incomplete, limit)]);
    let left = rows[1].listing.expect("a draft");
    let left = listing(&mut conn, left).await.expect("read").expect("the listing");
    assert_eq!(serde_json::to_value(left.status).expect("a word"), "draft");
    test.close(conn).await;
}

#[tokio::test]
async fn pictures_are_found_by_name_and_shared_when_another_listing_shows_them() {
    let (test, mut conn) = TestImports::new().await;
    test.item(&mut conn, "A").await;
    for name in ["front.jpg", "back.jpg"] {
        sqlx::query(
            "WITH sent AS (
                 INSERT INTO uploads (id, org_id, created_by, content_type, size, object_key, expires_at, completed_at, file_name)
                 VALUES (gen_random_uuid(), $1, $2, 'image/png', 5, $3, now(), now(), $3)
                 RETURNING id
             )
             INSERT INTO images (id, upload_id, org_id, status, checksum, width, height, blurhash)
             SELECT gen_random_uuid(), id, $1, 'ready', sha256('x'), 5, 5, 'L00000' FROM sent",
        )
        .bind(test.seller.org)
        .bind(test.seller.user)
        .bind(name)
        .execute(&mut conn)
        .await
        .expect("a picture");
    }
    let by = test.import(&mut conn, ImportKind::Listings, 3).await;
    let file = "sku,title,pictures\nA,One,back.jpg|front.jpg\nA,Two,front.jpg\nA,Three,front.jpg|side.jpg\n";
    let rows = list(&mut conn, by, file, false).await;
    let unknown = "pictures: no picture called \"side.jpg\" is ready".to_owned();
    let none = String::new();
    assert_eq!(
        summary(&rows),
        [(2, RowOutcome::Applied, none.clone()), (3, RowOutcome::Applied, none), (4, RowOutcome::Refused, unknown)]
    );
    let shown: Vec<(String, i16, bool)> = sqlx::query_as(
        "SELECT u.file_name, i.position, i.is_copy
         FROM images AS i
         JOIN uploads AS u ON u.id = i.upload_id
         JOIN listings AS l ON l.id = i.listing_id
         ORDER BY l.id, i.position",
    )
    .fetch_all(&mut conn)
    .await
    .expect("read");
    let shown: Vec<_> = shown.iter().map(|(name, place, copy)| (name.as_str(), *place, *copy)).collect();
    assert_eq!(shown, [("back.jpg", 0, false), ("front.jpg", 1, false), ("front.jpg", 0, true)]);
    test.close(conn).await;
}
