//! Personal data that a text gives away by its form: e-mail addresses, French telephone numbers, social security numbers (NIR) and
//! IBAN, whose keys are verified. A name has no form: it is left to a person.
//!
//! Sources: the NIR's key is 97 less the number modulo 97, Corsica's 2A and 2B being read as 19 and 18 (INSEE); the check of an IBAN is
//! ISO 13616's, modulo 97; French numbers are those of the ARCEP's plan, ten digits from 01 to 09 or +33.

use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A kind of personal data that its form gives away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PersonalKind {
    /// An e-mail address.
    Email,
    /// A French telephone number.
    Phone,
    /// A French social security number whose key is right.
    Nir,
    /// An IBAN whose key is right.
    Iban,
}

impl PersonalKind {
    /// As a sentence names one.
    pub fn words(self) -> &'static str {
        match self {
            Self::Email => "une adresse électronique",
            Self::Phone => "un numéro de téléphone",
            Self::Nir => "un numéro de sécurité sociale",
            Self::Iban => "un IBAN",
        }
    }

    /// As a list names several.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Email => "adresses électroniques",
            Self::Phone => "numéros de téléphone",
            Self::Nir => "numéros de sécurité sociale",
            Self::Iban => "IBAN",
        }
    }
}

/// Where a text holds personal data: kind and bytes, in the order of the text, none over another.
pub fn find(text: &str) -> Vec<(PersonalKind, std::ops::Range<usize>)> {
    if !may_hold(text) {
        return Vec::new();
    }
    let mut found: Vec<(PersonalKind, std::ops::Range<usize>)> = Vec::new();
    let mut add = |kind, range: std::ops::Range<usize>| {
        if found.iter().all(|(_, other)| range.end <= other.start || other.end <= range.start) {
            found.push((kind, range));
        }
    };
    // The longest forms first: an IBAN's digits may hold a telephone's.
    if let Some(Patterns { email, phone, nir, iban }) = &*PATTERNS {
        let alone = |range: &std::ops::Range<usize>| {
            let of_word = |c: char| c.is_alphanumeric();
            !text[..range.start].ends_with(of_word) && !text[range.end..].starts_with(of_word)
        };
        for m in iban.find_iter(text).filter(|m| alone(&m.range())) {
            // Words may follow the number after a blank: what counts is the longest beginning that its key accepts.
            let ends = m.as_str().char_indices().map(|(i, c)| i + c.len_utf8()).rev();
            if let Some(end) = ends.into_iter().find(|end| is_iban(&m.as_str()[..*end])) {
                add(PersonalKind::Iban, m.start()..m.start() + end);
            }
        }
        for m in nir.find_iter(text).filter(|m| alone(&m.range()) && is_nir(m.as_str())) {
            add(PersonalKind::Nir, m.range());
        }
        for m in phone.find_iter(text).filter(|m| alone(&m.range()) && !begins_with_a_date(m.as_str())) {
            add(PersonalKind::Phone, m.range());
        }
        for m in email.find_iter(text) {
            add(PersonalKind::Email, m.range());
        }
    }
    found.sort_by_key(|(_, range)| range.start);
    found
}

/// `05/04/2026 10`: the digits of a day and an hour are those of a telephone.
fn begins_with_a_date(text: &str) -> bool {
    matches!(text.as_bytes(), [b'0'..=b'3', _, a @ (b'/' | b'-' | b'.'), b'0' | b'1', _, b, rest @ ..]
        if a == b && rest.iter().take(4).filter(|c| c.is_ascii_digit()).count() == 4)
}

/// Digits of the shortest number that is personal data: a telephone's.
pub const DIGITS: usize = 10;

/// How many digits a text has.
pub fn digits(text: &str) -> usize {
    // Counted in a byte per part, which the processor does for many bytes at once.
    let of_part = |part: &[u8]| usize::from(part.iter().map(|byte| u8::from(byte.is_ascii_digit())).sum::<u8>());
    text.as_bytes().chunks(128).map(of_part).sum()
}

