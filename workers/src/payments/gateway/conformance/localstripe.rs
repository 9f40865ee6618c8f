//! localstripe, a program of others that answers as Stripe does.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::process::{Child, Command};

/// Where `./dev test` installs it.
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../.dev/tools/payments/bin/localstripe");

/// A process of its own, which ends with this value.
#[derive(Debug)]
pub(super) struct Localstripe {
    pub(super) url: String,
    _process: Child,
}

impl Localstripe {
    pub(super) async fn start() -> Self {
        assert!(Path::new(PROGRAM).exists(), "localstripe is not installed: `./dev test` with any filter does so");
        loop {
            // It cannot pick a port itself, and somebody else may take this one before it does.
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            let port = free.local_addr().unwrap().port();
            drop(free);
            let mut process = Command::new(PROGRAM)
                .args(["--from-scratch", "--port", &port.to_string()])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .kill_on_drop(true)
                .spawn()
                .unwrap();
            while process.try_wait().unwrap().is_none() {
                if TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.is_ok() {
                    return Self { url: format!("http://127.0.0.1:{port}"), _process: process };
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}
