//! The conditions of a search.

use sqlx::{PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use super::{Euros, in_euros, radius_of};
use crate::search::model::{Days, Filter, Near, PriceRange, Query, Sort, Wanted};
use crate::search::rules::geo::{Area, around};

/// More listings than this in the areas around a place, or with a number, and a search does not begin with them: the newest, or
/// the cheapest, of so many are found by looking at them in turn. The planner has no figures to decide that by.
const MANY: i64 = 3_000;

/// A query with what must be known before it becomes SQL.
#[derive(Debug)]
pub(super) struct Prepared<'a> {
    query: &'a Query,
    euros: Option<Euros>,
    circle: Option<Circle<'a>>,
    /// What has the rarest of the numbers, if few have.
    pub(super) few: Option<Vec<Uuid>>,
}

/// The places within a distance, or everywhere on the body.
#[derive(Debug)]
struct Circle<'a> {
    near: &'a Near,
    radius_m: f64,
    within_m: Option<f64>,
    areas: Vec<Area>,
}

impl<'a> Prepared<'a> {
    pub(super) async fn new(conn: &mut PgConnection, query: &'a Query) -> Result<Self, sqlx::Error> {
        let euros = match query.price {
            Some(price) => in_euros(conn, price).await?,
            None => None,
        };
        let circle = match &query.near {
            Some(near) => Some(Circle::new(conn, near, near.within_m).await?),
            None => None,
        };
        Ok(Self { query, euros, circle, few: few(conn, &query.filters).await? })
    }

    /// How far on the body anything can be, and no farther than asked; absent without a place.
    pub(super) fn farthest_m(&self) -> Option<f64> {
        let circle = self.circle.as_ref()?;
        let half_way_round = std::f64::consts::PI * circle.radius_m;
        Some(circle.near.within_m.map_or(half_way_round, |within| within.min(half_way_round)))
    }

    /// Looks no farther than this, in the areas around the place.
    pub(super) fn within(&mut self, within_m: f64) {
        if let Some(circle) = &mut self.circle {
            circle.within_m = Some(within_m);
            circle.areas = around(circle.near.latitude, circle.near.longitude, within_m, circle.radius_m);
        }
    }

    /// Whether only what an open auction sells is found.
    pub(super) fn is_of_auctions(&self) -> bool {
        self.query.sort == Sort::Ending
    }

    /// What is typed; empty without words.
    pub(super) fn text(&self) -> String {
        self.query.text.clone().unwrap_or_default()
    }

    /// The distance of a row in metres.
    pub(super) fn push_distance(&self, sql: &mut QueryBuilder<Postgres>) {
        let Some(Circle { near, radius_m, .. }) = &self.circle else { return };
        sql.push("distance_m(").push_bind(near.latitude).push(", ").push_bind(near.longitude);
        sql.push(", t.place[1], t.place[0], ").push_bind(*radius_m).push(")");
    }

    /// Appends `WHERE …` for the rows `t` of `listing_search`, without the filter `left_out`.
    pub(super) fn push(&self, sql: &mut QueryBuilder<Postgres>, left_out: Option<&str>) {
        let query = self.query;
        sql.push(" WHERE true");
        if let Some(few) = &self.few {
            sql.push(" AND t.listing_id = ANY (").push_bind(few.clone()).push(")");
        }
        if let Some(category) = &query.category {
            sql.push(" AND t.facets @> ARRAY [facet('', ").push_bind(category.clone()).push(")]");
        }
        for filter in query.filters.iter().filter(|filter| left_out != Some(&filter.name)) {
            match &filter.wanted {
                Wanted::Values(values) => {
                    sql.push(" AND t.facets && ARRAY [");
                    for (place, value) in values.iter().enumerate() {
                        sql.push(if place == 0 { "facet(" } else { ", facet(" });
                        sql.push_bind(filter.name.clone()).push(", ").push_bind(value.clone()).push(")");
                    }
                    sql.push("]");
                }
                Wanted::Range(from, to) => {
                    // Few have been looked up above; of many the planner knows nothing, and must not think them few.
                    sql.push(" AND coalesce(true");
                    for (bound, comparison) in [(from, " >= "), (to, " <= ")] {
                        if let Some(bound) = bound {
                            sql.push(" AND (t.numbers ->> ").push_bind(filter.name.clone());
                            sql.push(")::double precision").push(comparison).push_bind(*bound);
                        }
                    }
                    sql.push(", false)");
                }
            }
        }
        if let Some(text) = &query.text {
            match query.language {
                None => {
                    sql.push(" AND t.words @@ words_in_any(").push_bind(text.clone());
                    // The planner knows nothing of the rest, and must not think it rare.
                    sql.push(") AND coalesce(t.words @@ words_in(t.language, ")
                        .push_bind(text.clone())
                        .push("), false)");
                }
                Some(language) => {
                    sql.push(" AND t.words @@ words_in(")
                        .push_bind(language)
                        .push(", ")
                        .push_bind(text.clone())
                        .push(")");
                }
            }
        }
        if let Some(language) = query.language {
            sql.push(" AND t.language = ").push_bind(language);
        }
        if let Some(seller) = query.seller {
            sql.push(" AND t.seller_org_id = ").push_bind(seller.0);
        }
        if let Some(mode) = query.mode {
            sql.push(" AND t.sale_mode = ").push_bind(mode);
        }
        if let Some(price) = query.price {
            self.push_price(sql, price);
        }
        if matches!(query.sort, Sort::Price | Sort::PriceDesc) {
            sql.push(" AND t.euros IS NOT NULL");
        }
        if let Some(fits) = &query.fits {
            let year = |sql: &mut QueryBuilder<Postgres>| {
                if let Some(year) = fits.year {
                    sql.push(" AND coalesce(f.year_from <= ").push_bind(year).push(", true)");
                    sql.push(" AND coalesce(f.year_to >= ").push_bind(year).push(", true)");
                }
            };
            sql.push(" AND t.item_id IN (SELECT f.item_id FROM item_fits AS f WHERE f.model_id = ")
                .push_bind(fits.model.0);
            year(sql);
            sql.push(
                " UNION ALL SELECT f.item_id FROM item_fits AS f WHERE f.model_id IS NULL AND lower(f.make) = lower(",
            );
            sql.push_bind(fits.make.clone()).push(")");
            year(sql);
            sql.push(")");
        }
        if let Some(Days { first, last }) = query.free {
            sql.push(" AND NOT EXISTS (SELECT FROM hire_days AS h WHERE h.item_id = t.item_id AND h.day BETWEEN ");
            // With an offset the days of each are looked up in turn: as a join they could be a reason to read the whole table.
            sql.push_bind(first).push(" AND ").push_bind(last).push(" OFFSET 0)");
        }
        self.push_circle(sql);
    }

