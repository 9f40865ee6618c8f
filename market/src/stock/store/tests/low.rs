//! Levels that were low when a tenth of the capacity was.

use super::*;

#[tokio::test]
async fn what_was_low_at_a_tenth_has_recovered_and_crosses_again() {
    let (stock, mut conn) = TestStock::new().await;
    let site = stock.site(&mut conn, None).await;
    let mut items = Vec::new();
    // A tenth; less; a tenth, where somebody has set that this is low.
    for (count, low_at) in [(9, None::<i64>), (8, None), (9, Some(9))] {
        let (_, item) = stock.stocked(&mut conn, site, count).await;
        let set = LevelChange { capacity: Some(Some(100)), low_at: None };
        let moved = change(&mut conn, stock.seller.org, (item, site), None, set).await.expect("changed");
        assert!(moved.level.is_low);
        sqlx::query("UPDATE stock_levels SET capacity = 90, low_at = $2, version = version + 1 WHERE item_id = $1")
            .bind(item)
            .bind(low_at)
            .execute(&mut conn)
            .await
            .expect("as it was stored");
        items.push(item);
    }
    let anew = include_str!("../../../../../migrations/0917_levels_low_anew.sql");
    sqlx::raw_sql(anew).execute(&mut conn).await.expect("measured anew");
    let mut is_low = Vec::new();
    for item in &items {
        is_low.push(level(&mut conn, stock.seller.org, *item, site).await.expect("read").expect("the level").is_low);
    }
    assert_eq!(is_low, [false, true, true]);
    let moved = stock.adjust(&mut conn, items[0], site, Count::To(8)).await.expect("counted");
    assert_eq!(moved.alert.map(|alert| (alert.crossing, alert.number)), Some((Crossing::Down, 3)));
    stock.close(conn).await;
}
