//! A market with something of everything, for tests that go through all operations.

mod documents;
mod sale_events;
mod second_chances;

use std::net::SocketAddr;
use std::time::Duration;

use chrono::TimeDelta;
use market::auctions::model::{Answer, Participant};
use market::auctions::store::{self as auctions, PlaceBid};
use market::cargo::store::{self as cargo, Reject};
use market::identity::{Plan, PlatformRole};
use market::ids::InvoiceId;
use market::images::store as images;
use market::imports;
use market::invoices::model::InvoiceFile;
use market::invoices::store::{self as invoices, NewFile};
use market::listings::model::SaleMode;
use market::offers::model::Party;
use market::payments::Provider;
use market::payouts::store as payouts;
use market::plans::store as plans;
use market::reviews::model::ReviewReportReason;
use market::reviews::store as reviews;
use market::standing::store as standing;
use market::testing::{self, Trader};
use queue::registry::KindInfo;
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};
use shared::ids::OrgId;
use sqlx::Connection as _;
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::testing::{Person, TestApi, with_token};

/// A region of every installation.
pub(super) const EARTH: &str = "01900000-0000-7000-8001-000000000001";

pub(super) struct TestMarket {
    pub(super) api: TestApi,
    /// Owns the organisation that everything belongs to.
    pub(super) ann: Person,
    /// A trader there.
    pub(super) tom: Person,
    /// A viewer there.
    pub(super) vic: Person,
    /// Owns another approved organisation.
    pub(super) eve: Person,
    /// Owns one that waits for approval.
    pub(super) pete: Person,
    pub(super) suspended: Person,
    pub(super) admin: Person,
    /// Values for the names in paths.
    ids: Vec<(&'static str, String)>,
    _files: TempDir,
    _stop: DropGuard,
}

/// An EPCIS event of this name about a shipment of this reference.
pub(super) fn epcis(id: &str, shipment: &str) -> Value {
    json!({"@context": "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld", "type": "ObjectEvent",
        "eventID": id, "eventTime": shared::clock::Clock::SYSTEM.now(), "eventTimeZoneOffset": "+00:00",
        "epcList": [format!("urn:tradeyard:shipment:{shipment}")], "action": "OBSERVE", "bizStep": "departing"})
}

fn id(answer: &Value) -> String {
    answer["id"].as_str().unwrap().to_owned()
}

impl TestMarket {
    pub(super) async fn new() -> Self {
        let (files, stop) = (tempfile::tempdir().unwrap(), CancellationToken::new());
        let options = sinks::s3::Options {
            dir: files.path().to_owned(),
            addr: SocketAddr::from(([127, 0, 0, 1], 0)),
            access_key: "key".to_owned(),
            secret_key: SecretString::from("secret"),
            buckets: vec!["tradeyard".to_owned()],
        };
        let store = sinks::s3::serve(options, stop.clone()).await.unwrap();
        let settings =
            [("S3_ENDPOINT", &*store.endpoint()), ("S3_ACCESS_KEY_ID", "key"), ("S3_SECRET_ACCESS_KEY", "secret")];
        let api = TestApi::with(&settings).await;
        let (moderator, admin) = (api.staff(PlatformRole::Moderator).await, api.admin().await);
        let (ann, vic, eve) = (api.person("Ann").await, api.person("Vic").await, api.person("Eve").await);
        let (bob, pete, suspended) = (api.person("Bob").await, api.person("Pete").await, api.person("Sam").await);
        let org = api.org(&ann, "Ann Farm", &moderator).await;
        api.org(&eve, "Eve Farm", &moderator).await;
        let bobs = Trader { org: api.org(&bob, "Bob Farm", &moderator).await, user: bob.id };
        api.pending_org(&pete, "Pete Farm").await;
        let tom = api.person("Tom").await;
        api.join(&ann, org, &tom, "trader").await;
        api.join(&ann, org, &vic, "viewer").await;
        let path = format!("/v1/admin/users/{}/suspend", suspended.id);
        assert_eq!(api.post(Some(&admin), &path, json!({"reason": "fraud"})).await.status, 204);
        let ids = vec![("org", org.to_string())];
        let stop = stop.drop_guard();
        let mut market = Self { api, ann, tom, vic, eve, pete, suspended, admin, ids, _files: files, _stop: stop };
        market.fill(org, &bob, bobs).await;
        market
    }

