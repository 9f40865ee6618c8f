//! The page at which a buyer confirms a payment with their bank (3-D Secure), and what happens to the answer.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use askama::Template;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;

/// Where a server has the page of one payment.
pub(crate) const PATH: &str = "/challenges/{id}";

/// The page's address at the server that listens on `addr`.
pub(crate) fn address(addr: SocketAddr, payment: &str) -> String {
    let ip = if addr.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { addr.ip() };
    format!("http://{}/challenges/{payment}", SocketAddr::new(ip, addr.port()))
}

/// What the buyer answers.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    pub(crate) passed: bool,
}

#[derive(Template)]
#[template(path = "challenge.html")]
struct Page<'a> {
    payment: &'a str,
}

/// Asks the buyer.
pub(crate) fn ask(payment: &str) -> Response {
    // Rendering fails only if the text cannot be written, and a string takes any text.
    Html(Page { payment }.render().unwrap_or_default()).into_response()
}

/// Sends the buyer back to where they came from.
pub(crate) fn answered(back: &str) -> Response {
    Redirect::to(back).into_response()
}

/// There is no such payment, or nothing is left to be answered.
pub(crate) fn over() -> Response {
    (StatusCode::NOT_FOUND, "Nothing has to be confirmed here.\n").into_response()
}
