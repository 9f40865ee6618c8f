//! The server's side of an SMTP dialogue (RFC 5321), without sockets: a line goes in, the next step comes out.

use std::fmt;

use super::faults::{Faults, Refusal};

/// RFC 5321 asks for 512; extensions add to it.
pub(super) const MAX_LINE: usize = 2048;
const MAX_RECIPIENTS: usize = 100;
/// A client that talks more nonsense than this is sent away.
const MAX_ERRORS: u32 = 20;

/// One answer, of one line or several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) code: u16,
    lines: Vec<String>,
}

impl Reply {
    pub(super) fn new(code: u16, text: impl Into<String>) -> Self {
        Self { code, lines: vec![text.into()] }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let last = self.lines.len().saturating_sub(1);
        for (index, line) in self.lines.iter().enumerate() {
            let separator = if index == last { ' ' } else { '-' };
            write!(f, "{}{separator}{line}\r\n", self.code)?;
        }
        Ok(())
    }
}

/// What the connection does next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    Reply(Reply),
    /// Answer, then read the message.
    Data(Reply),
    Close(Reply),
}

/// Who sent a message to whom, as the SMTP commands said (the message's own headers may differ).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Envelope {
    /// Empty for a bounce.
    pub(crate) from: String,
    pub(crate) to: Vec<String>,
    pub(crate) helo: String,
}

#[derive(Debug)]
pub(super) struct Session {
    max_message: u64,
    faults: Faults,
    helo: Option<String>,
    mail: Option<Envelope>,
    /// Set when a recipient of the present mail was refused, to distinguish "none given" from "none accepted".
    refused: bool,
    errors: u32,
}

impl Session {
    pub(super) fn new(max_message: u64, faults: Faults) -> Self {
        Self { max_message, faults, helo: None, mail: None, refused: false, errors: 0 }
    }

    /// Takes one line, without its CR LF.
    pub(super) fn line(&mut self, line: &[u8]) -> Step {
        let step = match std::str::from_utf8(line) {
            Ok(text) if !text.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') => self.command(text),
            _ => reply(500, "5.5.2 A command is printable ASCII"),
        };
        self.bounded(step)
    }

    /// A line that is not a command at all: too long, or not ended by CR LF.
    pub(super) fn malformed(&mut self, text: &str) -> Step {
        let step = reply(500, format!("5.5.2 {text}"));
        self.bounded(step)
    }

    /// Ends the mail transaction and returns its envelope.
    pub(super) fn finish(&mut self) -> Envelope {
        self.refused = false;
        self.mail.take().unwrap_or_default()
    }

    /// Counts errors, and closes the connection of a client that makes too many.
    fn bounded(&mut self, step: Step) -> Step {
        if let Step::Reply(reply) = &step
            && matches!(reply.code, 500..=504)
        {
            self.errors += 1;
            if self.errors > MAX_ERRORS {
                return Step::Close(Reply::new(421, "4.7.0 Too many errors"));
            }
        }
        step
    }

    fn command(&mut self, line: &str) -> Step {
        let (verb, rest) = line.split_once(' ').unwrap_or((line, ""));
        match verb.to_ascii_uppercase().as_str() {
            "EHLO" => self.hello(rest, true),
            "HELO" => self.hello(rest, false),
            "MAIL" => self.mail(rest),
            "RCPT" => self.recipient(rest),
            "DATA" => self.data(rest),
            "RSET" => {
                self.finish();
                reply(250, "2.0.0 OK")
            }
            "NOOP" => reply(250, "2.0.0 OK"),
            "QUIT" => Step::Close(Reply::new(221, "2.0.0 Bye")),
            "VRFY" => reply(252, "2.5.0 Send some mail and see"),
            "HELP" => reply(214, "2.0.0 EHLO MAIL RCPT DATA RSET NOOP QUIT"),
            "EXPN" | "STARTTLS" | "AUTH" | "ETRN" | "TURN" | "BDAT" => reply(502, "5.5.1 Not offered"),
            _ => reply(500, "5.5.1 Unknown command"),
        }
    }

