//! Whether the log is whole: every entry's hash is computed anew from the entry and the hash before it, in batches of keys, so that the
//! length of the log costs time and no memory.
//!
//! A chain that was cut off at its end is a whole one, only shorter, and whoever can change the tables past their triggers can compute
//! every hash anew. Both show by a head of the chain that was noted somewhere else ([`Head`]).

use std::fmt::{self, Display};
use std::str::FromStr;

use sqlx::PgConnection;

/// How many entries are read together.
const BATCH: i64 = 1_000;

/// An entry's number and hash: as the last entry, what the whole chain up to it comes down to. Written `SEQ:HASH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub seq: i64,
    pub hash: Vec<u8>,
}

impl Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.seq, hex::encode(&self.hash))
    }
}

/// The text is not a [`Head`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected SEQ:HASH, the number of an entry and 64 hexadecimal digits")]
pub struct NoHead;

impl FromStr for Head {
    type Err = NoHead;

    fn from_str(text: &str) -> Result<Self, NoHead> {
        let (seq, hash) = text.split_once(':').ok_or(NoHead)?;
        let seq = seq.parse().ok().filter(|seq| *seq > 0).ok_or(NoHead)?;
        let hash = hex::decode(hash).ok().filter(|hash| hash.len() == 32).ok_or(NoHead)?;
        Ok(Self { seq, hash })
    }
}

/// A log that is whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whole {
    pub entries: u64,
    /// Its last entry. `None`: it is empty.
    pub head: Option<Head>,
}

/// The first thing that is wrong with the log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("entries {first} to {last} of the audit log are missing")]
    Missing { first: i64, last: i64 },
    #[error("entry {seq} of the audit log was changed: its hash is not that of its contents and of the entry before")]
    Changed { seq: i64 },
    #[error("entry {} of the audit log is not the one that was noted: the log was written anew", noted.seq)]
    Another { noted: Head },
    #[error("the audit log was cut off after entry {last}: entry {} was noted", noted.seq)]
    Truncated { last: i64, noted: Head },
    /// They are still in `audit_acts`, which a commit leaves empty.
    #[error("acts that are not in the audit log: {acts}; its trigger was off when they were committed")]
    Unchained { acts: i64 },
}

/// Why the log was not found whole.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error("the database failed")]
    Sql(#[from] sqlx::Error),
}

/// Walks the whole chain, compares it with heads that were noted before, and looks for acts that were committed without an entry. Not in
/// a transaction that acts: its own are not chained yet.
pub async fn verify(conn: &mut PgConnection, noted: &[Head]) -> Result<Whole, VerifyError> {
    verify_by(conn, noted, BATCH).await
}

pub(super) async fn verify_by(conn: &mut PgConnection, noted: &[Head], batch: i64) -> Result<Whole, VerifyError> {
    let mut walked = Whole { entries: 0, head: None };
    loop {
        let (seq, before) = walked.head.as_ref().map_or((0, &[][..]), |head| (head.seq, &head.hash[..]));
        let links = sqlx::query!(
            r#"
            SELECT
                (page.entry).seq AS "seq!", (page.entry).hash AS "hash!",
                audit_hash(coalesce(lag((page.entry).hash) OVER (ORDER BY (page.entry).seq), $2), page.entry)
                    = (page.entry).hash AS "fits!"
            FROM (
                SELECT stored AS entry
                FROM audit_entries AS stored
                WHERE stored.seq > $1
                ORDER BY stored.seq
                LIMIT $3
            ) AS page
            ORDER BY (page.entry).seq
            "#,
            seq,
            before,
            batch,
        )
        .fetch_all(&mut *conn)
        .await?;
        if links.is_empty() {
            break;
        }
        for link in links {
            let expected = walked.head.as_ref().map_or(0, |head| head.seq) + 1;
            if link.seq != expected {
                return Err(Fault::Missing { first: expected, last: link.seq - 1 }.into());
            }
            if !link.fits {
                return Err(Fault::Changed { seq: link.seq }.into());
            }
            let head = Head { seq: link.seq, hash: link.hash };
            if let Some(noted) = noted.iter().find(|noted| noted.seq == head.seq && noted.hash != head.hash) {
                return Err(Fault::Another { noted: noted.clone() }.into());
            }
            walked.entries += 1;
            walked.head = Some(head);
        }
    }
    let last = walked.head.as_ref().map_or(0, |head| head.seq);
    if let Some(noted) = noted.iter().find(|noted| noted.seq > last) {
        return Err(Fault::Truncated { last, noted: noted.clone() }.into());
    }
    match sqlx::query_scalar!(r#"SELECT count(*) AS "acts!" FROM audit_acts"#).fetch_one(conn).await? {
        0 => Ok(walked),
        acts => Err(Fault::Unchained { acts }.into()),
    }
}
