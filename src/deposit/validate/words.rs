//! What a person reads: one sentence per fault that says what is wrong and what to do, without a pattern or a keyword in it.

use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value as Json;

use super::{
    column::{Column, to_day, to_instant},
    detect::{Marks, Shown, may_separate_thousands},
    faults::{Found, Problem},
    header::letter,
    read::{self, Failure},
};
use crate::{
    convention::{
        column::ColumnKind,
        rules::{Bound, Check, Dates, Field, Read, Rules, Test},
    },
    deposit::{
        decode::{Head, Table},
        report::{CellFault, RuleCount},
    },
};

/// Longest value that is shown, in characters.
const SHOWN: usize = 200;
/// Most values of an enumeration that a sentence lists.
const LISTED: usize = 12;

/// What sentences are made from.
pub struct Context<'a> {
    /// What was known of the file before its rows.
    pub head: &'a Head,
    /// The block; empty for what is said of the whole file.
    pub table: &'a Table,
    /// The rules.
    pub rules: &'a Rules,
    /// Position in the file of each field.
    pub positions: &'a [Option<usize>],
    /// The columns read.
    pub columns: &'a [Option<Column<'a>>],
    /// How the file is read.
    pub marks: Marks,
}

impl Context<'_> {
    fn epoch(&self) -> &'static str {
        self.head.source.epoch.unwrap_or("iso")
    }

    /// A fault as the report shows it.
    pub fn fault(&self, found: &Found) -> CellFault {
        let field = found.field.map(|f| &self.rules.fields()[f]);
        let value = found.field.and_then(|f| self.columns[f].as_ref()).map(|c| c.cells.get(found.row)).filter(|v| !v.is_empty());
        let position = found.field.and_then(|f| self.positions[f]);
        let (code, rule) = self.code(found, field);
        CellFault {
            code: code.to_owned(),
            row: self.table.rows.get(found.row).copied(),
            column: field.map(|f| f.column.name.clone()),
            column_letter: position.filter(|_| self.head.header_row.is_some()).map(letter),
            value: value.map(|v| v.chars().take(SHOWN).collect()),
            message: self.sentence(found, field, value),
            rule,
            expected: field.filter(|_| about_cell(&found.problem)).and_then(expected),
            suggestion: field.zip(value).filter(|_| about_cell(&found.problem)).and_then(|(f, v)| self.suggestion(found, f, v)),
        }
    }

    /// A warning about a cell that shows how the file is written.
    pub fn shown(&self, shown: &Shown, code: &str, message: String) -> CellFault {
        let position = self.positions[shown.field];
        CellFault {
            code: code.to_owned(),
            row: Some(shown.row),
            column: Some(self.rules.fields()[shown.field].column.name.clone()),
            column_letter: position.filter(|_| self.head.header_row.is_some()).map(letter),
            value: Some(shown.text.clone()),
            message,
            rule: None,
            expected: None,
            suggestion: None,
        }
    }

    /// A group as the report counts it.
    pub fn group(&self, count: u64, sample: &Found) -> RuleCount {
        let field = sample.field.map(|f| &self.rules.fields()[f]);
        let name = field.map(|f| f.column.name.clone());
        let of = name.as_ref().map_or_else(String::new, |n| format!("Colonne « {n} » : "));
        let message = match (&sample.problem, field) {
            (Problem::Required | Problem::KeyMissing(_) | Problem::NullRefused, _) => {
                format!("{of}une valeur est attendue sur chaque ligne.")
            }
            (Problem::Duplicate(key, _), _) => format!("Plusieurs lignes ont la même clé ({}) : n'en gardez qu'une.", self.key(*key)),
            (Problem::Reference(_), _) => {
                format!("{of}le code d'une commune ou d'un établissement public territorial de la Métropole est attendu.")
            }
            (Problem::Predicate(i), _) => self.rules.predicates()[*i].message.clone(),
            (Problem::Ragged(_), _) => "Des lignes n'ont pas autant de cellules que la ligne des titres : corrigez-les.".to_owned(),
            (Problem::Rest(rest), _) => rest.message.clone(),
            (Problem::Type(Failure::NoSuchDate), _) => format!("{of}des dates n'existent pas au calendrier : corrigez-les."),
            (Problem::Type(Failure::MonthFirst), _) => format!("{of}des dates sont écrites mois d'abord : écrivez jour/mois/année."),
            (Problem::Type(_), Some(field)) => {
                format!("{of}il faut {}.", expected(field).unwrap_or_else(|| kind_words(field.column.kind).to_owned()))
            }
            (Problem::Check(i), Some(field)) => format!("{of}{}", capital_after(&of, &self.asked(field, &field.checks[*i]))),
            _ => "Des valeurs ne conviennent pas : corrigez-les.".to_owned(),
        };
        RuleCount { code: self.code(sample, field).0.to_owned(), column: name, count, message }
    }

    fn code<'p>(&self, found: &'p Found, field: Option<&'p Field>) -> (&'p str, Option<String>) {
        match &found.problem {
            Problem::Type(failure) => {
                let code = match failure {
                    Failure::NotFinite => "not_finite",
                    Failure::NoSuchDate => "no_such_date",
                    Failure::CellError => "cell_error",
                    _ => "type",
                };
                (code, field.map(|f| format!("{}/type", f.pointer)))
            }
            Problem::Required => ("required", field.map(|f| f.pointer.clone())),
            Problem::NullRefused => ("required", field.and_then(|f| f.null_fault.clone())),
            Problem::KeyMissing(i) => ("required", Some(self.rules.keys()[*i].pointer.clone())),
            Problem::Check(i) => field.map_or(("check", None), |f| (f.checks[*i].code, Some(f.checks[*i].pointer.clone()))),
            Problem::Duplicate(i, _) => ("duplicate_key", Some(self.rules.keys()[*i].pointer.clone())),
            Problem::Reference(i) => ("reference", Some(self.rules.references()[*i].pointer.clone())),
            Problem::Predicate(i) => ("rule", Some(self.rules.predicates()[*i].id.clone())),
            Problem::Ragged(_) => ("ragged_row", None),
            Problem::Rest(rest) => (rest.code, Some(rest.pointer.clone())),
        }
    }

    fn key(&self, key: usize) -> String {
        self.rules.keys()[key].columns.iter().map(|&c| self.rules.columns()[c].name.as_str()).collect::<Vec<_>>().join(", ")
    }

    fn sentence(&self, found: &Found, field: Option<&Field>, value: Option<&str>) -> String {
        let shown = value.map(shorten).unwrap_or_default();
        let name = field.map_or("", |f| f.column.name.as_str());
        let wanted = || field.and_then(expected).map_or_else(String::new, |e| format!(" Attendu : {e}."));
        match &found.problem {
            Problem::Required | Problem::NullRefused | Problem::KeyMissing(_) => {
                format!("La cellule « {name} » est vide : remplissez-la.{}", wanted())
            }
            Problem::Type(failure) => {
                let what = match failure {
                    Failure::NotANumber | Failure::WrongType if field.is_some_and(|f| f.column.kind == ColumnKind::Integer) => {
                        "n'est pas un nombre entier"
                    }
                    Failure::NotANumber => "n'est pas un nombre",
                    Failure::NotWhole => "n'est pas un nombre entier",
                    Failure::NotFinite => "n'est pas un nombre que l'on peut compter",
                    Failure::NotABoolean => "ne dit ni oui ni non",
                    Failure::NotADate => "n'est pas une date lisible",
                    Failure::NoSuchDate => "n'existe pas au calendrier",
                    Failure::MonthFirst => "ne se lit pas : les dates de ce fichier semblent écrites mois d'abord",
                    Failure::NotADay => "porte une heure, or un jour seul est attendu",
                    Failure::CellError => "est une erreur de calcul du tableur : corrigez la formule ou écrivez la valeur",
                    Failure::WrongType => "n'est pas du type attendu",
                };
                format!("« {shown} » {what}.{}", wanted())
            }
            Problem::Check(i) => {
                let check = field.map(|f| (f, &f.checks[*i]));
                check.map_or_else(String::new, |(f, check)| format!("« {shown} » ne convient pas : {}", lower(&self.asked(f, check))))
            }
            Problem::Duplicate(key, first) => {
                let other = *first;
                let values: Vec<String> = self.rules.keys()[*key]
                    .columns
                    .iter()
                    .filter_map(|&c| self.columns[c].as_ref())
                    .map(|c| shorten(c.cells.get(found.row)))
                    .collect();
                let here = self.table.rows.get(found.row).copied().unwrap_or_default();
                format!("Les lignes {other} et {here} ont la même clé ({} : {}) : n'en gardez qu'une.", self.key(*key), values.join(", "))
            }
            Problem::Reference(_) => format!(
                "« {shown} » n'est le code d'aucune commune ni d'aucun établissement public territorial de la Métropole : vérifiez-le."
            ),
            Problem::Predicate(i) => self.rules.predicates()[*i].message.clone(),
            Problem::Ragged(count) => {
                let width = self.head.names.len();
                let many = |n: usize| format!("{n} cellule{}", if n > 1 { "s" } else { "" });
                let hint = if *count > width {
                    "un séparateur est sans doute resté dans un texte sans guillemets"
                } else {
                    "il manque des cellules à la fin"
                };
                format!("Cette ligne a {} au lieu de {width} : {hint}.", many(*count))
            }
            Problem::Rest(rest) => rest.message.clone(),
        }
    }

    /// What one check asks, as a sentence.
    fn asked(&self, field: &Field, check: &Check) -> String {
        let number = |b: &Bound| bound_words(*b, field.column.kind);
        match &check.test {
            Test::OneOfTexts { list, .. } | Test::OneOfNumbers(_, list) => format!("Les valeurs admises sont : {}.", listed(list)),
            Test::OneOfBooleans(list) => format!("Seule la valeur « {} » est admise.", if list.contains(&true) { "Oui" } else { "Non" }),
            Test::Pattern { words, .. } => pattern_words(field, words.as_deref()).map_or_else(
                || "Cette valeur n'a pas la forme attendue : comparez-la à celles des autres lignes.".to_owned(),
                |form| format!("Il faut {form}."),
            ),
            Test::Minimum(b) => format!("La valeur doit être supérieure ou égale à {}.", number(b)),
            Test::Maximum(b) => format!("La valeur doit être inférieure ou égale à {}.", number(b)),
            Test::ExclusiveMinimum(b) => format!("La valeur doit être supérieure à {}.", number(b)),
            Test::ExclusiveMaximum(b) => format!("La valeur doit être inférieure à {}.", number(b)),
            Test::MultipleOf(step) => format!("La valeur doit être un multiple de {}.", french_number(*step)),
            Test::MinLength(n) => format!("Le texte doit avoir au moins {n} caractère{}.", if *n > 1 { "s" } else { "" }),
            Test::MaxLength(n) => format!("Le texte doit avoir au plus {n} caractère{}.", if *n > 1 { "s" } else { "" }),
            Test::Format(format) => format!("Il faut {}.", format.expected()),
        }
    }

    /// A replacement that is safe: the same value without what surrounds it, the nearest of a list, the other decimal mark.
    fn suggestion(&self, found: &Found, field: &Field, value: &str) -> Option<String> {
        let trimmed = value.trim();
        match &found.problem {
            Problem::Check(i) => match &field.checks[*i].test {
                Test::OneOfTexts { list, .. } => slip(trimmed, list).map(str::to_owned),
                Test::Pattern { regex, .. } if trimmed != value && regex.is_match(trimmed) => Some(trimmed.to_owned()),
                Test::Pattern { regex, .. } => {
                    let compact: String = value.chars().filter(|c| !c.is_whitespace()).collect();
                    (compact != value && regex.is_match(&compact)).then_some(compact)
                }
                Test::Format(format) => {
                    let compact: String = value.chars().filter(|c| !c.is_whitespace()).collect();
                    // A spreadsheet drops the leading zero of what looks like a number.
                    [format!("0{compact}"), compact].into_iter().rev().find(|fixed| fixed != value && format.accepts(fixed))
                }
                _ => None,
            },
            Problem::Type(Failure::NotANumber) => {
                let mark = match field.read {
                    Read::Number { decimal, .. } => decimal.unwrap_or(self.marks.decimal),
                    _ => return None,
                };
                let other = if mark == ',' { '.' } else { ',' };
                (read::number(value, other, None, true).is_ok() && !may_separate_thousands(value, other))
                    .then(|| trimmed.replace(other, &mark.to_string()))
            }
            Problem::Type(Failure::NotADate) if self.epoch().starts_with("serial") && value.parse::<u32>().is_ok() => {
                // A date of the spreadsheet that was shown as a number.
                let days = value.parse::<u64>().ok().filter(|d| (20_000..80_000).contains(d))?;
                let zero = if self.epoch() == "serial-1904" { (1904, 1, 1) } else { (1899, 12, 30) };
                let zero = chrono::NaiveDate::from_ymd_opt(zero.0, zero.1, zero.2)?;
                Some((zero + chrono::Days::new(days)).to_string())
            }
            Problem::Type(Failure::NotADate) => {
                let (day, _) = read::day(value, &Dates::Any).ok()?;
                match &field.read {
                    Read::Date(Dates::Pattern(pattern)) => Some(day.format(pattern).to_string()),
                    Read::Date(_) => Some(day.to_string()),
                    _ => None,
                }
            }
            Problem::Type(Failure::NotADay) => value.get(..10).map(str::to_owned),
            _ => None,
        }
    }
}