/// Whether a text has an at sign, or ten digits in a row but for what separates them in a number: most cells have neither, and are not
/// searched.
fn may_hold(text: &str) -> bool {
    if text.len() < 6 {
        return false;
    }
    memchr::memchr(b'@', text.as_bytes()).is_some() || may_hold_a_number(text)
}

/// The same for a text that is known to have no at sign.
pub fn may_hold_a_number(text: &str) -> bool {
    if text.len() > 32 && digits(text) < DIGITS {
        return false;
    }
    // Letters are of a run in an IBAN and in the number of Corsica's departments; a colon or a dash of a date is not.
    let (mut run, mut last) = (0, b' ');
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'0'..=b'9' => {
                run += 1;
                if run >= DIGITS {
                    return true;
                }
            }
            b' ' | b'.' | b'-' | b'/' | b'(' | b')' | 0x80.. => {}
            b'A' | b'B' | b'a' | b'b' if last == b'2' => {}
            _ if text.len() - at <= DIGITS => return false,
            _ => run = 0,
        }
        last = byte;
    }
    false
}

/// `text` with what [`find`] finds hidden but for what tells its owner which it is: the first letter of an address, the last two digits of
/// a number.
pub fn mask(text: &str) -> String {
    let mut masked = String::new();
    let mut at = 0;
    for (kind, range) in find(text) {
        masked.push_str(&text[at..range.start]);
        let whole = &text[range.clone()];
        if kind == PersonalKind::Email {
            masked.extend(whole.chars().next());
            masked.push_str("…@…");
        } else {
            let end: String = whole.chars().filter(|c| !c.is_whitespace()).collect();
            let end: Vec<char> = end.chars().rev().take(2).collect();
            masked.push('…');
            masked.extend(end.into_iter().rev());
        }
        at = range.end;
    }
    masked.push_str(&text[at..]);
    masked
}

struct Patterns {
    email: Regex,
    phone: Regex,
    nir: Regex,
    iban: Regex,
}

/// None only if a pattern were not one, which the tests exclude.
static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| {
    // Blanks as Excel and people write them: plain, no-break and narrow.
    let blank = r"[ \u{a0}\u{202f}]?";
    let part = r"[ \u{a0}\u{202f}.\-/]?";
    Some(Patterns {
        email: Regex::new(r"[\p{L}\p{N}._%+\-]+@[\p{L}\p{N}\-]+(?:\.[\p{L}\p{N}\-]+)+").ok()?,
        phone: Regex::new(&format!(r"(?:(?:\+|00)33{part}(?:\(0\))?{part}[1-9]|0[1-9])(?:{part}[0-9]{{2}}){{4}}")).ok()?,
        nir: Regex::new(&format!(
            r"[12]{blank}[0-9]{{2}}{blank}[0-9]{{2}}{blank}(?:[0-9]{{2}}|2[ABab]){blank}[0-9]{{3}}{blank}[0-9]{{3}}{blank}[0-9]{{2}}"
        ))
        .ok()?,
        iban: Regex::new(&format!(r"[A-Z]{{2}}[0-9]{{2}}(?:{blank}[A-Z0-9]){{11,30}}")).ok()?,
    })
});

/// Whether a text is an IBAN whose key is right (ISO 13616: letters are numbers from 10, and the whole is 1 modulo 97).
pub fn is_iban(text: &str) -> bool {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    if !(15..=34).contains(&plain.len()) || !plain.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()) {
        return false;
    }
    let (front, rest) = plain.split_at(4);
    let shape: Vec<bool> = front.bytes().map(|b| b.is_ascii_digit()).collect();
    let value = |b: u8| if b.is_ascii_digit() { u32::from(b - b'0') } else { u32::from(b - b'A') + 10 };
    let step = |r: u32, b: u8| if b.is_ascii_digit() { (r * 10 + value(b)) % 97 } else { (r * 100 + value(b)) % 97 };
    shape == [false, false, true, true] && rest.bytes().chain(front.bytes()).fold(0, step) == 1
}

