//! Whose jobs go next: the waiting lines of the highest priority, one for each tenant, served in rotation.
//!
//! # How to get this wrong
//! - Beginning every turn with the same line: with room for fewer jobs than there are lines, the others never move.
//! - Selecting by `id > last seen`: rows that commit late are skipped for ever. The marks are only hints and are forgotten
//!   every second.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use crate::ledger::dispatch::{Line, Share, Taken, lines, take};
use sqlx::PgConnection;
use uuid::Uuid;

/// The most tenants that share one turn; with more, the turns rotate through them.
const MOST_LINES: i64 = 64;
/// How long the list of lines and the marks are trusted.
const TRUST: Duration = Duration::from_secs(1);

/// What a queue's dispatcher remembers of the lines between turns.
#[derive(Debug, Default)]
pub(super) struct Rotation {
    /// All of one priority; the next to be served comes first.
    lines: Vec<Line>,
    /// More lines may wait than are listed.
    more: bool,
    /// How many lines are still to be asked before every listed one has had its turn.
    unasked: usize,
    /// The highest id taken of each line: a hint that spares the scan what was taken before.
    marks: HashMap<(i16, Uuid), i64>,
    /// Since when the list and the marks are trusted.
    since: Option<Instant>,
    last_served: Option<Line>,
}

impl Rotation {
    /// Forgets the lines and the marks, but not whose turn it is.
    pub(super) fn forget(&mut self) {
        *self = Self { last_served: self.last_served, ..Self::default() };
    }

    /// The priority that is being served.
    pub(super) fn priority(&self) -> i16 {
        self.lines.first().map_or(0, |line| line.priority)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Jobs may be hidden by what is remembered.
    pub(super) fn has_marks(&self) -> bool {
        !self.marks.is_empty()
    }

    /// Whether the lines must be read again before a turn with this much room: they are old, or the turn would begin again
    /// with lines of the list while others have not had theirs.
    pub(super) fn is_stale(&self, room: i64) -> bool {
        let asks = usize::try_from(room).unwrap_or(usize::MAX).min(self.lines.len());
        self.lines.is_empty() || self.too_old() || (self.more && self.unasked < asks)
    }

    fn too_old(&self) -> bool {
        self.since.is_none_or(|since| since.elapsed() > TRUST)
    }

    /// Reads which lines wait, highest priority only: those after the one that was served last, then from the beginning.
    pub(super) async fn refresh(&mut self, conn: &mut PgConnection, queue: &str) -> Result<(), sqlx::Error> {
        if self.too_old() {
            self.forget();
            self.since = Some(Instant::now());
        }
        self.lines.clear();
        let Some(top) = lines(conn, queue, None, 1).await?.first().copied() else { return Ok(()) };
        let most = usize::try_from(MOST_LINES).unwrap_or(usize::MAX);
        let after = self.last_served.filter(|line| line.priority == top.priority);
        let mut found = lines(conn, queue, after, MOST_LINES).await?;
        found.retain(|line| line.priority == top.priority);
        if let Some(last) = after
            && found.len() < most
        {
            let first = lines(conn, queue, None, MOST_LINES).await?;
            found.extend(first.into_iter().filter(|line| line.priority == top.priority && line.tenant <= last.tenant));
            found.truncate(most);
        }
        self.more = found.len() == most;
        self.unasked = found.len();
        self.lines = found;
        Ok(())
    }

    /// Takes an equal share of every line; what short lines leave over goes to the others. With less room than lines, the
    /// next turn goes on where this one ended. One entry for each tenant, in the order of their turns.
    pub(super) async fn take(
        &mut self,
        conn: &mut PgConnection,
        queue: &str,
        room: i64,
        leader: &str,
    ) -> Result<Vec<Vec<Taken>>, sqlx::Error> {
        let priority = self.priority();
        let mut by_line: Vec<Vec<Taken>> = Vec::new();
        let mut places: HashMap<Uuid, usize> = HashMap::new();
        let mut left = room;
        while left > 0 && !self.lines.is_empty() {
            let share = (left / i64::try_from(self.lines.len()).unwrap_or(1)).max(1);
            let asked = usize::try_from(left).unwrap_or(usize::MAX).min(self.lines.len());
            let shares: Vec<Share> = self.lines[..asked]
                .iter()
                .map(|line| Share {
                    tenant: line.tenant,
                    after: self.marks.get(&(priority, line.tenant)).copied().unwrap_or(0),
                    most: share,
                })
                .collect();
            let taken = take(conn, queue, priority, &shares, Some(leader)).await?;
            left -= i64::try_from(taken.len()).unwrap_or(left);
            let mut counts: HashMap<Uuid, i64> = HashMap::new();
            for share in &shares {
                places.entry(share.tenant).or_insert_with(|| {
                    by_line.push(Vec::new());
                    by_line.len() - 1
                });
            }
            for one in taken {
                *counts.entry(one.tenant).or_default() += 1;
                self.marks.insert((priority, one.tenant), one.ticket.job.0);
                if let Some(line) = places.get(&one.tenant).and_then(|&place| by_line.get_mut(place)) {
                    line.push(one);
                }
            }
            // What is left over after everybody's turn is a second helping: the tenants that are not listed come first.
            if self.unasked > 0 || !self.more {
                self.last_served = self.lines.get(asked - 1).copied();
            }
            self.unasked = self.unasked.saturating_sub(asked);
            self.lines.rotate_left(asked);
            // A line that gave less than its share is empty; the others may give more.
            let asked: HashSet<Uuid> = shares.iter().map(|share| share.tenant).collect();
            self.lines.retain(|line| !asked.contains(&line.tenant) || counts.get(&line.tenant) == Some(&share));
        }
        by_line.retain(|line| !line.is_empty());
        Ok(by_line)
    }
}

#[cfg(test)]
mod tests;
