use super::*;
use crate::shipments::model::Arrival;

/// Delivered shipments between these sites that took so many hours each; each one ended later than those before.
async fn delivered(conn: &mut PgConnection, yard: &Yard, from: SiteId, to: SiteId, hours: &[i32]) {
    sqlx::query(
        "INSERT INTO shipments (id, org_id, from_site, to_site, tracking, status, created_by, picked_up_at, ended_at)
         SELECT gen_random_uuid(), $1, $2, $3,
                'TY' || lpad((n + (SELECT count(*) FROM shipments))::text, 17, '0'), 'delivered', $4,
                ended.at - hours * interval '1 hour', ended.at
         FROM unnest($5::integer[]) WITH ORDINALITY AS journey (hours, n),
              LATERAL (SELECT now() + (n + (SELECT count(*) FROM shipments)) * interval '1 second' AS at) AS ended",
    )
    .bind(yard.shipper.org)
    .bind(from)
    .bind(to)
    .bind(yard.shipper.user)
    .bind(hours)
    .execute(conn)
    .await
    .expect("journeys");
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
    act(&mut conn, async |tx| deliver(tx, yard.by(), &number, None).await).await.expect("delivered");
    assert_eq!(get(&mut conn, yard.shipper.org, &number).await.unwrap().unwrap().arrival, None, "it is there");
    let journeys: i64 =
        sqlx::query_scalar("SELECT count(*) FROM shipment_journeys").fetch_one(&mut *conn).await.unwrap();
    assert_eq!(journeys, 70, "it was there at once, which is no journey");
    drop(conn);
    db.close().await;
}
