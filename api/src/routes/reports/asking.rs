//! What becomes of asking for a report: it is judged, and stored with its job.

use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use jobs::reports::{Wish, ask};
use market::identity::store::{self as identity, Org};
use market::reports::model::NewReport;
use market::reports::rules::{MAX_DAYS, Period, PeriodError, Unfit, judge};
use market::reports::store::{self, ReportError};
use queue::JobTx;
use shared::ids::{OrgId, UserId};
use shared::trace::TraceParent;

use super::{CreateReport, ReportView};
use crate::error::{Problem, Result};
use crate::idempotency::{Act, Done, Made};

/// A report that somebody asks for, in a transaction that may be shared.
#[derive(Clone)]
pub(crate) struct Asking {
    pub(super) org: OrgId,
    pub(super) by: UserId,
    pub(super) body: CreateReport,
    pub(super) now: DateTime<Utc>,
    pub(super) trace: Option<TraceParent>,
}

impl Act for Asking {
    const NAME: &'static str = "reports";
    const STATUS: StatusCode = StatusCode::ACCEPTED;
    type Body = ReportView;

    async fn all(tx: &mut JobTx, acts: &[&Self]) -> Result<Vec<Option<Done<Self>>>> {
        Ok(make(tx, acts).await?.into_iter().map(Some).collect())
    }
}

/// Writes reports that jobs will make.
pub(super) async fn make(tx: &mut JobTx, asked: &[&Asking]) -> Result<Vec<Result<Made<ReportView>>>> {
    let ids: Vec<OrgId> = asked.iter().map(|asked| asked.org).collect();
    let orgs = identity::orgs_by_id(tx, &ids).await?;
    let mut judged: Vec<Result<Wish>> = Vec::with_capacity(asked.len());
    for asked in asked {
        judged.push(match asked.judge(orgs.get(&asked.org)) {
            Ok(wish) => store::known(tx, &asked.body.parameters).await.map(|()| wish).map_err(Problem::from),
            refused => refused,
        });
    }
    let wishes: Vec<Wish> = judged.iter().flatten().cloned().collect();
    let mut begun = ask(tx, &wishes).await?.into_iter();
    let answers = judged.into_iter().map(|judged| {
        let report = judged?.report;
        let begun = begun.next().ok_or(Problem::not_found("report"))?;
        Ok(Made::at(format!("/v1/reports/{}", begun.report), ReportView::queued(begun, &report)).by(Some(begun.job)))
    });
    Ok(answers.collect())
}

impl Asking {
    fn judge(&self, org: Option<&Org>) -> Result<Wish> {
        let zone = &org.ok_or(Problem::not_found("organisation"))?.time_zone;
        let zone = zone.parse().map_err(|_| Problem::internal(ReportError::UnknownZone(zone.clone())))?;
        let body = &self.body;
        let period = Period::new(body.first_day, body.last_day, zone).map_err(period_problem)?;
        if body.first_day > self.now.with_timezone(&zone).date_naive() {
            let detail = "the period has not begun yet";
            return Err(Problem::unprocessable("period_invalid", detail).at("/first_day", detail));
        }
        let (kind, format, parameters) = (body.kind, body.format, body.parameters);
        judge(kind, &period, &parameters).map_err(|error| match error {
            Unfit::PartOfMonth => {
                Problem::unprocessable("period_invalid", error.to_string()).at(error.pointer(), error.to_string())
            }
            error => unfit(error.pointer(), error.to_string()),
        })?;
        let report = NewReport {
            org: self.org,
            requested_by: Some(self.by),
            subscription: None,
            kind,
            format,
            period,
            parameters,
        };
        Ok(Wish { report, trace: self.trace })
    }
}

/// A report of this kind cannot be asked for like this.
pub(in crate::routes) fn unfit(pointer: &str, detail: String) -> Problem {
    Problem::unprocessable("parameters_invalid", detail.clone()).at(pointer, detail)
}

fn period_problem(error: PeriodError) -> Problem {
    let field = match error {
        PeriodError::Reversed | PeriodError::OutOfRange | PeriodError::NeverWas => "/last_day",
        PeriodError::TooLong => {
            let detail = format!("a report covers {MAX_DAYS} days at most");
            return Problem::unprocessable("period_invalid", detail.clone()).at("/last_day", detail);
        }
    };
    Problem::unprocessable("period_invalid", error.to_string()).at(field, error.to_string())
}
