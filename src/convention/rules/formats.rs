//! Forms of text that a column may be asked for: those of JSON Schema 2020-12, and those of French administration. Each says
//! in French what it expects.

use std::sync::LazyLock;

use serde_json::{Value as Json, json};

/// A known form of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Five characters that name a commune: 75056, 2A004.
    InseeCommune,
    /// Nine digits with Luhn's check.
    Siren,
    /// Fourteen digits with Luhn's check; La Poste's establishments sum to a multiple of 5.
    Siret,
    /// Five digits of a postal code.
    CodePostal,
    /// A French telephone number, in national or international notation.
    Telephone,
    /// Opening hours after OpenStreetMap (a Validata custom check).
    OpeningHours,
    /// A year and month, 2026-03.
    YearMonth,
    /// `[longitude, latitude]` or `longitude, latitude` (Table Schema's geopoint).
    GeoPoint,
    /// The same, within France, overseas included.
    LonLatFrance,
    /// Text that is JSON (Table Schema's object, array, geojson).
    JsonText,
    /// Base64.
    Binary,
    /// An hour without zone, 14:05:00 (Table Schema's time).
    LocalTime,
    /// A form of JSON Schema 2020-12 that the `jsonschema` crate checks.
    Standard(Standard),
}

macro_rules! standards {
    ($($variant:ident $name:literal $expected:literal),* $(,)?) => {
        /// The forms of JSON Schema 2020-12.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Standard {
            $(
                #[doc = $name]
                $variant
            ),*
        }

        const STANDARDS: &[(&str, Standard, &str)] = &[$(($name, Standard::$variant, $expected)),*];
    };
}

standards! {
    Date "date" "une date, par exemple 2026-03-12",
    DateTime "date-time" "une date et une heure, par exemple 2026-03-12T14:05:00+01:00",
    Time "time" "une heure, par exemple 14:05:00Z",
    Duration "duration" "une durée ISO 8601, par exemple P10D pour dix jours",
    Email "email" "une adresse électronique, par exemple accueil@mairie-exemple.fr",
    Hostname "hostname" "un nom de machine, par exemple www.mairie-exemple.fr",
    Ipv4 "ipv4" "une adresse IPv4, par exemple 192.0.2.1",
    Ipv6 "ipv6" "une adresse IPv6, par exemple 2001:db8::1",
    Uri "uri" "une adresse complète, par exemple https://www.exemple.fr/page",
    UriReference "uri-reference" "une adresse complète ou relative",
    UriTemplate "uri-template" "un modèle d'adresse",
    Iri "iri" "une adresse complète, par exemple https://www.exemple.fr/page",
    IriReference "iri-reference" "une adresse complète ou relative",
    Uuid "uuid" "un identifiant UUID, par exemple 6ba7b810-9dad-11d1-80b4-00c04fd430c8",
    JsonPointer "json-pointer" "un pointeur JSON",
    RelativeJsonPointer "relative-json-pointer" "un pointeur JSON relatif",
    Regex "regex" "une expression régulière",
}

/// One compiled `{"format": …}` per standard form, in the order of [`STANDARDS`].
static VALIDATORS: LazyLock<Vec<Option<jsonschema::Validator>>> = LazyLock::new(|| {
    let build = |name: &str| jsonschema::options().should_validate_formats(true).build(&json!({ "format": name })).ok();
    STANDARDS.iter().map(|(name, ..)| build(name)).collect()
});

/// The French forms, by their name in a schema.
const FRENCH: &[(&str, Format)] = &[
    ("insee-commune", Format::InseeCommune),
    ("siren", Format::Siren),
    ("siret", Format::Siret),
    ("code-postal", Format::CodePostal),
    ("telephone", Format::Telephone),
    ("year-month", Format::YearMonth),
    ("lonlat-france", Format::LonLatFrance),
    ("opening-hours", Format::OpeningHours),
];

impl Format {
    /// The form of this name in a JSON Schema.
    pub fn parse(name: &str) -> Option<Self> {
        let french = FRENCH.iter().find(|(n, _)| *n == name).map(|(_, f)| *f);
        french.or_else(|| STANDARDS.iter().find(|(n, ..)| *n == name).map(|(_, s, _)| Self::Standard(*s)))
    }