    fn hello(&mut self, name: &str, extended: bool) -> Step {
        let name = name.trim();
        if name.is_empty() || name.len() > 255 || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return reply(501, "5.5.4 Say who you are: EHLO name");
        }
        self.finish();
        self.helo = Some(name.to_owned());
        if !extended {
            return reply(250, "sink");
        }
        let lines = ["sink", "PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES"].map(str::to_owned);
        let size = format!("SIZE {}", self.max_message);
        Step::Reply(Reply { code: 250, lines: lines.into_iter().chain([size]).collect() })
    }

    fn mail(&mut self, rest: &str) -> Step {
        let Some(helo) = self.helo.clone() else {
            return reply(503, "5.5.1 Say EHLO first");
        };
        if self.mail.is_some() {
            return reply(503, "5.5.1 One mail at a time: RSET ends the present one");
        }
        let Some((from, parameters)) = path(rest, "FROM:") else {
            return reply(501, "5.5.4 MAIL FROM:<address>");
        };
        if !(from.is_empty() || is_address(from)) {
            return reply(501, "5.1.7 The sender is not an address");
        }
        for parameter in parameters.split_ascii_whitespace() {
            let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match key.to_ascii_uppercase().as_str() {
                "SIZE" => match value.parse::<u64>() {
                    Ok(size) if size > self.max_message => {
                        return reply(552, "5.3.4 The message is too big");
                    }
                    Ok(_) => {}
                    Err(_) => return reply(501, "5.5.4 SIZE is a number of bytes"),
                },
                "BODY" if value.eq_ignore_ascii_case("7BIT") || value.eq_ignore_ascii_case("8BITMIME") => {}
                "BODY" => return reply(501, "5.5.4 BODY is 7BIT or 8BITMIME"),
                _ => return reply(555, "5.5.4 Unknown parameter"),
            }
        }
        self.mail = Some(Envelope { from: from.to_owned(), to: Vec::new(), helo });
        reply(250, "2.1.0 OK")
    }

    fn recipient(&mut self, rest: &str) -> Step {
        let Some(mail) = &mut self.mail else {
            return reply(503, "5.5.1 MAIL first");
        };
        let Some((to, parameters)) = path(rest, "TO:") else {
            return reply(501, "5.5.4 RCPT TO:<address>");
        };
        if !parameters.trim().is_empty() {
            return reply(555, "5.5.4 Unknown parameter");
        }
        if !(is_address(to) || to.eq_ignore_ascii_case("postmaster")) {
            self.refused = true;
            return reply(501, "5.1.3 The recipient is not an address");
        }
        if mail.to.len() >= MAX_RECIPIENTS {
            return reply(452, "4.5.3 Too many recipients");
        }
        match self.faults.at_recipient(to) {
            None => {
                mail.to.push(to.to_owned());
                reply(250, "2.1.5 OK")
            }
            Some(Refusal::Permanent) => {
                self.refused = true;
                reply(550, "5.1.1 No such mailbox (a fault rule says so)")
            }
            Some(Refusal::Unexplained) => {
                self.refused = true;
                reply(550, "No (a fault rule says so)")
            }
            Some(Refusal::Temporary) => {
                self.refused = true;
                reply(451, "4.3.0 Try again later (a fault rule says so)")
            }
        }
    }

    fn data(&mut self, rest: &str) -> Step {
        if !rest.trim().is_empty() {
            return reply(501, "5.5.4 DATA takes nothing");
        }
        match &self.mail {
            None => reply(503, "5.5.1 MAIL first"),
            Some(mail) if !mail.to.is_empty() => Step::Data(Reply::new(354, "End with <CR><LF>.<CR><LF>")),
            Some(_) if self.refused => reply(554, "5.5.1 No recipient was accepted"),
            Some(_) => reply(503, "5.5.1 RCPT first"),
        }
    }
}

fn reply(code: u16, text: impl Into<String>) -> Step {
    Step::Reply(Reply::new(code, text))
}

/// Splits `FROM:<a@b> SIZE=1` into `a@b` and ` SIZE=1`. A `>` inside a quoted local part does not end the path.
fn path<'a>(rest: &'a str, keyword: &str) -> Option<(&'a str, &'a str)> {
    let head = rest.get(..keyword.len())?;
    if !head.eq_ignore_ascii_case(keyword) {
        return None;
    }
    let inner = rest.get(keyword.len()..)?.strip_prefix('<')?;
    let mut quoted = false;
    let mut escaped = false;
    for (index, byte) in inner.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => {
                let parameters = &inner[index + 1..];
                let separated = parameters.is_empty() || parameters.starts_with(' ');
                return separated.then_some((&inner[..index], parameters));
            }
            _ => {}
        }
    }
    None
}

/// `local@domain` in ASCII: dot-atom or quoted local part of up to 64 bytes, a domain name or an `[address]`.
fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    let local_ok = local.len() <= 64
        && if quoted {
            local.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
        } else {
            local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atom))
        };
    let literal = domain.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let domain_ok = domain.len() <= 255
        && match literal {
            Some(inner) => {
                !inner.is_empty() && inner.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".:-".contains(&byte))
            }
            None => domain.split('.').all(is_label),
        };
    local_ok && domain_ok
}

fn is_atom(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= 63
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests;
