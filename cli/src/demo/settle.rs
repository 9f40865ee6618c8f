//! Waits after the play until the jobs have done their part, then reads the figures.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::ensure;
use chrono::{DateTime, Utc};
use market::auctions::model::AuctionStatus;
use shared::ids::OrgId;
use shared::money::Money;

use super::bids::CURRENCY;
use super::chats;
use super::fates::Counts;
use super::figures::{Figures, Wanted, percentile};
use super::hooks::Received;
use super::journey::EVENTS_EACH;
use super::photos;
use super::plan::{ADMIN, Plan};
use super::play::Answers;
use super::progress::Step;
use super::run::Outcome;
use super::sale;
use super::shop;
use super::store::{Lots, Stored};

/// How long nothing may change before it is pointless to wait any longer.
const PATIENCE: Duration = Duration::from_secs(45);
/// How often it is looked; less often when a look takes long, so that whoever waits for the machine does not keep it busy.
const LOOK_EVERY: Duration = Duration::from_millis(250);
const LOOK_SELDOM: Duration = Duration::from_secs(2);
/// How many times as long as a look takes the pause after it is.
const PAUSE: u32 = 9;

/// One play of the plan, by its seller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    pub(crate) number: u32,
    pub(crate) seller: OrgId,
}

/// Waits for parts that others make: `look` returns how many of `total` are missing. Gives up when
/// that number has not fallen for a while, and returns it. Prints nothing if nothing is missing.
pub(crate) async fn wait(
    name: &'static str,
    total: u64,
    mut look: impl AsyncFnMut() -> anyhow::Result<u64>,
) -> anyhow::Result<u64> {
    let mut missing = look().await?;
    if missing == 0 {
        return Ok(0);
    }
    let step = Step::begin(name, total);
    let (mut changed, mut pause) = (Instant::now(), LOOK_EVERY);
    while missing > 0 && changed.elapsed() < PATIENCE {
        step.at(total.saturating_sub(missing));
        tokio::time::sleep(pause).await;
        let began = Instant::now();
        let before = std::mem::replace(&mut missing, look().await?);
        pause = (began.elapsed() * PAUSE).clamp(LOOK_EVERY, LOOK_SELDOM);
        if missing < before {
            changed = Instant::now();
        }
    }
    step.at(total.saturating_sub(missing));
    step.end();
    Ok(missing)
}

/// The organisation that holds the sale event, once it is there.
pub(crate) async fn auctioneer(stored: &mut Stored, plan: &Plan) -> anyhow::Result<Option<OrgId>> {
    Ok(stored.people(plan).await?.get(&plan.auctioneer_email()).and_then(|person| person.org))
}

/// Waits until the images pool has made every file.
pub(crate) async fn until_photographs_are_ready(stored: &mut Stored, plan: &Plan, round: &Round) -> anyhow::Result<()> {
    let wanted = photos::variants(plan.auctions.len());
    let look = async || Ok(wanted.saturating_sub(stored.image_variants(round.seller).await?));
    let missing = wait("making image variants", wanted, look).await?;
    ensure!(missing == 0, "{missing} image variants are still missing: `tradeyard jobs list` shows why");
    Ok(())
}

/// Waits until the jobs have closed every auction.
pub(crate) async fn until_closed(stored: &mut Stored, plan: &Plan, round: &Round) -> anyhow::Result<()> {
    let auctioneer = auctioneer(stored, plan).await?;
    let look = async || {
        let in_event = stored.sale_lots(auctioneer).await?.open;
        let lots = stored.lots(round.seller).await?;
        Ok(in_event + lots.values().filter(|lot| lot.auction_status.is_some_and(AuctionStatus::is_open)).count() as u64)
    };
    let missing = wait("auctions closed by their jobs", plan.auctions.len() as u64, look).await?;
    ensure!(missing == 0, "{missing} auctions are still open after their end: `tradeyard jobs list` shows why");
    Ok(())
}

