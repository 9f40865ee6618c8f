//! The publisher's connection to RabbitMQ, made when it is first used and again after it breaks.

use std::fmt;
use std::sync::Arc;

use lapin::options::ConfirmSelectOptions;
use lapin::{Channel, Connection};
use queue::transport::rabbit::connection::{ConnectError, connect};
use secrecy::SecretString;
use tokio::sync::Mutex;

use super::topology;

/// RabbitMQ did not do what was asked. Does not show the URL, which may hold a password.
#[derive(Clone, Debug, thiserror::Error)]
#[error("RabbitMQ: {0}")]
pub struct LinkError(String);

impl LinkError {
    pub(super) fn new(problem: impl Into<String>) -> Self {
        Self(problem.into())
    }
}

impl From<lapin::Error> for LinkError {
    fn from(error: lapin::Error) -> Self {
        Self(error.to_string())
    }
}

impl From<ConnectError> for LinkError {
    fn from(error: ConnectError) -> Self {
        Self(error.to_string())
    }
}

#[derive(Clone)]
pub(super) struct Link(Arc<Inner>);

struct Inner {
    url: SecretString,
    namespace: String,
    live: Mutex<Option<Arc<Live>>>,
}

/// A connection with a confirming channel, over which the lane has been declared.
pub(super) struct Live {
    pub(super) connection: Connection,
    pub(super) publishing: Channel,
    /// lapin counts delivery tags and queues frames in two steps: only one caller at a time may do both.
    pub(super) turn: Mutex<()>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("namespace", &self.0.namespace).finish_non_exhaustive()
    }
}

impl Link {
    pub(super) fn new(url: SecretString, namespace: String) -> Self {
        Self(Arc::new(Inner { url, namespace, live: Mutex::default() }))
    }

    /// The connection, made now if there is none.
    pub(super) async fn live(&self) -> Result<Arc<Live>, LinkError> {
        let inner = Arc::clone(&self.0);
        // In a task of its own: a slow connection is completed even if the caller that asked for it
        // has given up.
        let made = tokio::spawn(async move {
            let mut slot = inner.live.lock().await;
            if let Some(live) = slot.as_ref().filter(|live| live.is_well()) {
                return Ok(Arc::clone(live));
            }
            *slot = None;
            Ok(Arc::clone(slot.insert(Arc::new(inner.open().await?))))
        });
        made.await.unwrap_or_else(|_| Err(LinkError::new("connecting was interrupted")))
    }

    /// Gives up the connection: the next caller makes a new one, and declares the lane again.
    pub(super) async fn forget(&self, live: &Arc<Live>) {
        let mut slot = self.0.live.lock().await;
        if slot.as_ref().is_some_and(|current| Arc::ptr_eq(current, live)) {
            *slot = None;
        }
    }
}

impl Inner {
    async fn open(&self) -> Result<Live, LinkError> {
        let connection = connect(&self.url, &format!("{} events publisher", self.namespace)).await?;
        let publishing = connection.create_channel().await?;
        topology::declare(&publishing, &self.namespace).await?;
        publishing.confirm_select(ConfirmSelectOptions::default()).await?;
        Ok(Live { connection, publishing, turn: Mutex::default() })
    }
}

impl Live {
    fn is_well(&self) -> bool {
        self.connection.status().connected() && self.publishing.status().connected()
    }
}
