use super::*;

#[tokio::test]
async fn the_file_is_of_today_until_something_else_is_said() {
    let stop = CancellationToken::new();
    let rates = Rates::start(SocketAddr::from(([127, 0, 0, 1], 0)), stop.clone()).await.unwrap();
    let get = async || reqwest::get(rates.url()).await.unwrap();
    let file = get().await.text().await.unwrap();
    assert!(file.contains("<Cube time='20"), "{file}");
    assert!(file.contains("<Cube currency='JPY' rate='163.06'/>"), "{file}");
    rates.serve("other");
    assert_eq!(get().await.text().await.unwrap(), "other");
    rates.fail(StatusCode::BAD_GATEWAY);
    assert_eq!(get().await.status(), 502);
    stop.cancel();
    rates.stopped().await.unwrap();
}