/// Waits until no job is open, every mail and webhook is sent, and every event is stored. Whatever never comes shows in the figures.
pub(crate) async fn until_quiet(
    stored: &mut Stored,
    plan: &Plan,
    round: &Round,
    sellers: &[OrgId],
    since: DateTime<Utc>,
) -> anyhow::Result<()> {
    let events = events_of(plan);
    let emails = emails_of(plan);
    let look = async || {
        // While jobs are open nothing else is counted: that reads all that was sent and stored.
        let open = stored.open_jobs(since, sellers).await?;
        if open > 0 {
            return anyhow::Ok(open);
        }
        let missing_events = events.saturating_sub(stored.events(round.seller).await?);
        let missing_emails = emails.saturating_sub(emails_sent(stored, plan, round).await?);
        let waiting = stored.webhooks(sellers).await?.waiting;
        // What came since the first look at the jobs may have begun others: an event is stored before its shipment is told of it.
        Ok(missing_events + missing_emails + waiting + stored.open_jobs(since, sellers).await?)
    };
    wait("waiting for mails, webhooks and events", 0, look).await?;
    Ok(())
}

/// How many events the carrier reports of what is sent: of every lot that is paid.
fn events_of(plan: &Plan) -> u64 {
    Counts::of(plan, 0).paid * EVENTS_EACH
}

/// How many mails one round makes: two to everybody who registered and was approved (the bidders
/// and the seller), one to everybody who lost a lead, to both parties of each sale and to the
/// seller of each lot that was not sold, and one about the report.
fn emails_of(plan: &Plan) -> u64 {
    let people = plan.bidders.len() as u64 + 1;
    people * 2 + plan.total(|ending| ending.outbid + if ending.price.is_some() { 2 } else { 1 }) + 1
}

async fn emails_sent(stored: &mut Stored, plan: &Plan, round: &Round) -> anyhow::Result<u64> {
    let lots = stored.lots(round.seller).await?;
    let auctions: Vec<_> = lots.values().filter_map(|lot| lot.auction).collect();
    let seller = plan.seller_email(round.number);
    let people = stored.people(plan).await?;
    let others =
        [ADMIN.to_owned(), plan.shop_email(), plan.reporter_email(), plan.recycler_email(), plan.auctioneer_email()];
    let of_round = |email: &str| {
        !others.iter().any(|other| other == email) && (Plan::round_of(email).is_none() || email == seller)
    };
    let users: Vec<_> = people.iter().filter(|(email, _)| of_round(email)).map(|(_, person)| person.user).collect();
    let report = stored.report(round.seller).await?.map(|report| report.id);
    Ok(stored.emails(&auctions, &users, report).await?)
}

/// What is known of a play besides what is stored.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    /// When the demo began.
    pub(crate) since: DateTime<Utc>,
    /// The round's, and the shop.
    pub(crate) sellers: [OrgId; 2],
    pub(crate) shop_orders: usize,
    /// Of this run, if it played.
    pub(crate) answers: Option<Answers>,
    /// By this run's receiver.
    pub(crate) webhooks: Received,
    /// Where the documents lie.
    pub(crate) documents: Vec<PathBuf>,
}

