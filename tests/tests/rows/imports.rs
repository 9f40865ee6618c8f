#![expect(clippy::unwrap_used, reason = "a test without its answers ends here")]

use std::fmt::Write as _;

use reqwest::Client;
use serde_json::{Value, json};
use tests::installation::TestInstallation;
use tests::installation::people::{Person, id};

/// A troublesome file.
macro_rules! case {
    ($name:literal) => {
        include_bytes!(concat!(env!("CARGO_MANIFEST_DIR"), "/../market/data/cases/", $name)).as_slice()
    };
}

/// Announces a file and sends it; its upload.
pub(super) async fn send(person: &Person, kind: &str, name: &str, file: &[u8]) -> String {
    let announced = json!({"content_type": kind, "size": file.len(), "file_name": name});
    let upload = person.post("/v1/uploads", announced).await.ok();
    let mut request = Client::new().put(upload["url"].as_str().unwrap());
    for (name, value) in upload["headers"].as_object().unwrap() {
        if name != "content-length" {
            request = request.header(name, value.as_str().unwrap());
        }
    }
    assert_eq!(request.body(file.to_vec()).send().await.unwrap().status(), 200);
    id(&upload)
}

/// Imports a file and waits for its end; the import.
pub(super) async fn import(market: &TestInstallation, person: &Person, path: &str, body: Value) -> Value {
    let begun = person.post(path, body).await;
    assert_eq!(begun.status, 202, "{begun:?}");
    let path = format!("/v1/imports/{}", id(&begun.body));
    market.until_quiet().await;
    let import = person.get(&path).await.ok();
    assert_eq!(import["status"], "done", "{import}");
    import
}

/// The lines that became this, with column and reason of their first fault.
pub(super) async fn rows(person: &Person, import: &Value, outcome: &str) -> Vec<(u64, String, String)> {
    let rows = person.get(&format!("/v1/imports/{}/rows?outcome={outcome}", id(import))).await.ok();
    let text = |fault: &Value, name: &str| fault[name].as_str().unwrap_or_default().to_owned();
    let row = |row: &Value| {
        (row["line"].as_u64().unwrap(), text(&row["faults"][0], "column"), text(&row["faults"][0], "reason"))
    };
    rows["items"].as_array().unwrap().iter().map(row).collect()
}

pub(super) fn counts(import: &Value) -> [i64; 4] {
    ["applied", "unchanged", "incomplete", "refused"].map(|name| import[name].as_i64().unwrap())
}

