#![expect(clippy::unwrap_used, reason = "a test without its data ends here")]

use std::path::{Path, PathBuf};

use jobs::invoices::RenderInvoice;
use market::invoices::model::InvoiceOf;
use queue::Ledger;
use serde_json::{Value, json};
use tempfile::TempDir;
use tests::installation::TestInstallation;
use tests::installation::people::{Person, eur, id};
use tokio::process::Command;

use super::appointments::{book, bought, depot, slot};
use super::escrow::offered;

/// Where `./dev test` installs it.
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../.dev/tools/papers/bin/python");
const CHECK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/papers/check.py");

/// What a program prints.
async fn run(command: &mut Command) -> String {
    let output = command.output().await.unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The owner of an approved organisation in this country.
pub(crate) async fn company(
    market: &TestInstallation,
    admin: &Person,
    name: &str,
    country: &str,
    vat: Option<&str>,
) -> Person {
    let mut owner = market.person(name).await;
    let org = json!({"legal_name": format!("{name} & Sons"), "kinds": ["seller", "buyer"], "time_zone": "Europe/Berlin",
        "country": country, "vat_number": vat});
    owner.org = id(&owner.post("/v1/orgs", org).await.ok());
    let _ = admin.post(&format!("/v1/orgs/{}/approve", owner.org), json!({})).await.ok();
    owner
}

/// A paid order of two units at 100 euros each.
async fn paid(buyer: &Person, listing: &str) -> String {
    let line = json!({"listing": listing, "quantity": 2, "price": eur("100.00")});
    let placed = buyer.post("/v1/checkouts", json!({"lines": [line]})).await.ok();
    let payment = buyer.post(&format!("/v1/checkouts/{}/pay", id(&placed)), json!({"method": "card"})).await.ok();
    buyer.until(&format!("/v1/payments/{}", id(&payment)), "status", "held").await;
    id(&placed["orders"][0])
}

/// Saves what a download leads to.
async fn saved(download: &Value, folder: &Path) -> PathBuf {
    let file = reqwest::get(download["url"].as_str().unwrap()).await.unwrap();
    assert_eq!(file.status().as_u16(), 200, "{download}");
    let path = folder.join(download["file_name"].as_str().unwrap());
    std::fs::write(&path, file.bytes().await.unwrap()).unwrap();
    path
}

/// The amount of an element of the XML, without its currency.
fn amount<'x>(xml: &'x str, element: &str) -> &'x str {
    let start = xml.find(&format!("<ram:{element}")).unwrap_or_else(|| panic!("no {element}: {xml}"));
    let text = &xml[start..];
    &text[text.find('>').unwrap() + 1..text.find("</").unwrap()]
}

/// What the ledger has moved on the held account of a seller by transfers of a kind, in cents.
async fn booked(market: &TestInstallation, seller: &Person, kind: &str) -> i64 {
    sqlx::query_scalar(
        "SELECT abs(sum(e.amount_minor))::bigint
         FROM money_entries AS e
         JOIN money_accounts AS a ON a.id = e.account_id
         JOIN money_transfers AS t ON t.id = e.transfer_id
         WHERE a.kind = 'held' AND a.org_id = $1::uuid AND t.kind = $2",
    )
    .bind(&seller.org)
    .bind(kind)
    .fetch_one(&market.db.pool)
    .await
    .unwrap()
}

fn cents(amount: &Value) -> i64 {
    amount["amount"].as_str().unwrap().replace('.', "").parse().unwrap()
}

