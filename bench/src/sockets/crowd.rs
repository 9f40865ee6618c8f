//! Many people with some sockets each, all of which watch one thing.

use std::net::SocketAddr;
use std::time::Instant;

use anyhow::Context;
use serde::Deserialize;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::EACH;
use super::client::{SEQ, Socket};
use crate::http::client::Connection;
use crate::http::load::post;

/// The number of each message that a socket got, its seq or another one, and when.
pub(super) type News = Vec<(i64, Instant)>;

/// Sockets that read what they are sent.
#[derive(Debug)]
pub(super) struct Crowd {
    sockets: JoinSet<anyhow::Result<News>>,
    stop: CancellationToken,
}

#[derive(Deserialize)]
struct Ticket {
    ticket: String,
}

impl Crowd {
    /// Opens the sockets of these people, all people at once and each one's sockets in turn; each watches `topic`.
    pub(super) async fn open(api: SocketAddr, people: &[String], topic: &str) -> anyhow::Result<Self> {
        Self::reading(api, people, topic, SEQ).await
    }

    /// [`Crowd::open`], but what is read of each message is the number after this name; those without one are passed over.
    pub(super) async fn reading(
        api: SocketAddr,
        people: &[String],
        topic: &str,
        name: &'static str,
    ) -> anyhow::Result<Self> {
        let mut opening = JoinSet::new();
        for token in people {
            opening.spawn(open(api, token.clone(), topic.to_owned()));
        }
        let mut crowd = Self { sockets: JoinSet::new(), stop: CancellationToken::new() };
        while let Some(opened) = opening.join_next().await {
            for socket in opened?? {
                crowd.sockets.spawn(listen(socket, name, crowd.stop.clone()));
            }
        }
        Ok(crowd)
    }

    /// Closes all sockets without a word, as a network that breaks; returns what each was sent.
    pub(super) async fn leave(mut self) -> anyhow::Result<Vec<News>> {
        self.stop.cancel();
        let mut all = Vec::with_capacity(self.sockets.len());
        while let Some(news) = self.sockets.join_next().await {
            all.push(news??);
        }
        Ok(all)
    }
}

async fn open(api: SocketAddr, token: String, topic: String) -> anyhow::Result<Vec<Socket>> {
    let mut requests = Connection::open(api).await?;
    let mut request = Vec::new();
    let mut sockets = Vec::with_capacity(EACH);
    for _ in 0..EACH {
        request.clear();
        post(&mut request, "/v1/ws/ticket", &token, None, "")?;
        let answer = requests.ask(&request).await?;
        anyhow::ensure!(answer.status == 200, "a ticket was answered {}: {}", answer.status, answer.text());
        let Ticket { ticket } = serde_json::from_slice(answer.body).context("a ticket")?;
        let mut socket = Socket::open(api, &ticket).await?;
        socket.follow(&topic).await?;
        sockets.push(socket);
    }
    Ok(sockets)
}

async fn listen(mut socket: Socket, name: &'static str, stop: CancellationToken) -> anyhow::Result<News> {
    let mut news = News::new();
    loop {
        tokio::select! {
            number = socket.number(name) => news.push((number?, Instant::now())),
            () = stop.cancelled() => return Ok(news),
        }
    }
}
