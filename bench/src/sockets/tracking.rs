//! How long a reported position takes until everybody who follows the shipment knows of it: HTTP, RabbitMQ, the log, the shipment, its
//! topic. The programs are those of an installation, and share the machine's cores with the clients.

use std::time::{Duration, Instant};

use anyhow::Context;
use market::cargo::{CargoEvent, Position};
use serde::Deserialize;
use serde_json::{Value, json};
use shared::clock::Clock;
use shared::config::Config;
use sqlx::PgPool;
use uuid::Uuid;

use super::crowd::Crowd;
use super::fan_out::{Sent, arrivals};
use crate::events::event;
use crate::http::client::Connection;
use crate::http::load::{expect, post};
use crate::http::market::{Market, clear};
use crate::http::server::Server;
use crate::processes::Part;
use crate::report::{Report, percentile_ms};
use crate::run::note;

/// Who follow the shipment, with ten sockets each.
const PEOPLE: usize = 10;
/// Positions that are measured; the number of each is its latitude.
const POSITIONS: u8 = 30;
/// Further apart than positions of a shipment are told.
const APART: Duration = Duration::from_millis(1_200);
/// After the first position, by which the programs are known to be there, and after the last.
const WAIT: Duration = Duration::from_secs(5);
const LATITUDE: &str = r#""latitude":"#;
const EARTH: &str = "01900000-0000-7000-8001-000000000001";

pub(crate) async fn measure(config: &Config, pool: &PgPool, report: &mut Report) -> anyhow::Result<()> {
    note("positions for those who follow a shipment");
    let market = Market::fill(pool, 0).await?;
    clear(pool).await?;
    let running = Server::Api.start(config, None).await?;
    let others = [Part::program("scheduler")?, Part::program("worker-cargo")?];
    let api = running.addresses[0];
    let shipper =
        Shipper { token: market.log_in(api).await?.admin, org: market.admin.org.0, source: Uuid::now_v7().to_string() };
    let followers = market.colleagues(pool, api, PEOPLE).await?;
    let mut connection = Connection::open(api).await?;
    let number = shipper.send(&mut connection).await.context("a shipment")?;
    let crowd = Crowd::reading(api, &followers, &format!("shipment:{number}"), LATITUDE).await?;
    let sent = shipper.positions(&mut connection, &number).await?;
    let news = crowd.leave().await?;
    for part in others {
        part.stop().await;
    }
    running.stop().await;
    clear(pool).await?;
    let (took, missed) = arrivals(&sent, &news);
    let beside = "from the sending of a position over HTTP to its arrival at a socket; 100 sockets, one each 1.2 s";
    report.put("tracking_p50_ms", &[percentile_ms(took.clone(), 50)], beside);
    report.put("tracking_p99_ms", &[percentile_ms(took, 99)], "the same; topics are read five times a second");
    let missed = f64::from(u32::try_from(missed)?);
    report.put("tracking_missed", &[missed], "positions that a socket did not hear of");
    Ok(())
}

struct Shipper {
    token: String,
    org: Uuid,
    source: String,
}

#[derive(Deserialize)]
struct Made {
    id: Uuid,
}

#[derive(Deserialize)]
struct Shipped {
    tracking: String,
}

impl Shipper {
    /// Sends something from one site to another; returns its tracking number.
    async fn send(&self, connection: &mut Connection) -> anyhow::Result<String> {
        let mut sites = Vec::new();
        for name in ["Bremen", "Halle"] {
            let site = json!({"region_id": EARTH, "name": format!("{name} {}", self.source), "kind": "depot",
                "latitude": 53.5, "longitude": 10});
            sites.push(serde_json::from_value::<Made>(self.made(connection, "/v1/sites", &site).await?)?.id);
        }
        let item = json!({"category_id": market::testing::CONSOLES, "sku": self.source, "title": "Console"});
        let item = serde_json::from_value::<Made>(self.made(connection, "/v1/items", &item).await?)?.id;
        let stock = format!("/v1/items/{item}/stock/{}/adjust", sites[0]);
        self.made(connection, &stock, &json!({"to": 1})).await?;
        let new = json!({"from_site": sites[0], "to_site": sites[1], "lines": [{"item_id": item, "quantity": 1}]});
        Ok(serde_json::from_value::<Shipped>(self.made(connection, "/v1/shipments", &new).await?)?.tracking)
    }

    async fn made(&self, connection: &mut Connection, path: &str, body: &Value) -> anyhow::Result<Value> {
        let mut request = Vec::new();
        post(&mut request, path, &self.token, Some(self.org), &body.to_string())?;
        let answer = connection.ask(&request).await?;
        anyhow::ensure!(matches!(answer.status, 200 | 201), "{path}: {} {}", answer.status, answer.text());
        serde_json::from_slice(answer.body).with_context(|| format!("what {path} answers"))
    }

    /// Reports one position after the other, and waits until the last one has had the time to arrive. The first one, by which the
    /// shipment leaves, is not among those that are returned.
    async fn positions(&self, connection: &mut Connection, number: &str) -> anyhow::Result<Vec<Sent>> {
        let mut sent = Vec::new();
        for latitude in 1..=POSITIONS + 1 {
            let one = CargoEvent {
                shipment: number.to_owned(),
                position: Some(Position { latitude: latitude.into(), longitude: 10.0 }),
                ..event(&self.source, latitude.into(), Clock::SYSTEM.now())
            };
            let mut request = Vec::new();
            post(&mut request, "/v1/cargo-events", &self.token, Some(self.org), &serde_json::to_string(&one)?)?;
            let at = Instant::now();
            expect(connection.ask(&request).await?, 202)?;
            if latitude > 1 {
                sent.push((latitude.into(), at));
            }
            tokio::time::sleep(if (2..=POSITIONS).contains(&latitude) { APART } else { WAIT }).await;
        }
        Ok(sent)
    }
}
