//! How many of what is found have each value of an attribute.

use std::collections::BTreeMap;

use sqlx::{PgConnection, Postgres, QueryBuilder};

use super::conditions::Prepared;
use crate::search::model::{Facet, FacetCount, Query, Wanted};

/// What categories are counted under.
const CATEGORY: &str = "category";
/// How many of what matches are counted, the newest first.
pub(super) const COUNTED: i64 = 2_000;
/// How many values of an attribute are shown.
const SHOWN: i64 = 50;

/// Counts the values of these attributes, and the categories. What is chosen of an attribute is left out of its own counts: they
/// say what else could be chosen.
pub async fn facets(conn: &mut PgConnection, query: &Query, names: &[String]) -> Result<Vec<Facet>, sqlx::Error> {
    let prepared = Prepared::new(conn, query).await?;
    let chosen: Vec<&str> = query
        .filters
        .iter()
        .filter(|filter| matches!(filter.wanted, Wanted::Values(_)))
        .map(|filter| filter.name.as_str())
        .filter(|name| names.iter().any(|one| one == name))
        .collect();
    let others: Vec<String> = names.iter().filter(|name| !chosen.contains(&name.as_str())).cloned().collect();
    // Categories have no name in the table.
    let mut counts = counted(conn, &prepared, None, [vec![String::new()], others].concat()).await?;
    for name in chosen {
        counts.append(&mut counted(conn, &prepared, Some(name), vec![name.to_owned()]).await?);
    }
    if let Some(categories) = counts.remove("") {
        let facet = Facet { name: CATEGORY.to_owned(), ..categories };
        return Ok(std::iter::once(facet).chain(counts.into_values()).collect());
    }
    Ok(counts.into_values().collect())
}

/// Counts `names` without the filter `left_out`.
async fn counted(
    conn: &mut PgConnection,
    prepared: &Prepared<'_>,
    left_out: Option<&str>,
    names: Vec<String>,
) -> Result<BTreeMap<String, Facet>, sqlx::Error> {
    let mut sql = statement(prepared, left_out, &names);
    let rows: Vec<(Option<String>, Option<String>, i64)> =
        sql.build_query_as().persistent(false).fetch_all(conn).await?;
    let all = rows.iter().find(|(name, ..)| name.is_none()).map_or(0, |(.., all)| *all);
    let facet = |name: &String| Facet { name: name.clone(), exact: all <= COUNTED, values: Vec::new() };
    let mut facets: BTreeMap<_, _> = names.iter().map(|name| (name.clone(), facet(name))).collect();
    for (name, value, count) in rows {
        if let (Some(name), Some(value)) = (name, value)
            && let Some(facet) = facets.get_mut(&name)
        {
            facet.values.push(FacetCount { value, count });
        }
    }
    Ok(facets)
}

/// Selects name, value and count, and how many were counted without a name.
pub(super) fn statement(prepared: &Prepared<'_>, left_out: Option<&str>, names: &[String]) -> QueryBuilder<Postgres> {
    let mut sql = QueryBuilder::new("WITH found AS MATERIALIZED (SELECT t.facets FROM listing_search AS t");
    prepared.push(&mut sql, left_out);
    if prepared.is_of_auctions() {
        // As a list: joined, the planner would read every row for them.
        sql.push(
            " AND t.listing_id = ANY (ARRAY (SELECT listing_id FROM auctions WHERE status IN ('scheduled', 'live')))",
        );
    }
    sql.push(" ORDER BY t.published_at DESC, t.listing_id DESC LIMIT ").push_bind(COUNTED + 1);
    sql.push(
        "), counts AS MATERIALIZED (SELECT facet, count(*) AS n FROM found, unnest(found.facets) AS facet GROUP BY facet), \
         placed AS (SELECT split_part(facet, '=', 1) AS name, substr(facet, strpos(facet, '=') + 1) AS value, n, \
         row_number() OVER (PARTITION BY split_part(facet, '=', 1) ORDER BY n DESC, facet COLLATE \"C\") AS place \
         FROM counts WHERE split_part(facet, '=', 1) = ANY (",
    );
    sql.push_bind(names.to_vec()).push("))");
    sql.push(" SELECT NULL AS name, NULL AS value, count(*) AS n FROM found UNION ALL (SELECT name, value, n FROM placed WHERE place <= ");
    sql.push_bind(SHOWN).push(" ORDER BY name, place)");
    sql
}
