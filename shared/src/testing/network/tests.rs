use super::*;

async fn echo() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.split();
                tokio::io::copy(&mut from, &mut to).await
            });
        }
    });
    address
}

#[tokio::test]
async fn the_proxy_plays_every_fault() {
    let (proxy, url) = Proxy::before(&format!("x://user:word@{}/path", echo().await)).await.unwrap();
    assert_eq!(url, format!("x://user:word@{}/path", proxy.address()));
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    let mut byte = [0];
    stream.write_all(b"a").await.unwrap();
    stream.read_exact(&mut byte).await.unwrap();

    proxy.set(NetworkFault::Delay(Duration::from_millis(40)));
    let sent = Instant::now();
    stream.write_all(b"b").await.unwrap();
    stream.read_exact(&mut byte).await.unwrap();
    assert!(sent.elapsed() >= Duration::from_millis(80), "delayed each way");

    proxy.set(NetworkFault::Silence);
    stream.write_all(b"c").await.unwrap();
    let silent = tokio::time::timeout(Duration::from_millis(50), stream.read_exact(&mut byte)).await;
    assert!(silent.is_err());
    proxy.set(NetworkFault::None);
    stream.read_exact(&mut byte).await.unwrap();
    assert_eq!(&byte, b"c");

    proxy.strand();
    stream.write_all(b"d").await.unwrap();
    let mut other = TcpStream::connect(proxy.address()).await.unwrap();
    other.write_all(b"e").await.unwrap();
    other.read_exact(&mut byte).await.unwrap();
    assert_eq!(&byte, b"e", "the successor answers");
    let silent = tokio::time::timeout(Duration::from_millis(50), stream.read_exact(&mut byte)).await;
    assert!(silent.is_err());

    proxy.set(NetworkFault::Refuse);
    let mut refused = TcpStream::connect(proxy.address()).await.unwrap();
    assert!(refused.read_exact(&mut byte).await.is_err());
    proxy.cut();
    assert!(stream.read_exact(&mut byte).await.is_err());
}
