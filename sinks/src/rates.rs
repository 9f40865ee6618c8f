//! A server of exchange rates, in the format of the European Central Bank's daily file, for development and tests.
//!
//! `GET /eurofxref-daily.xml` answers with what [`Rates::serve`] and [`Rates::fail`] said last; from the start that is
//! rates of today that never change.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use chrono::{NaiveDate, Utc};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::serving;

#[cfg(test)]
mod tests;

/// How much of each currency one euro buys, near what it was in 2025.
const RATES: &[(&str, &str)] = &[
    ("USD", "1.0862"),
    ("JPY", "163.06"),
    ("CHF", "0.9571"),
    ("GBP", "0.8432"),
    ("SEK", "11.2175"),
    ("NOK", "11.4110"),
    ("DKK", "7.4592"),
    ("PLN", "4.2563"),
    ("CZK", "25.031"),
    ("HUF", "405.15"),
    ("CAD", "1.5601"),
    ("AUD", "1.7198"),
];

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot listen for the rates on {addr}")]
    Listen { addr: SocketAddr, source: io::Error },
    #[error("the server of rates stopped")]
    Stopped(#[source] io::Error),
}

/// What the file's address answers.
#[derive(Clone, Debug)]
enum Answer {
    Today,
    File(String),
    Status(StatusCode),
}

/// The server. It stops when the token it was started with is cancelled.
#[derive(Debug)]
pub struct Rates {
    addr: SocketAddr,
    answer: Arc<Mutex<Answer>>,
    task: JoinHandle<io::Result<()>>,
}

impl Rates {
    /// Starts a server; it accepts requests when this returns.
    pub async fn start(addr: SocketAddr, shutdown: CancellationToken) -> Result<Self, Error> {
        let listener = TcpListener::bind(addr).await.map_err(|source| Error::Listen { addr, source })?;
        let addr = listener.local_addr().map_err(|source| Error::Listen { addr, source })?;
        let answer = Arc::new(Mutex::new(Answer::Today));
        let router = Router::new().route("/eurofxref-daily.xml", get(file)).with_state(Arc::clone(&answer));
        let task = tokio::spawn(serving::serve(listener, router, shutdown));
        tracing::info!(%addr, "server of rates listens");
        Ok(Self { addr, answer, task })
    }

    /// The address of the file.
    pub fn url(&self) -> String {
        format!("http://{}/eurofxref-daily.xml", self.addr)
    }

    /// Answers with this file from now on.
    pub fn serve(&self, file: impl Into<String>) {
        self.set(Answer::File(file.into()));
    }

    /// Answers with this status from now on.
    pub fn fail(&self, status: StatusCode) {
        self.set(Answer::Status(status));
    }

    fn set(&self, answer: Answer) {
        // It is replaced whole, so a panic elsewhere leaves nothing half done.
        *self.answer.lock().unwrap_or_else(PoisonError::into_inner) = answer;
    }

    /// Waits until the server has stopped.
    pub async fn stopped(self) -> Result<(), Error> {
        match self.task.await {
            Ok(result) => result.map_err(Error::Stopped),
            Err(panic) => Err(Error::Stopped(io::Error::other(panic))),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the bank's own clock: a server apart from the product")]
async fn file(State(answer): State<Arc<Mutex<Answer>>>) -> Response {
    let answer = answer.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let file = match answer {
        Answer::Today => daily(Utc::now().date_naive(), RATES),
        Answer::File(file) => file,
        Answer::Status(status) => return status.into_response(),
    };
    ([(header::CONTENT_TYPE, "text/xml")], file).into_response()
}

/// A file of one day, as the bank writes it.
#[must_use]
pub fn daily(day: NaiveDate, rates: &[(&str, &str)]) -> String {
    let mut file = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<gesmes:Envelope xmlns:gesmes=\"http://www.gesmes.org/xml/2002-08-01\" \
         xmlns=\"http://www.ecb.int/vocabulary/2002-08-01/eurofxref\">\n\t<gesmes:subject>Reference rates</gesmes:subject>\n\
         \t<gesmes:Sender>\n\t\t<gesmes:name>European Central Bank</gesmes:name>\n\t</gesmes:Sender>\n\t<Cube>\n\
         \t\t<Cube time='{day}'>\n"
    );
    for (currency, rate) in rates {
        // Writing to a string does not fail.
        let _ = writeln!(file, "\t\t\t<Cube currency='{currency}' rate='{rate}'/>");
    }
    file.push_str("\t\t</Cube>\n\t</Cube>\n</gesmes:Envelope>\n");
    file
}
