use std::collections::BTreeSet;

use futures::TryStreamExt as _;
use shared::testing::TestDb;

use super::*;
use crate::reports::model::Parameters;
use crate::reports::rules::Period;
use crate::reports::table::Cell;
use crate::testing::trader;

fn november() -> Period {
    let day = |day| chrono::NaiveDate::from_ymd_opt(2026, 11, day).unwrap();
    Period::new(day(1), day(30), chrono_tz::Tz::Europe__Berlin).unwrap()
}

/// Every kind with every way to group it, and filtered.
fn scopes(kind: Kind, org: shared::ids::OrgId) -> Vec<Scope> {
    let definition = kind.definition();
    let groupings: Vec<_> = std::iter::once(None).chain(definition.groupings.iter().copied().map(Some)).collect();
    let regions = [None, Some(crate::ids::RegionId::generate())];
    let each = groupings.into_iter().flat_map(|group_by| {
        regions.into_iter().filter(|region| definition.filtered || region.is_none()).map(move |region| Scope {
            org,
            period: november(),
            parameters: Parameters { group_by, region, ..Parameters::default() },
        })
    });
    each.collect()
}

/// Names are what programs go by: unique, and in the form that the database wants of those that are summed.
#[test]
fn sections_and_columns_have_names_of_their_own() {
    let word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let form = |name: &str| name.split('_').all(word);
    for kind in Kind::ALL {
        assert!(form(kind.name()));
        for scope in scopes(*kind, shared::ids::OrgId::generate()) {
            let sections = (kind.definition().sections)(&scope);
            let names: BTreeSet<_> = sections.iter().map(|section| section.name).collect();
            assert_eq!(names.len(), sections.len(), "{kind:?}");
            for section in sections {
                let columns: BTreeSet<_> = section.columns.iter().map(|column| column.name).collect();
                assert_eq!(columns.len(), section.columns.len(), "{}", section.name);
                assert!(form(section.name) && columns.iter().all(|name| form(name)), "{}", section.name);
                let money = section.columns.iter().any(|column| matches!(column.shape, Shape::Money | Shape::Price));
                assert_eq!(
                    money,
                    section.place("currency").is_some(),
                    "{}: amounts stand beside their currency",
                    section.name
                );
                for chart in section.charts {
                    for name in chart.values.iter().chain([&chart.along]) {
                        assert!(section.place(name).is_some(), "{} is not a column of {}", name, section.name);
                    }
                }
            }
        }
    }
}

/// The database takes every statement, whatever a report is asked for.
#[tokio::test]
async fn every_section_of_every_kind_can_be_read() {
    let db = TestDb::new().await;
    let mut conn = db.pool.acquire().await.unwrap();
    let org = trader(&mut conn).await.org;
    for kind in Kind::ALL {
        let definition = kind.definition();
        for scope in scopes(*kind, org) {
            (definition.expected)(&mut conn, &scope).await.unwrap();
            for section in (definition.sections)(&scope) {
                let rows: Vec<Row> = (definition.rows)(&mut conn, &scope, section.name).try_collect().await.unwrap();
                for row in rows {
                    fits(&section, &row);
                }
            }
        }
    }
    drop(conn);
    db.close().await;
}

/// Asserts that a row has a cell of the right shape in each column.
fn fits(section: &Section, row: &[Cell]) {
    assert_eq!(row.len(), section.columns.len(), "{}", section.name);
    for (column, cell) in section.columns.iter().zip(row) {
        let right = match cell {
            Cell::Empty => true,
            Cell::Text(_) => column.shape == Shape::Text,
            Cell::Integer(_) => column.shape == Shape::Integer,
            Cell::Money(_) | Cell::Rounded(..) => matches!(column.shape, Shape::Money | Shape::Price),
            Cell::Currency(_) => column.shape == Shape::Currency,
            Cell::Decimal(_) => column.shape == Shape::Decimal,
            Cell::Percent(_) => column.shape == Shape::Percent,
            Cell::Day(_) => column.shape == Shape::Day,
            Cell::Time(_) => column.shape == Shape::Time,
            Cell::Id(_) => column.shape == Shape::Id,
        };
        assert!(right, "{}: {cell:?} in the column {}", section.name, column.name);
    }
}
