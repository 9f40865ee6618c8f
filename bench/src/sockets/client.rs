//! A client's end of a WebSocket.

use std::net::SocketAddr;

use anyhow::Context;
use futures::{SinkExt, StreamExt};
use serde_json::json;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// Thousands of sockets with the library's usual 128 KiB would fill the memory.
const READ_BUFFER: usize = 4096;

/// What stands before the number that counts the messages of a topic.
pub(super) const SEQ: &str = r#""seq":"#;

#[derive(Debug)]
pub(super) struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    pub(super) async fn open(api: SocketAddr, ticket: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(api).await.context("connect")?;
        stream.set_nodelay(true)?;
        let config = WebSocketConfig::default().read_buffer_size(READ_BUFFER);
        let url = format!("ws://{api}/v1/ws?ticket={ticket}");
        let (socket, _) = client_async_with_config(url, stream, Some(config)).await.context("open a socket")?;
        Ok(Self(socket))
    }

    /// Watches a topic, from a snapshot on.
    pub(super) async fn follow(&mut self, topic: &str) -> anyhow::Result<()> {
        self.0.send(Message::text(json!({"subscribe": topic}).to_string())).await?;
        self.seq().await?;
        Ok(())
    }

    /// The seq of the next message. Whoever stops waiting misses none.
    async fn seq(&mut self) -> anyhow::Result<i64> {
        self.number(SEQ).await
    }

    /// The number after this name and its colon, in the next message that has it; every message has a seq. Whoever stops waiting misses
    /// none.
    pub(super) async fn number(&mut self, name: &str) -> anyhow::Result<i64> {
        loop {
            match self.0.next().await.context("the server hung up")?? {
                Message::Text(text) => {
                    let text = text.as_str();
                    let seq = number_of(text, SEQ)?.with_context(|| format!("a message without a seq: {text}"))?;
                    let number = if name == SEQ { Some(seq) } else { number_of(text, name)? };
                    if let Some(number) = number {
                        return Ok(number);
                    }
                }
                Message::Close(frame) => anyhow::bail!("the server closed a socket: {frame:?}"),
                _ => {}
            }
        }
    }
}

/// Looks for the number only, without what follows a point: a thousand clients that parse whole messages would measure themselves.
fn number_of(text: &str, name: &str) -> anyhow::Result<Option<i64>> {
    let Some((_, rest)) = text.split_once(name) else { return Ok(None) };
    let number = rest.split(|it: char| !it.is_ascii_digit()).next().unwrap_or_default();
    number.parse().map(Some).with_context(|| format!("what follows {name} is not a number: {text}"))
}

#[cfg(test)]
mod tests;
