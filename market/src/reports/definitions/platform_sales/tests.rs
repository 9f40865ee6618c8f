use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike as _, NaiveDate, Utc};
use chrono_tz::Tz;
use futures::TryStreamExt as _;
use shared::ids::OrgId;
use shared::money::{Currency, Money};
use shared::testing::TestDb;
use uuid::Uuid;

use super::*;
use crate::ids::{CategoryId, RegionId};
use crate::reports::model::{Kind, Parameters};
use crate::reports::rules::Period;
use crate::reports::table::Cell;
use crate::testing::trader;

/// Orders of two sellers, the same in each run, over five weeks, in two currencies and every status: the first sells from two places, the second from none.
async fn sell(conn: &mut PgConnection) {
    let (first, second, buyer) = (trader(conn).await, trader(conn).await, trader(conn).await);
    let sellers = vec![first.org.0, second.org.0];
    let listings = "
        WITH places AS (
            INSERT INTO sites (id, org_id, region_id, name, kind, body, latitude, longitude)
            SELECT gen_random_uuid(), ($1::uuid[])[1], id, code, 'depot', body, 53.5, 10 FROM regions
            WHERE code IN ('earth/de', 'earth/nl')
            RETURNING id, name
        ), goods AS (
            INSERT INTO items (id, org_id, category_id, sku, title, unit)
            SELECT gen_random_uuid(), org, c.id, c.path, 'Goods', 'piece'
            FROM unnest($1::uuid[]) AS org
            CROSS JOIN (SELECT id, path FROM categories ORDER BY path LIMIT 3) AS c
            RETURNING id, org_id, sku
        )
        INSERT INTO listings (id, seller_org_id, item_id, created_by, title, sale_mode, currency, price_minor, site_id)
        SELECT gen_random_uuid(), g.org_id, g.id, $2, concat(g.sku, ' ', p.name), 'fixed', 'EUR', 1000, p.id
        FROM goods AS g
        LEFT JOIN places AS p ON g.org_id = ($1::uuid[])[1]";
    sqlx::query(listings).bind(&sellers).bind(first.user.0).execute(&mut *conn).await.unwrap();

    // Amounts are checked against their orders and checkouts when the transaction ends.
    let mut tx = sqlx::Connection::begin(conn).await.unwrap();
    let sold = "
        CREATE TEMP TABLE sold ON COMMIT DROP AS
        SELECT
            gen_random_uuid() AS id, n, ($1::uuid[])[1 + n % 2] AS seller, CASE WHEN n % 3 = 0 THEN 'JPY' ELSE 'EUR' END AS currency,
            (ARRAY['paid', 'completed', 'cancelled', 'pending_payment', 'expired', 'refunded', 'disputed'])[1 + n % 7] AS status,
            timestamptz '2026-10-31 22:59:59+00' + (n - 1) * interval '7 hours 30 seconds' AS at
        FROM generate_series(1, 120) AS n";
    sqlx::query(sold).bind(&sellers).execute(&mut *tx).await.unwrap();
    let lines = "
        CREATE TEMP TABLE lines ON COMMIT DROP AS
        SELECT
            s.id, row_number() OVER (PARTITION BY s.id ORDER BY l.id) AS line_no, l.id AS listing, l.item_id AS item,
            1 + (s.n * 5) % 4 AS quantity, 1000 + (s.n * 7919) % 100000 AS amount
        FROM sold AS s
        JOIN LATERAL (
            SELECT id, item_id FROM listings WHERE seller_org_id = s.seller ORDER BY md5(title || s.n) LIMIT 1 + s.n % 2
        ) AS l ON true";
    sqlx::query(lines).execute(&mut *tx).await.unwrap();
    let checkouts = "
        INSERT INTO checkouts (id, buyer_org_id, placed_by, currency, payable_minor, pay_by, created_at)
        SELECT id, $1, $2, currency, (SELECT sum(amount) FROM lines WHERE lines.id = sold.id), at + interval '1 hour', at
        FROM sold";
    sqlx::query(checkouts).bind(buyer.org.0).bind(buyer.user.0).execute(&mut *tx).await.unwrap();
    let orders = "
        INSERT INTO orders (id, checkout_id, source, buyer_org_id, seller_org_id, placed_by, currency, total_minor, fee_bps, fee_minor,
                            net_minor, status, pay_by, created_at)
        SELECT id, id, 'trade', $1, seller, $2, currency, total, 0, 0, total, status, at + interval '1 hour', at
        FROM sold
        JOIN LATERAL (SELECT sum(amount) AS total FROM lines WHERE lines.id = sold.id) AS of_lines ON true";
    sqlx::query(orders).bind(buyer.org.0).bind(buyer.user.0).execute(&mut *tx).await.unwrap();
    let order_lines = "
        INSERT INTO order_lines (order_id, line_no, listing_id, item_id, title, quantity, unit, amount_minor)
        SELECT id, line_no, listing, item, 'Goods', quantity, 'piece', amount FROM lines";
    sqlx::query(order_lines).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

/// A line of an order, as it is stored.
#[derive(Clone, Debug, sqlx::FromRow)]
struct Raw {
    order: Uuid,
    seller: Uuid,
    buyer: Uuid,
    at: DateTime<Utc>,
    status: String,
    currency: String,
    quantity: i64,
    amount: i64,
    path: String,
    region: Option<String>,
}

async fn raw(conn: &mut PgConnection) -> Vec<Raw> {
    let sql = r#"
        SELECT
            o.id AS "order", o.seller_org_id AS seller, o.buyer_org_id AS buyer, o.created_at AS at, o.status, o.currency, n.quantity,
            n.amount_minor AS amount, c.path,
            (SELECT r.code FROM sites AS s JOIN regions AS r ON r.id = s.region_id WHERE s.id = l.site_id) AS region
        FROM order_lines AS n
        JOIN orders AS o ON o.id = n.order_id
        JOIN listings AS l ON l.id = n.listing_id
        JOIN items AS i ON i.id = n.item_id
        JOIN categories AS c ON c.id = i.category_id"#;
    sqlx::query_as(sql).fetch_all(conn).await.unwrap()
}

/// What a row of the report stands for, as text, and its currency.
type Key = (String, String);

/// Sellers, orders, units and the amount.
type Figures = (i64, i64, i64, i64);

/// The same figures, added up here from what is stored.
fn added_up(lines: &[Raw], period: &Period, by: Grouping, parameters: &Parameters) -> BTreeMap<Key, Figures> {
    let mut groups: BTreeMap<Key, Vec<&Raw>> = BTreeMap::new();
    let counts = |line: &&Raw| {
        line.at >= period.starts_at()
            && line.at < period.ends_at()
            && !["expired", "cancelled", "refunded"].contains(&line.status.as_str())
            && parameters.currency.is_none_or(|currency| line.currency == currency.code())
    };
    for line in lines.iter().filter(counts) {
        let day = line.at.with_timezone(&period.zone()).date_naive();
        let what = match by {
            Grouping::Day => day.to_string(),
            Grouping::Week => (day - chrono::Days::new(day.weekday().num_days_from_monday().into())).to_string(),
            Grouping::Month => day.with_day(1).unwrap().to_string(),
            Grouping::Category => line.path.clone(),
            Grouping::Region => line.region.clone().unwrap_or_default(),
            Grouping::Seller => line.seller.to_string(),
            Grouping::Buyer => line.buyer.to_string(),
            _ => String::new(),
        };
        groups.entry((what, line.currency.clone())).or_default().push(line);
    }
    let figures = |lines: Vec<&Raw>| -> Figures {
        let sellers: BTreeSet<Uuid> = lines.iter().map(|line| line.seller).collect();
        let orders: BTreeSet<Uuid> = lines.iter().map(|line| line.order).collect();
        let quantity = lines.iter().map(|line| line.quantity).sum();
        let amount = lines.iter().map(|line| line.amount).sum();
        (i64::try_from(sellers.len()).unwrap(), i64::try_from(orders.len()).unwrap(), quantity, amount)
    };
    groups.into_iter().map(|(key, lines)| (key, figures(lines))).collect()
}

/// The figures of a report.
async fn reported(conn: &mut PgConnection, kind: Kind, scope: &Scope) -> BTreeMap<Key, Figures> {
    let definition = kind.definition();
    let section = (definition.sections)(scope).remove(0);
    let rows: Vec<Vec<Cell>> = (definition.rows)(conn, scope, section.name).try_collect().await.unwrap();
    let mut found = BTreeMap::new();
    for row in rows {
        assert_eq!(row.len(), section.columns.len());
        let cell = |name: &str| section.place(name).map(|place| &row[place]);
        let integer = |name: &str| match cell(name) {
            Some(Cell::Integer(number)) => *number,
            // A seller is one.
            _ => 1,
        };
        let what = match cell("from").or(cell("path")).or(cell("code")).or(cell("id")) {
            Some(Cell::Day(day)) => day.to_string(),
            Some(Cell::Text(text)) => text.clone(),
            Some(Cell::Id(id)) => id.to_string(),
            _ => String::new(),
        };
        let Some(Cell::Money(sales)) = cell("sales") else { panic!("{row:?}") };
        assert_eq!(cell("currency"), Some(&Cell::Currency(sales.currency())));
        let figures = (integer("sellers"), integer("orders"), integer("quantity"), Money::minor(*sales));
        let before = found.insert((what, sales.currency().code().to_owned()), figures);
        assert!(before.is_none(), "two rows for the same: {row:?}");
    }
    found
}

#[tokio::test]
async fn the_platforms_sales_are_what_its_orders_add_up_to_however_they_are_grouped() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    sell(&mut conn).await;
    let lines = raw(&mut conn).await;
    assert!(lines.len() > 120, "some orders have two lines");
    let day = |month, day| NaiveDate::from_ymd_opt(2026, month, day).unwrap();
    // The second begins an hour after the first order of the book, which is of October in Berlin.
    for (first, last, months) in [(day(10, 1), day(12, 31), 3), (day(11, 1), day(11, 30), 1)] {
        let period = Period::new(first, last, Tz::Europe__Berlin).unwrap();
        for &by in DEFINITION.groupings {
            for currency in [None, Some(Currency::JPY)] {
                let parameters = Parameters { group_by: Some(by), currency, ..Parameters::default() };
                let scope = Scope { org: OrgId::generate(), period, parameters };
                let expected = added_up(&lines, &period, by, &parameters);
                assert!(!expected.is_empty());
                assert_eq!(reported(&mut conn, Kind::PlatformSales, &scope).await, expected, "{by:?} {currency:?}");
                if by == Grouping::Month && currency.is_none() {
                    let found: BTreeSet<_> = expected.keys().map(|(month, _)| month).collect();
                    assert_eq!(found.len(), months);
                }
            }
        }
    }
    // What is filtered is a row of what is not.
    let period = Period::new(day(10, 1), day(12, 31), Tz::Europe__Berlin).unwrap();
    let parameters = |by| Parameters { group_by: Some(by), ..Parameters::default() };
    let category: Uuid =
        sqlx::query_scalar("SELECT id FROM categories WHERE path = 'machinery'").fetch_one(&mut *conn).await.unwrap();
    let region: Uuid =
        sqlx::query_scalar("SELECT id FROM regions WHERE code = 'earth/de'").fetch_one(&mut *conn).await.unwrap();
    for (by, key, filtered) in [
        (Grouping::Category, "machinery", Parameters { category: Some(CategoryId(category)), ..Parameters::default() }),
        (Grouping::Region, "earth/de", Parameters { region: Some(RegionId(region)), ..Parameters::default() }),
    ] {
        let all = added_up(&lines, &period, by, &parameters(by));
        let one: Vec<Figures> = all.into_iter().filter(|((what, _), _)| what == key).map(|(_, it)| it).collect();
        let filtered = Parameters { group_by: Some(Grouping::Currency), ..filtered };
        let scope = Scope { org: OrgId::generate(), period, parameters: filtered };
        let found: Vec<Figures> = reported(&mut conn, Kind::PlatformSales, &scope).await.into_values().collect();
        assert_eq!((found, one.len()), (one, 2), "{key}");
    }
    drop(conn);
    db.close().await;
}

/// However many others sell.
#[tokio::test]
async fn the_sales_of_one_seller_are_what_its_own_orders_add_up_to() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    sell(&mut conn).await;
    let lines = raw(&mut conn).await;
    let day = |month, day| NaiveDate::from_ymd_opt(2026, month, day).unwrap();
    let period = Period::new(day(10, 1), day(12, 31), Tz::Europe__Berlin).unwrap();
    let sellers: BTreeSet<Uuid> = lines.iter().map(|line| line.seller).collect();
    assert_eq!(sellers.len(), 2);
    for seller in sellers {
        let own: Vec<Raw> = lines.iter().filter(|line| line.seller == seller).cloned().collect();
        for &by in Kind::Sales.definition().groupings.iter().filter(|by| **by != Grouping::None) {
            let parameters = Parameters { group_by: Some(by), ..Parameters::default() };
            let scope = Scope { org: OrgId(seller), period, parameters };
            let expected = added_up(&own, &period, by, &parameters);
            assert!(!expected.is_empty());
            assert_eq!(reported(&mut conn, Kind::Sales, &scope).await, expected, "{by:?}");
        }
    }
    drop(conn);
    db.close().await;
}
