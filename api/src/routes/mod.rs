//! The routes, one file a domain. Each has a `router()` that is merged here; `routes!` puts a route and its documentation in
//! together, and a test refuses a route that is not in the document. [`TOPICS`] lists what `WebSocket`s can watch.

mod acting;
mod admin;
mod api_keys;
mod appointments;
pub(crate) mod auctions;
mod auth;
mod basket;
mod cargo_events;
mod cargo_rejects;
mod carriers;
mod categories;
mod chat;
mod checkouts;
mod dashboard;
mod days;
mod disputes;
mod documents;
mod epcis;
mod erasure;
pub(crate) mod escrow;
mod export_proofs;
mod exports;
mod fx;
pub(crate) mod health;
mod hires;
mod images;
mod imports;
mod invitations;
mod invoices;
mod items;
mod jobs;
mod listings;
mod me;
mod models;
mod money;
mod notices;
mod notifications;
mod offers;
mod orders;
mod orgs;
mod pages;
mod papers;
mod payments;
mod payouts;
mod plans;
mod postmark;
mod queues;
mod reconciliation;
mod regions;
mod report_subscriptions;
pub(crate) mod reports;
mod returns;
mod reviews;
mod sale_events;
mod saved_searches;
mod schedules;
mod second_factor;
mod shipments;
mod sites;
mod standing;
mod stock;
mod track;
mod uploads;
mod vehicles;
mod watches;
mod webhook_endpoints;
mod ws;

use utoipa_axum::router::OpenApiRouter;

use crate::realtime::topic::Topics;
use crate::state::AppState;

/// Every kind of topic that a WebSocket can watch.
pub(crate) const TOPICS: Topics = Topics(&[
    &jobs::JobTopic,
    &auctions::AuctionTopic,
    &listings::ListingTopic::Shown,
    &listings::ListingTopic::Price,
    &listings::ListingTopic::Stock,
    &stock::LevelsTopic,
    &orders::OrderTopic,
    &sale_events::SaleEventTopic,
    &shipments::ShipmentTopic,
    &chat::ConversationTopic,
    &chat::UserTopic,
    #[cfg(test)]
    &crate::realtime::tests::Counter,
]);

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::new()
        .merge(health::router())
        .merge(auth::router())
        .merge(me::router())
        .merge(notices::router())
        .merge(notifications::router())
        .merge(second_factor::router())
        .merge(erasure::router())
        .merge(orgs::router())
        .merge(invitations::router())
        .merge(admin::router())
        .merge(categories::router())
        .merge(models::router())
        .merge(fx::router())
        .merge(money::router())
        .merge(items::router())
        .merge(regions::router())
        .merge(sites::router())
        .merge(standing::router())
        .merge(stock::router())
        .merge(listings::router())
        .merge(watches::router())
        .merge(dashboard::router())
        .merge(sale_events::router())
        .merge(saved_searches::router())
        .merge(auctions::router())
        .merge(basket::router())
        .merge(offers::router())
        .merge(chat::router())
        .merge(checkouts::router())
        .merge(payments::router())
        .merge(payouts::router())
        .merge(plans::router())
        .merge(reconciliation::router())
        .merge(orders::router())
        .merge(escrow::router())
        .merge(returns::router())
        .merge(reviews::router())
        .merge(invoices::router())
        .merge(disputes::router())
        .merge(uploads::router())
        .merge(documents::router())
        .merge(images::router())
        .merge(imports::router())
        .merge(reports::router())
        .merge(export_proofs::router())
        .merge(hires::router())
        .merge(exports::router())
        .merge(papers::router())
        .merge(report_subscriptions::router())
        .merge(cargo_events::router())
        .merge(cargo_rejects::router())
        .merge(carriers::router())
        .merge(epcis::router())
        .merge(shipments::router())
        .merge(appointments::router())
        .merge(track::router())
        .merge(vehicles::router())
        .merge(api_keys::router())
        .merge(webhook_endpoints::router())
        .merge(ws::router())
        .merge(jobs::router())
        .merge(queues::router())
        .merge(schedules::router())
        .merge(pages::router())
        .merge(postmark::router())
}