    /// All names, for a message that lists them.
    pub fn names() -> impl Iterator<Item = &'static str> {
        FRENCH.iter().map(|(n, _)| *n).chain(STANDARDS.iter().map(|(n, ..)| *n))
    }

    /// Whether `text` has the form.
    pub fn accepts(self, text: &str) -> bool {
        match self {
            Self::InseeCommune => insee_commune(text),
            Self::Siren => text.len() == 9 && luhn(text).is_some_and(|sum| sum % 10 == 0),
            Self::Siret => siret(text),
            Self::CodePostal => {
                text.len() == 5
                    && text.bytes().all(|b| b.is_ascii_digit())
                    && matches!(text.get(..2).map(str::parse::<u8>), Some(Ok(1..=98)))
            }
            Self::Telephone => telephone(text),
            Self::OpeningHours => opening_hours(text),
            Self::YearMonth => text.parse::<crate::ids::Period>().is_ok(),
            Self::GeoPoint => geo_point(text).is_some(),
            Self::LonLatFrance => geo_point(text).is_some_and(in_france),
            Self::JsonText => serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok(),
            Self::Binary => {
                let body = text.trim_end_matches('=');
                text.len().is_multiple_of(4)
                    && text.len() - body.len() <= 2
                    && body.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/')
            }
            Self::LocalTime => chrono::NaiveTime::parse_from_str(text, "%H:%M:%S%.f").is_ok() && text.as_bytes().get(2) == Some(&b':'),
            Self::Standard(standard) => {
                let validator =
                    STANDARDS.iter().position(|(_, s, _)| *s == standard).and_then(|i| VALIDATORS.get(i)).and_then(Option::as_ref);
                validator.is_none_or(|v| v.is_valid(&Json::String(text.to_owned())))
            }
        }
    }

    /// What is expected, in French, to follow «attendu :».
    pub fn expected(self) -> &'static str {
        match self {
            Self::InseeCommune => "un code INSEE de commune en cinq caractères, par exemple 94028 ou 2A004 (pas un code postal)",
            Self::Siren => "un numéro SIREN de neuf chiffres sans espace, par exemple 200054781",
            Self::Siret => "un numéro SIRET de quatorze chiffres sans espace, par exemple 21920044100018",
            Self::CodePostal => "un code postal de cinq chiffres, par exemple 94000",
            Self::Telephone => "un numéro de téléphone français, par exemple 01 45 16 40 00 ou +33 1 45 16 40 00",
            Self::OpeningHours => "des horaires au format OpenStreetMap, par exemple Mo-Fr 08:00-20:00",
            Self::YearMonth => "une année et un mois, par exemple 2026-03",
            Self::GeoPoint => "une longitude et une latitude séparées par une virgule, par exemple 2.35,48.85",
            Self::LonLatFrance => {
                "une longitude et une latitude de France, dans cet ordre, séparées par une virgule, par exemple 2.35,48.85"
            }
            Self::JsonText => "un texte JSON",
            Self::Binary => "un contenu codé en base64",
            Self::LocalTime => "une heure, par exemple 14:05:00",
            Self::Standard(standard) => STANDARDS.iter().find(|(_, s, _)| *s == standard).map_or("", |(_, _, expected)| expected),
        }
    }

    /// The options of a row validator that knows all these forms, with a regex engine that is linear in the text.
    pub fn options() -> jsonschema::ValidationOptions<'static> {
        let mut options = jsonschema::options()
            .should_validate_formats(true)
            .should_ignore_unknown_formats(false)
            .with_pattern_options(jsonschema::PatternOptions::regex().size_limit(super::PATTERN_BYTES));
        for (name, format) in FRENCH {
            options = options.with_format(*name, |text: &str| format.accepts(text));
        }
        options
    }
}

/// Departments 01 to 95 without 20, Corsica 2A and 2B, overseas 97x and 98x; then the commune's rank.
fn insee_commune(text: &str) -> bool {
    let bytes = text.as_bytes();
    let digits = |range: std::ops::Range<usize>| bytes.get(range).is_some_and(|part| part.iter().all(u8::is_ascii_digit));
    if bytes.len() != 5 || !digits(2..5) {
        return false;
    }
    match &bytes[..2] {
        b"2A" | b"2B" | b"97" | b"98" => true,
        [a, b] if a.is_ascii_digit() && b.is_ascii_digit() => matches!((a - b'0') * 10 + (b - b'0'), 1..=19 | 21..=95),
        _ => false,
    }
}

/// Luhn's sum, if all are digits.
fn luhn(text: &str) -> Option<u32> {
    text.bytes().rev().enumerate().try_fold(0, |sum, (i, b)| {
        let digit = b.is_ascii_digit().then(|| u32::from(b - b'0'))?;
        let weighted = if i % 2 == 1 { digit * 2 } else { digit };
        Some(sum + if weighted > 9 { weighted - 9 } else { weighted })
    })
}

/// La Poste (SIREN 356000000) has establishments whose plain sum is a multiple of 5 instead.
fn siret(text: &str) -> bool {
    text.len() == 14
        && luhn(text).is_some_and(|sum| {
            sum % 10 == 0 || (text.starts_with("356000000") && text.bytes().map(|b| u32::from(b - b'0')).sum::<u32>().is_multiple_of(5))
        })
}

fn telephone(text: &str) -> bool {
    let plain: String = text.chars().filter(|c| !matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '.' | '-')).collect();
    let national = plain.strip_prefix("+33").or_else(|| plain.strip_prefix("0033")).map(|rest| rest.trim_start_matches("(0)"));
    let national = national.or_else(|| plain.strip_prefix('0'));
    let short = plain.len() == 4 && plain.starts_with('3');
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    (short && digits(&plain)) || national.is_some_and(|n| n.len() == 9 && digits(n) && !n.starts_with('0'))
}