    async fn fill(&mut self, org: OrgId, bob: &Person, bobs: Trader) {
        let (api, ann) = (&self.api, &self.ann);
        let mut conn = api.db.pool.acquire().await.unwrap();
        let seller = Trader { org, user: ann.id };
        let mut terms = testing::terms(&mut conn).await;
        let lot = testing::auction(&mut conn, seller, &terms).await;
        terms.buy_now = Some(testing::eur(10_000));
        let for_sale = testing::auction(&mut conn, seller, &terms).await;
        let goods = testing::listing(&mut conn, bobs, SaleMode::Fixed, 9).await;
        let haggled = testing::listing(&mut conn, bobs, SaleMode::Offer, 5).await;
        let draft = testing::draft(&mut conn, seller, SaleMode::Auction, 1).await;
        let valid_for = Duration::from_mins(15);
        let upload = images::insert_upload(&mut conn, org, ann.id, "image/png", 5, valid_for).await.unwrap();
        let image = images::complete_upload(&mut conn, &upload, Some(draft)).await.unwrap();
        let file = images::insert_upload(&mut conn, org, ann.id, imports::model::CSV, 5, valid_for).await.unwrap();
        let import = imports::model::NewImport {
            org,
            created_by: ann.id,
            kind: imports::model::ImportKind::Stock,
            checksum: [1; 32],
            upload: file.id,
            terms: imports::model::ListingTerms::default(),
        };
        let mut tx = api.state.ledger.begin().await.unwrap();
        let import = jobs::imports::request(&mut tx, &import).await.unwrap();
        tx.commit().await.unwrap();
        drop(conn);
        let model = json!({"category_id": testing::CONSOLES, "make": "Fendt", "name": "313"});
        api.post(Some(&self.admin), "/v1/models", model).await.ok();
        let item = json!({"category_id": testing::CONSOLES, "sku": "mine", "title": "Console"});
        let item = api.post(Some(ann), "/v1/items", item).await.ok();
        let site = json!({"region_id": EARTH, "name": "Depot", "kind": "depot", "latitude": 53.5, "longitude": 10});
        let site = api.post(Some(ann), "/v1/sites", site).await.ok();
        let hours = json!({"time_zone": "UTC", "slot_minutes": 60, "capacity": 1, "windows": []});
        let hours_of = format!("/v1/sites/{}/hours", id(&site));
        assert_eq!(api.call(Some(ann), Method::PUT, &hours_of, hours).await.status, 200);
        let level = format!("/v1/items/{}/stock/{}", id(&item), id(&site));
        api.post(Some(ann), &format!("{level}/adjust"), json!({"to": 9})).await.ok();
        let shipment = json!({"from_site": id(&site), "to_address": "The Moon",
            "lines": [{"item_id": id(&item), "quantity": 1, "weight_g": 300}]});
        let shipment = api.post(Some(ann), "/v1/shipments", shipment).await.ok();
        let label = json!({"kind": "shipping_label", "about": id(&shipment)});
        let paper = api.post(Some(ann), "/v1/papers", label).await.ok();
        let vehicle = json!({"name": "Truck", "registration": "HH-TY 9", "max_weight_g": 9, "max_volume_ml": 9});
        let vehicle = api.post(Some(ann), "/v1/vehicles", vehicle).await.ok();
        let carrier = api.post(Some(ann), "/v1/carriers", json!({"slug": "mine", "name": "Mine"})).await.ok();
        let window = json!({"starts_at": "2098-01-01T00:00:00Z", "ends_at": "2098-01-02T00:00:00Z"});
        let maintenance = format!("/v1/vehicles/{}/maintenance", id(&vehicle));
        let maintenance = api.post(Some(ann), &maintenance, window).await.ok();
        let upload = api.post(Some(ann), "/v1/uploads", json!({"content_type": "image/png", "size": 5})).await.ok();
        send(&upload, b"12345").await;
        let guest = json!({"email": "guest@example.com", "role": "viewer"});
        let invitation = api.post(Some(ann), &format!("/v1/orgs/{org}/invitations"), guest).await.ok();
        let report = json!({"kind": "sales", "format": "csv", "first_day": "2026-01-01", "last_day": "2026-01-01"});
        let report = api.post(Some(ann), "/v1/reports", report).await.ok();
        let export = json!({"kind": "orders", "format": "csv"});
        let export = api.post(Some(ann), "/v1/exports", export).await.ok();
        let subscription = json!({"kind": "sales", "format": "pdf", "cadence": "monthly"});
        let subscription = api.post(Some(ann), "/v1/report-subscriptions", subscription).await.ok();
        let bid = json!({"maximum": {"amount": "50.00", "currency": "EUR"}});
        let bid = self.call(Some(bob), &Method::POST, &format!("/v1/auctions/{lot}/bids"), bid).await.ok();
        let bought = self.call(Some(bob), &Method::POST, &format!("/v1/auctions/{for_sale}/buy-now"), json!({})).await;
        let line = json!({"listing": goods, "quantity": 1, "price": testing::eur(10_000)});
        let two = json!({"listing": goods, "quantity": 2, "price": testing::eur(10_000)});
        let paid = self.call(Some(ann), &Method::POST, "/v1/checkouts", json!({"lines": [two]})).await.ok();
        let paid_order = paid["orders"][0]["id"].as_str().unwrap().to_owned();
        let mut conn = self.api.db.pool.acquire().await.unwrap();
        let payment = testing::pay(&mut conn, seller, paid["id"].as_str().unwrap().parse().unwrap()).await;
        let invoice: InvoiceId = sqlx::query_scalar("SELECT id FROM invoices").fetch_one(&mut *conn).await.unwrap();
        let key = InvoiceFile::key(invoice);
        let file = NewFile { invoice, object_key: &key, bytes: 1, sha256: [1; 32], lacks: None };
        assert!(invoices::keep_file(&mut conn, file).await.unwrap());
        let chosen = plans::choose(&mut conn, org, ann.id, Plan::Standard, None).await.unwrap();
        let account = payouts::open(&mut conn, org, ann.id, Provider::Simulator, None).await.unwrap();
        let poison =
            Reject { reason: "not JSON".to_owned(), bytes: b"x".to_vec(), routing_key: "cargo.actual".to_owned() };
        cargo::park(&mut conn, &[poison]).await.unwrap();
        let reject = sqlx::query_scalar("SELECT id::text FROM cargo_rejects").fetch_one(&mut *conn).await.unwrap();
        drop(conn);
        let text = json!({"reason": "other", "text": "It hums."});
        let dispute = format!("/v1/orders/{paid_order}/disputes");
        let dispute = self.call(Some(ann), &Method::POST, &dispute, text).await.ok();
        let withdraw = format!("/v1/disputes/{}/withdraw", dispute["id"].as_str().unwrap());
        self.call(Some(ann), &Method::POST, &withdraw, json!({})).await.ok();
        let from = self.api.state.clock.now() + TimeDelta::days(3);
        let wish = json!({"kind": "delivery", "starts_at": from, "ends_at": from + TimeDelta::days(1)});
        let appointment = format!("/v1/orders/{paid_order}/appointments");
        let appointment = self.call(Some(ann), &Method::POST, &appointment, wish).await.ok();
        let returned = self.returned(bob, &paid_order).await;
        let [review, review_report] = self.reviewed(bobs, seller).await;
        let [sale_event, registration, draft_event, joined_event] = self.sale_events(seller, bobs).await;
        let checkout = self.call(Some(ann), &Method::POST, "/v1/checkouts", json!({"lines": [line]})).await.ok();
        let [unsold, on_approval, chance, strike] = self.second_chances(seller, bobs, &paid_order).await;
        let terms = json!({"price": testing::eur(9_000), "quantity": 1});
        let offer = self.call(Some(ann), &Method::POST, &format!("/v1/listings/{haggled}/offers"), terms).await.ok();
        let (conversation, chat_report) = self.conversation(bob, &goods.to_string()).await;
        let document = self.document(org).await;
        let search = json!({"name": "Mine", "query": {"q": "console"}});
        let search = api.post(Some(ann), "/v1/saved-searches", search).await.ok();
        let tracking = shipment["tracking"].as_str().unwrap();
        let capture = api.post(Some(ann), "/v1/epcis/capture", epcis("urn:x:0", tracking)).await.ok();
        let reading = json!({"name": "Shop", "scopes": ["orders:read"]});
        let key = api.post(Some(ann), "/v1/api-keys", reading).await.ok();
        let hook = json!({"url": "https://shop.example/hooks", "name": "Shop", "events": ["order.*"]});
        let endpoint = api.post(Some(ann), "/v1/webhook-endpoints", hook).await.ok();
        let test = format!("/v1/webhook-endpoints/{}/test", id(&endpoint));
        let delivery = api.post(Some(ann), &test, json!({})).await.ok();
        let info = api.state.registry.get("jobs.prune").unwrap();
        let job = prune(info).tenant(org);
        let mut tx = api.state.ledger.begin().await.unwrap();
        let job = tx.enqueue_with(job).await.unwrap().id();
        tx.commit().await.unwrap();
        let ids = [
            ("user", self.vic.id.to_string()),
            ("job", job.to_string()),
            ("queue", "emails".to_owned()),
            ("schedule", "jobs.prune".to_owned()),
            ("category", testing::CONSOLES.to_string()),
            ("model", "fendt-313".to_owned()),
            ("year", "2027".to_owned()),
            ("line", "1".to_owned()),
            ("item", id(&item)),
            ("site", id(&site)),
            ("region", EARTH.to_owned()),
            ("listing", draft.to_string()),
            ("auction", lot.to_string()),
            ("bid", id(&bid)),
            ("order", bought.ok()["order"].as_str().unwrap().to_owned()),
            // On offer at a fixed price, by somebody else.
            ("goods", goods.to_string()),
            ("checkout", id(&checkout)),
            ("offer", id(&offer)),
            // With whom `goods` is of; the first message carries a file, the second one is reported.
            ("conversation", conversation),
            ("seq", "1".to_owned()),
            ("place", "1".to_owned()),
            ("chat_report", chat_report),
            // A paid order of the own organisation's, and what belongs to it.
            ("bought", paid_order),
            ("payment", payment.to_string()),
            ("provider", "simulator".to_owned()),
            ("dispute", id(&dispute)),
            ("return", returned),
            // About the own organisation, for all to read, and a report of it.
            ("review", review),
            ("review_report", review_report),
            ("sale_event", sale_event),
            ("registration", registration),
            ("draft_event", draft_event),
            ("joined_event", joined_event),
            ("lot", "1".to_owned()),
            // An own lot that nobody got and one whose highest bid is below the reserve, another one that is offered to the own organisation, and a strike against that.
            ("unsold", unsold),
            ("on_approval", on_approval),
            ("chance", chance),
            ("strike", strike),
            ("payout_account", account.id.to_string()),
            ("charge", chosen.charge.unwrap().to_string()),
            ("difference", uuid::Uuid::nil().to_string()),
            ("invoice", invoice.to_string()),
            ("document", document),
            ("upload", id(&upload)),
            ("image", image.to_string()),
            ("file", "160.webp".to_owned()),
            ("report", id(&report)),
            ("export", id(&export)),
            ("import", import.to_string()),
            ("reject", reject),
            ("capture", capture["captureID"].as_str().unwrap().to_owned()),
            ("event", "urn:x:0".to_owned()),
            ("eventType", "ObjectEvent".to_owned()),
            ("epc", format!("urn:tradeyard:shipment:{tracking}")),
            ("bizStep", "departing".to_owned()),
            ("appointment", id(&appointment)),
            ("shipment", tracking.to_owned()),
            // Not by its number.
            ("parcel", id(&shipment)),
            ("paper", id(&paper)),
            ("number", tracking.to_owned()),
            ("vehicle", id(&vehicle)),
            ("carrier", id(&carrier)),
            ("maintenance", id(&maintenance)),
            ("invitation", id(&invitation)),
            ("search", id(&search)),
            ("subscription", id(&subscription)),
            ("key", id(&key)),
            ("endpoint", id(&endpoint)),
            ("delivery", id(&delivery)),
            ("session", uuid::Uuid::now_v7().to_string()),
            ("notice", uuid::Uuid::now_v7().to_string()),
        ];
        self.ids.extend(ids);
    }

