//! The documents that a demo ends with: asked for and downloaded as its people would.

use std::path::{Path, PathBuf};

use anyhow::{Context, ensure};
use chrono::{Datelike, Months};
use market::ids::{InvoiceId, ItemId, ListingId, OrderId, PaperId, ReportId, ShipmentId};
use market::orders::model::OrderStatus;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};
use uuid::Uuid;

use super::client::{Client, Token, unless_refused};
use super::fates::Fate;
use super::lots::category;
use super::people::{Registry, Trader};
use super::plan::Plan;
use super::progress::Step;
use super::run::AT_ONCE;
use super::settle::Round;
use super::store::Stored;
use super::trade::Trade;

/// How many documents there are.
pub(crate) const DOCUMENTS: usize = 4;
/// How long a document may take; each has a few thousand rows at most.
const PATIENCE: Duration = Duration::from_mins(1);
/// What the recycler sells, once.
const FILM: &str = "FILM";

/// Saves documents of what was sold.
#[derive(Debug)]
pub(crate) struct Documents<'a> {
    pub(crate) client: &'a Client,
    pub(crate) plan: &'a Plan,
    pub(crate) registry: &'a Registry<'a>,
    pub(crate) admin: &'a Token,
    pub(crate) folder: &'a Path,
}

#[derive(Deserialize)]
struct Made<T> {
    id: T,
}

#[derive(Deserialize)]
struct Items<T> {
    items: Vec<Made<T>>,
}

/// A report or a paper.
#[derive(Deserialize)]
struct Document {
    status: String,
    failure: Option<String>,
    download: Option<Download>,
}

#[derive(Deserialize)]
struct Download {
    url: String,
    file_name: String,
}

