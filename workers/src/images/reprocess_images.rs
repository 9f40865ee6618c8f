use std::time::Duration;

use jobs::images::{ProcessImage, ReprocessImages};
use market::images::store::{self, Place};
use queue::{Enqueue, Handler, Outcome, Priority};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::ids::JobId;

use crate::{Cx, Services};

/// How many pictures are handed over and not finished at any time.
const AT_ONCE: usize = 16;
/// How long until the next look.
const PAUSE: Duration = Duration::from_secs(2);

/// How far it is.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Progress {
    /// Pictures of an older recipe when it began.
    total: i64,
    handed_over: i64,
    /// The jobs among these that are not finished.
    open: Vec<JobId>,
    /// The last one handed over.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Place>,
}

impl Progress {
    fn done(&self) -> i64 {
        self.handed_over - i64::try_from(self.open.len()).unwrap_or_default()
    }

    fn percent(&self) -> u8 {
        // Pictures may have come meanwhile, and 100 is for the end.
        u8::try_from(self.done() * 100 / self.total.max(1)).unwrap_or(99).min(99)
    }
}

impl Handler<Services> for ReprocessImages {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let before: Option<Progress> = cx.checkpointed().await?;
        let mut tx = cx.begin().await?;
        let mut at = match before {
            Some(at) => at,
            None => Progress { total: store::count_outdated(&mut tx).await?, ..Progress::default() },
        };
        at.open = store::open_jobs(&mut tx, &at.open).await?;
        let room = AT_ONCE.saturating_sub(at.open.len());
        let page = store::outdated(&mut tx, at.after, room).await?;
        if page.is_empty() && at.open.is_empty() {
            let left = store::count_outdated(&mut tx).await?;
            let result = json!({ "total": at.total, "handed_over": at.handed_over, "left": left });
            return Ok(Outcome::DoneWith(result));
        }
        for (place, org) in page {
            let image = place.image;
            // Behind what people have just uploaded and wait for.
            let job = Enqueue::new(&ProcessImage { image, org }).priority(Priority::Low);
            let job = tx.enqueue_with(job).await?.id();
            store::set_job(&mut tx, image, job).await?;
            at.open.push(job);
            at.handed_over += 1;
            at.after = Some(place);
        }
        let shown = format!("{} of {} pictures", at.done(), at.total);
        cx.checkpoint(&mut tx, at.percent(), &shown, &at).await?;
        tx.commit().await?;
        Ok(Outcome::Snooze(PAUSE))
    }
}

#[cfg(test)]
mod tests;
