//! What one demo plays, and the names that it uses: the same file gives the same names, so that a
//! second run finds what the first one stored.

use std::collections::BTreeSet;

use anyhow::ensure;
use sha2::{Digest, Sha256};

use super::bids::{self, Recorded};
use super::expected::{Ending, ending};

/// With more bids, the play would outlast the access tokens (15 minutes).
const MOST_BIDS: usize = 20_000;
const MOST_BIDDERS: usize = 5_000;
/// One seller offers them all at once, on the free plan.
const MOST_AUCTIONS: usize = 500;

/// The administrator who approves the demo's organisations; all demos of an installation share it.
pub(crate) const ADMIN: &str = "admin@demo.example";
/// The country of everybody who sells.
pub(crate) const HOME: &str = "DE";
/// The first place of a bidder who is not there.
const ABROAD: usize = 1;

/// The auctions of one file, and how they end by the rules.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Eight hexadecimal digits of the file's SHA-256; part of every name.
    pub(crate) run: String,
    pub(crate) auctions: Vec<Recorded>,
    /// One for each auction.
    pub(crate) endings: Vec<Ending>,
    /// In the order of their names.
    pub(crate) bidders: Vec<String>,
}

impl Plan {
    /// Reads the file's text and applies the rules to it.
    pub(crate) fn new(text: &str) -> anyhow::Result<Self> {
        let auctions = bids::parse(text)?;
        let bids: usize = auctions.iter().map(|auction| auction.bids.len()).sum();
        ensure!(bids <= MOST_BIDS, "there are {bids} bids in it; a demo plays at most {MOST_BIDS}");
        ensure!(
            auctions.len() <= MOST_AUCTIONS,
            "there are {} auctions in it; a demo plays at most {MOST_AUCTIONS}",
            auctions.len()
        );
        let names: BTreeSet<&str> =
            auctions.iter().flat_map(|auction| &auction.bids).map(|bid| bid.bidder.as_str()).collect();
        ensure!(
            names.len() <= MOST_BIDDERS,
            "there are {} bidders in it; a demo plays at most {MOST_BIDDERS}",
            names.len()
        );
        let bidders = names.into_iter().map(str::to_owned).collect();
        let endings = auctions.iter().map(ending).collect::<anyhow::Result<_>>()?;
        let run = hex::encode(&Sha256::digest(text.as_bytes())[..4]);
        Ok(Self { run, auctions, endings, bidders })
    }

    /// The part of the demo's addresses after the @. The domain is reserved, so nobody can own it.
    pub(crate) fn domain(&self) -> String {
        format!("{}.demo.example", self.run)
    }

    pub(crate) fn bidder_email(&self, place: usize) -> String {
        format!("bidder-{}@{}", place + 1, self.domain())
    }

    /// The address of whoever reports floods of events.
    pub(crate) fn reporter_email(&self) -> String {
        format!("reporter@{}", self.domain())
    }

    /// The address of a round's seller. Every round has its own, so that a report has the sales of
    /// one round.
    pub(crate) fn seller_email(&self, round: u32) -> String {
        format!("seller-{round}@{}", self.domain())
    }

    /// The address of whoever keeps the shop.
    pub(crate) fn shop_email(&self) -> String {
        format!("shop@{}", self.domain())
    }

    /// The address of whoever holds the sale event.
    pub(crate) fn auctioneer_email(&self) -> String {
        format!("auctioneer@{}", self.domain())
    }

    /// The address of whoever sells waste.
    pub(crate) fn recycler_email(&self) -> String {
        format!("recycler@{}", self.domain())
    }

    /// The place of a bidder in another country than the sellers, if there is more than one bidder.
    pub(crate) fn abroad(&self) -> usize {
        ABROAD.min(self.bidders.len().saturating_sub(1))
    }

    /// In which country the bidder at this place is.
    pub(crate) const fn country(place: usize) -> &'static str {
        if place % 10 == ABROAD { "DK" } else { HOME }
    }

    /// The place of an auction by its name.
    pub(crate) fn lot(&self, name: &str) -> Option<usize> {
        self.auctions.iter().position(|auction| auction.name == name)
    }

    /// The round that a seller's address belongs to.
    pub(crate) fn round_of(email: &str) -> Option<u32> {
        email.split_once('@')?.0.strip_prefix("seller-")?.parse().ok()
    }

    /// The place of a bidder in [`Plan::bidders`].
    pub(crate) fn place_of(&self, bidder: &str) -> Option<usize> {
        self.bidders.binary_search_by(|name| name.as_str().cmp(bidder)).ok()
    }

    pub(crate) fn bids(&self) -> u64 {
        self.auctions.iter().map(|auction| auction.bids.len() as u64).sum()
    }

    /// The sum of a figure over all auctions, as it must be.
    pub(crate) fn total(&self, of: impl Fn(&Ending) -> u64) -> u64 {
        self.endings.iter().map(of).sum()
    }
}

#[cfg(test)]
mod tests;
