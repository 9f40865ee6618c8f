//! Sale events: their bidders hear what was decided about them. Their lots have the jobs of auctions.

pub mod mail;
