use std::net::Ipv4Addr;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;
use tokio_rustls::TlsAcceptor;

const PATIENCE: Duration = Duration::from_secs(30);

/// An authority of the test's own, and a server on `localhost` with a certificate of it that answers
/// every request with 200 and `hello`.
struct TestServer {
    authority: CertificateDer<'static>,
    url: Url,
}

impl TestServer {
    async fn start() -> Self {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let own = authority.self_signed(&key).unwrap();
        let issuer = Issuer::new(authority, key);
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = certificate.signed_by(&key, &issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    // A client that does not trust us hangs up.
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut request = [0; 4096];
                    if stream.read(&mut request).await.is_ok_and(|length| length > 0) {
                        let answer = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
                        let _ = stream.write_all(answer.as_bytes()).await;
                        let _ = stream.shutdown().await;
                    }
                });
            }
        });
        Self { authority: own.der().clone(), url: Url::parse(&url).unwrap() }
    }

    async fn ask(&self, http: &Http) -> Result<Answer, SendError> {
        http.send(Request::get(self.url.as_str()).body(Full::default())).await
    }
}

fn trusting(server: &TestServer) -> Http {
    let mut roots = RootCertStore::empty();
    roots.add(server.authority.clone()).unwrap();
    Http::trusting(roots, PATIENCE).unwrap()
}

#[tokio::test]
async fn a_certificate_of_a_trusted_authority_is_accepted_and_one_of_another_is_refused() {
    let (ours, foreign) = (TestServer::start().await, TestServer::start().await);
    let answer = ours.ask(&trusting(&ours)).await.unwrap();
    assert_eq!((answer.status, &*answer.body), (StatusCode::OK, &b"hello"[..]));
    for http in [trusting(&foreign), Http::new(&ours.url, PATIENCE).unwrap()] {
        let error = ours.ask(&http).await.unwrap_err();
        assert!(matches!(&error, SendError::NoAnswer { what } if what.contains("certificate")), "{error:?}");
    }
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let mut server = TestServer::start().await;
    let http = trusting(&server);
    server.url.set_host(Some("127.0.0.1")).unwrap();
    let error = server.ask(&http).await.unwrap_err();
    assert!(matches!(&error, SendError::NoAnswer { what } if what.contains("certificate")), "{error:?}");
}

#[test]
fn an_address_that_is_not_http_is_refused() {
    let error = Http::new(&Url::parse("ftp://localhost").unwrap(), PATIENCE).unwrap_err();
    assert!(error.to_string().contains("ftp:"), "{error}");
}

#[test]
fn what_a_path_is_made_of_cannot_leave_its_part() {
    let base = Url::parse("https://localhost/base/").unwrap();
    assert_eq!(url(&base, &["v1", "a/../b?c=%2F", ""]).as_str(), "https://localhost/base/v1/a%2F..%2Fb%3Fc=%252F/");
}

#[tokio::test]
async fn a_key_that_cannot_be_a_header_is_refused_before_anything_is_sent() {
    let http = Http::trusting(RootCertStore::empty(), PATIENCE).unwrap();
    let request = Request::get("http://127.0.0.1:1/").header("idempotency-key", "a\nb").body(Full::default());
    let refused = http.send(request).await;
    assert!(matches!(refused, Err(SendError::Malformed)), "{refused:?}");
}
