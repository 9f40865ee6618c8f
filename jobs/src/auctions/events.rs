use market::auctions::model::{AuctionStatus, AuctionView};
use serde_json::Value;
use shared::realtime::Event;

use queue::JobTx;

/// What happened to an auction, as reported to those watching it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    Opened,
    Bid,
    Retraction,
    /// Bought at once.
    Bought,
    /// The highest bid is below the reserve: the seller decides.
    OnApproval,
    Awarded,
    Unsold,
    Cancelled,
    /// A moderator has suspended its listing or its seller: what it shows is withheld.
    Suspended,
    Reinstated,
    /// Something that was not reported in time.
    Changed,
}

impl News {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Bid => "bid",
            Self::Retraction => "retraction",
            Self::Bought => "bought",
            Self::OnApproval => "on_approval",
            Self::Awarded => "awarded",
            Self::Unsold => "unsold",
            Self::Cancelled => "cancelled",
            Self::Suspended => "suspended",
            Self::Reinstated => "reinstated",
            Self::Changed => "changed",
        }
    }

    /// The news that the state alone reveals.
    #[must_use]
    pub const fn of(status: AuctionStatus) -> Self {
        match status {
            AuctionStatus::OnApproval => Self::OnApproval,
            AuctionStatus::Awarded => Self::Awarded,
            AuctionStatus::Unsold => Self::Unsold,
            AuctionStatus::Cancelled => Self::Cancelled,
            AuctionStatus::Scheduled | AuctionStatus::Live | AuctionStatus::Defaulted => Self::Changed,
        }
    }
}

/// Tells everybody watching the auction. `view` is read in the transaction of the change, under the
/// auction's lock, so each version is sent once.
pub fn announce(tx: &mut JobTx, news: News, view: &AuctionView) {
    match event(news, view) {
        Ok(event) => tx.announce(event),
        Err(error) => tracing::error!(auction.id = %view.id, %error, "an event was not written"),
    }
}

/// The event sent by [`announce`]. It carries everything that everybody may see, so a later one
/// stands for those before it; for an auction whose listing or seller is suspended, that is nothing.
pub fn event(news: News, view: &AuctionView) -> serde_json::Result<Event> {
    let (news, data) = if view.suspended {
        (News::Suspended, Value::Null)
    } else {
        (news, serde_json::to_value(AuctionView { you_lead: None, ..view.clone() })?)
    };
    Ok(Event { topic: format!("auction:{}", view.id), seq: view.version, kind: news.name().to_owned(), data })
}
