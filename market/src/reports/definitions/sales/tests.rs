use chrono::NaiveDate;
use chrono_tz::Tz;
use futures::TryStreamExt as _;
use shared::testing::TestDb;
use sqlx::Connection as _;

use super::*;
use crate::ids::{CategoryId, RegionId};
use crate::reports::model::{Kind, Parameters};
use crate::reports::rules::Period;
use crate::reports::table::Row;
use crate::testing::{Trader, trader};

/// Five lines of a book, one of them in yen, and an order of the market, which was made while the eighth had begun in Auckland alone.
async fn sell(conn: &mut PgConnection, seller: Trader, buyer: Trader) {
    let mut tx = conn.begin().await.unwrap();
    let import = "INSERT INTO imports (id, org_id, created_by, kind, checksum)
                  VALUES (gen_random_uuid(), $1, $2, 'past_sales', sha256('book'))";
    sqlx::query(import).bind(seller.org).bind(seller.user).execute(&mut *tx).await.unwrap();
    let lines = "
        INSERT INTO past_sales (org_id, book, line_id, import_id, order_number, sold_on, category, region, product, quantity, currency,
                                amount_fine)
        SELECT i.org_id, 'Shop', l.*
        FROM imports AS i
        CROSS JOIN LATERAL (VALUES
            ('1', i.id, 'A-1', date '2016-11-08', 'Chairs', 'South', 'A chair', 2::bigint, 'EUR', 957577500),
            ('2', i.id, 'A-1', '2016-11-08', 'Tables', 'South', NULL, 1, 'EUR', 4000),
            ('3', i.id, 'A-2', '2016-11-08', 'Chairs', 'West', 'A chair', -1, 'EUR', -4500),
            ('4', i.id, 'A-3', '2016-11-30', 'Chairs', 'West', 'A chair', 1, 'EUR', 5000),
            ('5', i.id, 'A-3', '2016-11-30', 'Chairs', 'West', 'A chair', 1, 'JPY', 55000)
        ) AS l";
    sqlx::query(lines).execute(&mut *tx).await.unwrap();
    // Past every rule: only what reports read is there.
    sqlx::raw_sql("SET LOCAL session_replication_role = replica").execute(&mut *tx).await.unwrap();
    let order = "
        WITH made AS (
            INSERT INTO orders (id, checkout_id, source, buyer_org_id, seller_org_id, placed_by, currency, total_minor, fee_bps,
                                fee_minor, net_minor, status, pay_by, created_at)
            SELECT id, id, 'trade', $2, $1, $3, 'EUR', 1000, 500, 50, 950, 'paid', at, at
            FROM (SELECT gen_random_uuid() AS id, timestamptz '2016-11-07 12:00Z' AS at) AS sold
            RETURNING id
        )
        INSERT INTO order_lines (order_id, line_no, listing_id, item_id, title, quantity, unit, amount_minor)
        SELECT id, 1, id, id, 'Goods', 3, 'piece', 1000 FROM made";
    sqlx::query(order).bind(seller.org).bind(buyer.org).bind(buyer.user).execute(&mut *tx).await.unwrap();
    tx.commit().await.unwrap();
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(text) => text.clone(),
        Cell::Integer(number) => number.to_string(),
        Cell::Money(money) | Cell::Rounded(money, _) => money.amount(),
        Cell::Currency(currency) => currency.code().to_owned(),
        Cell::Day(day) => day.to_string(),
        other => format!("{other:?}"),
    }
}

/// The rows of November as text: without times and ids.
async fn rows(
    conn: &mut PgConnection,
    kind: Kind,
    org: shared::ids::OrgId,
    zone: Tz,
    parameters: Parameters,
) -> Vec<String> {
    let day = |day| NaiveDate::from_ymd_opt(2016, 11, day).unwrap();
    let scope = Scope { org, period: Period::new(day(1), day(30), zone).unwrap(), parameters };
    let definition = kind.definition();
    let sections = (definition.sections)(&scope);
    let rows: Vec<Row> = (definition.rows)(conn, &scope, sections[0].name).try_collect().await.unwrap();
    let shown = |row: &Row| {
        let cells = row.iter().filter(|cell| !matches!(cell, Cell::Id(_) | Cell::Time(_)));
        cells.map(cell).collect::<Vec<_>>().join("|")
    };
    rows.iter().map(shown).collect()
}

fn by(group_by: Grouping) -> Parameters {
    Parameters { group_by: Some(group_by), ..Parameters::default() }
}