/// Whether a text is a social security number whose key is right.
pub fn is_nir(text: &str) -> bool {
    let plain: String = text.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
    let corsica = match plain.get(5..7) {
        Some("2A") => Some("19"),
        Some("2B") => Some("18"),
        _ => None,
    };
    let digits = match (corsica, plain.get(..5), plain.get(7..)) {
        (Some(department), Some(before), Some(after)) => format!("{before}{department}{after}"),
        _ => plain,
    };
    let all = digits.len() == 15 && digits.bytes().all(|b| b.is_ascii_digit()) && matches!(digits.as_bytes().first(), Some(b'1' | b'2'));
    let parts = (digits.get(..13).and_then(|n| n.parse::<u64>().ok()), digits.get(13..).and_then(|k| k.parse::<u64>().ok()));
    // A month of birth is 01 to 12, or 20 and more where it is not known.
    let month = digits.get(3..5).and_then(|m| m.parse::<u8>().ok()).unwrap_or_default();
    all && matches!(month, 1..=12 | 20..) && matches!(parts, (Some(number), Some(key)) if 97 - number % 97 == key)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn kinds(text: &str) -> Vec<PersonalKind> {
        find(text).into_iter().map(|(kind, _)| kind).collect()
    }

    #[test]
    fn what_a_form_gives_away_is_found_in_a_sentence() {
        use PersonalKind::{Email, Iban, Nir, Phone};
        // The NIR and the IBAN are the examples of INSEE's and of the European Committee for Banking Standards' documents.
        for (text, expected) in [
            ("Rappeler Mme D. au 06 12 34 56 78 avant midi", vec![Phone]),
            ("tél : 01.43.93.00.00, ou +33 1 43 93 00 00", vec![Phone, Phone]),
            ("+33(0)612345678", vec![Phone]),
            ("écrire à jeanne.durand@exemple.fr.", vec![Email]),
            ("2 55 08 14 168 025 38", vec![Nir]),
            ("255081416802538", vec![Nir]),
            ("FR14 2004 1010 0505 0001 3M02 606", vec![Iban]),
            ("FR1420041010050500013M02606 puis rien", vec![Iban]),
            ("Son compte est GB82 WEST 1234 5698 7654 32 et son courriel a@b.fr", vec![Iban, Email]),
        ] {
            assert_eq!(kinds(text), expected, "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_it_is_not() {
        for text in [
            "",
            "D004217",
            "2026-09-01T10:00:00Z",
            "12345678901234567890",
            "255081416802539",
            "FR1420041010050500013M02607",
            "219300480 et 20005478100014",
            "1 234 567,50",
            "REF0612345678A",
            "Appel le 05/04/2026 10:00",
            "@mairie",
            "arobase @ seule",
        ] {
            assert_eq!(kinds(text), [], "{text}");
        }
    }

    #[test]
    fn a_masked_text_gives_nothing_away() {
        assert_eq!(mask("Rappeler au 06 12 34 56 78, jeanne.durand@exemple.fr"), "Rappeler au …78, j…@…");
        assert_eq!(mask("rien à cacher"), "rien à cacher");
    }

    proptest! {
        #[test]
        fn masking_leaves_nothing_to_find(text in "[ -~àéç]{0,40}(06 12 34 56 78|a.b@c.fr|2 55 08 14 168 025 38)?[ -~]{0,20}") {
            let masked = mask(&text);
            prop_assert!(kinds(&masked).iter().all(|k| *k != PersonalKind::Nir && *k != PersonalKind::Iban), "{masked}");
        }

        #[test]
        fn what_is_not_searched_holds_nothing(text in "(tél |n[°o] |x)?(0[1-9]([ .-]?[0-9]{2}){4}|[12][ ]?[0-9]{2} ?[0-9]{2} ?(2A|2B|[0-9]{2}) ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}|FR76 ?[0-9]{4} ?[0-9]{4} ?[0-9]{15}|[0-9 :T-]{0,25}|a@b.fr)[ a-z]{0,5}") {
            if let Some(patterns) = &*PATTERNS && !may_hold(&text) {
                let Patterns { email, phone, nir, iban } = patterns;
                prop_assert!(!email.is_match(&text) && !phone.is_match(&text));
                prop_assert!(nir.find_iter(&text).all(|m| !is_nir(m.as_str())) && iban.find_iter(&text).all(|m| !is_iban(m.as_str())));
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = mask(&text);
        }
    }
}
