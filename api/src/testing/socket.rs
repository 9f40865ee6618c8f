//! A client's end of a `WebSocket`.

use std::time::Duration;

use futures::future::LocalBoxFuture;
use futures::{SinkExt, StreamExt, poll};
use serde_json::{Value, json};
use shared::ids::UserId;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::{Person, TestApi};
use crate::error::Result;

/// Whoever waits longer than this waits for nothing.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Client(pub(crate) WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Client {
    pub(crate) async fn open(api: &TestApi, person: &Person) -> Self {
        let ticket = api.post(Some(person), "/v1/ws/ticket", json!({})).await.ok();
        let url = format!("{}/v1/ws?ticket={}", api.base.replace("http", "ws"), ticket["ticket"].as_str().unwrap());
        Self(tokio_tungstenite::connect_async(url).await.unwrap().0)
    }

    pub(crate) async fn say(&mut self, message: Value) {
        self.0.send(Frame::text(message.to_string())).await.unwrap();
    }

    pub(crate) async fn subscribe(&mut self, topic: &str) -> Value {
        self.say(json!({"subscribe": topic})).await;
        self.hear().await
    }

    /// The next message, pings aside.
    pub(crate) async fn hear(&mut self) -> Value {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("a message in time").unwrap().unwrap() {
                Frame::Text(text) => return serde_json::from_str(&text).unwrap(),
                Frame::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// The code that the server closes with.
    pub(crate) async fn closing(&mut self) -> u16 {
        loop {
            match timeout(PATIENCE, self.0.next()).await.expect("a close in time") {
                Some(Ok(Frame::Close(Some(frame)))) => return frame.code.into(),
                Some(Ok(Frame::Text(_) | Frame::Ping(_))) => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

/// People who wait for their tickets, until they are dropped. The first one holds all the others up: nobody asks it to go on.
pub(crate) async fn wait_in_line(api: &TestApi, people: usize) -> Vec<LocalBoxFuture<'_, Result<()>>> {
    let mut line: Vec<LocalBoxFuture<'_, Result<()>>> = Vec::new();
    while line.len() < people {
        let mut place = Box::pin(api.state.admission.enter(UserId::generate()));
        if poll!(&mut place).is_pending() {
            line.push(place);
        }
    }
    line
}
