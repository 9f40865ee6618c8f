//! The bytes between `354` and the lone dot.

/// Undoes dot-stuffing and finds the end of a message, over chunks of any size.
///
/// Only CR LF `.` CR LF ends a message: a server that also takes a bare LF lets one message smuggle in another. Bare CR
/// and LF are kept and reported, so that the message can be refused.
#[derive(Debug)]
pub(super) struct Unstuffer {
    state: State,
    /// A CR without its LF, or an LF without its CR, was seen.
    pub(super) bare: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    LineStart,
    /// A dot at the start of a line, not yet written.
    Dot,
    /// A dot at the start of a line, then CR; neither written.
    DotCr,
    Within,
    /// CR within a line, not yet written.
    Cr,
    End,
}

impl Unstuffer {
    pub(super) fn new() -> Self {
        Self { state: State::LineStart, bare: false }
    }

    pub(super) fn ended(&self) -> bool {
        self.state == State::End
    }

    /// Takes bytes up to the end of the message, appends their content to `out`, and returns how
    /// many were taken.
    pub(super) fn feed(&mut self, input: &[u8], out: &mut Vec<u8>) -> usize {
        for (index, &byte) in input.iter().enumerate() {
            self.state = self.next(byte, out);
            if self.state == State::End {
                return index + 1;
            }
        }
        input.len()
    }

    fn next(&mut self, byte: u8, out: &mut Vec<u8>) -> State {
        match (self.state, byte) {
            (State::LineStart, b'.') => return State::Dot,
            (State::Dot, b'\r') => return State::DotCr,
            (State::DotCr, b'\n') => return State::End,
            (State::Cr, b'\n') => {
                out.extend_from_slice(b"\r\n");
                return State::LineStart;
            }
            (State::Cr | State::DotCr, _) => {
                self.bare = true;
                out.push(b'\r');
            }
            _ => {}
        }
        match byte {
            b'\r' => State::Cr,
            b'\n' => {
                self.bare = true;
                out.push(b'\n');
                State::Within
            }
            _ => {
                out.push(byte);
                State::Within
            }
        }
    }
}

#[cfg(test)]
mod tests;