    fn push_price(&self, sql: &mut QueryBuilder<Postgres>, price: PriceRange) {
        let exactly = |sql: &mut QueryBuilder<Postgres>| {
            sql.push("t.price_minor IS NOT NULL");
            if let Some(from) = price.from {
                sql.push(" AND t.price_minor >= ").push_bind(from);
            }
            if let Some(to) = price.to {
                sql.push(" AND t.price_minor <= ").push_bind(to);
            }
        };
        let Some(Euros { from, to }) = self.euros else {
            sql.push(" AND t.currency = ").push_bind(price.currency).push(" AND ");
            exactly(sql);
            return;
        };
        sql.push(" AND t.euros IS NOT NULL");
        push_range(sql, "t.euros", from, to);
        // By older rates until they are converted again: in its own currency a price is what it says.
        sql.push(" AND (t.currency <> ").push_bind(price.currency).push(" OR ");
        exactly(sql);
        sql.push(")");
    }

    fn push_circle(&self, sql: &mut QueryBuilder<Postgres>) {
        let Some(circle) = &self.circle else { return };
        if circle.within_m.is_none() && self.query.sort != Sort::Distance {
            return;
        }
        sql.push(" AND t.place IS NOT NULL AND t.body = ").push_bind(circle.near.body.clone());
        push_areas(sql, &circle.areas);
        if let Some(within) = circle.within_m {
            sql.push(" AND ");
            self.push_distance(sql);
            sql.push(" <= ").push_bind(within);
        }
    }
}

impl<'a> Circle<'a> {
    /// Looks up the areas around the place if few enough places are in them.
    async fn new(conn: &mut PgConnection, near: &'a Near, within_m: Option<f64>) -> Result<Self, sqlx::Error> {
        // A search near a body that is not there has been refused.
        let radius_m = radius_of(conn, &near.body).await?.unwrap_or(1.0);
        let mut circle = Self { near, radius_m, within_m, areas: Vec::new() };
        let Some(within) = within_m else { return Ok(circle) };
        let areas = around(near.latitude, near.longitude, within, radius_m);
        let mut sql =
            QueryBuilder::new("SELECT count(*) FROM (SELECT FROM listing_search AS t WHERE t.place IS NOT NULL");
        push_areas(&mut sql, &areas);
        sql.push(" LIMIT ").push_bind(MANY).push(") AS there");
        let there: i64 = sql.build_query_scalar().persistent(false).fetch_one(conn).await?;
        if there < MANY {
            circle.areas = areas;
        }
        Ok(circle)
    }
}

/// The listings with numbers in the rarest of these ranges; `None` if there are many in every one.
async fn few(conn: &mut PgConnection, filters: &[Filter]) -> Result<Option<Vec<Uuid>>, sqlx::Error> {
    let mut few: Option<Vec<Uuid>> = None;
    for filter in filters {
        let Wanted::Range(from, to) = filter.wanted else { continue };
        let most = few.as_ref().map_or(MANY, |few| i64::try_from(few.len()).unwrap_or(MANY));
        let ids = sqlx::query_scalar!(
            "SELECT listing_id
             FROM listing_numbers
             WHERE name = $1
               AND value BETWEEN coalesce($2, '-infinity'::double precision) AND coalesce($3, 'infinity'::double precision)
             ORDER BY value
             LIMIT $4",
            filter.name,
            from,
            to,
            most,
        )
        .fetch_all(&mut *conn)
        .await?;
        if i64::try_from(ids.len()).is_ok_and(|len| len < most) {
            few = Some(ids);
        }
    }
    Ok(few)
}

fn push_areas(sql: &mut QueryBuilder<Postgres>, areas: &[Area]) {
    for (place, area) in areas.iter().enumerate() {
        sql.push(if place == 0 { " AND (" } else { " OR " });
        sql.push("t.place <@ box(point(").push_bind(area.west).push(", ").push_bind(area.south);
        sql.push("), point(").push_bind(area.east).push(", ").push_bind(area.north).push("))");
    }
    if !areas.is_empty() {
        sql.push(")");
    }
}

fn push_range(sql: &mut QueryBuilder<Postgres>, column: &str, from: Option<f64>, to: Option<f64>) {
    for (bound, comparison) in [(from, " >= "), (to, " <= ")] {
        if let Some(bound) = bound {
            sql.push(" AND ").push(column).push(comparison).push_bind(bound);
        }
    }
}
