//! A person's end of a WebSocket.

use futures::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::people::Person;
use crate::until::PATIENCE;

#[derive(Debug)]
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

#[expect(clippy::expect_used, clippy::missing_panics_doc, reason = "a test without its socket ends here")]
impl Socket {
    /// Opens a socket of this person at the API's address.
    pub async fn open(base: &str, person: &Person) -> Self {
        let ticket = person.post("/v1/ws/ticket", json!({})).await.ok();
        let ticket = ticket["ticket"].as_str().expect("a ticket");
        let url = format!("{}/v1/ws?ticket={ticket}", base.replace("http", "ws"));
        Self(tokio_tungstenite::connect_async(url).await.expect("a socket").0)
    }

    /// Follows a topic; returns what the server says first.
    pub async fn follow(&mut self, topic: &str) -> Value {
        self.say(&json!({"subscribe": topic})).await;
        self.hear().await
    }

    /// Sends a command.
    pub async fn say(&mut self, command: &Value) {
        self.0.send(Message::text(command.to_string())).await.expect("sent");
    }

    /// The code that the server closes with.
    pub async fn closing(&mut self) -> u16 {
        loop {
            let message = timeout(PATIENCE, self.0.next()).await.expect("a close in time");
            if let Message::Close(frame) = message.expect("an open socket").expect("a frame") {
                return frame.expect("a code").code.into();
            }
        }
    }

    /// The next message.
    pub async fn hear(&mut self) -> Value {
        loop {
            let message = timeout(PATIENCE, self.0.next()).await.expect("a message in time");
            if let Message::Text(text) = message.expect("an open socket").expect("a frame") {
                return serde_json::from_str(&text).expect("JSON");
            }
        }
    }

    /// The first message for which `is` holds.
    pub async fn until(&mut self, is: impl Fn(&Value) -> bool) -> Value {
        loop {
            let message = self.hear().await;
            if is(&message) {
                return message;
            }
        }
    }
}