/// The one value of a list that a text surely stands for: the same but for case, accents and blanks, or a long word with one slip of the pen
/// in it and the same digits. A hub that writes it in place of the text invents nothing.
fn slip<'l>(text: &str, list: &'l [String]) -> Option<&'l str> {
    let fold = |s: &str| -> String {
        let lower = s.to_lowercase().replace('œ', "oe").replace('æ', "ae");
        let plain = |c: char| match c {
            'à' | 'â' | 'ä' => 'a',
            'é' | 'è' | 'ê' | 'ë' => 'e',
            'î' | 'ï' => 'i',
            'ô' | 'ö' => 'o',
            'ù' | 'û' | 'ü' => 'u',
            'ç' => 'c',
            c => c,
        };
        lower.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '_' | '.' | '\'' | '’')).map(plain).collect()
    };
    let only = |mut found: Vec<&'l str>| if found.len() == 1 { found.pop() } else { None };
    let wanted = fold(text);
    let same: Vec<&str> = list.iter().map(String::as_str).filter(|v| fold(v) == wanted).collect();
    if !same.is_empty() || wanted.chars().count() < 6 {
        return only(same);
    }
    let digits = |s: &str| s.chars().filter(char::is_ascii_digit).collect::<String>();
    let near = |v: &&str| strsim::damerau_levenshtein(&fold(v), &wanted) == 1 && digits(v) == digits(&wanted);
    only(list.iter().map(String::as_str).filter(near).collect())
}

