//! A client of HTTP/1.1 that costs little: it shares the processors with the servers that it measures.

use std::net::SocketAddr;

use anyhow::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The end of an answer's head.
const BLANK_LINE: &[u8] = b"\r\n\r\n";

/// A connection that is kept open, with one request on its way at a time.
#[derive(Debug)]
pub(crate) struct Connection {
    stream: TcpStream,
    /// Everything that was received of the present answer.
    received: Vec<u8>,
}

/// An answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer<'a> {
    pub(crate) status: u16,
    pub(crate) body: &'a [u8],
}

impl Answer<'_> {
    /// The body, for messages.
    pub(crate) fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(self.body)
    }
}

impl Connection {
    pub(crate) async fn open(addr: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(addr).await.with_context(|| format!("connect to {addr}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::with_capacity(8192) })
    }

    /// Sends a request and waits for its whole answer.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.received.clear();
        let mut head = None;
        loop {
            let before = self.received.len();
            let read = self.stream.read_buf(&mut self.received).await?;
            anyhow::ensure!(read > 0, "the server hung up");
            if head.is_none() {
                // The line may have come in two parts.
                let from = before.saturating_sub(BLANK_LINE.len() - 1);
                head =
                    end_of_head(&self.received, from).map(|end| Head::read(&self.received[..end], end)).transpose()?;
            }
            if let Some(Head { status, start, length }) = head
                && self.received.len() >= start + length
            {
                return Ok(Answer { status, body: &self.received[start..start + length] });
            }
        }
    }
}

/// What an answer's head says about the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    /// Where the body begins.
    start: usize,
    length: usize,
}

impl Head {
    fn read(head: &[u8], start: usize) -> anyhow::Result<Self> {
        let head = str::from_utf8(head).context("the head of an answer is not text")?;
        let mut lines = head.split("\r\n");
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).context("an answer without a status")?;
        let length = lines
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .context("an answer without a length")?;
        Ok(Self { status: status.parse()?, start, length: length.1.trim().parse()? })
    }
}

/// Where the body begins, if the head has come in whole; its end is sought at `from` and after.
fn end_of_head(received: &[u8], from: usize) -> Option<usize> {
    let end = received[from..].windows(BLANK_LINE.len()).position(|window| window == BLANK_LINE)?;
    Some(from + end + BLANK_LINE.len())
}

#[cfg(test)]
mod tests;
