use anyhow::Context as _;
use jobs::invoices::{RenderInvoice, mail};
use market::invoices::model::InvoiceFile;
use market::invoices::store::{self, NewFile};
use queue::{Handler, NotWanted, Outcome};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::paper;
use crate::{Cx, Services};

impl Handler<Services> for RenderInvoice {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut conn = cx.db().acquire().await?;
        // Orders from before invoices have none, nor have their refunds.
        let Some(id) = store::find(&mut conn, self.of).await? else { return Ok(Outcome::Done) };
        if store::file(&mut conn, id).await?.is_some() {
            return Ok(Outcome::Done);
        }
        let document = store::printable(&mut conn, id).await?.context("the document is gone")?;
        drop(conn);

        let invoice = document.invoice.clone();
        let printed = match cx.fonts.print(move |fonts| paper::print(fonts, &document)).await? {
            Ok(printed) => printed,
            Err(error) => return Ok(Outcome::Dead(error.to_string())),
        };
        if !printed.paper.missing.is_empty() {
            cx.log(format!("{} characters are in no font", printed.paper.missing.len()));
        }
        cx.progress(50, "uploading").await?;
        let (key, bytes) = (InvoiceFile::key(id), printed.paper.bytes);
        let (size, sha256) = (i64::try_from(bytes.len())?, Sha256::digest(&bytes).into());
        cx.blobs.put(&key, "application/pdf", bytes).await?;

        let result = json!({ "invoice": id, "object_key": key, "bytes": size, "lacks": printed.lacks });
        let new = NewFile { invoice: id, object_key: &key, bytes: size, sha256, lacks: printed.lacks.as_deref() };
        let invoice = &invoice;
        // The file is there: a database that cannot commit now must not cost the whole work once more.
        let recorded = cx.commit_after_effect(Some(result), |mut tx| async move {
            if !store::keep_file(&mut tx, new).await? {
                return Err(NotWanted.into());
            }
            mail::ready(&mut tx, invoice).await?;
            Ok(tx)
        });
        match recorded.await {
            // Another run has printed it: the same file.
            Err(error) if error.is::<NotWanted>() => Ok(Outcome::Done),
            recorded => recorded,
        }
    }
}