/// What the schema says in few words, else the pattern in words, else what the schema says at length; then the example.
fn pattern_words(field: &Field, words: Option<&str>) -> Option<String> {
    let described = field.description.as_deref().map(first_sentence);
    let short = described.as_deref().filter(|d| d.chars().count() <= 80);
    let example = field.example.as_deref();
    match (short.or(words), described.as_deref(), example) {
        (Some(form), _, Some(example)) if !form.contains(example) => Some(format!("{form}, par exemple {example}")),
        (Some(form), ..) => Some(form.to_owned()),
        (None, Some(described), Some(example)) => Some(format!("une valeur comme {example} ({described})")),
        (None, Some(described), None) => Some(described.to_owned()),
        (None, None, example) => example.map(|e| format!("une valeur comme {e}")),
    }
}

/// What the column expects, whole: «un nombre entier de 1 à 5».
pub fn expected(field: &Field) -> Option<String> {
    for check in &field.checks {
        match &check.test {
            Test::OneOfTexts { list, .. } | Test::OneOfNumbers(_, list) if !list.is_empty() => {
                return Some(format!("l'une des valeurs {}", listed(list)));
            }
            Test::Format(format) => return Some(format.expected().to_owned()),
            Test::Pattern { words, .. } => return pattern_words(field, words.as_deref()),
            _ => {}
        }
    }
    let (mut low, mut high) = (None, None);
    for check in &field.checks {
        match &check.test {
            Test::Minimum(b) => low = Some(bound_words(*b, field.column.kind)),
            Test::Maximum(b) => high = Some(bound_words(*b, field.column.kind)),
            Test::MaxLength(n) => high = Some(n.to_string()),
            _ => {}
        }
    }
    let kind = match (&field.read, field.column.kind) {
        (Read::Date(dates) | Read::Datetime(dates), kind) => date_words(dates, kind == ColumnKind::Datetime),
        (Read::Boolean(Some(words)), _) => {
            return Some(format!("{} ou {}", listed(&words.yes), listed(&words.no)));
        }
        (_, ColumnKind::String) => return high.map(|n| format!("un texte de {n} caractères au plus")),
        (_, kind) => kind_words(kind).to_owned(),
    };
    Some(match (low, high) {
        (Some(low), Some(high)) => format!("{kind} de {low} à {high}"),
        (Some(low), None) => format!("{kind}, au moins {low}"),
        (None, Some(high)) => format!("{kind}, au plus {high}"),
        (None, None) => kind,
    })
}

