use std::time::Duration;

use axum::body::Bytes;
use axum::extract::ws::WebSocketUpgrade;
use axum::routing::get;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::*;
use crate::testing::socket::PATIENCE;

/// Serves these routes until the guard is dropped.
async fn start(router: Router, limits: ConnectionLimits, proxies: &[&str]) -> (SocketAddr, impl Drop) {
    let proxies: Vec<Network> = proxies.iter().map(|proxy| proxy.parse().unwrap()).collect();
    let server = Server::bind(([127, 0, 0, 1], 0).into()).await.unwrap().within(limits, &proxies);
    let (addr, stop) = (server.addr, CancellationToken::new());
    tokio::spawn(server.run(router, stop.clone()));
    (addr, stop.drop_guard())
}

fn hello() -> Router {
    Router::new().route("/", get(|| async { "hello" }))
}

/// A connection from this address of the machine.
async fn connect_from(source: &str, addr: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{source}:0").parse().unwrap()).unwrap();
    socket.connect(addr).await.unwrap()
}

async fn request(stream: &mut TcpStream, path: &str) -> std::io::Result<()> {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n").as_bytes()).await
}

/// Whether a request over this connection is answered; the alternative is a connection that was closed.
async fn is_served(stream: &mut TcpStream) -> bool {
    let mut answer = Vec::new();
    if request(stream, "/").await.is_err() {
        return false;
    }
    while !answer.ends_with(b"hello") {
        match timeout(PATIENCE, stream.read_buf(&mut answer)).await.expect("an answer or an end") {
            Ok(1..) => {}
            Ok(0) | Err(_) => return false,
        }
    }
    true
}

/// Waits until a connection from this address is served.
async fn served_in_the_end(source: &str, addr: SocketAddr) -> TcpStream {
    let served = async {
        loop {
            let mut stream = connect_from(source, addr).await;
            if is_served(&mut stream).await {
                return stream;
            }
        }
    };
    timeout(PATIENCE, served).await.expect("there is room")
}

#[tokio::test]
async fn connections_beyond_a_networks_share_and_beyond_the_total_are_closed() {
    let limits = ConnectionLimits { total: 3, per_network: 2, ..ConnectionLimits::DEFAULT };
    let (addr, _stop) = start(hello(), limits, &[]).await;
    let mut one = connect_from("127.0.0.1", addr).await;
    let mut two = connect_from("127.0.0.1", addr).await;
    assert!(is_served(&mut one).await && is_served(&mut two).await);
    assert!(!is_served(&mut connect_from("127.0.0.1", addr).await).await, "a third of one network");
    let mut other = connect_from("127.0.0.2", addr).await;
    assert!(is_served(&mut other).await, "another network has its own share");
    assert!(!is_served(&mut connect_from("127.0.0.3", addr).await).await, "a fourth in all");
    assert!(is_served(&mut one).await && is_served(&mut two).await && is_served(&mut other).await);
    drop(one);
    let _again = served_in_the_end("127.0.0.1", addr).await;
}

#[tokio::test]
async fn a_trusted_proxy_is_counted_in_the_total_alone() {
    let limits = ConnectionLimits { total: 3, per_network: 1, ..ConnectionLimits::DEFAULT };
    let (addr, _stop) = start(hello(), limits, &["127.0.0.1"]).await;
    let mut of_proxy = Vec::new();
    for _ in 0..3 {
        let mut stream = connect_from("127.0.0.1", addr).await;
        assert!(is_served(&mut stream).await);
        of_proxy.push(stream);
    }
    assert!(!is_served(&mut connect_from("127.0.0.1", addr).await).await);
}

#[tokio::test]
async fn a_websocket_counts_as_a_connection_until_it_ends() {
    let socket = |upgrade: WebSocketUpgrade| async {
        upgrade.on_upgrade(|mut socket| async move { while let Some(Ok(_)) = socket.recv().await {} })
    };
    let limits = ConnectionLimits { total: 1, ..ConnectionLimits::DEFAULT };
    let (addr, _stop) = start(hello().route("/ws", get(socket)), limits, &[]).await;
    let client = tokio_tungstenite::connect_async(format!("ws://{addr}/ws")).await.unwrap().0;
    assert!(!is_served(&mut connect_from("127.0.0.1", addr).await).await);
    drop(client);
    served_in_the_end("127.0.0.1", addr).await;
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answer_is_dropped() {
    let given_up = CancellationToken::new();
    let token = given_up.clone();
    let endless = move || async move {
        let guard = token.drop_guard();
        let chunks = futures::stream::repeat_with(move || {
            let _ = &guard;
            Ok::<_, std::io::Error>(Bytes::from_static(&[0; 8_192]))
        });
        Body::from_stream(chunks)
    };
    let limits = ConnectionLimits { write: Duration::from_secs(1), ..ConnectionLimits::DEFAULT };
    let (addr, _stop) = start(Router::new().route("/endless", get(endless)), limits, &[]).await;
    let mut stream = connect_from("127.0.0.1", addr).await;
    request(&mut stream, "/endless").await.unwrap();
    timeout(PATIENCE, given_up.cancelled()).await.expect("the server gives up");
    // What was under way arrives, and then the connection ends.
    let rest = async { while let Ok(1..) = stream.read(&mut [0; 8_192]).await {} };
    timeout(PATIENCE, rest).await.expect("the connection ends");
}
