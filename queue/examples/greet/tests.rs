use shared::testing::TestDb;

#[tokio::test]
async fn the_example_greets_its_customer_once_in_each_run() {
    let db = TestDb::empty().await;
    assert_eq!(super::run(db.options().clone()).await.unwrap(), 1);
    assert_eq!(super::run(db.options().clone()).await.unwrap(), 2);
    db.close().await;
}
