use jobs::images::DeleteImage;
use market::images::model::Status;
use market::images::store::{self, ImageError};
use queue::{Handler, NotWanted, Outcome};

use crate::{Cx, Services};

impl Handler<Services> for DeleteImage {
    async fn run(self, cx: &Cx) -> anyhow::Result<Outcome> {
        let mut conn = cx.db().acquire().await?;
        let image = match store::get(&mut conn, self.image).await {
            Ok(image) => image,
            Err(ImageError::NotFound(_)) => return Ok(Outcome::Done),
            Err(error) => return Err(error.into()),
        };
        if image.status != Status::Deleting {
            return Ok(Outcome::Cancel("the image is not marked for deletion".to_owned()));
        }
        // A listing that was listed again shows the same files; they go with the last of them.
        let keys = store::own_files(&mut conn, image.id).await?;
        drop(conn);
        // Files first: as long as the row is there, the next run knows what to remove.
        for key in &keys {
            cx.blobs.delete(key).await?;
        }
        let image = image.id;
        let recorded = cx.commit_after_effect(None, |mut tx| async move {
            match store::remove(&mut tx, image).await {
                Ok(()) => Ok(tx),
                Err(ImageError::NotFound(_)) => Err(NotWanted.into()),
                Err(error) => Err(error.into()),
            }
        });
        match recorded.await {
            // Another run has removed it.
            Err(error) if error.is::<NotWanted>() => Ok(Outcome::Done),
            recorded => recorded,
        }
    }
}
