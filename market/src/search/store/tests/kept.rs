//! The search's table follows whatever happens to listings.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::json;
use shared::audit::Actor;
use shared::testing::TestDb;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::assert_kept;
use crate::catalog::model::ItemChange;
use crate::catalog::store as catalog;
use crate::identity::store as identity;
use crate::ids::{ItemId, ListingId, SiteId};
use crate::listings::model::SaleMode;
use crate::listings::store::{self as listings, Decision};
use crate::testing::{Trader, draft, trader};

/// Two sellers with four sites.
struct Sellers {
    traders: [Trader; 2],
    /// Two of each.
    sites: Vec<(SiteId, Trader)>,
    listings: Vec<(ListingId, Trader)>,
}

impl Sellers {
    async fn new(conn: &mut PgConnection) -> Self {
        let traders = [trader(conn).await, trader(conn).await];
        let mut sites = Vec::new();
        for seller in [traders[0], traders[1], traders[0], traders[1]] {
            let id = SiteId::generate();
            sqlx::query(
                "INSERT INTO sites (id, org_id, region_id, name, kind, body, latitude, longitude)
                 SELECT $1, $2, id, 'Depot', 'depot', body, 53.5, 10 FROM regions WHERE code = 'earth/de'",
            )
            .bind(id)
            .bind(seller.org)
            .execute(&mut *conn)
            .await
            .expect("a site");
            sites.push((id, seller));
        }
        Self { traders, sites, listings: Vec::new() }
    }

    /// Does something that may be refused; returns what.
    async fn act(&mut self, conn: &mut PgConnection, rng: &mut StdRng) -> String {
        let mut tx = conn.begin().await.expect("a transaction");
        if self.listings.len() < 4 || rng.random_ratio(1, 12) {
            let (site, seller) = self.sites[rng.random_range(0..4)];
            let id = draft(&mut tx, seller, SaleMode::Fixed, 1).await;
            if rng.random() {
                run(&mut tx, &format!("UPDATE listings SET site_id = '{site}' WHERE id = '{id}'")).await;
            }
            tx.commit().await.expect("commits");
            self.listings.push((id, seller));
            return format!("draft {id}");
        }
        let (id, seller) = self.listings[rng.random_range(0..self.listings.len())];
        let actor = Actor::User(seller.user);
        let act = rng.random_range(0..14);
        match act {
            0..3 => drop(listings::publish(&mut tx, seller.org, id).await),
            3 => drop(listings::withdraw(&mut tx, seller.org, id).await),
            4 => drop(listings::decide(&mut tx, actor, id, Decision::Suspend("Why?")).await),
            5 => drop(listings::decide(&mut tx, actor, id, Decision::Reinstate).await),
            6 => {
                if let Ok(again) = listings::relist(&mut tx, seller.org, seller.user, id).await {
                    self.listings.push((again, seller));
                }
            }
            7 => {
                let price = rng.random_range(1..1_000);
                run(&mut tx, &format!("UPDATE listings SET price_minor = {price} WHERE id = '{id}'")).await;
            }
            8 => {
                let text = ["Red tractors", "Rote Schlepper", "the and of", ""][rng.random_range(0..4)];
                let language = ["en", "de", "xx", "fi"][rng.random_range(0..4)];
                let sql =
                    format!("UPDATE listings SET description = '{text}', language = '{language}' WHERE id = '{id}'");
                run(&mut tx, &sql).await;
            }
            9..11 => {
                let item = item_of(&mut tx, id).await;
                let make = ["Sega", "SEGA", "Atari"][rng.random_range(0..3)];
                let attributes = json!({"make": make, "storage_gb": rng.random_range(1..9)}).as_object().cloned();
                let change = ItemChange { attributes, ..ItemChange::default() };
                drop(catalog::change_item(&mut tx, seller.org, item, &change).await);
            }
            11 => {
                let site = self.sites[rng.random_range(0..4)].0;
                let (north, east) = (rng.random_range(-90..=90), rng.random_range(-180..=180));
                run(&mut tx, &format!("UPDATE sites SET latitude = {north}, longitude = {east} WHERE id = '{site}'"))
                    .await;
            }
            12 => {
                let org = self.traders[rng.random_range(0..2)].org;
                let decision = if rng.random() { identity::Decision::Suspend } else { identity::Decision::Reinstate };
                drop(identity::decide(&mut tx, actor, org, decision, Some("Why?")).await);
            }
            _ => run(&mut tx, TURN_SCHEMA).await,
        }
        tx.commit().await.expect("commits");
        format!("act {act} on {id}")
    }
}

