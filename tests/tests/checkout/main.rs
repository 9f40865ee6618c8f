//! What the checkout says of itself. Everything that the documents name must exist: tests, files,
//! headings, items of the code, metrics. And the sources keep their shape.
//!
//! A claim in a document relies on the test that it names, and has no proof once that test is
//! renamed or removed.
#![expect(clippy::unwrap_used, reason = "a test ends where the checkout cannot be read")]

mod code;
mod document;
mod structure;

use code::Code;
use document::{Document, Mention};

#[test]
fn what_the_documents_name_exists() {
    let code = Code::read();
    let documents = Document::all();
    assert!(documents.iter().any(|document| document.path == "docs/ARCHITECTURE.md"), "the documents were found");
    let gone: Vec<String> = documents
        .iter()
        .flat_map(|document| document.mentions().into_iter().map(move |mention| (document, mention)))
        .filter_map(|(document, mention)| {
            let problem = match &mention {
                Mention::Test(name) if !code.has_test(name) && !code.has_rule(name) => {
                    format!("no test is named {name}, and no rule of the database")
                }
                Mention::Metric(name) if !code.has_metric(name) => format!("no metric is named {name}"),
                Mention::Item(path) => code.missing_item(path)?,
                Mention::File(path) if !document.reaches(path) => format!("there is no {path}"),
                Mention::Heading(file, anchor) if !documents.iter().any(|other| other.has_heading(file, anchor)) => {
                    format!("{file} has no heading #{anchor}")
                }
                _ => return None,
            };
            Some(format!("{}: {problem}", document.path))
        })
        .collect();
    assert!(gone.is_empty(), "\n{}", gone.join("\n"));
}

#[test]
fn the_check_finds_what_is_gone() {
    let code = Code::read();
    let text = "`no_test_has_this_name` `docs/GONE.md` [x](docs/ALSO_GONE.md) [y](#no-heading) `queue::gone::open` \
                `kit::engine_pool` `tradeyard_no_such_thing_total` `tests/tests/checkout/main.rs` `/v1/ws` \
                `what_the_documents_name_exists` `queue::engine_pool`";
    let document = Document { path: "README.md".to_owned(), text: text.to_owned() };
    let mentions = document.mentions();
    let test = |name: &str| mentions.contains(&Mention::Test(name.to_owned()));
    assert!(test("no_test_has_this_name") && test("what_the_documents_name_exists"));
    assert!(!code.has_test(concat!("no_test", "_has_this_name")) && code.has_test("what_the_documents_name_exists"));
    assert!(code.has_rule("org_documents_per_org") && !code.has_rule(concat!("no_test", "_has_this_name")));
    // A test of a macro's making, and a function that only tests call.
    assert!(code.has_test("garbled_messages_stop_nobody") && !code.has_test("a_killed_worker_loses_nothing"));
    assert!(mentions.contains(&Mention::File("docs/GONE.md".to_owned())) && !document.reaches("docs/GONE.md"));
    assert!(mentions.contains(&Mention::File("docs/ALSO_GONE.md".to_owned())));
    assert!(document.reaches("tests/tests/checkout/main.rs"));
    assert!(mentions.contains(&Mention::Heading("README.md".to_owned(), "no-heading".to_owned())));
    assert!(!document.has_heading("README.md", "no-heading"));
    assert!(code.missing_item("queue::gone::open").is_some() && code.missing_item("kit::engine_pool").is_some());
    assert_eq!(code.missing_item("queue::engine_pool"), None);
    assert_eq!(code.missing_item("Cx::commit"), None);
    assert!(code.missing_item("Cx::gone").is_some());
    assert!(mentions.contains(&Mention::Metric("tradeyard_no_such_thing_total".to_owned())));
    assert!(!code.has_metric(concat!("tradeyard_no_such", "_thing_total")));
    assert!(!mentions.contains(&Mention::File("/v1/ws".to_owned())));
}
