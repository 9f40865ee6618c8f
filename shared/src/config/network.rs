//! Networks as people write them: `10.0.0.0/8`, `::1`.

use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

/// The addresses that share their first bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpNet);

impl Network {
    /// Whether the address is in the network. An IPv4 address that is written as an IPv6 one counts
    /// as the same.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let network = text.parse::<IpNet>().or_else(|_| text.parse::<IpAddr>().map(IpNet::from));
        network.map(Self).map_err(|_| "expected addresses or networks, such as 127.0.0.1 or 10.0.0.0/8".to_owned())
    }
}

#[cfg(test)]
mod tests;
