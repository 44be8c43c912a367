//! Words shared by the messages of a convention: quotations, lists, nearest names.

/// At most 60 characters of `text`, on one line.
pub(super) fn clip(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if line.chars().count() > 60 { line.chars().take(59).chain(['…']).collect() } else { line }
}

/// « a », « b » or « c ».
pub(super) fn one_of<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|n| format!("« {} »", clip(n.as_ref()))).collect();
    match quoted.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} ou {last}", first.join(", ")),
    }
}

/// The name nearest to `wanted` by Damerau–Levenshtein distance, if it is near enough to be a slip.
pub(super) fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = wanted.to_lowercase();
    let most = (wanted.chars().count() / 4).max(1);
    let near = names.into_iter().map(|n| (strsim::damerau_levenshtein(&lower, &n.to_lowercase()), n));
    near.filter(|(distance, _)| *distance <= most).min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

/// «Vouliez-vous dire … ?» where a name is near, else the names that exist.
pub(super) fn suggestion<'a>(wanted: &str, names: impl IntoIterator<Item = &'a str> + Clone, exist: &str) -> String {
    match nearest(wanted, names.clone()) {
        Some(near) => format!("Vouliez-vous dire « {near} » ?"),
        None => {
            let first: Vec<&str> = names.clone().into_iter().take(12).collect();
            let more = if names.into_iter().nth(12).is_some() { " (et d'autres)" } else { "" };
            if first.is_empty() { String::new() } else { format!("{exist} {}{more}.", one_of(first)) }
        }
    }
}

/// `key` as a part of a JSON Pointer (RFC 6901).
pub(super) fn pointer(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// «1 point», «2 points».
pub(super) fn counted(n: usize, one: &str) -> String {
    if n < 2 { format!("{n} {one}") } else { format!("{n} {one}s") }
}