fn geo_point(text: &str) -> Option<(f64, f64)> {
    let text = text.trim().trim_start_matches('[').trim_end_matches(']');
    let (longitude, latitude) = text.split_once(',')?;
    let within = |s: &str, limit: f64| s.trim().parse::<f64>().ok().filter(|v| v.abs() <= limit);
    Some((within(longitude, 180.0)?, within(latitude, 90.0)?))
}

/// Boxes around the parts of France: west, east, south, north.
const FRANCE: [(f64, f64, f64, f64); 12] = [
    (-5.3, 9.7, 41.2, 51.2),        // Metropolitan France and Corsica
    (-61.9, -60.9, 15.7, 16.6),     // Guadeloupe
    (-61.3, -60.7, 14.3, 15.0),     // Martinique
    (-54.7, -51.5, 2.0, 6.0),       // French Guiana
    (55.1, 55.9, -21.5, -20.8),     // La Réunion
    (44.9, 45.4, -13.1, -12.5),     // Mayotte
    (-56.6, -56.0, 46.7, 47.2),     // Saint Pierre and Miquelon
    (-63.2, -62.7, 17.8, 18.2),     // Saint Barthélemy and Saint Martin
    (-178.3, -176.0, -14.5, -13.1), // Wallis and Futuna
    (-155.0, -134.0, -28.0, -7.5),  // French Polynesia
    (158.0, 172.2, -23.0, -17.8),   // New Caledonia
    (50.0, 78.0, -50.0, -37.0),     // The southern islands
];

fn in_france((longitude, latitude): (f64, f64)) -> bool {
    FRANCE.iter().any(|(west, east, south, north)| (*west..=*east).contains(&longitude) && (*south..=*north).contains(&latitude))
}

/// The words of OpenStreetMap's `opening_hours`: enough to tell hours from `true` or « sur rendez-vous ».
fn opening_hours(text: &str) -> bool {
    static WORDS: LazyLock<Option<regex::Regex>> = LazyLock::new(|| {
        let day = "(?:Mo|Tu|We|Th|Fr|Sa|Su|PH|SH)(?:\\[-?[1-5](?:-[1-5])?\\])?";
        let month = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)(?: [0-3]?[0-9])?";
        let hour = "(?:[0-2]?[0-9]:[0-5][0-9]|\\(?(?:sunrise|sunset|dawn|dusk)(?:[+-][0-9]{2}:[0-9]{2}\\))?)";
        let span = |of: &str| format!("{of}(?:-{of})?(?:, ?{of}(?:-{of})?)*");
        let item = format!(
            "(?:24/7|{}:?|{}:?|(?:week|easter|[12][0-9]{{3}})(?: ?[0-9-]+)?|{hour}(?:-{hour})?\\+?(?:, ?{hour}(?:-{hour})?\\+?)*|off|closed|open|unknown|\"[^\"]*\")",
            span(day),
            span(month)
        );
        regex::Regex::new(&format!("^{item}(?:(?: |; ?|, ?| \\|\\| ){item})*;?$")).ok()
    });
    WORDS.as_ref().is_none_or(|words| words.is_match(text.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn french_forms_tell_good_from_bad() {
        let cases: &[(Format, &[&str], &[&str])] = &[
            (
                Format::InseeCommune,
                &["75056", "01001", "2A004", "97411", "94028"],
                &["20001", "00001", "1001", "2C001", "96001", "7505é", "é7505", ""],
            ),
            (Format::Siren, &["200054781", "217500016"], &["200054782", "20005478", "20005478X", ""]),
            // INSEE's own example of La Poste's headquarters, and an establishment that only its plain sum justifies.
            (
                Format::Siret,
                &["21920044100018", "35600000000048", "35600000049837"],
                &["80295478500029", "2194002890001", "aaaaaaaaaaaaaa", "3560000000004é"],
            ),
            (Format::CodePostal, &["94000", "01000", "97400"], &["00100", "9400", "9400A", "99000"]),
            (
                Format::Telephone,
                &["01 45 16 40 00", "+33 1 45 16 40 00", "0033145164000", "3949"],
                &["145164000", "01 45 16 40", "00 45 16 40 00", "bonjour"],
            ),
            (
                Format::OpeningHours,
                &["Mo-Fr 08:00-20:00", "24/7", "Mo-Fr 08:00-12:00,14:00-18:00; Sa 09:00-12:00; PH off"],
                &["true", "false", "sur rendez-vous"],
            ),
            (Format::LonLatFrance, &["2.35,48.85", "-61.55, 16.25", "[55.45,-20.88]"], &["48.85,2.35", "0,0", "2.35", "13.4,52.5"]),
            (Format::YearMonth, &["2026-03"], &["2026-13", "03/2026"]),
        ];
        for (format, good, bad) in cases {
            for text in *good {
                assert!(format.accepts(text), "{format:?} should accept {text}");
            }
            for text in *bad {
                assert!(!format.accepts(text), "{format:?} should refuse {text}");
            }
        }
    }

    #[test]
    fn every_standard_form_is_checked() {
        assert!(VALIDATORS.iter().all(Option::is_some));
        assert!(!Format::Standard(Standard::Email).accepts("pas une adresse"));
        assert!(!Format::Standard(Standard::Date).accepts("2026-02-30"));
    }
}
