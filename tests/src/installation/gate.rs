//! The store as one worker reaches it: through a gate at which uploads come to a halt, so that a test kills the worker in the middle of
//! them.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};

use tokio::io::{self, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::until::PATIENCE;

/// The most bytes that pass at a time; the head of a request is smaller.
const CHUNK: usize = 64 * 1024;

/// Where an upload comes to a halt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// Part of its bytes are in the store and the rest never comes; of an upload in parts, it is the second part.
    Sending,
    /// The object is whole, and the worker never hears of it.
    Answered,
}

/// A gate in front of a store. Connections break off when it is dropped.
#[derive(Debug)]
pub struct Gate {
    addr: SocketAddr,
    halted: watch::Receiver<BTreeSet<String>>,
    _passing: JoinSet<()>,
}

#[expect(clippy::expect_used, reason = "a test without its gate ends here")]
impl Gate {
    /// Opens a gate in front of the store.
    pub async fn open(store: SocketAddr, halt: Halt) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let addr = listener.local_addr().expect("an address");
        let (note, halted) = watch::channel(BTreeSet::new());
        let mut passing = JoinSet::new();
        passing.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let note = note.clone();
                // A connection that breaks is the worker's end.
                connections.spawn(async move { pass(client, store, halt, &note).await.is_ok() });
            }
        });
        Self { addr, halted, _passing: passing }
    }

    /// What the worker is given as the address of the store.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// Waits until this holds of the keys whose uploads have come to a halt.
    pub async fn until(&mut self, holds: impl Fn(&BTreeSet<String>) -> bool) {
        let waited = tokio::time::timeout(PATIENCE, self.halted.wait_for(|keys| holds(keys))).await.is_ok();
        assert!(waited, "no more uploads than these: {:?}", *self.halted.borrow());
    }
}

/// Passes on what both sides say, until an upload comes to a halt. One request follows the answer to the one before.
async fn pass(
    mut client: TcpStream,
    store: SocketAddr,
    halt: Halt,
    halted: &watch::Sender<BTreeSet<String>>,
) -> io::Result<()> {
    let mut server = TcpStream::connect(store).await?;
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let (mut question, mut answer) = (vec![0; CHUNK], vec![0; CHUNK]);
    let (mut is_head, mut upload) = (true, None);
    loop {
        tokio::select! {
            read = from_client.read(&mut question) => {
                let bytes = &question[..read?];
                if bytes.is_empty() {
                    return Ok(());
                }
                if is_head {
                    upload = halting(bytes, halt);
                }
                match (&upload, begun(bytes, is_head)) {
                    (Some(key), Some(part)) if halt == Halt::Sending => {
                        to_server.write_all(part).await?;
                        return stop(key, halted).await;
                    }
                    _ => to_server.write_all(bytes).await?,
                }
                is_head = false;
            }
            read = from_server.read(&mut answer) => {
                let bytes = &answer[..read?];
                if bytes.is_empty() {
                    return Ok(());
                }
                if let Some(key) = upload.as_ref().filter(|_| halt == Halt::Answered) {
                    return stop(key, halted).await;
                }
                to_client.write_all(bytes).await?;
                is_head = true;
            }
        }
    }
}

/// Notes that an upload has come to a halt, and never goes on.
async fn stop(key: &str, halted: &watch::Sender<BTreeSet<String>>) -> io::Result<()> {
    halted.send_modify(|keys| {
        keys.insert(key.to_owned());
    });
    std::future::pending().await
}

/// The key of the request that begins with these bytes, if it is where an upload comes to a halt.
fn halting(head: &[u8], halt: Halt) -> Option<String> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let part = query.split('&').find_map(|pair| pair.strip_prefix("partNumber="));
    let halts = match (halt, method) {
        (Halt::Sending, "PUT") => part.is_none_or(|number| number == "2"),
        (Halt::Answered, "PUT") => part.is_none(),
        // The end of an upload in parts.
        (Halt::Answered, "POST") => query.contains("uploadId="),
        _ => false,
    };
    let (_bucket, key) = path.trim_start_matches('/').split_once('/')?;
    halts.then(|| key.to_owned())
}

/// The head, if there is one, and half of what there is of the body; `None` before the body.
fn begun(bytes: &[u8], is_head: bool) -> Option<&[u8]> {
    let ends = |four: &[u8]| four == b"\r\n\r\n";
    let head = if is_head { bytes.windows(4).position(ends).map_or(bytes.len(), |at| at + 4) } else { 0 };
    let body = bytes.len() - head;
    (body > 0).then(|| &bytes[..head + body / 2])
}
