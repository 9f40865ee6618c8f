use std::time::Duration;

use super::{Source, keys, seconds};

/// What clients may hold of a server: connections, and its patience with those who do not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// The most connections at once; a further one is closed as soon as it is accepted.
    pub total: usize,
    /// The most of one network: an IPv4 address, or the first 64 bits of an IPv6 address. Trusted proxies have no such limit.
    pub per_network: usize,
    /// How long a write may make no progress before the connection is dropped.
    pub write: Duration,
    /// How long a WebSocket's client may take to read a message.
    pub socket_send: Duration,
    /// How many tickets for sockets a process hands out in a second, while more are asked for.
    pub sockets_per_second: u32,
    /// How long a request's body may take to arrive.
    pub body: Duration,
}

impl ConnectionLimits {
    /// Unless set otherwise.
    pub const DEFAULT: Self = Self {
        total: 10_000,
        per_network: 500,
        write: Duration::from_secs(30),
        socket_send: Duration::from_secs(10),
        sockets_per_second: 250,
        body: Duration::from_secs(15),
    };
    /// The longest that a body may take: less than the whole request may take, so that the client hears whose fault it was.
    const MAX_BODY: Duration = Duration::from_secs(25);

    pub(super) fn read(s: &mut Source) -> Self {
        let limits = Self {
            total: s.value(keys::CONNECTIONS, Self::DEFAULT.total),
            per_network: s.value(keys::CONNECTIONS_PER_NETWORK, Self::DEFAULT.per_network),
            write: seconds(s, keys::WRITE_SECONDS, Self::DEFAULT.write),
            socket_send: seconds(s, keys::SOCKET_SEND_SECONDS, Self::DEFAULT.socket_send),
            sockets_per_second: s.value(keys::SOCKETS_PER_SECOND, Self::DEFAULT.sockets_per_second),
            body: seconds(s, keys::BODY_SECONDS, Self::DEFAULT.body),
        };
        for (key, limit) in [(keys::CONNECTIONS, limits.total), (keys::CONNECTIONS_PER_NETWORK, limits.per_network)] {
            if limit == 0 {
                s.fault(key.env, "must be at least 1");
            }
        }
        if limits.sockets_per_second == 0 {
            s.fault(keys::SOCKETS_PER_SECOND.env, "must be at least 1");
        }
        if limits.body > Self::MAX_BODY {
            s.fault(keys::BODY_SECONDS.env, format!("must be at most {}", Self::MAX_BODY.as_secs()));
        }
        limits
    }
}
