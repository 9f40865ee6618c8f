//! Bounds how many pictures are processed at a time.

use std::sync::Arc;

use market::images::model::Refusal;
use pictures::{Processed, process};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Lets at most `slots` photographs be in memory at a time. Clones share the slots.
#[derive(Clone, Debug)]
pub struct ImageSlots {
    slots: Arc<Semaphore>,
}

/// A place for one photograph, taken before its bytes are fetched: whoever waits for one holds no
/// bytes.
#[derive(Debug)]
pub struct Slot {
    _permit: OwnedSemaphorePermit,
}

/// Why a picture has no variants.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The picture is at fault: trying again does not help.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The process is shutting down.
    #[error("the image worker is shutting down")]
    Closed,
}

impl ImageSlots {
    /// One slot takes up to some 600 MB for the largest picture that is accepted (`eight_at_once_take_the_memory_of_the_slots`).
    pub fn new(slots: usize) -> Self {
        Self { slots: Arc::new(Semaphore::new(slots.max(1))) }
    }

    /// Waits for a place.
    pub async fn slot(&self) -> Result<Slot, ProcessError> {
        Arc::clone(&self.slots)
            .acquire_owned()
            .await
            .map(|permit| Slot { _permit: permit })
            .map_err(|_| ProcessError::Closed)
    }
}

impl Slot {
    /// Runs [`process`] on a blocking thread. A caller that gives up does not free the place: the thread holds it until the
    /// pixels are gone.
    pub async fn process(self, bytes: Vec<u8>) -> Result<Processed, ProcessError> {
        let work = tokio::task::spawn_blocking(move || {
            let _slot = self;
            process(&bytes)
        });
        match work.await {
            Ok(outcome) => Ok(outcome?),
            // The decoders are tested never to panic on hostile bytes; if one does, the picture is
            // at fault and not the worker.
            Err(error) if error.is_panic() => {
                tracing::error!("a picture made its decoder panic");
                Err(Refusal::Damaged.into())
            }
            Err(_) => Err(ProcessError::Closed),
        }
    }
}

#[cfg(test)]
mod tests;