/// Whether an expected value helps: not for rules between cells.
fn about_cell(problem: &Problem) -> bool {
    !matches!(problem, Problem::Duplicate(..) | Problem::Reference(_) | Problem::Predicate(_) | Problem::Ragged(_) | Problem::Rest(_))
}

/// What the row validator says, in French, with its stable code.
pub fn rest(kind: &Kind, column: Option<&str>) -> (&'static str, String) {
    let of = column.map_or_else(|| "Cette ligne".to_owned(), |c| format!("La colonne « {c} »"));
    let number = |limit: &Json| limit.as_f64().map_or_else(|| limit.to_string(), french_number);
    let text = |json: &Json| json.as_str().map_or_else(|| json.to_string(), str::to_owned);
    match kind {
        Kind::Required { .. } => ("required", format!("{of} doit être remplie sur cette ligne, au vu de ses autres valeurs.")),
        Kind::Enum { options } => {
            let list: Vec<String> = options.as_array().into_iter().flatten().map(text).collect();
            ("enum", format!("{of} ne convient pas sur cette ligne : les valeurs admises sont {}.", listed(&list)))
        }
        Kind::Constant { expected_value } => ("const", format!("{of} doit valoir « {} » sur cette ligne.", text(expected_value))),
        Kind::Minimum { limit } => ("minimum", format!("{of} doit être supérieure ou égale à {} sur cette ligne.", number(limit))),
        Kind::Maximum { limit } => ("maximum", format!("{of} doit être inférieure ou égale à {} sur cette ligne.", number(limit))),
        Kind::ExclusiveMinimum { limit } => {
            ("exclusive_minimum", format!("{of} doit être supérieure à {} sur cette ligne.", number(limit)))
        }
        Kind::ExclusiveMaximum { limit } => {
            ("exclusive_maximum", format!("{of} doit être inférieure à {} sur cette ligne.", number(limit)))
        }
        Kind::Type { .. } => ("type", format!("{of} n'est pas du type attendu sur cette ligne.")),
        Kind::Pattern { .. } => ("pattern", format!("{of} n'a pas la forme attendue sur cette ligne.")),
        Kind::Format { format } => {
            let expected = crate::convention::rules::Format::parse(format).map(crate::convention::rules::Format::expected);
            ("format", format!("{of} ne convient pas : il faut {}.", expected.unwrap_or("une autre forme")))
        }
        Kind::MinLength { limit } => ("min_length", format!("{of} doit avoir au moins {limit} caractères sur cette ligne.")),
        Kind::MaxLength { limit } => ("max_length", format!("{of} doit avoir au plus {limit} caractères sur cette ligne.")),
        Kind::MultipleOf { multiple_of } => {
            ("multiple_of", format!("{of} doit être un multiple de {} sur cette ligne.", french_number(*multiple_of)))
        }
        Kind::FalseSchema => ("not_allowed", format!("{of} doit rester vide sur cette ligne, au vu de ses autres valeurs.")),
        _ => ("condition", format!("{of} ne respecte pas une condition de la convention entre ses valeurs : vérifiez-les ensemble.")),
    }
}

