//! Suggests names that somebody may have meant.

/// Says `did you mean …?` with the nearest of `names`, or lists all of them if none is near. `what`
/// is their plural, such as `kinds`.
pub(crate) fn advice<'a>(what: &str, names: impl IntoIterator<Item = &'a str>, typed: &str) -> String {
    let mut names: Vec<_> = names.into_iter().collect();
    names.sort_by_key(|name| std::cmp::Reverse(nearness(name, typed)));
    match names.iter().take_while(|name| nearness(name, typed) > 0).copied().collect::<Vec<_>>() {
        _ if names.is_empty() => format!("there are no {what} yet"),
        near if near.is_empty() => format!("the {what} are {}", names.join(", ")),
        near => format!("did you mean {}?", near[..near.len().min(5)].join(", ")),
    }
}

/// How near a name is to what was typed; 0 means not at all.
fn nearness(name: &str, typed: &str) -> u32 {
    if !typed.is_empty() && (name.contains(typed) || typed.contains(name)) {
        return 1_000;
    }
    let likeness = strsim::jaro_winkler(name, typed);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 999")]
    let near = (likeness * 999.0) as u32;
    if likeness > 0.75 { near } else { 0 }
}

#[cfg(test)]
mod tests;