/// A seller counts a thousand things at two sites by a file: 997 rows are applied and three are listed with line, column and reason.
/// The same file again, after somebody has sold some, changes nothing. A file of corrections, as a German spreadsheet writes it, does.
#[tokio::test(flavor = "multi_thread")]
async fn row_inventory_updates_by_file() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let ann = market.trader(&admin, "Ann").await;
    let regions = market.get("/v1/regions").await.ok();
    let earth = id(regions["items"].as_array().unwrap().iter().find(|one| one["code"] == "earth").unwrap());
    let site = |name: &str| json!({"region_id": earth, "name": name, "kind": "depot", "latitude": 48, "longitude": 11});
    for name in ["Depot", "Scheune"] {
        let _ = ann.post("/v1/sites", site(name)).await.ok();
    }
    let category = market::testing::CONSOLES;
    let mut items = Vec::new();
    for number in 0..20 {
        let item = json!({"category_id": category, "sku": format!("A-{number}"), "title": "Console"});
        items.push(id(&ann.post("/v1/items", item).await.ok()));
    }
    let mut file = "sku,site,on_hand,reason\r\n".to_owned();
    for row in 0..1_000 {
        let (item, site) = (row % 20, if row % 3 == 0 { "Depot" } else { "Scheune" });
        match row {
            100 => file.push_str("B-1,Depot,1,\r\n"),
            500 => file.push_str("A-1,Depot,-1,\r\n"),
            900 => file.push_str("\"A-1\",\"De\npot\",1,\r\n"),
            _ => write!(file, "A-{item},{site},{},\"count, {row}\"\r\n", row + 1).unwrap(),
        }
    }
    let upload = send(&ann, "text/csv", "stock.csv", file.as_bytes()).await;
    let preview = ann.post("/v1/stock/imports/preview", json!({"upload": upload})).await.ok();
    assert_eq!((&preview["file"]["row_count"], &preview["file"]["unreadable_count"]), (&json!(1_000), &json!(2)));
    let first = import(&market, &ann, "/v1/stock/imports", json!({"upload": upload})).await;
    assert_eq!((counts(&first), &first["row_count"]), ([997, 0, 0, 3], &json!(1_000)));
    market.mail_to(&ann.email, "Imported in part: stock").await;
    let refused = [
        (102, "sku".to_owned(), "the organisation has no such item".to_owned()),
        (502, "on_hand".to_owned(), "must lie between 0 and 1000000000".to_owned()),
        (902, "site".to_owned(), "control characters are not allowed".to_owned()),
    ];
    assert_eq!(rows(&ann, &first, "refused").await, refused);
    let on_hand = async || {
        let mut all = Vec::new();
        for item in &items {
            let levels = ann.get(&format!("/v1/stock?item={item}")).await.ok();
            all.extend(levels["items"].as_array().unwrap().iter().map(|level| level["on_hand"].as_i64().unwrap()));
        }
        all
    };
    let counted = on_hand().await;
    // The last count of each thing at each site stands.
    assert_eq!((counted.len(), counted.iter().max()), (40, Some(&1_000)), "{counted:?}");

    // Sent again, also beside itself, it is the import that there is: a count that was corrected since is not set back.
    let level = ann.get(&format!("/v1/stock?item={}&limit=1", items[0])).await.ok()["items"][0].clone();
    let adjust = format!("/v1/items/{}/stock/{}/adjust", items[0], level["site_id"].as_str().unwrap());
    let _ = ann.post(&adjust, json!({"to": 5})).await.ok();
    let corrected = on_hand().await;
    let uploads = [
        send(&ann, "text/csv", "a.csv", file.as_bytes()).await,
        send(&ann, "text/csv", "b.csv", file.as_bytes()).await,
    ];
    let again = uploads.iter().map(|upload| import(&market, &ann, "/v1/stock/imports", json!({"upload": upload})));
    for again in futures::future::join_all(again).await {
        assert_eq!(again, first);
    }
    assert_eq!(on_hand().await, corrected);

    // Semicolons, a mark, Latin-1 and CR LF.
    let file = b"SKU;Site;Delta;Reason\r\nA-0;Scheune;+2;f\xfcr M\xfcller\r\n\r\nA-0;Scheune;1,5;\r\n";
    let upload = send(&ann, "text/csv", "corrections.csv", file).await;
    let import = import(&market, &ann, "/v1/stock/imports", json!({"upload": upload})).await;
    assert_eq!((counts(&import), &import["encoding"]), ([1, 0, 0, 1], &json!("windows1252")));
    let whole = "must be a whole number, without separators".to_owned();
    assert_eq!(rows(&ann, &import, "refused").await, [(4, "Delta".to_owned(), whole)]);
    // Files that are none of stock, or none at all, are refused as a whole.
    for file in [case!("bom_comma.csv"), case!("money.csv"), b"sku,site,on_hand\nA-0,Depot,\"7\n"] {
        let upload = send(&ann, "text/csv", "other.csv", file).await;
        ann.post("/v1/stock/imports", json!({"upload": upload})).await.refused(422, "file_unreadable");
    }
    market.close().await;
}

