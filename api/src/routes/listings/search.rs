//! Finding what is on offer.

use axum::extract::{FromRequestParts, State};
use axum::http::Uri;
use axum::http::request::Parts;
use axum::response::Response;
use chrono::{Datelike, NaiveDate};
use market::catalog::store as catalog;
use market::images::store as images;
use market::listings::model::{Language, ListingStatus, SaleMode};
use market::listings::store as listings;
use market::search::model::{Criteria, Days, Facet, Fitting, Found, Near, PriceRange, Query as Search, Sort};
use market::search::rules::cursor::{self, CursorError};
use market::search::rules::filter::{self, FilterError, Filters};
use market::search::store;
use serde::{Deserialize, Serialize};
use shared::ids::OrgId;
use shared::money::{Currency, Money};
use sqlx::PgConnection;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::ListingView;
use crate::cache::What;
use crate::caching;
use crate::error::{Problem, Result};
use crate::extract::Query;
use crate::paging::Limit;
use crate::state::AppState;

/// The longest text that is searched for, in characters.
const MAX_TEXT: usize = 200;
/// Half-way round the Earth is less, in kilometres.
const MAX_KM: f64 = 21_000.0;
/// The most days that something is to be free.
const MAX_DAYS: i64 = 366;

pub(super) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new().routes(routes!(search_listings))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct SearchListings {
    /// Words as people type them: `"exact phrase"`, `-without`, `or`. They are looked for in the form that they have in the
    /// language of each listing.
    #[param(max_length = 200)]
    q: Option<String>,
    /// Only listings in this language.
    lang: Option<Language>,
    /// The path of a category; everything below it is found as well.
    category: Option<String>,
    seller: Option<OrgId>,
    /// Only what is sold in this way.
    mode: Option<SaleMode>,
    /// The least price per unit, in `currency`. Other currencies are compared by the newest rates; what has no price of its own,
    /// like an auction, is not found.
    #[param(pattern = "^(0|[1-9][0-9]*)(\\.[0-9]+)?$", max_length = 30)]
    price_from: Option<String>,
    /// The highest price per unit.
    #[param(pattern = "^(0|[1-9][0-9]*)(\\.[0-9]+)?$", max_length = 30)]
    price_to: Option<String>,
    /// Of `price_from` and `price_to`; euros if absent.
    currency: Option<Currency>,
    /// A place as degrees north and degrees east, on Earth or on the body that follows: `53.55,9.99` or `-3.2,-23.4,moon`.
    #[param(pattern = "^-?[0-9]+(\\.[0-9]+)?,-?[0-9]+(\\.[0-9]+)?(,[a-z0-9-]+)?$", max_length = 100)]
    near: Option<String>,
    /// Only what is no farther from `near`, in kilometres along the surface.
    #[param(minimum = 0.001, maximum = 21_000)]
    within_km: Option<f64>,
    /// The slug of a machine's model: only parts whose sellers say that they fit it.
    #[param(pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", max_length = 201)]
    fits: Option<String>,
    /// The year that the machine was built in.
    #[param(minimum = 1800, maximum = 2100)]
    fits_year: Option<i16>,
    /// Only what is free on every day from this one to `free_to`, 366 days at most; needs a `category` of services.
    free_from: Option<NaiveDate>,
    /// The last one of these days.
    free_to: Option<NaiveDate>,
    /// `distance` needs `near`, `relevance` needs `q`.
    #[serde(default)]
    #[param(inline, value_type = Option<Sort>)]
    sort: Sort,
    /// Whether to count the values of the attributes that the category can be filtered by.
    #[serde(default)]
    facets: bool,
    /// The `next` of an earlier page of the same search.
    #[param(pattern = "^[A-Za-z0-9_-]{43}$")]
    after: Option<String>,
    #[serde(default)]
    #[param(value_type = Option<u16>, minimum = 1, maximum = 100)]
    limit: Limit,
}

