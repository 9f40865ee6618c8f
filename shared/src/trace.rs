//! The request or job that the running task belongs to, as a W3C `traceparent`: it is stored with
//! every job and sent with every answer.

use std::fmt::{self, Display};
use std::future::Future;
use std::str::FromStr;

use chrono::{DateTime, Utc};

tokio::task_local! {
    static CURRENT: TraceParent;
}

/// A W3C trace context, version 00: `00-<trace id>-<span id>-01`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    pub trace_id: u128,
    pub span_id: u64,
}

impl TraceParent {
    /// A new trace with its first span.
    #[must_use]
    pub fn generate() -> Self {
        Self { trace_id: nonzero(rand::random::<u128>()), span_id: nonzero(rand::random::<u64>()) }
    }

    /// A new span of the same trace.
    #[must_use]
    pub fn child(self) -> Self {
        Self { span_id: nonzero(rand::random::<u64>()), ..self }
    }

    /// The trace of a job that was enqueued outside any trace. It is derived from what is stored
    /// with the job, and so is always the same.
    #[must_use]
    pub fn of_job(job: i64, created_at: DateTime<Utc>) -> Self {
        let stored = [job.to_be_bytes(), created_at.timestamp_micros().to_be_bytes()].concat();
        let (high, low) = (fold(FOLD_FROM, &stored), fold(!FOLD_FROM, &stored));
        Self { trace_id: nonzero(u128::from(high) << 64 | u128::from(low)), span_id: nonzero(high ^ low) }
    }

    /// The span of one attempt at a job that this span enqueued. It is derived from what the ledger
    /// keeps anyway, so no attempt has to store one.
    #[must_use]
    pub fn attempt(self, job: i64, epoch: i32) -> Self {
        let trace = fold(FOLD_FROM, &self.trace_id.to_be_bytes());
        let span = [self.span_id.to_be_bytes(), job.to_be_bytes(), i64::from(epoch).to_be_bytes()].concat();
        Self { span_id: nonzero(fold(trace, &span)), ..self }
    }

    /// The trace of the running task, if it has one.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.try_get().ok()
    }

    /// Runs `future` inside this trace.
    pub async fn scope<F: Future>(self, future: F) -> F::Output {
        CURRENT.scope(self, future).await
    }

    /// The trace id as 32 hexadecimal digits, as problems and log lines show it.
    #[must_use]
    pub fn trace_id_hex(self) -> String {
        format!("{:032x}", self.trace_id)
    }

    /// The span id as 16 hexadecimal digits.
    #[must_use]
    pub fn span_id_hex(self) -> String {
        format!("{:016x}", self.span_id)
    }
}

const FOLD_FROM: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a with a final round that spreads the low bits: ids only have to differ, not to be secret.
fn fold(from: u64, bytes: &[u8]) -> u64 {
    let folded = bytes.iter().fold(from, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    (folded ^ folded.rotate_left(29)).wrapping_mul(0x0100_0000_01b3) ^ folded.rotate_left(47)
}

/// Zero means "no trace" in the standard.
fn nonzero<T: Default + PartialEq + From<u8>>(value: T) -> T {
    if value == T::default() { T::from(1) } else { value }
}

impl Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-01", self.trace_id, self.span_id)
    }
}

/// The text is not a version 00 `traceparent`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected 00-<32 hex digits>-<16 hex digits>-<2 hex digits>")]
pub struct InvalidTraceParent;

impl FromStr for TraceParent {
    type Err = InvalidTraceParent;

    fn from_str(text: &str) -> Result<Self, InvalidTraceParent> {
        let mut parts = text.split('-');
        let (Some("00"), Some(trace), Some(span), Some(flags), None) =
            (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidTraceParent);
        };
        let hex = |text: &str, digits| {
            text.len() == digits && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        };
        if !hex(trace, 32) || !hex(span, 16) || !hex(flags, 2) {
            return Err(InvalidTraceParent);
        }
        let trace_id = u128::from_str_radix(trace, 16).map_err(|_| InvalidTraceParent)?;
        let span_id = u64::from_str_radix(span, 16).map_err(|_| InvalidTraceParent)?;
        if trace_id == 0 || span_id == 0 {
            return Err(InvalidTraceParent);
        }
        Ok(Self { trace_id, span_id })
    }
}

#[cfg(test)]
mod tests;
