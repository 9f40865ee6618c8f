use anyhow::Context as _;
use jobs::cargo::ProjectStandings;
use jobs::shipments::followed;
use market::cargo::store::{Mark, marks, postpone, standing, unmark};
use market::shipments::model::Tracking;
use market::shipments::store::{self, ShipmentError};
use queue::{Handler, Outcome};
use serde_json::json;

use crate::{Cx, Services};

/// The most marks that are carried over together; a batch of the lane has no more.
const MOST: u16 = 2000;
/// How often one run looks for overdue ones; the next run takes the rest.
const ROUNDS: u32 = 20;

/// What a run has done.
#[derive(Debug, Default)]
struct Sum {
    carried: usize,
    moved: usize,
    refused: usize,
}

impl Handler<Services> for ProjectStandings {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut sum = Sum::default();
        for _ in 0..ROUNDS {
            // Given back between the steps: the lane needs the same connections.
            let found = marks(&mut *cx.events.acquire().await?, self.change, MOST.into()).await?;
            carry(cx, &found, &mut sum).await?;
            // One that could not follow keeps its number: it is not looked for again here.
            if self.change.is_some() || found.len() < usize::from(MOST) {
                break;
            }
        }
        let Sum { carried, moved, refused } = sum;
        if self.change.is_none() && carried > 0 {
            tracing::warn!(marks = carried, "shipments had not been told of news");
        }
        Ok(Outcome::DoneWith(json!({ "carried": carried, "moved": moved, "refused": refused })))
    }
}

/// Carries marks over, and takes them away. Whoever dies in between does it again: the shipments are there already.
async fn carry(cx: &Cx, found: &[Mark], sum: &mut Sum) -> anyhow::Result<()> {
    if found.is_empty() {
        return Ok(());
    }
    let mut tx = cx.begin().await?;
    let behind = store::hear(&mut tx, found).await.context("note what was heard")?;
    tx.commit().await?;
    let mut refused = Vec::new();
    for mark in behind {
        match follow(cx, mark).await? {
            Followed::Moved => sum.moved += 1,
            Followed::AlreadyThere => {}
            Followed::Refused(reason) => {
                metrics::counter!("tradeyard_cargo_follow_refused_total").increment(1);
                tracing::warn!(
                    shipment = mark.shipment,
                    reason,
                    "a shipment cannot follow its events; tried again later"
                );
                refused.push(mark);
            }
        }
    }
    let mut events = cx.events.acquire().await?;
    for mark in &refused {
        postpone(&mut events, mark).await?;
    }
    let is_refused = |mark: &Mark| refused.iter().any(|one| std::ptr::eq(*one, mark));
    let carried: Vec<&Mark> = found.iter().filter(|mark| !is_refused(mark)).collect();
    unmark(&mut events, &carried).await?;
    sum.carried += carried.len();
    sum.refused += refused.len();
    Ok(())
}

enum Followed {
    Moved,
    AlreadyThere,
    /// What would have come of it is not possible now, such as more units than a site has room for.
    Refused(String),
}

async fn follow(cx: &Cx, mark: &Mark) -> anyhow::Result<Followed> {
    let Some(number) = Tracking::read(&mark.shipment) else { return Ok(Followed::AlreadyThere) };
    let mut tx = cx.begin().await?;
    match store::lock_own(&mut tx, mark.org, &number).await {
        Ok(_) => {}
        Err(ShipmentError::NotFound) => return Ok(Followed::AlreadyThere),
        Err(error) => return Err(error.into()),
    }
    // Read under the lock: of two that move a shipment, the second one has the later news.
    let stands = standing(&mut *cx.events.acquire().await?, mark.org, &mark.shipment).await?;
    let done = match store::follow(&mut tx, mark.org, &mark.shipment, &stands).await {
        Ok(Some(done)) => done,
        Ok(None) => return Ok(Followed::AlreadyThere),
        Err(ShipmentError::Sql(error)) if !breaks_rule(&error) => return Err(error).context("follow the log"),
        Err(error) => return Ok(Followed::Refused(error.to_string())),
    };
    followed(&mut tx, &done).await?;
    match tx.commit().await {
        Ok(()) => Ok(Followed::Moved),
        Err(error) if breaks_rule(&error) => Ok(Followed::Refused(error.to_string())),
        Err(error) => Err(error).context("commit"),
    }
}

/// Whether a constraint was violated, so that trying again now does not help.
fn breaks_rule(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| code.starts_with("23"))
}