/// A seller lists what files of all kinds say: a mapping names the columns, pictures are found by their names, what is complete is
/// published, and what is not is drafted with what it lacks.
#[tokio::test(flavor = "multi_thread")]
async fn row_bulk_import_of_listings() {
    let market = TestInstallation::new().await;
    let admin = market.admin().await;
    let ann = market.trader(&admin, "Ann").await;
    let mut picture = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(40, 30, image::Rgb([200, 10, 10]))
        .write_to(&mut picture, image::ImageFormat::Png)
        .unwrap();
    let picture = send(&ann, "image/png", "fendt 724.png", picture.get_ref()).await;
    let _ = ann.post(&format!("/v1/uploads/{picture}/complete"), json!({})).await.ok();
    market.until_quiet().await;

    let file = "\u{feff}Nummer;Bezeichnung;Preis;Hersteller;Typ;PS;Bild\r\n\
        T-1;Schlepper;98.500,00;Fendt;724;240;fendt 724.png\r\n\
        T-2;\"Schlepper;\r\ngebraucht\";1.000,00;Fendt;313;130;\r\n\
        T-3;Schlepper;45.000,00;Deutz;;100;\r\n\
        T-4;Schlepper;45.000,00;Deutz;6120;viele;\r\n\
        T-5;Schlepper;45.000,00;Deutz;6120;120;deutz.png\r\n";
    let upload = send(&ann, "text/csv", "tractors.csv", file.as_bytes()).await;
    let mapping = json!({"sku": "Nummer", "title": "Bezeichnung", "price": "Preis", "attributes.make": "Hersteller",
        "attributes.model": "Typ", "attributes.horsepower": "PS", "pictures": "Bild"});
    let body = json!({"upload": upload, "mapping": mapping, "publish": true,
        "defaults": {"category": "machinery/tractors", "currency": "EUR", "language": "de"}});
    let preview = ann.post("/v1/listings/imports/preview", body.clone()).await.ok();
    assert_eq!(preview["rows"][0]["understood"]["price"], json!({"amount": "98500.00", "currency": "EUR"}));
    assert_eq!(ann.get("/v1/listings/mine").await.ok()["items"], json!([]));
    let import_of = async |body: &Value| import(&market, &ann, "/v1/listings/imports", body.clone()).await;
    let import = import_of(&body).await;
    assert_eq!(counts(&import), [1, 0, 1, 3], "{import}");
    let refused = rows(&ann, &import, "refused").await;
    let refused: Vec<_> = refused.iter().map(|(line, column, _)| (*line, column.as_str())).collect();
    assert_eq!(refused, [(3, "Bezeichnung"), (6, "PS"), (7, "Bild")]);
    let incomplete = rows(&ann, &import, "incomplete").await;
    assert_eq!(incomplete, [(5, "Typ".to_owned(), "the category requires this attribute".to_owned())]);
    let applied = ann.get(&format!("/v1/imports/{}/rows?outcome=applied", id(&import))).await.ok();
    let listing = applied["items"][0]["listing"].as_str().unwrap();
    let shown = ann.get(&format!("/v1/listings/{listing}")).await.ok();
    assert_eq!((&shown["title"], &shown["attributes"]["horsepower"]), (&json!("Schlepper"), &json!(240)));
    let pictures = ann.get(&format!("/v1/images?listing={listing}")).await.ok();
    assert_eq!(pictures["items"].as_array().map(Vec::len), Some(1), "{pictures}");
    assert_eq!(import_of(&body).await, import);
    assert_eq!(ann.get("/v1/listings/mine").await.ok()["items"].as_array().unwrap().len(), 2);

    // The troublesome files.
    for (file, encoding, expected, lines) in [
        (case!("bom_comma.csv"), "utf8", [1, 0, 0, 0], &[][..]),
        (case!("bom_semicolon_comma_decimal.csv"), "utf8", [2, 0, 0, 0], &[]),
        (case!("latin1.csv"), "windows1252", [1, 0, 0, 0], &[]),
        (case!("quoted_newlines.csv"), "utf8", [2, 0, 0, 1], &[(2, "title")]),
        (case!("formula_cells.csv"), "utf8", [2, 0, 0, 1], &[(2, "price")]),
        (case!("money.csv"), "utf8", [2, 0, 0, 4], &[(3, "price"), (5, "price"), (6, "price"), (7, "price")]),
    ] {
        let upload = send(&ann, "text/csv", "case.csv", file).await;
        let body = json!({"upload": upload, "defaults": {"category": "electronics/consoles"}});
        let import = import_of(&body).await;
        assert_eq!((counts(&import), import["encoding"].as_str()), (expected, Some(encoding)), "{import}");
        let refused = rows(&ann, &import, "refused").await;
        let refused: Vec<_> = refused.iter().map(|(line, column, _)| (*line, column.as_str())).collect();
        assert_eq!(refused, lines);
    }
    let mine = ann.get("/v1/listings/mine?limit=100").await.ok();
    let price = |title: &str| {
        let found = mine["items"].as_array().unwrap().iter().find(|one| one["title"] == title);
        found.unwrap_or_else(|| panic!("no {title}: {mine}"))["price"]["amount"].clone()
    };
    assert_eq!(
        [price("Tisch"), price("Café chair"), price("yen"), price("dinar"), price("=2+2")],
        ["1234.50", "1.50", "500", "1.234", "1.50"]
    );
    market.close().await;
}