fn kind_words(kind: ColumnKind) -> &'static str {
    match kind {
        ColumnKind::String => "un texte",
        ColumnKind::Integer => "un nombre entier",
        ColumnKind::Number => "un nombre",
        ColumnKind::Boolean => "Oui ou Non",
        ColumnKind::Date => "une date",
        ColumnKind::Datetime => "une date et une heure",
    }
}

fn date_words(dates: &Dates, hour: bool) -> String {
    let example = chrono::NaiveDate::from_ymd_opt(2026, 3, 12).and_then(|d| d.and_hms_opt(14, 5, 0)).unwrap_or_default();
    let shape = |pattern: &str| example.format(&format!("{pattern}{}", if hour { " %H:%M:%S" } else { "" })).to_string();
    let examples = match dates {
        Dates::Detect => vec![shape("%d/%m/%Y"), shape("%Y-%m-%d")],
        Dates::Any => vec![shape("%d/%m/%Y")],
        Dates::Notations(list) => list
            .iter()
            .map(|n| match n.name() {
                "iso" => shape("%Y-%m-%d"),
                "dd/mm/yy" => shape("%d/%m/%y"),
                "serial-1900" => "46093".to_owned(),
                "serial-1904" => "44631".to_owned(),
                _ => shape("%d/%m/%Y"),
            })
            .collect(),
        Dates::Pattern(pattern) => vec![example.format(pattern).to_string()],
    };
    let what = if hour { "une date et une heure" } else { "une date" };
    format!("{what}, par exemple {} pour le 12 mars 2026", examples.join(" ou "))
}

