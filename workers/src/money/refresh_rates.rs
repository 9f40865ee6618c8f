use anyhow::Context;
use chrono::TimeDelta;
use jobs::money::RefreshRates;
use market::money::model::{NewSnapshot, Stored};
use market::money::store::rates::{self, RatesError};
use queue::{Handler, Outcome};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::eurofxref;
use crate::{Cx, Services};

/// Who states the rates; the file's format is this bank's.
const SOURCE: &str = "ecb";

impl Handler<Services> for RefreshRates {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let Some(source) = &cx.rates else {
            return Ok(Outcome::DoneWith(json!({ "stored": false, "why": "no address of a file of rates is set" })));
        };
        let file = source.fetch().await?;
        let stated = eurofxref::read(&file)?;
        // It is tomorrow somewhere. A day beyond that would be the newest for ever.
        let today = (cx.clock().now() + TimeDelta::hours(14)).date_naive();
        anyhow::ensure!(stated.day <= today, "the file states the rates of {}, which has not come yet", stated.day);
        if !stated.skipped.is_empty() {
            cx.log(format!("skipped {}", stated.skipped.join(", ")));
        }

        let mut tx = cx.begin().await?;
        let newest = rates::newest(&mut tx).await?.map(|newest| newest.day);
        let stored = if newest.is_some_and(|newest| stated.day < newest) {
            cx.log(format!("the file is of {}, and newer rates are stored", stated.day));
            false
        } else {
            let new = NewSnapshot {
                source: SOURCE.to_owned(),
                day: stated.day,
                checksum: Sha256::digest(&file).into(),
                rates: stated.rates,
            };
            match rates::store(&mut tx, &new).await {
                Ok(Stored::Now(_)) => true,
                Ok(Stored::Before(_)) => false,
                // Documents stand on the rates of that day: somebody has to look at why they should have been others.
                Err(error @ RatesError::DayTaken { .. }) => return Ok(Outcome::Dead(error.to_string())),
                Err(error) => return Err(error).context("the rates were not stored"),
            }
        };
        let result = json!({ "stored": stored, "day": stated.day, "skipped": stated.skipped.len() });
        cx.commit_with(tx, result).await
    }
}

#[cfg(test)]
mod tests;