/// Two buyers, one at home and one in another country of the Union, buy and pay; parts go back, one of them of a few cents. Each
/// invoice and credit note can be downloaded by its parties, is Factur-X by the judgement of others, and says what the API and the
/// money ledger say. Printed again, it is the same file, and nobody hears of it twice.
#[tokio::test(flavor = "multi_thread")]
async fn row_invoices_as_factur_x() {
    assert!(Path::new(PYTHON).exists(), "factur-x is not installed: `./dev test` with any filter does so");
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let ann = company(&market, &admin, "Ann", "DE", Some("DE123456788")).await;
    let bob = company(&market, &admin, "Bob", "DE", None).await;
    let cid = company(&market, &admin, "Cid", "FR", Some("FR11123456782")).await;
    let eve = company(&market, &admin, "Eve", "DE", None).await;
    let listing = offered(&ann).await;
    let (bobs, cids) = (paid(&bob, &listing).await, paid(&cid, &listing).await);
    for (order, part) in [(&bobs, "0.03"), (&bobs, "50.00"), (&cids, "10.00")] {
        let part = json!({"amount": eur(part), "reason": "One has a scratch."});
        let _ = ann.post(&format!("/v1/orders/{order}/refunds"), part).await.ok();
    }
    market.until_quiet().await;

    let folder = tempfile::tempdir().unwrap();
    let (mut documents, mut files) = (Vec::new(), Vec::new());
    for (order, buyer) in [(&bobs, &bob), (&cids, &cid)] {
        let listed = buyer.get(&format!("/v1/orders/{order}/invoices")).await.ok();
        for document in listed["items"].as_array().unwrap() {
            let path = format!("/v1/invoices/{}/file", id(document));
            let mut read = Vec::new();
            for (person, name) in [(buyer, "buyer"), (&ann, "seller"), (&admin, "finance")] {
                let folder = folder.path().join(format!("{}-{name}", id(document)));
                std::fs::create_dir(&folder).unwrap();
                read.push(saved(&person.get(&path).await.ok(), &folder).await);
            }
            let bytes: Vec<_> = read.iter().map(|path| std::fs::read(path).unwrap()).collect();
            assert!(bytes.iter().all(|it| *it == bytes[0]), "one file for everybody");
            eve.get(&path).await.refused(404, "not_found");
            market.get(&path).await.refused(401, "unauthenticated");
            documents.push(document.clone());
            files.push(read.remove(0));
        }
    }
    let kinds: Vec<&str> = documents.iter().map(|it| it["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["invoice", "credit_note", "credit_note", "invoice", "credit_note"]);

    let verdicts = run(Command::new(PYTHON).arg(CHECK).args(&files)).await;
    let verdicts: Vec<Value> = verdicts.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(verdicts.len(), documents.len());
    for (document, verdict) in documents.iter().zip(&verdicts) {
        assert_eq!((&verdict["level"], &verdict["broken"]), (&json!("en16931"), &json!([])), "{document}");
        let xml = verdict["xml"].as_str().unwrap();
        for (element, field) in
            [("TaxBasisTotalAmount", "net"), ("TaxTotalAmount", "tax"), ("GrandTotalAmount", "gross")]
        {
            assert_eq!(amount(xml, element), document[field]["amount"], "{field} of {document}");
        }
        assert!(xml.contains(&format!("<ram:ID>{}</ram:ID>", document["reference"].as_str().unwrap())), "{xml}");
        let (is_credit, is_cids) = (document["kind"] == "credit_note", document["order"] == cids.as_str());
        assert_eq!(amount(xml, "TypeCode"), if is_credit { "381" } else { "380" });
        assert_eq!(amount(xml, "CategoryCode"), if is_cids { "AE" } else { "S" }, "{document}");
        if is_credit {
            let invoice = documents.iter().find(|it| it["id"] == document["refers_to"]).unwrap();
            assert_eq!(amount(xml, "IssuerAssignedID"), document["order"], "the first is the order");
            assert!(xml.contains(invoice["reference"].as_str().unwrap()), "{xml}");
        }
    }
    for (kind, transfers) in [("invoice", "capture"), ("credit_note", "refund_held")] {
        let issued: i64 = documents.iter().filter(|it| it["kind"] == kind).map(|it| cents(&it["gross"])).sum();
        assert_eq!(booked(&market, &ann, transfers).await, issued, "{kind}");
    }
    let text = run(Command::new("pdftotext").arg("-layout").arg(&files[0]).arg("-")).await;
    for wanted in ["Ann & Sons", "Bob & Sons", "DE123456788", "A console", "VAT 19 % on 200.00", "238.00"] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }

    // Again, as after a crash: the same file, one row, and no second mail.
    let ledger = Ledger::new(market.db.app.clone());
    let mails = || {
        market.mail.list().iter().filter(|mail| mail.subject.contains("A console") && is_invoice(&mail.subject)).count()
    };
    market.mail_to(&bob.email, "Credit note C-").await;
    assert_eq!(mails(), documents.len());
    for order in [&bobs, &cids] {
        let of = InvoiceOf::Order(order.parse().unwrap());
        let _ = ledger.enqueue(&RenderInvoice { of }).await.unwrap();
    }
    market.until_quiet().await;
    let again = bob.get(&format!("/v1/invoices/{}/file", id(&documents[0]))).await.ok();
    let again = saved(&again, folder.path()).await;
    assert_eq!(std::fs::read(again).unwrap(), std::fs::read(&files[0]).unwrap());
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM invoice_files WHERE lacks IS NULL")
        .fetch_one(&market.db.pool)
        .await
        .unwrap();
    assert_eq!((kept, mails()), (5, 5));
    market.close().await;
}

fn is_invoice(subject: &str) -> bool {
    subject.starts_with("Invoice ") || subject.starts_with("Credit note ")
}

/// Asks for a paper and saves it.
async fn printed(by: &Person, kind: &str, about: &str, folder: &TempDir) -> PathBuf {
    printed_of(by, json!({"kind": kind, "about": about}), folder).await
}

/// The same, with what is stated besides.
async fn printed_of(by: &Person, paper: Value, folder: &TempDir) -> PathBuf {
    let asked = by.post("/v1/papers", paper).await;
    assert_eq!(asked.status, 202, "{asked:?}");
    let path = format!("/v1/papers/{}", id(&asked.body));
    let ready = by.until_that(&path, |paper| paper["status"] != "queued").await;
    assert_eq!(ready["status"], "ready", "{ready}");
    saved(&ready["download"], folder.path()).await
}

async fn text(paper: &Path) -> String {
    run(Command::new("pdftotext").arg(paper).arg("-")).await
}

/// The text in the order in which it was drawn, box by box. What a narrow box breaks into lines is one line here.
async fn boxes(paper: &Path) -> String {
    let drawn = run(Command::new("pdftotext").arg("-raw").arg(paper).arg("-")).await;
    drawn.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What a scanner reads on the first page, at the 203 dots of a label printer.
async fn scanned(paper: &Path) -> Vec<String> {
    let picture = paper.with_extension("");
    run(Command::new("pdftoppm").args(["-png", "-singlefile", "-r", "203"]).arg(paper).arg(&picture)).await;
    let read = run(Command::new("zbarimg").args(["--quiet", "--nodbus"]).arg(picture.with_extension("png"))).await;
    let mut codes: Vec<String> = read.lines().map(str::to_owned).collect();
    codes.sort();
    codes
}

/// A lot of waste that a moderator has let through, as its listing.
pub(crate) async fn waste(market: &TestInstallation, admin: &Person, by: &Person) -> String {
    let categories = market.get("/v1/categories").await.ok();
    let plastic = categories["items"].as_array().unwrap().iter().find(|one| one["path"] == "waste/plastic").unwrap();
    let item = json!({"category_id": plastic["id"], "sku": "F-1", "title": "Film", "attributes": {"material": "LDPE",
        "ewc_code": "02 01 04", "origin": "agriculture", "packaging": "baled", "processing": ["sorted", "washed"]}});
    let item = id(&by.post("/v1/items", item).await.ok());
    let new = json!({"item_id": item, "title": "Agricultural film", "sale_mode": "fixed", "currency": "EUR",
        "price": eur("100.00"), "quantity": 5});
    let listing = id(&by.post("/v1/listings", new).await.ok());
    assert_eq!(by.post(&format!("/v1/listings/{listing}/publish"), json!({})).await.ok()["status"], "in_review");
    let _ = admin.post(&format!("/v1/listings/{listing}/approve"), json!({})).await.ok();
    listing
}

/// The papers of a yard: what is to be fetched, what lets its buyer take it, what goes on a parcel, and what goes with waste that
/// crosses a border. Scanners of others read the codes, and the scanned pass lets the goods out, once.
#[tokio::test(flavor = "multi_thread")]
async fn row_papers_of_an_order() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let ann = company(&market, &admin, "Ann", "DE", Some("DE123456788")).await;
    let bob = company(&market, &admin, "Bob", "DK", Some("DK12345674")).await;
    let folder = tempfile::tempdir().unwrap();
    let depot = depot(&ann, "SKU-1").await;
    let order = bought(&bob, &depot.listing).await;

    let list = printed(&ann, "picking_list", &order, &folder).await;
    assert_eq!(scanned(&list).await, [format!("CODE-128:{order}")]);
    let read = text(&list).await;
    for wanted in ["Picking list", "Depot", "SKU-1", "A console", "2 piece", "Ann & Sons"] {
        assert!(read.contains(wanted), "{wanted}: {read}");
    }

    // The pass is on the paper and nowhere else, and lets the goods out once.
    let booked = id(&book(&bob, &order, &slot(&bob, &order).await).await.ok());
    let old = bob.post(&format!("/v1/appointments/{booked}/pass"), json!({})).await.ok()["pass"].clone();
    let paper = printed(&bob, "release_pass", &booked, &folder).await;
    let codes = scanned(&paper).await;
    let [code] = codes.as_slice() else { panic!("not one code: {codes:?}") };
    let pass = code.strip_prefix("QR-Code:").unwrap();
    let read = text(&paper).await;
    for wanted in [pass, "Release pass", "Depot", "Bob & Sons", "A console", "(Europe/Berlin)"] {
        assert!(read.contains(wanted), "{wanted}: {read}");
    }
    let told: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM jobs WHERE position($1 IN concat(payload, result, error, progress_text)) > 0",
    )
    .bind(pass)
    .fetch_one(&market.db.pool)
    .await
    .unwrap();
    assert_eq!(told, 0, "the queue knows the pass");
    let redeem =
        async |pass: &str| ann.post(&format!("/v1/sites/{}/redeem", depot.site), json!({ "pass": pass })).await;
    redeem(old.as_str().unwrap()).await.refused(404, "not_found");
    let _ = redeem(pass).await.ok();
    redeem(pass).await.refused(409, "pass_used");
    let again = json!({"kind": "release_pass", "about": booked});
    bob.post("/v1/papers", again).await.refused(409, "order_status");
    ann.post("/v1/papers", json!({"kind": "picking_list", "about": order})).await.refused(409, "order_status");

    // Half a tonne of film goes to Denmark.
    let film = bought(&bob, &waste(&market, &admin, &ann).await).await;
    let shipment = json!({"order_id": film, "to_address": "Havnegade 1, 6700 Esbjerg", "carrier": "Hansa Freight",
        "lines": [{"order_line": 1, "quantity": 2, "weight_g": 250_000, "volume_ml": 1_000_000}]});
    let shipment = ann.post("/v1/shipments", shipment).await.ok();
    let tracking = shipment["tracking"].as_str().unwrap();
    let label = printed(&ann, "shipping_label", &id(&shipment), &folder).await;
    let link = format!("{}/v1/track/{tracking}", market.base);
    assert_eq!(scanned(&label).await, [format!("CODE-128:{tracking}"), format!("QR-Code:{link}")]);
    assert_eq!(reqwest::get(&link).await.unwrap().status().as_u16(), 200, "the code leads somewhere");
    let read = text(&label).await;
    for wanted in ["Hansa Freight", "Bob & Sons", "6700 Esbjerg", "DENMARK", "500 kg"] {
        assert!(read.contains(wanted), "{wanted}: {read}");
    }
    let document = printed(&ann, "waste_movement", &id(&shipment), &folder).await;
    let read = text(&document).await;
    for wanted in [
        tracking,
        "Annex VII",
        "Ann & Sons",
        "Bob & Sons",
        "Hansa Freight",
        "0.5",
        "02 01 04",
        "LDPE, agriculture, baled",
        "DE Germany",
        "DK Denmark",
    ] {
        assert!(read.contains(wanted), "{wanted}: {read}");
    }
    let _ = ann.post(&format!("/v1/shipments/{tracking}/pick-up"), json!({})).await.ok();
    let document = printed(&ann, "waste_movement", &id(&shipment), &folder).await;
    let now = market::testing::database_time(&mut market.db.pool.acquire().await.unwrap()).await;
    let shipped = now.format("%Y-%m-%d").to_string();
    assert!(
        text(&document).await.matches(&shipped).count() >= 2,
        "the date of shipment, and of the transfer to the carrier"
    );

    // What the market does not know stands in its box when whoever asks states it.
    let stated = json!({
        "facility": {"name": "Nordic Recycling", "address": "Kajen 4, Esbjerg", "country": "DK"},
        "operation": "R3", "basel_code": "B3011", "oecd_code": "GH013", "national_code": "19.12.04", "transit": ["NL", "BE"],
        "carriers": [
            {"name": "Elbe Haulage", "address": "Kai 1, Hamburg", "means_of_transport": "road", "transferred_on": "2026-12-01"},
            {"name": "Sund Lines", "address": "Kai 2, Hamburg", "means_of_transport": "sea", "transferred_on": "2026-12-02"},
            {"name": "Jutland Rail", "address": "Banevej 3, Esbjerg", "means_of_transport": "rail"},
        ],
    });
    let asked = json!({"kind": "waste_movement", "about": id(&shipment), "waste": stated});
    let mut wrong = asked.clone();
    wrong["waste"]["operation"] = json!("R14");
    let refused = ann.post("/v1/papers", wrong).await;
    assert_eq!((refused.status.as_u16(), &refused.body["errors"][0]["pointer"]), (422, &json!("/waste/operation")));
    let document = printed_of(&ann, asked, &folder).await;
    let read = boxes(&document).await;
    for (title, next, wanted) in [
        ("5 (a).", "5 (b).", &["Elbe Haulage", "Kai 1, Hamburg", "road", "2026-12-01"][..]),
        ("5 (b).", "5 (c).", &["Sund Lines", "Kai 2, Hamburg", "sea", "2026-12-02"]),
        ("5 (c).", "6. Waste generator", &["Jutland Rail", "Banevej 3, Esbjerg", "rail"]),
        ("7. Recovery facility", "8. Recovery operation", &["Nordic Recycling", "Kajen 4, Esbjerg, Denmark"]),
        ("8. Recovery operation", "9. Usual description", &["R3"]),
        ("10. Waste identification", "11. Countries", &["B3011", "GH013", "02 01 04", "19.12.04"]),
        ("11. Countries", "12. Declaration", &["DE Germany", "NL Netherlands, BE Belgium", "DK Denmark"]),
    ] {
        let start = read.find(title).unwrap_or_else(|| panic!("no {title}: {read}"));
        let end = start + read[start..].find(next).unwrap_or_else(|| panic!("no {next} after {title}: {read}"));
        for text in wanted {
            assert!(read[start..end].contains(text), "{text} in {title}: {read}");
        }
    }
    assert!(!read.contains("Hansa Freight"), "the carriers that were stated are those of the box: {read}");
    market.until_quiet().await;
    market.close().await;
}
