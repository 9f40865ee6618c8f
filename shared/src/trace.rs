//! Which request or job the running task belongs to, as a W3C `traceparent`: stored with every job, sent with every answer.

use std::fmt::{self, Display};
use std::future::Future;
use std::str::FromStr;

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
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_survives_its_text() {
        let trace = TraceParent::generate();
        assert_eq!(trace.to_string().parse(), Ok(trace));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "00",
            "01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x",
            "00-é-b7ad6b7169203331-01",
        ] {
            assert_eq!(text.parse::<TraceParent>(), Err(InvalidTraceParent), "{text}");
        }
    }
}