/// The figures as they are stored, and as they must be.
pub(crate) async fn outcome(stored: &mut Stored, plan: &Plan, round: &Round, known: &Known) -> anyhow::Result<Outcome> {
    let lots = stored.lots(round.seller).await?;
    let jobs = stored.jobs(known.since, &known.sellers).await?;
    let (ends, books) = (stored.ends(&known.sellers).await?, stored.books().await?);
    let (shipped, webhooks) = (stored.shipped(&known.sellers).await?, stored.webhooks(&known.sellers).await?);
    let [_, keeper] = known.sellers;
    let left = stored.left(keeper).await?;
    let report = stored.report(round.seller).await?;
    let auctioneer = auctioneer(stored, plan).await?;
    let sale = stored.sale_lots(auctioneer).await?;
    let late = |lot: &super::store::Lot| Some((lot.closed_at? - lot.ends_at?).as_seconds_f64() * 1_000.0);
    let mut lateness: Vec<f64> = lots.values().filter_map(late).collect();
    lateness.sort_by(f64::total_cmp);
    let accepted = lots.values().map(|lot| lot.bids.unsigned_abs()).sum();
    let exact = plan.auctions.iter().filter(|auction| sold_for(&lots, &auction.name) == Some(auction.final_price));
    let figures = Figures {
        bids_accepted: accepted,
        // Refusals leave no trace: to a later run they are the bids that are not stored.
        bids_refused: known.answers.map_or_else(|| plan.bids().saturating_sub(accepted), |answers| answers.refused),
        auctions: lots.values().filter(|lot| lot.closed_at.is_some()).count() as u64,
        auctions_at_recorded_price: exact.count() as u64,
        closing_lateness_p50_ms: percentile(&lateness, 0.5),
        closing_lateness_p99_ms: percentile(&lateness, 0.99),
        emails_delivered: emails_sent(stored, plan, round).await?,
        image_variants: stored.image_variants(round.seller).await?,
        report_rows: report.as_ref().and_then(|report| report.row_count).map_or(0, i64::unsigned_abs),
        report_total: Money::from_minor(report.map_or(0, |report| report.total), CURRENCY).amount(),
        events_stored: stored.events(round.seller).await?,
        shipments_delivered: shipped.delivered,
        shipments_wrong: shipped.wrong,
        event_lots_closed: sale.closed,
        event_limit_exceeded: sale.exceeded,
        orders_paid: ends.paid,
        orders_defaulted: ends.defaulted,
        webhooks_delivered: webhooks.delivered,
        webhooks_received: known.webhooks.got,
        webhooks_again: known.webhooks.again,
        chat_messages: stored.chat_messages(round.seller).await?,
        escrow_held: ends.held,
        escrow_released: ends.released,
        escrow_refunded: ends.refunded,
        escrow_partly: ends.partly,
        money_ledger_sum: books.money_ledger_sum,
        stock_mismatches: books.stock_mismatches + shop::mismatches(&left, known.shop_orders),
        invoice_gaps: books.invoice_gaps,
        orders_without_invoice: books.orders_without_invoice,
        refunds_without_credit_note: books.refunds_without_credit_note,
        jobs_open: jobs.open,
        jobs_dead: jobs.dead,
        documents: known.documents.clone(),
    };
    let notes = format!("jobs: {} succeeded, {} cancelled", jobs.succeeded, jobs.cancelled);
    let mut wanted = wanted(plan, &lots, known);
    if !webhooks.is_followed {
        // The installation sends webhooks only to addresses that everybody can reach.
        wanted.webhooks_delivered = 0;
    }
    Ok(Outcome { figures, wanted, notes })
}

fn sold_for(lots: &Lots, name: &str) -> Option<Money> {
    lots.get(name)?.sold_for.map(|minor| Money::from_minor(minor, CURRENCY))
}

/// The figures that follow from the file by the rules.
fn wanted(plan: &Plan, lots: &Lots, known: &Known) -> Wanted {
    let shop_orders = known.shop_orders;
    let shown = |price: Option<Money>| price.map_or_else(|| "unsold".to_owned(), |price| price.to_string());
    let pairs = || plan.auctions.iter().zip(&plan.endings);
    let sold = pairs().filter(|(_, ending)| ending.price.is_some()).count() as u64;
    Wanted {
        bids_accepted: plan.total(|ending| ending.accepted),
        bids_refused: plan.total(|ending| ending.refused),
        auctions: plan.auctions.len() as u64,
        auctions_at_recorded_price: pairs().filter(|(it, ending)| ending.price == Some(it.final_price)).count() as u64,
        wrong_endings: pairs()
            .filter(|(it, ending)| sold_for(lots, &it.name) != ending.price)
            .map(|(it, ending)| {
                format!("{}: {}, by the rules {}", it.name, shown(sold_for(lots, &it.name)), shown(ending.price))
            })
            .collect(),
        emails_delivered: emails_of(plan),
        image_variants: photos::variants(plan.auctions.len()),
        report_rows: sold,
        report_total: Money::from_minor(
            pairs().filter_map(|(_, ending)| ending.price).map(Money::minor).sum(),
            CURRENCY,
        ),
        events_stored: events_of(plan),
        event_lots_closed: sale::lots_of(shop_orders) as u64,
        webhooks_delivered: Counts::of(plan, shop_orders).webhooks(),
        webhooks_received: known.webhooks.wanted,
        chat_messages: chats::wanted(plan),
        ends: Counts::of(plan, shop_orders),
    }
}
