//! What the standard's schema calls a URI: RFC 3986, with a scheme.

/// The longest URI that is taken, in characters. Indexes hold them.
pub(super) const MAX_URI: usize = 1024;

/// Whether a text is an absolute URI. A prefixed name such as `example:field` is one as well.
pub(super) fn is_uri(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
    let rest = match rest.split_once('#') {
        Some((rest, fragment)) if are_characters(fragment) => rest,
        Some(_) => return false,
        None => rest,
    };
    let rest = match rest.strip_prefix("//") {
        Some(hierarchy) => {
            let end = hierarchy.find(['/', '?']).unwrap_or(hierarchy.len());
            let (authority, path) = hierarchy.split_at(end);
            if !is_authority(authority) {
                return false;
            }
            path
        }
        None => rest,
    };
    is_scheme && are_characters(rest)
}

fn is_authority(authority: &str) -> bool {
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    // An address of IPv6 stands in brackets, and has colons of its own.
    let (host, port) = match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        Some((address, port)) => {
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            ("", port.strip_prefix(':').unwrap_or(port))
        }
        None => host.split_once(':').unwrap_or((host, "")),
    };
    let plain = |text: &str| are_characters(text) && !text.contains(['@', '/', '?']);
    plain(user) && plain(host) && !host.contains(':') && port.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a text has only characters that may stand in a path, a query or a fragment.
fn are_characters(text: &str) -> bool {
    let bytes = text.as_bytes();
    (0..bytes.len()).all(|at| match bytes[at] {
        b'%' => bytes.get(at + 1..at + 3).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)),
        byte => byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(&byte),
    })
}