#[tokio::test]
async fn past_sales_count_on_their_own_day_beside_the_orders_of_the_market() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let (seller, buyer) = (trader(&mut conn).await, trader(&mut conn).await);
    sell(&mut conn, seller, buyer).await;
    let (auckland, angeles) = (Tz::Pacific__Auckland, Tz::America__Los_Angeles);
    let mut of = async |zone, parameters| rows(&mut conn, Kind::Sales, seller.org, zone, parameters).await;

    // 957.5775 + 0.004 - 0.0045 and the order's 10.00; 0.005 is half a cent.
    let day = of(auckland, by(Grouping::Day)).await;
    assert_eq!(day, ["2016-11-08|3|5|967.58|EUR", "2016-11-30|1|1|0.01|EUR", "2016-11-30|1|1|6|JPY"]);
    let day = of(angeles, by(Grouping::Day)).await;
    let expected =
        ["2016-11-07|1|3|10.00|EUR", "2016-11-08|2|2|957.58|EUR", "2016-11-30|1|1|0.01|EUR", "2016-11-30|1|1|6|JPY"];
    assert_eq!(day, expected);
    let week = of(auckland, by(Grouping::Week)).await;
    assert_eq!(week, ["2016-11-07|3|5|967.58|EUR", "2016-11-28|1|1|0.01|EUR", "2016-11-28|1|1|6|JPY"]);
    // 957.5775 + 0.004 - 0.0045 + 0.005 + 10 = 967.582: not the sum of what the days show.
    assert_eq!(of(auckland, by(Grouping::Month)).await, ["2016-11-01|4|6|967.58|EUR", "2016-11-01|1|1|6|JPY"]);
    let category = of(auckland, by(Grouping::Category)).await;
    assert_eq!(category, ["Chairs||3|2|957.58|EUR", "||1|3|10.00|EUR", "Tables||1|1|0.00|EUR", "Chairs||1|1|6|JPY"]);
    let region = of(auckland, by(Grouping::Region)).await;
    assert_eq!(region, ["South||1|3|957.58|EUR", "No site||1|3|10.00|EUR", "West||2|0|0.00|EUR", "West||1|1|6|JPY"]);
    let buyers = of(auckland, by(Grouping::Buyer)).await;
    assert!(buyers.contains(&"Past sales||3|3|957.58|EUR".to_owned()), "{buyers:?}");

    // One by one, in the order of time.
    let orders = of(auckland, by(Grouping::None)).await;
    let expected = [
        "|past_sale||A-1: A chair|3|957.58|||EUR|past_sale".to_owned(),
        "|past_sale||A-2: A chair|-1|0.00|||EUR|past_sale".to_owned(),
    ];
    assert_eq!((orders.len(), &orders[..2]), (5, expected.as_slice()));

    // An order in two currencies is two rows, also for who says how far the report is.
    let day = |day| NaiveDate::from_ymd_opt(2016, 11, day).unwrap();
    let period = Period::new(day(1), day(30), auckland).unwrap();
    let scope = Scope { org: seller.org, period, parameters: by(Grouping::None) };
    let announced = (Kind::Sales.definition().expected)(&mut conn, &scope).await.unwrap();
    assert_eq!(announced, i64::try_from(orders.len()).ok());
    let mut of = async |zone, parameters| rows(&mut conn, Kind::Sales, seller.org, zone, parameters).await;

    // What the catalogue knows, they do not have.
    let yen = Parameters { currency: Some(Currency::JPY), ..by(Grouping::Month) };
    assert_eq!(of(auckland, yen).await, ["2016-11-01|1|1|6|JPY"]);
    for group in [Grouping::None, Grouping::Month] {
        let category = Parameters { category: Some(CategoryId::generate()), ..by(group) };
        let region = Parameters { region: Some(RegionId::generate()), ..by(group) };
        assert_eq!((of(auckland, category).await, of(auckland, region).await), (Vec::<String>::new(), Vec::new()));
    }
    let analytics = rows(&mut conn, Kind::MonthlyAnalytics, seller.org, auckland, Parameters::default()).await;
    assert_eq!(analytics, ["2016-11-01|4|6|967.58||EUR", "2016-11-01|1|1|6||JPY"]);
    // Nobody else counts them.
    let platform = rows(&mut conn, Kind::PlatformSales, seller.org, auckland, by(Grouping::Month)).await;
    assert_eq!(platform, ["2016-11-01|1|1|3|10.00|EUR"]);
    assert!(rows(&mut conn, Kind::Sales, buyer.org, auckland, by(Grouping::Month)).await.is_empty());
    drop(conn);
    db.close().await;
}