fn bound_words(bound: Bound, kind: ColumnKind) -> String {
    match (bound, kind) {
        (Bound::Int(v), ColumnKind::Date) => to_day(v).map(|d| d.format("%d/%m/%Y").to_string()).unwrap_or_default(),
        (Bound::Int(v), ColumnKind::Datetime) => to_instant(v).map(|t| t.format("%d/%m/%Y %H:%M").to_string()).unwrap_or_default(),
        (bound, _) => french_number(bound.as_f64()),
    }
}

/// With a comma, and the minus sign that is not a hyphen.
fn french_number(value: f64) -> String {
    value.to_string().replace('.', ",").replace('-', "\u{2212}")
}

fn listed(values: &[String]) -> String {
    let mut list = values.iter().take(LISTED).map(|v| format!("« {} »", shorten(v))).collect::<Vec<_>>().join(", ");
    if values.len() > LISTED {
        list.push_str(&format!(" et {} autres", values.len() - LISTED));
    }
    list
}

fn shorten(value: &str) -> String {
    let one_line = value.replace(['\r', '\n'], " ");
    if one_line.chars().count() <= 60 { one_line } else { format!("{}…", one_line.chars().take(59).collect::<String>()) }
}

fn first_sentence(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    line.split(". ").next().unwrap_or(line).trim_end_matches('.').replace('`', "").trim().to_owned()
}

fn lower(sentence: &str) -> String {
    let mut chars = sentence.chars();
    chars.next().map_or_else(String::new, |c| c.to_lowercase().chain(chars).collect())
}

fn capital_after(before: &str, sentence: &str) -> String {
    if before.is_empty() { sentence.to_owned() } else { lower(sentence) }
}
