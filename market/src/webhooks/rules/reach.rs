//! Where webhooks may go: to addresses that anybody can reach, and to no other. An organisation must not read our own network, or the
//! metadata of our machines, by an endpoint that leads there.
//!
//! # How to get this wrong
//! - Judging a name when the endpoint is made: it may lead elsewhere when something is sent.
//! - Judging an address and connecting to the name, which is then looked up again.
//! - Judging an IPv6 address that has an IPv4 one in it as if it had none.
//! - Following a redirect.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use url::{Host, Url};

#[cfg(test)]
mod tests;

/// Which addresses webhooks may go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Those that anybody can reach, over HTTPS.
    Public,
    /// Any, over HTTP as well: for development.
    Anywhere,
}

/// Why nothing is sent to a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    #[error("is not an address such as https://shop.example/hooks")]
    Form,
    #[error("must begin with https://")]
    Plain,
    #[error("has a user's name or password in it")]
    Credentials,
    #[error("has a fragment, which is not sent")]
    Fragment,
    #[error("is not an address that anybody can reach")]
    Private,
}

/// The longest URL.
pub const MAX_URL: usize = 500;

impl Reach {
    /// As the setting says.
    #[must_use]
    pub const fn of(private_targets: bool) -> Self {
        if private_targets { Self::Anywhere } else { Self::Public }
    }

    /// Reads the URL of an endpoint. A name is judged when something is sent.
    ///
    /// # Errors
    /// See [`TargetError`].
    pub fn read(self, text: &str) -> Result<Url, TargetError> {
        let url = Url::parse(text).map_err(|_| TargetError::Form)?;
        // Whitespace and backslashes are read as something else than they say.
        if text.chars().any(|c| c.is_whitespace() || c.is_control() || c == '\\') || text.len() > MAX_URL {
            return Err(TargetError::Form);
        }
        match (url.scheme(), self) {
            ("https", _) | ("http", Self::Anywhere) => {}
            ("http", Self::Public) => return Err(TargetError::Plain),
            _ => return Err(TargetError::Form),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetError::Credentials);
        }
        if url.fragment().is_some() {
            return Err(TargetError::Fragment);
        }
        let address = match url.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return Err(TargetError::Form),
        };
        if address.is_some_and(|address| !self.allows(address)) {
            return Err(TargetError::Private);
        }
        Ok(url)
    }

    /// Whether something may be sent to this address.
    #[must_use]
    pub fn allows(self, address: IpAddr) -> bool {
        match self {
            Self::Public => is_public(address),
            Self::Anywhere => true,
        }
    }
}

/// The networks of IANA's registry of IPv4 addresses for special purposes, with multicast.
const SPECIAL_V4: [(Ipv4Addr, u32); 16] = [
    (Ipv4Addr::UNSPECIFIED, 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    // Shared by the customers of a provider.
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    // Where clouds tell machines about themselves.
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 31, 196, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// Of the addresses that are given to networks, `2000::/3`, those for special purposes.
const SPECIAL_V6: [(Ipv6Addr, u32); 4] = [
    // Teredo among them.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    // 6to4, which has an IPv4 address in it.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => match address.segments() {
            // An IPv4 address as it is written for IPv6, and as a gateway translates it.
            [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
                let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
                is_public_v4(Ipv4Addr::new(a, b, c, d))
            }
            [first, ..] => {
                let given = first & 0xe000 == 0x2000;
                given && !SPECIAL_V6.iter().any(|(network, bits)| shares(address.to_bits(), network.to_bits(), *bits))
            }
        },
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let wide = |address: Ipv4Addr| u128::from(address.to_bits()) << 96;
    !SPECIAL_V4.iter().any(|(network, bits)| shares(wide(address), wide(*network), *bits))
}

/// Whether two addresses have their first bits in common.
const fn shares(one: u128, other: u128, bits: u32) -> bool {
    (one ^ other) >> (128 - bits) == 0
}
