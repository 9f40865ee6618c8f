use super::*;
use crate::shipments::model::Arrival;

/// Delivered shipments between these sites that took so many hours each; each one ended later than those before.
async fn delivered(conn: &mut PgConnection, yard: &Yard, from: SiteId, to: SiteId, hours: &[i32]) {
    let mut tx = conn.begin().await.expect("a transaction");
    // They have no goods, which is against the rules.
    without_rules(&mut tx).await;
    sqlx::query(
        "WITH made AS (
             INSERT INTO shipments (id, org_id, from_site, to_site, tracking, status, created_by, picked_up_at, ended_at)
             SELECT gen_random_uuid(), $1, $2, $3,
                    'TY' || lpad((n + (SELECT count(*) FROM shipments))::text, 17, '0'), 'delivered', $4,
                    ended.at - hours * interval '1 hour', ended.at
             FROM unnest($5::integer[]) WITH ORDINALITY AS journey (hours, n),
                  LATERAL (SELECT now() + (n + (SELECT count(*) FROM shipments)) * interval '1 second' AS at) AS ended
             RETURNING *
         )
         INSERT INTO shipment_journeys (shipment_id, from_site, to_site, from_region, to_region, ended_at, took)
         SELECT made.id, a.id, b.id, a.region_id, b.region_id, made.ended_at, made.ended_at - made.picked_up_at
         FROM made
         JOIN sites AS a ON a.id = made.from_site
         JOIN sites AS b ON b.id = made.to_site",
    )
    .bind(yard.shipper.org)
    .bind(from)
    .bind(to)
    .bind(yard.shipper.user)
    .bind(hours)
    .execute(&mut *tx)
    .await
    .expect("journeys");
    tx.commit().await.expect("committed");
}

async fn without_rules(tx: &mut PgConnection) {
    sqlx::query("SET LOCAL session_replication_role = replica").execute(tx).await.expect("without rules");
}

/// Hours from the pick-up to the tenth, half and nine tenths of the journeys, and how many they are.
async fn expected(conn: &mut PgConnection, yard: &Yard, number: &Tracking) -> Option<([i64; 3], i64)> {
    let shipment = get(conn, yard.shipper.org, number).await.expect("read").expect("a shipment");
    let hours = |at: chrono::DateTime<chrono::Utc>| (at - shipment.picked_up_at.expect("picked up")).num_hours();
    let Arrival { earliest, likely, latest, journeys } = shipment.arrival?;
    Some(([earliest, likely, latest].map(hours), journeys))
}

#[tokio::test]
async fn a_shipment_arrives_as_the_last_fifty_did_and_nobody_says_when_from_four() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.expect("a connection");
    let yard = Yard::with(&mut conn, 9).await;
    let number = yard.sent(&mut conn, &yard.transfer(1)).await;
    delivered(&mut conn, &yard, yard.site, yard.away, &[10, 30, 20, 40]).await;
    assert_eq!(get(&mut conn, yard.shipper.org, &number).await.unwrap().unwrap().arrival, None, "it has not left");
    act(&mut conn, async |tx| pick_up(tx, yard.by(), &number).await).await.expect("picked up");
    assert_eq!(expected(&mut conn, &yard, &number).await, None, "four journeys are too few");
    // Back is another leg of the sites; both are in one region, whose legs these five are as well.
    delivered(&mut conn, &yard, yard.away, yard.site, &[1, 1, 1, 1, 1]).await;
    assert_eq!(expected(&mut conn, &yard, &number).await.map(|(_, journeys)| journeys), Some(9));
    delivered(&mut conn, &yard, yard.site, yard.away, &[50]).await;
    assert_eq!(
        expected(&mut conn, &yard, &number).await,
        Some(([14, 30, 46], 5)),
        "its own sites are the better guide"
    );
    delivered(&mut conn, &yard, yard.site, yard.away, &[100; 60]).await;
    assert_eq!(expected(&mut conn, &yard, &number).await, Some(([100, 100, 100], 50)));
    let journeys = async |conn: &mut PgConnection| -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM shipment_journeys").fetch_one(conn).await.expect("counted")
    };
    let told_late = yard.sent(&mut conn, &yard.transfer(1)).await;
    act(&mut conn, async |tx| pick_up(tx, yard.by(), &told_late).await).await.expect("picked up");
    for (number, hours, known) in [(&told_late, 0, 70), (&number, 2, 71)] {
        let mut tx = conn.begin().await.expect("a transaction");
        without_rules(&mut tx).await;
        let earlier = "UPDATE shipments SET picked_up_at = picked_up_at - $2 * interval '1 hour' WHERE tracking = $1";
        sqlx::query(earlier).bind(number.as_str()).bind(hours).execute(&mut *tx).await.expect("earlier");
        tx.commit().await.expect("committed");
        act(&mut conn, async |tx| deliver(tx, yard.by(), number, None).await).await.expect("delivered");
        assert_eq!(get(&mut conn, yard.shipper.org, number).await.unwrap().unwrap().arrival, None, "it is there");
        assert_eq!(journeys(&mut conn).await, known, "one that was there at once is none");
    }
    drop(conn);
    db.close().await;
}
