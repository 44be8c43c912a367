//! Patterns of a schema: compiled with a linear-time engine, and put in words for a person where they are simple.

use regex::{Regex, RegexBuilder};
use regex_automata::{
    dfa::{Automaton, StartKind, dense},
    util::{primitives::StateID, start},
};
use regex_syntax::hir::{Class, Hir, HirKind, Look};

use super::PATTERN_BYTES;
use crate::error::Fault;

/// Most bytes of a whole automaton, and of what making it takes: a schema may have two thousand of them.
const AUTOMATON: (usize, usize) = (1 << 14, 1 << 18);

/// A compiled pattern. A small one is a whole automaton too, which has nothing to set up before each of a million short cells.
pub struct Pattern {
    regex: Regex,
    /// And its first state.
    automaton: Option<(Box<dense::DFA<Vec<u32>>>, StateID)>,
    /// The bytes that may stand at each place, of a pattern whose texts all have one length.
    places: Option<Vec<Bytes>>,
}

/// A set of bytes, one bit each.
type Bytes = [u64; 4];

/// Most bytes of a text that is looked up place by place.
const PLACES: usize = 64;

impl Pattern {
    fn new(regex: Regex) -> Self {
        let config = dense::Config::new()
            .start_kind(StartKind::Unanchored)
            .dfa_size_limit(Some(AUTOMATON.0))
            .determinize_size_limit(Some(AUTOMATON.1));
        let automaton = dense::Builder::new().configure(config).build(regex.as_str()).ok();
        let automaton = automaton.and_then(|dfa| {
            let first = dfa.start_state(&start::Config::new()).ok()?;
            Some((Box::new(dfa), first))
        });
        let places = places(regex.as_str());
        Self { regex, automaton, places }
    }

    /// Whether the text holds a match.
    pub fn is_match(&self, text: &str) -> bool {
        if let Some(places) = &self.places {
            let at_its_place = |(byte, bytes): (u8, &Bytes)| bytes[usize::from(byte >> 6)] >> (byte & 63) & 1 == 1;
            return text.len() == places.len() && text.bytes().zip(places).all(at_its_place);
        }
        self.automaton.as_ref().and_then(|(dfa, first)| walk(dfa, *first, text)).unwrap_or_else(|| self.regex.is_match(text))
    }

    /// The expression, in the language of the `regex` crate.
    pub fn as_str(&self) -> &str {
        self.regex.as_str()
    }
}

/// The places of a pattern that is anchored at both ends and asks for one ASCII character after the other; none for any other.
fn places(pattern: &str) -> Option<Vec<Bytes>> {
    let hir = regex_syntax::parse(pattern).ok()?;
    let mut parts = Vec::new();
    flatten(&hir, &mut parts);
    let [start, middle @ .., end] = parts.as_slice() else { return None };
    if !is_look(start, Look::Start) || !is_look(end, Look::End) {
        return None;
    }
    let mut places = Vec::new();
    for part in middle {
        add_places(part, &mut places)?;
    }
    Some(places)
}

fn add_places(hir: &Hir, places: &mut Vec<Bytes>) -> Option<()> {
    let set = |ranges: &mut dyn Iterator<Item = (u32, u32)>| {
        let mut bytes = Bytes::default();
        for (first, last) in ranges {
            let last = u8::try_from(last).ok().filter(u8::is_ascii)?;
            (u8::try_from(first).ok()?..=last).for_each(|byte| bytes[usize::from(byte >> 6)] |= 1 << (byte & 63));
        }
        Some(bytes)
    };
    match hir.kind() {
        HirKind::Literal(literal) => {
            for byte in &literal.0 {
                places.push(set(&mut std::iter::once((u32::from(*byte), u32::from(*byte))))?);
            }
        }
        HirKind::Class(Class::Unicode(class)) => {
            places.push(set(&mut class.ranges().iter().map(|r| (u32::from(r.start()), u32::from(r.end()))))?);
        }
        HirKind::Class(Class::Bytes(class)) => {
            places.push(set(&mut class.ranges().iter().map(|r| (u32::from(r.start()), u32::from(r.end()))))?);
        }
        HirKind::Repetition(repetition) if repetition.max == Some(repetition.min) && repetition.min as usize <= PLACES => {
            for _ in 0..repetition.min {
                add_places(&repetition.sub, places)?;
                if places.len() > PLACES {
                    return None;
                }
            }
        }
        HirKind::Concat(items) => items.iter().try_for_each(|item| add_places(item, places))?,
        HirKind::Capture(capture) => add_places(&capture.sub, places)?,
        _ => return None,
    }
    (places.len() <= PLACES).then_some(())
}

fn is_look(hir: &Hir, wanted: Look) -> bool {
    matches!(hir.kind(), HirKind::Look(look) if *look == wanted)
}

/// Whether an automaton finds a match in a text, state after state: a cell is too short for what a search prepares. None where it gives
/// up, on a character that it does not know.
fn walk(dfa: &dense::DFA<Vec<u32>>, first: StateID, text: &str) -> Option<bool> {
    let mut state = first;
    for &byte in text.as_bytes() {
        // A match is told one byte late.
        state = dfa.next_state(state, byte);
        if dfa.is_special_state(state) {
            if dfa.is_match_state(state) {
                return Some(true);
            }
            if dfa.is_dead_state(state) {
                return Some(false);
            }
            if dfa.is_quit_state(state) {
                return None;
            }
        }
    }
    Some(dfa.is_match_state(dfa.next_eoi_state(state)))
}

