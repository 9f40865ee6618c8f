use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{Connection, Head, end_of_head};

#[test]
fn a_head_names_the_status_and_where_the_body_begins_and_ends() {
    let answer = b"HTTP/1.1 201 Created\r\ndate: now\r\nContent-Length: 4\r\n\r\nbody";
    let start = end_of_head(answer, 0).unwrap();
    assert_eq!(&answer[start..], b"body");
    assert_eq!(Head::read(&answer[..start], start).unwrap(), Head { status: 201, start, length: 4 });
    assert_eq!(end_of_head(b"HTTP/1.1 200 OK\r\n\r", 0), None);
    assert!(Head::read(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", 47).is_err(), "its end is not known");
}

#[tokio::test]
async fn answers_that_come_in_pieces_are_put_together() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut connection = Connection::open(server.local_addr().unwrap()).await.unwrap();
    let (mut peer, _) = server.accept().await.unwrap();
    let serving = tokio::spawn(async move {
        let mut request = [0; 3];
        // The first answer a byte at a time, the second at once.
        peer.read_exact(&mut request).await.unwrap();
        for byte in b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\nno" {
            peer.write_all(&[*byte]).await.unwrap();
            peer.flush().await.unwrap();
        }
        peer.read_exact(&mut request).await.unwrap();
        peer.write_all(b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    });
    let answer = connection.ask(b"one").await.unwrap();
    assert_eq!((answer.status, answer.body), (404, b"no".as_slice()));
    let answer = connection.ask(b"two").await.unwrap();
    assert_eq!((answer.status, answer.body), (204, b"".as_slice()));
    serving.await.unwrap();
    assert!(connection.ask(b"end").await.is_err(), "the server has hung up");
}