    /// A conversation about a listing of `bob`'s: a message with a document, an answer, and a report of the answer.
    async fn conversation(&self, bob: &Person, goods: &str) -> (String, String) {
        let announced = json!({"content_type": "application/pdf", "size": 5});
        let file = self.api.post(Some(&self.ann), "/v1/uploads", announced).await.ok();
        send(&file, b"%PDF-").await;
        let message = json!({"client_id": uuid::Uuid::now_v7(), "text": "Is this it?",
            "attachments": [{"upload_id": id(&file), "name": "data sheet.pdf"}]});
        let begin = json!({"listing_id": goods, "message": message});
        let begun = self.api.post(Some(&self.ann), "/v1/conversations", begin).await.ok();
        let path = format!("/v1/conversations/{}", id(&begun["conversation"]));
        let answer = json!({"client_id": uuid::Uuid::now_v7(), "text": "Go away."});
        self.api.post(Some(bob), &format!("{path}/messages"), answer).await.ok();
        let report = json!({"seq": 2, "reason": "harassment"});
        let report = self.api.post(Some(&self.ann), &format!("{path}/reports"), report).await.ok();
        (id(&begun["conversation"]), id(&report))
    }

    /// Of a completed order between the two, what the other side says about ours, and a report of that.
    async fn reviewed(&self, theirs: Trader, ours: Trader) -> [String; 2] {
        let mut conn = self.api.db.pool.acquire().await.unwrap();
        let order = testing::earn(&mut conn, theirs, ours, testing::eur(10_000)).await;
        let party = |of: Trader| Party { org: of.org, user: of.user };
        let mut tx = conn.begin().await.unwrap();
        let about = reviews::write(&mut tx, party(theirs), order, 4, "Good.").await.unwrap().review.id;
        reviews::write(&mut tx, party(ours), order, 5, "Good, too.").await.unwrap();
        let report = reviews::report(&mut tx, party(ours), about, ReviewReportReason::Other, None).await.unwrap();
        tx.commit().await.unwrap();
        [about.to_string(), report.id.to_string()]
    }