/// People look for consoles by their storage, or no longer.
const TURN_SCHEMA: &str = r#"UPDATE categories
    SET attribute_schema = CASE attribute_schema #>> '{properties,storage_gb,filter}'
        WHEN 'range' THEN attribute_schema #- '{properties,storage_gb,filter}'
        ELSE jsonb_set(attribute_schema, '{properties,storage_gb,filter}', '"range"') END
    WHERE path = 'electronics/consoles'"#;

async fn run(conn: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(conn).await.expect("done");
}

async fn item_of(conn: &mut PgConnection, id: ListingId) -> ItemId {
    sqlx::query_scalar("SELECT item_id FROM listings WHERE id = $1").bind(id).fetch_one(conn).await.expect("the item")
}

#[tokio::test]
async fn after_any_acts_the_search_says_what_the_tables_say() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection").detach();
    let mut rng = StdRng::seed_from_u64(7);
    let mut sellers = Sellers::new(&mut conn).await;
    let mut most = 0;
    for n in 0..600 {
        let act = sellers.act(&mut conn, &mut rng).await;
        assert_kept(&mut conn, &format!("step {n}, {act}")).await;
        let rows: i64 =
            sqlx::query_scalar("SELECT count(*) FROM listing_search").fetch_one(&mut conn).await.expect("rows");
        most = most.max(rows);
    }
    assert!(most > 3, "never more than {most} listings were on offer at once");
    conn.close().await.expect("closed");
    db.close().await;
}

/// Each of these changes another part of what a listing's row is made of, there and back.
fn halves(listing: ListingId, site: SiteId, seller: Trader) -> [String; 5] {
    [
        format!(
            "UPDATE listings SET status = CASE status WHEN 'published' THEN 'suspended' ELSE 'published' END WHERE id = '{listing}'"
        ),
        format!(
            "UPDATE items SET attributes = jsonb_build_object('make', CASE attributes ->> 'make' WHEN 'Sega' THEN 'Atari' ELSE 'Sega' END,
                                                                'storage_gb', 1000 * random())
               WHERE id = (SELECT item_id FROM listings WHERE id = '{listing}')"
        ),
        format!(
            "UPDATE orgs SET status = CASE status WHEN 'approved' THEN 'suspended' ELSE 'approved' END WHERE id = '{}'",
            seller.org
        ),
        format!("UPDATE sites SET latitude = -90 + 180 * random() WHERE id = '{site}'"),
        TURN_SCHEMA.to_owned(),
    ]
}

#[tokio::test]
async fn two_changes_at_once_do_not_leave_half_of_one_in_the_search() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection").detach();
    let mut other = db.pool.acquire().await.expect("a connection").detach();
    let sellers = Sellers::new(&mut conn).await;
    let (site, seller) = sellers.sites[0];
    let id = draft(&mut conn, seller, SaleMode::Fixed, 1).await;
    run(&mut conn, &format!("UPDATE listings SET site_id = '{site}' WHERE id = '{id}'")).await;
    listings::publish(&mut conn, seller.org, id).await.expect("published");
    let halves = halves(id, site, seller);
    for round in 0..8 {
        for (a, first) in halves.iter().enumerate() {
            for (b, second) in halves.iter().enumerate().filter(|(b, _)| *b != a) {
                let (mut one, mut two) =
                    (conn.begin().await.expect("a transaction"), other.begin().await.expect("a transaction"));
                run(&mut one, first).await;
                run(&mut two, second).await;
                let (one, two) = tokio::join!(one.commit(), two.commit());
                one.and(two).expect("both commit");
                assert_kept(&mut conn, &format!("round {round}, {a} and {b}")).await;
            }
        }
    }
    conn.close().await.expect("closed");
    other.close().await.expect("closed");
    db.close().await;
}