/// Compiles a pattern written in ECMA's language; `whole` anchors it at both ends.
pub fn compile(pattern: &str, whole: bool, pointer: &str) -> Result<Pattern, Fault> {
    let bad = || {
        let message = format!(
            "Le motif « {pattern} » n'est pas lisible : corrigez-le (les assertions « (?= » et les renvois « \\1 » ne sont pas admis)."
        );
        Fault::new(pointer, "pattern", message)
    };
    let translated = jsonschema_regex::to_rust_regex(pattern).map_err(|()| bad())?;
    let anchored = if whole { format!("^(?:{translated})$") } else { translated.into_owned() };
    RegexBuilder::new(&anchored).size_limit(PATTERN_BYTES).build().map(Pattern::new).map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => Fault::new(pointer, "pattern_too_big", "Ce motif est trop grand : simplifiez-le."),
        _ => bad(),
    })
}

/// Bytes beyond which a compiled pattern is large.
const LARGE_BYTES: usize = PATTERN_BYTES / 16;

/// Whether a pattern is large once compiled; one that does not compile is not.
pub fn is_large(pattern: &str) -> bool {
    let Ok(translated) = jsonschema_regex::to_rust_regex(pattern) else { return false };
    matches!(RegexBuilder::new(&translated).size_limit(LARGE_BYTES).build(), Err(regex::Error::CompiledTooBig(_)))
}

/// What a simple pattern means, in French: «« A » puis 4 chiffres». None where words would not be exact or short.
pub fn words(regex: &Pattern) -> Option<String> {
    let hir = regex_syntax::parse(regex.as_str()).ok()?;
    let mut parts = Vec::new();
    flatten(&hir, &mut parts);
    let [start, middle @ .., end] = parts.as_slice() else { return None };
    if !is_look(start, Look::Start) || !is_look(end, Look::End) || middle.is_empty() || middle.len() > 5 {
        return None;
    }
    let words: Option<Vec<_>> = middle.iter().map(|part| piece(part)).collect();
    Some(words?.join(" puis "))
}

fn flatten<'a>(hir: &'a Hir, parts: &mut Vec<&'a Hir>) {
    match hir.kind() {
        HirKind::Concat(items) => items.iter().for_each(|item| flatten(item, parts)),
        HirKind::Capture(capture) => flatten(&capture.sub, parts),
        _ => parts.push(hir),
    }
}

fn piece(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Literal(literal) => Some(format!("« {} »", std::str::from_utf8(&literal.0).ok()?)),
        HirKind::Class(class) => Some(format!("un {}", class_words(class)?)),
        HirKind::Repetition(repetition) => {
            let HirKind::Class(class) = repetition.sub.kind() else { return None };
            let what = class_words(class)?;
            match (repetition.min, repetition.max) {
                (1, Some(1)) => Some(format!("un {what}")),
                (min, Some(max)) if min == max => Some(format!("{min} {}", plural(what))),
                (min, Some(max)) => Some(format!("{min} à {max} {}", plural(what))),
                (min, None) if min <= 1 => Some(format!("des {}", plural(what))),
                (min, None) => Some(format!("au moins {min} {}", plural(what))),
            }
        }
        _ => None,
    }
}

fn plural(what: &str) -> String {
    what.split(' ').map(|word| format!("{word}s")).collect::<Vec<_>>().join(" ")
}

fn class_words(class: &Class) -> Option<&'static str> {
    let ranges: Vec<(char, char)> = match class {
        Class::Unicode(c) => c.ranges().iter().map(|r| (r.start(), r.end())).collect(),
        Class::Bytes(c) => c.ranges().iter().map(|r| (char::from(r.start()), char::from(r.end()))).collect(),
    };
    match ranges.as_slice() {
        [('0', '9')] => Some("chiffre"),
        [('A', 'Z')] => Some("caractère majuscule"),
        [('a', 'z')] => Some("caractère minuscule"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn simple_patterns_are_put_in_words() {
        let said = |pattern: &str| compile(pattern, false, "").ok().and_then(|r| words(&r));
        assert_eq!(said("^A[0-9]{4}$").as_deref(), Some("« A » puis 4 chiffres"));
        assert_eq!(said(r"^\d{14}$").as_deref(), Some("14 chiffres"));
        assert_eq!(said("^[A-Z]{2}-[0-9]+$").as_deref(), Some("2 caractères majuscules puis « - » puis des chiffres"));
        assert_eq!(said("[0-9]"), None);
        assert_eq!(said("^(a|b)$"), None);
    }

    proptest! {
        /// The automaton's verdict is that of the `regex` crate.
        #[test]
        fn a_walk_finds_what_a_search_does(at in 0..PATTERNS.len(), text in "[A2ab0-9é \\-T:]{0,12}|\\PC{0,6}") {
            let pattern = compile(PATTERNS[at], false, "").expect("a pattern");
            prop_assert_eq!(pattern.is_match(&text), pattern.regex.is_match(&text), "{} {}", PATTERNS[at], text);
        }
    }

    const PATTERNS: [&str; 12] = [
        r"^(?:\d{2}|2[AB])\d{3}$",
        r"^A\d{5}$",
        "a+b",
        "^$",
        r"\d$",
        "é|A2",
        r"^\d{4}-\d{2}",
        r"\bA\b",
        r"^\d{2}:[A-Z0-9]$",
        "^(?:[ab]2){2}$",
        "^é$",
        "^[^a]$",
    ];

    #[test]
    fn a_bad_or_huge_pattern_is_refused() {
        assert_eq!(compile("(", false, "/p").map(|_| ()).map_err(|f| f.code), Err("pattern".to_owned()));
        assert_eq!(compile("(?=a)", false, "/p").map(|_| ()).map_err(|f| f.code), Err("pattern".to_owned()));
        assert_eq!(compile(r"(\w{1000}){1000}", false, "/p").map(|_| ()).map_err(|f| f.code), Err("pattern_too_big".to_owned()));
    }
}