    /// A return of one of two units of an order that `bob` has delivered.
    async fn returned(&self, bob: &Person, order: &str) -> String {
        for (person, act) in [(bob, "ship"), (&self.ann, "receive")] {
            self.call(Some(person), &Method::POST, &format!("/v1/orders/{order}/{act}"), json!({})).await.ok();
        }
        let units = json!({"lines": [{"line": 1, "quantity": 1}], "reason": "not_needed"});
        id(&self.call(Some(&self.ann), &Method::POST, &format!("/v1/orders/{order}/returns"), units).await.ok())
    }

    /// The path with the ids of this market.
    pub(super) fn path(&self, path: &str) -> String {
        // The other lot is not on approval.
        let path = path.replace("{auction}/approval", "{on_approval}/approval");
        let filled = self.ids.iter().fold(path.clone(), |path, (name, id)| path.replace(&format!("{{{name}}}"), id));
        assert!(!filled.contains('{'), "the market has nothing for {path}");
        filled
    }

    /// A request with whatever header an operation may want.
    pub(super) async fn call(
        &self,
        person: Option<&Person>,
        method: &Method,
        path: &str,
        body: Value,
    ) -> crate::testing::Answer {
        let request = self.api.request(method.clone(), path).json(&body);
        let request = request.header("idempotency-key", uuid::Uuid::now_v7().to_string());
        self.api.send(with_token(request, person)).await
    }
}

/// Sends bytes as the announcement of an upload says.
async fn send(upload: &Value, bytes: &[u8]) {
    let mut request = reqwest::Client::new().put(upload["url"].as_str().unwrap());
    for (name, value) in upload["headers"].as_object().unwrap() {
        if name != "content-length" {
            request = request.header(name, value.as_str().unwrap());
        }
    }
    assert_eq!(request.body(bytes.to_vec()).send().await.unwrap().status(), 200);
}

fn prune(info: &KindInfo) -> queue::Enqueue {
    info.enqueue(json!({"finished_after_hours": 1, "dead_after_hours": 1})).unwrap()
}