/// The parameter that may be given several times.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
struct Conditions {
    /// What an attribute must be: `make:John Deere`, `horsepower:80..`, `year:2015..2020`. Several values of one attribute are
    /// alternatives. Attributes are those that the schema of the category, or of one below it, has a `filter` for.
    #[param(rename = "where", max_items = 10, value_type = Option<Vec<String>>)]
    conditions: Vec<String>,
}

#[derive(Debug)]
struct Asked(SearchListings, Conditions);

impl<S: Send + Sync> FromRequestParts<S> for Asked {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let is_condition = |pair: &&str| pair.split('=').next() == Some("where");
        let whole = parts.uri.clone();
        let (conditions, others): (Vec<_>, Vec<_>) =
            whole.query().unwrap_or_default().split('&').partition(is_condition);
        parts.uri = query_alone(&conditions)?;
        let Query(conditions) = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await?;
        parts.uri = query_alone(&others)?;
        let others = Query::<SearchListings>::from_request_parts(parts, state).await;
        parts.uri = whole;
        let conditions = Conditions { conditions: conditions.into_iter().map(|(_, condition)| condition).collect() };
        Ok(Self(others?.0, conditions))
    }
}

fn query_alone(pairs: &[&str]) -> Result<Uri> {
    Uri::builder().path_and_query(format!("/?{}", pairs.join("&"))).build().map_err(Problem::internal)
}

/// A page of what was found.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FoundListings {
    items: Vec<ListingView>,
    /// Send this as `after`, with every other parameter as it was, to get the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// If asked for: `category`, then every attribute that has values to choose from. What is chosen of an attribute is left out
    /// of its own counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    facets: Option<Vec<Facet>>,
}

/// Search published listings
///
/// Newest first, unless `sort` says otherwise; every criterion given must hold.
#[utoipa::path(get, path = "/v1/listings", tag = "listings", security(()), params(SearchListings, Conditions), responses(
    (status = 200, description = "A page", body = FoundListings),
    (status = 400, description = "`invalid_query`"),
    (status = 422, description = "`invalid_search`: parameters need each other, or name what is not there; `unknown_filter`; `cursor_of_another_query`"),
))]
async fn search_listings(
    State(state): State<AppState>,
    uri: Uri,
    Asked(asked, Conditions { conditions }): Asked,
) -> Result<Response> {
    let what = if asked.facets { What::Facets } else { What::Listings };
    let page = state.cache.answer(what, &uri, || found(&state, asked, &conditions)).await?;
    Ok(caching::shared_encoded(page))
}

/// A page, read.
async fn found(state: &AppState, asked: SearchListings, conditions: &[String]) -> Result<FoundListings> {
    let mut conn = state.db.acquire().await?;
    let filters = if conditions.is_empty() && !asked.facets {
        Filters::default()
    } else {
        store::filters(&mut conn, asked.category.as_deref()).await?
    };
    let (limit, wants_facets, after) = (asked.limit, asked.facets, asked.after.clone());
    let search = read(&mut conn, asked, conditions, &filters).await?;
    let after = after.map(|after| go_on(&search, &after)).transpose()?;
    let rows = store::find(&mut conn, &search, after, limit.fetch()).await?;
    let page = limit.page(rows, |last| cursor::write(&search, *last), |found| found.id);
    let facets = if wants_facets { Some(store::facets(&mut conn, &search, &filters.facets()).await?) } else { None };
    let mut pictures = images::first_of(&mut conn, &page.items).await?;
    let listings = listings::listings(&mut conn, &page.items).await?;
    // What has left since it was found is not shown.
    let shown = listings.into_iter().filter(|one| one.status == ListingStatus::Published && !one.seller_suspended);
    let items = shown.map(|one| {
        let first = pictures.remove(&one.id);
        ListingView::new(one, first.into_iter().collect())
    });
    Ok(FoundListings { items: items.collect(), next: page.next, facets })
}