impl Documents<'_> {
    /// Saves the auctions' sales as a workbook, and the shop's month, its first invoice, and what goes with waste across a border as
    /// PDF. Returns where they are.
    pub(crate) async fn save(
        &self,
        stored: &mut Stored,
        round: &Round,
        keeper: &Trader,
        recycler: &Trader,
    ) -> anyhow::Result<Vec<PathBuf>> {
        let film = self.sell_film(stored, recycler).await?;
        let step = Step::begin("printing documents", DOCUMENTS as u64);
        let seller = self.registry.log_in(&self.plan.seller_email(round.number)).await?;
        let sales = stored.report(round.seller).await?.context("the sales are reported")?.id;
        let sales = self.until_ready(&format!("/v1/reports/{sales}"), &seller).await?;
        let month = self.month(stored, &keeper.token).await?;
        let invoice = self.invoice(stored, keeper).await?;
        let waste = self.waste_paper(film, &recycler.token).await?;
        std::fs::create_dir_all(self.folder).with_context(|| format!("make the folder {}", self.folder.display()))?;
        for download in [month, sales, invoice, waste] {
            let path = self.folder.join(&download.file_name);
            let bytes = self.client.get_object(&download.url).await?;
            std::fs::write(&path, bytes).with_context(|| format!("write {}", path.display()))?;
            step.inc();
        }
        step.end();
        saved(self.folder)
    }

    /// The shop's figures of this month.
    async fn month(&self, stored: &mut Stored, keeper: &Token) -> anyhow::Result<Download> {
        let first = stored.now().await?.date_naive().with_day(1).context("a month has a first day")?;
        let last = (first + Months::new(1)).pred_opt().context("a month has a last day")?;
        let body = json!({"kind": "monthly_analytics", "format": "pdf", "first_day": first, "last_day": last});
        let call = self.client.post("/v1/reports").as_(keeper).idempotent(format!("demo-month-{first}")).json(&body);
        let report: Made<ReportId> = call.send().await?;
        self.until_ready(&format!("/v1/reports/{}", report.id), keeper).await
    }

    /// The invoice of the shop's first order that was paid.
    async fn invoice(&self, stored: &mut Stored, keeper: &Trader) -> anyhow::Result<Download> {
        let sales = stored.sales(keeper.org).await?;
        let order = sales.first().context("the shop has sold something")?.order;
        let path = format!("/v1/orders/{order}/invoices");
        let issued: Items<InvoiceId> = self.client.get(path).as_(&keeper.token).send().await?;
        let invoice = issued.items.first().context("what is paid has an invoice")?.id;
        self.client.get(format!("/v1/invoices/{invoice}/file")).as_(&keeper.token).send().await
    }

    /// A bale of film is offered, approved, and sold to somebody abroad, who pays.
    async fn sell_film(&self, stored: &mut Stored, recycler: &Trader) -> anyhow::Result<OrderId> {
        if stored.sales(recycler.org).await?.is_empty() {
            let listing = self.offer_film(&recycler.token).await?;
            let buyer = self.registry.log_in(&self.plan.bidder_email(self.plan.abroad())).await?;
            let body = json!({"quantity": 2, "price": {"amount": "180.00", "currency": "EUR"}});
            let call = self.client.post(format!("/v1/listings/{listing}/buy")).as_(&buyer);
            call.idempotent("demo-film").json(&body).done().await?;
        }
        let trade = Trade {
            client: self.client,
            registry: self.registry,
            admin: self.admin,
            seller: &recycler.token,
            seller_org: recycler.org,
            is_tracked: false,
            at_once: AT_ONCE,
        };
        trade.pay(stored, |_, _| Fate::Accepted).await?;
        let sales = stored.sales(recycler.org).await?;
        let sale = sales.first().context("the film is sold")?;
        ensure!(sale.status != OrderStatus::PendingPayment, "the film is not paid");
        Ok(sale.order)
    }

    async fn offer_film(&self, recycler: &Token) -> anyhow::Result<ListingId> {
        let plastic: Uuid = category(self.client, "waste/plastic").await?;
        let attributes = json!({"material": "LDPE", "ewc_code": "02 01 04", "origin": "agriculture", "packaging": "baled",
            "processing": ["sorted", "washed"]});
        let item = json!({"category_id": plastic, "sku": FILM, "title": "Film", "attributes": attributes});
        let call = self.client.post("/v1/items").as_(recycler).idempotent("demo-film").json(&item);
        let item: ItemId = call.send::<Made<_>>().await?.id;
        let listing = json!({"item_id": item, "title": "Agricultural film, washed", "sale_mode": "fixed", "currency": "EUR",
            "price": {"amount": "180.00", "currency": "EUR"}, "quantity": 2});
        let call = self.client.post("/v1/listings").as_(recycler).idempotent("demo-film-listing").json(&listing);
        let listing: ListingId = call.send::<Made<_>>().await?.id;
        for (act, by) in [("publish", recycler), ("approve", self.admin)] {
            let done = self.client.post(format!("/v1/listings/{listing}/{act}")).repeatable().as_(by).done().await;
            unless_refused(done, "listing_status")?;
        }
        Ok(listing)
    }

    /// What goes with the film, which is shipped for it unless it is already.
    async fn waste_paper(&self, order: OrderId, recycler: &Token) -> anyhow::Result<Download> {
        let path = format!("/v1/shipments?order={order}");
        let known: Items<ShipmentId> = self.client.get(path).as_(recycler).send().await?;
        let shipment = if let Some(shipment) = known.items.first() {
            shipment.id
        } else {
            let body = json!({"order_id": order, "to_address": "Havnegade 1, 6700 Esbjerg", "carrier": "Hansa Freight",
                    "lines": [{"order_line": 1, "quantity": 2, "weight_g": 250_000, "volume_ml": 1_000_000}]});
            let call = self.client.post("/v1/shipments").as_(recycler).idempotent("demo-film-shipment").json(&body);
            call.send::<Made<_>>().await?.id
        };
        let body = json!({"kind": "waste_movement", "about": shipment, "waste": annex_vii()});
        let call = self.client.post("/v1/papers").as_(recycler).idempotent("demo-film-annex-vii").json(&body);
        let paper: Made<PaperId> = call.send().await?;
        self.until_ready(&format!("/v1/papers/{}", paper.id), recycler).await
    }

    /// Waits until a job has made the document at this path.
    async fn until_ready(&self, path: &str, by: &Token) -> anyhow::Result<Download> {
        let begin = Instant::now();
        loop {
            let document: Document = self.client.get(path).as_(by).send().await?;
            if let Some(download) = document.download {
                return Ok(download);
            }
            let failure = document.failure.unwrap_or_default();
            ensure!(
                !matches!(document.status.as_str(), "failed" | "expired"),
                "{path} is {}: {failure}",
                document.status
            );
            ensure!(begin.elapsed() < PATIENCE, "{path} is still {}", document.status);
            sleep(Duration::from_millis(200)).await;
        }
    }
}

/// What the recycler states of the film's way to a neighbouring country. The OECD's code is asked for only where it is another than that
/// of Basel.
fn annex_vii() -> Value {
    json!({
        "facility": {"name": "Nordic Recycling", "address": "Kajen 4, 6700 Esbjerg", "country": "DK"},
        "operation": "R3",
        "basel_code": "B3011",
        "national_code": "AVV 020104",
        "carriers": [{"name": "Hansa Freight", "address": "Kai 1, 20457 Hamburg", "means_of_transport": "road"}],
    })
}

/// The documents in a folder, by their names; none if there is no folder.
pub(crate) fn saved(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let read = || {
        let folder = folder.canonicalize()?;
        let mut paths: Vec<_> = folder.read_dir()?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
        paths.sort();
        Ok::<_, std::io::Error>(paths)
    };
    read().with_context(|| format!("read the folder {}", folder.display()))
}
