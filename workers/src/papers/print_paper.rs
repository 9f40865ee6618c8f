use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use jobs::papers::PrintPaper;
use market::appointments::rules::AppointmentRefusal;
use market::appointments::store::{self as appointments, AppointmentError};
use market::ids::AppointmentId;
use market::leftovers::store::{Table, lock};
use market::offers::model::Party;
use market::papers::model::{Paper, PaperStatus, Subject};
use market::papers::store;
use queue::{Handler, NotWanted, Outcome};
use serde_json::json;
use sqlx::PgConnection;

use super::content::Content;
use crate::{Cx, Services};

/// How long a file is kept; a release pass goes when it is good for nothing.
const KEPT: Duration = Duration::from_hours(24 * 30);

/// A pass that is printed before it is issued: neither the queue nor the database ever holds it.
struct NewPass {
    appointment: AppointmentId,
    by: Party,
    pass: String,
    good_until: DateTime<Utc>,
}

impl Handler<Services> for PrintPaper {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut conn = cx.db().acquire().await?;
        // What an earlier attempt has left under the paper's key may be swept at this moment: only then is the key free.
        lock(&mut conn, Table::Papers, self.paper.0).await?;
        let Some(paper) = store::find(&mut conn, self.paper).await? else {
            return Ok(Outcome::Cancel("the paper is gone".to_owned()));
        };
        if paper.status != PaperStatus::Queued {
            return Ok(Outcome::Done);
        }
        let read = read(cx, &mut conn, &paper).await;
        drop(conn);
        let (content, pass) = match read {
            Ok(read) => read,
            Err(error) => return not_possible(cx, &paper, error).await,
        };
        let printed = match cx.fonts.print(move |fonts| content.print(fonts)).await? {
            Ok(printed) => printed,
            Err(error) => {
                let mut conn = cx.db().acquire().await?;
                store::fail(&mut conn, paper.id, "The paper cannot be printed. Our operators can see why.").await?;
                return Ok(Outcome::Dead(error.to_string()));
            }
        };
        cx.progress(50, "uploading").await?;
        let (key, bytes) = (Paper::key(paper.id), printed.bytes.len());
        cx.blobs.put(&key, "application/pdf", printed.bytes).await?;

        let expires_at = pass.as_ref().map_or_else(|| cx.clock().now() + KEPT, |pass| pass.good_until);
        let (id, key, pass) = (paper.id, &key, &pass);
        let result = json!({ "object_key": key, "bytes": bytes, "pages": printed.pages });
        // The file is there: a database that cannot commit now must not cost the whole work once more.
        let recorded = cx.commit_after_effect(Some(result), |mut tx| async move {
            if !store::finish(&mut tx, id, key, expires_at).await? {
                return Err(NotWanted.into());
            }
            if let Some(NewPass { appointment, by, pass, .. }) = pass {
                match appointments::issue_this(&mut tx, *by, *appointment, pass.clone()).await {
                    Ok(_) => {}
                    Err(AppointmentError::Sql(error)) => return Err(error.into()),
                    // Moved or cancelled meanwhile: what was printed lets nothing out.
                    Err(_) => return Err(NotWanted.into()),
                }
            }
            Ok(tx)
        });
        match recorded.await {
            Err(error) if error.is::<NotWanted>() => unwanted(cx, &paper).await,
            recorded => recorded,
        }
    }
}

/// What stands on a paper, read now.
async fn read(cx: &Cx, conn: &mut PgConnection, paper: &Paper) -> Result<(Content, Option<NewPass>), AppointmentError> {
    let gone = AppointmentError::NotFound;
    Ok(match paper.subject() {
        Subject::PickingList(id) => {
            (Content::picking_list(store::picking_list(conn, id).await?.ok_or(gone)?, paper.created_at), None)
        }
        Subject::ShippingLabel(id) => {
            let shipment = store::consignment(conn, id).await?.ok_or(gone)?;
            let link = cx.renderer.address(format_args!("/v1/track/{}", shipment.tracking));
            (Content::label(shipment, link, paper.created_at), None)
        }
        Subject::WasteMovement(id) => {
            let shipment = store::consignment(conn, id).await?.ok_or(gone)?;
            let stated = paper.waste.clone().unwrap_or_default();
            let names = store::country_names(conn, &stated.countries()).await?;
            (Content::movement(shipment, stated, &names, paper.created_at), None)
        }
        Subject::ReleasePass(appointment) => {
            let by = Party { org: paper.org, user: paper.requested_by };
            let good_until = appointments::may_issue(conn, by, appointment).await?;
            let pass = appointments::new_pass();
            let collection = store::collection(conn, appointment).await?.ok_or(AppointmentRefusal::NoCollection)?;
            let content = Content::pass(collection, pass.clone(), paper.created_at);
            (content, Some(NewPass { appointment, by, pass, good_until }))
        }
    })
}

/// Ends a paper about something that is not as it was when it was asked for.
async fn not_possible(cx: &Cx, paper: &Paper, error: AppointmentError) -> anyhow::Result<Outcome> {
    if let AppointmentError::Sql(error) = error {
        return Err(error).context("read what stands on the paper");
    }
    let mut tx = cx.begin().await?;
    store::fail(&mut tx, paper.id, &error.to_string()).await?;
    cx.commit_with(tx, json!({ "failure": error.to_string() })).await
}

/// Another run has finished the paper, with the file that is there; or its pass cannot be issued any more, and the file goes.
async fn unwanted(cx: &Cx, paper: &Paper) -> anyhow::Result<Outcome> {
    let mut conn = cx.db().acquire().await?;
    let now = store::find(&mut conn, paper.id).await?;
    if now.is_some_and(|now| now.status != PaperStatus::Queued) {
        return Ok(Outcome::Done);
    }
    store::fail(&mut conn, paper.id, "the appointment was moved or cancelled meanwhile").await?;
    drop(conn);
    cx.blobs.delete(&Paper::key(paper.id)).await?;
    Ok(Outcome::Done)
}