/// Checks a search that somebody wants to keep, by the rules of every other search.
pub(in crate::routes) async fn checked(conn: &mut PgConnection, criteria: &Criteria) -> Result<Search> {
    let Criteria { conditions, .. } = criteria.clone();
    let filters = if conditions.is_empty() {
        Filters::default()
    } else {
        store::filters(conn, criteria.category.as_deref()).await?
    };
    let search = read(conn, criteria.clone().into(), &conditions, &filters).await?;
    if search == Search::default() {
        return Err(Problem::unprocessable("invalid_search", "the search is not possible")
            .at("/query", "has at least one criterion"));
    }
    Ok(search)
}

impl From<Criteria> for SearchListings {
    fn from(criteria: Criteria) -> Self {
        Self {
            q: criteria.q,
            lang: criteria.lang,
            category: criteria.category,
            seller: criteria.seller,
            mode: criteria.mode,
            price_from: criteria.price_from,
            price_to: criteria.price_to,
            currency: criteria.currency,
            near: criteria.near,
            within_km: criteria.within_km,
            fits: criteria.fits,
            fits_year: criteria.fits_year,
            free_from: None,
            free_to: None,
            sort: Sort::Newest,
            facets: false,
            after: None,
            limit: Limit::default(),
        }
    }
}

/// Checks what is asked.
async fn read(
    conn: &mut PgConnection,
    asked: SearchListings,
    conditions: &[String],
    filters: &Filters,
) -> Result<Search> {
    if conditions.len() > filter::MOST {
        return Err(malformed("where", format!("has at most {} conditions", filter::MOST)));
    }
    let text = asked.q.filter(|text| !text.trim().is_empty());
    if text.as_deref().is_some_and(|text| text.chars().count() > MAX_TEXT) {
        return Err(malformed("q", format!("has at most {MAX_TEXT} characters")));
    }
    let near = match (asked.near, asked.within_km, asked.sort) {
        (None, Some(_), _) => return Err(bad("within_km", "needs near")),
        (None, None, Sort::Distance) => return Err(bad("sort", "distance needs near")),
        (None, None, _) => None,
        (Some(_), None, sort) if sort != Sort::Distance => {
            return Err(bad("near", "needs within_km, or sort=distance"));
        }
        (Some(near), within_km, _) => Some(place(conn, &near, within_km).await?),
    };
    if asked.sort == Sort::Relevance && text.is_none() {
        return Err(bad("sort", "relevance needs q"));
    }
    let fits = match (asked.fits, asked.fits_year) {
        (None, None) => None,
        (None, Some(_)) => return Err(bad("fits_year", "needs fits")),
        (Some(_), Some(year)) if !(1800..=2100).contains(&year) => {
            return Err(malformed("fits_year", "must lie between 1800 and 2100"));
        }
        (Some(slug), year) => {
            let model = catalog::model(conn, &slug).await?;
            Some(Fitting::of(model.ok_or_else(|| bad("fits", "there is no such model"))?, year))
        }
    };
    let free = match (asked.free_from, asked.free_to) {
        (None, None) => None,
        (Some(first), Some(last)) => Some(free(conn, asked.category.as_deref(), Days { first, last }).await?),
        (Some(_), None) => return Err(bad("free_from", "needs free_to")),
        (None, Some(_)) => return Err(bad("free_to", "needs free_from")),
    };
    Ok(Search {
        text,
        language: asked.lang,
        category: asked.category,
        seller: asked.seller,
        mode: asked.mode,
        filters: filter::read(conditions, filters)?,
        price: price(asked.price_from.as_deref(), asked.price_to.as_deref(), asked.currency)?,
        near,
        fits,
        free,
        sort: asked.sort,
    })
}

/// Days of calendars, in a category that has them.
async fn free(conn: &mut PgConnection, category: Option<&str>, days: Days) -> Result<Days> {
    for (parameter, day) in [("free_from", days.first), ("free_to", days.last)] {
        if !(2000..=2100).contains(&day.year()) {
            return Err(bad(parameter, "must lie between the years 2000 and 2100"));
        }
    }
    if !(0..MAX_DAYS).contains(&days.last.signed_duration_since(days.first).num_days()) {
        return Err(bad("free_to", format!("must not be before free_from, nor more than {MAX_DAYS} days in all")));
    }
    match category {
        Some(category) if store::has_calendars(conn, category).await? => Ok(days),
        _ => Err(bad("free_from", "needs a category of services")),
    }
}

