//! Where answers that everybody asks for are kept.

use secrecy::{ExposeSecret, SecretString};

use super::{Mode, Source, address, checked, keys};

/// Reads the address of the cache. Its database is its own: whoever empties the cache must not empty a queue.
pub(super) fn read(s: &mut Source, mode: Mode, queues: Option<&SecretString>) -> Option<SecretString> {
    let url = checked(s, mode, keys::CACHE_URL, &address::REDIS)?;
    if queues.is_some_and(|queues| address::is_same_redis(queues.expose_secret(), url.expose_secret())) {
        s.fault(keys::CACHE_URL.env, "is the database of REDIS_URL; the cache needs another one, such as number 1");
    }
    Some(url)
}