/// Reads a cursor.
fn go_on(search: &Search, after: &str) -> Result<Found> {
    let is_cursor = after.len() == 43 && after.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if !is_cursor {
        return Err(malformed("after", CursorError::Malformed.to_string()));
    }
    Ok(cursor::read(search, after)?)
}

fn price(from: Option<&str>, to: Option<&str>, currency: Option<Currency>) -> Result<Option<PriceRange>> {
    if from.is_none() && to.is_none() {
        return match currency {
            Some(_) => Err(bad("currency", "needs price_from or price_to")),
            None => Ok(None),
        };
    }
    let currency = currency.unwrap_or(Currency::EUR);
    let bound = |name, text: Option<&str>| match text.map(|text| Money::parse(text, currency)) {
        None => Ok(None),
        Some(Ok(money)) if money.minor() >= 0 => Ok(Some(money.minor())),
        Some(Ok(_)) => Err(bad(name, "must not be below zero")),
        Some(Err(error)) => Err(bad(name, error.to_string())),
    };
    let range = PriceRange { currency, from: bound("price_from", from)?, to: bound("price_to", to)? };
    if let (Some(from), Some(to)) = (range.from, range.to)
        && from > to
    {
        return Err(bad("price_from", "must not be above price_to"));
    }
    Ok(Some(range))
}

/// Reads `53.55,9.99` or `-3.2,-23.4,moon`.
async fn place(conn: &mut PgConnection, near: &str, within_km: Option<f64>) -> Result<Near> {
    let parts: Vec<_> = near.split(',').map(str::trim).collect();
    let (north, east, body) = match parts[..] {
        [north, east] => (north, east, "earth"),
        [north, east, body] => (north, east, body),
        _ => return Err(malformed("near", "expected degrees north and degrees east: 53.55,9.99")),
    };
    let degrees = |text: &str, most: f64| text.parse().ok().filter(|degrees: &f64| (-most..=most).contains(degrees));
    let latitude = degrees(north, 90.0).ok_or_else(|| bad("near", "degrees north lie between -90 and 90"))?;
    let longitude = degrees(east, 180.0).ok_or_else(|| bad("near", "degrees east lie between -180 and 180"))?;
    if store::radius_of(conn, body).await?.is_none() {
        return Err(bad("near", format!("there is no body {body}")));
    }
    if within_km.is_some_and(|within| !(0.001..=MAX_KM).contains(&within)) {
        return Err(malformed("within_km", format!("must lie between 0.001 and {MAX_KM}")));
    }
    Ok(Near { body: body.to_owned(), latitude, longitude, within_m: within_km.map(|within| within * 1_000.0) })
}

/// It is not what the document says.
fn malformed(parameter: &'static str, expected: impl Into<String>) -> Problem {
    Problem::bad_request("invalid_query", "the query is not what this request takes").parameter(parameter, expected)
}

/// It is, and yet nothing can be looked for: parameters need each other, or name what is not there.
fn bad(parameter: &'static str, expected: impl Into<String>) -> Problem {
    Problem::unprocessable("invalid_search", "the search is not possible").parameter(parameter, expected)
}

impl From<FilterError> for Problem {
    fn from(error: FilterError) -> Self {
        match error {
            FilterError::Bad(error) => bad(error.parameter, error.message),
            FilterError::Unknown(message) => {
                let detail = "the category cannot be filtered by that";
                Self::unprocessable("unknown_filter", detail).parameter("where", message)
            }
        }
    }
}

impl From<CursorError> for Problem {
    fn from(error: CursorError) -> Self {
        match error {
            CursorError::Malformed => bad("after", error.to_string()),
            CursorError::OfAnotherQuery => {
                let detail = "the cursor is of another search";
                Self::unprocessable("cursor_of_another_query", detail).parameter("after", error.to_string())
            }
        }
    }
}

#[cfg(test)]
mod tests;
