//! A workbook to fill in, and the words about each column that it shares with the dictionary.
//!
//! The sheet to fill in comes first: a header, drop-down lists and limits from the schema. The guide beside it says each column in
//! French, with an example that the check accepts. The example stands in a column of the guide and not in a row: with all the names
//! on one row, the guide could be taken for the data of somebody who left an optional column out.

use std::sync::Arc;

use chrono::{NaiveDate, NaiveDateTime};
use rust_xlsxwriter::{
    DataValidation, DataValidationErrorStyle, DataValidationRule, Format, FormatAlign, FormatBorder, Formula, Note, Workbook, Worksheet,
};

use super::{
    decode::{Cells, Head, Origin, Source, Table},
    sheets::{self, DAY, INSTANT, LAST_ROW, Look, Value, column, cut, failed, row, sheet_name},
    validate::{self, header::letter, read, words},
};
use crate::{
    convention::{
        column::ColumnKind,
        document::{Dataset, Span},
        rules::{Bound, Dates, Field, Read, Rules, Test},
    },
    error::Result,
    words::sentence,
};

/// Name of the sheet that says each column.
const GUIDE: &str = "Guide";
/// Name of the hidden sheet that holds long lists.
const LISTS: &str = "Listes";
/// Longest list that stands in a validation itself, in UTF-16 units.
const INLINE: usize = 255;
/// Longest text of what is expected, in UTF-16 units.
const EXPECTED: usize = 2000;

/// What the sheet to fill in holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// Its header alone.
    None,
    /// The example of the guide.
    Example,
}

/// One column, in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnGuide {
    /// Its header.
    pub name: String,
    /// What a person reads, if given.
    pub title: Option<String>,
    /// What it holds, as the parties wrote it.
    pub description: Option<String>,
    /// Its type.
    pub kind: &'static str,
    /// What a cell must be.
    pub expected: String,
    /// Whether every row needs it.
    pub required: bool,
    /// Whether it is personal data; empty where it is not.
    pub personal: &'static str,
    /// A value; together, the examples are a row that the check accepts.
    pub example: Option<String>,
}

/// What a convention's kind of personal data is in words; nothing where it is none.
pub fn personal(kind: &str) -> &'static str {
    match kind {
        "pseudonym" => "oui, pseudonyme",
        "none" => "",
        _ => "oui",
    }
}

/// The columns of a dataset, in words.
pub fn guide(dataset: &Dataset, rules: &Rules, period: Span) -> Vec<ColumnGuide> {
    let examples = examples(rules, period);
    let guide = |(field, example): (&Field, &Option<Value>)| ColumnGuide {
        name: field.column.name.clone(),
        title: field.column.title.clone(),
        description: field.description.clone(),
        kind: field.column.kind.in_french(),
        expected: expected(field),
        required: is_required(rules, field),
        personal: dataset.personal_data.get(&field.column.name).map_or("", |kind| personal(kind)),
        example: example.as_ref().map(Value::in_french),
    };
    rules.fields().iter().zip(&examples).map(guide).collect()
}

/// The workbook of a dataset called `name`; the same bytes for the same convention.
///
/// # Errors
/// None but a defect.
pub fn workbook(name: &str, dataset: &Dataset, rules: &Rules, period: Span, rows: Rows) -> Result<Vec<u8>> {
    let mut book = sheets::workbook(&dataset.title)?;
    let guide = guide(dataset, rules, period);
    // A convention may name the sheet that it reads.
    let data = sheet_name(rules.reading().sheet.as_deref().unwrap_or(name), &[GUIDE, LISTS]);
    let mut lists = Vec::new();
    let sheet = book.add_worksheet().set_name(&data).map_err(failed)?;
    fill(sheet, rules, &guide, period, &mut lists)?;
    let look = Look::new(&Format::new());
    if rows == Rows::Example {
        for (i, value) in examples(rules, period).iter().enumerate() {
            if let Some(value) = value {
                value.write(sheet, 1, column(i)?, &look)?;
            }
        }
    }
    write_guide(&mut book, dataset, &guide, &data)?;
    if !lists.is_empty() {
        write_lists(&mut book, &lists)?;
    }
    book.save_to_buffer().map_err(failed)
}

/// Whether a row needs a value in this column.
fn is_required(rules: &Rules, field: &Field) -> bool {
    let in_key = || rules.keys().iter().any(|k| k.primary && k.columns.iter().any(|&c| rules.columns()[c].name == field.column.name));
    (field.column.required && !field.column.nullable) || in_key()
}

/// What a cell must be; a list of values is given whole.
fn expected(field: &Field) -> String {
    let quoted = |values: &[String]| values.iter().map(|v| format!("«\u{a0}{v}\u{a0}»")).collect::<Vec<_>>().join(", ");
    let list = |values: &[String]| format!("une valeur parmi {}", quoted(values));
    let listed = field.checks.iter().find_map(|check| match &check.test {
        Test::OneOfTexts { list: values, .. } | Test::OneOfNumbers(_, values) if !values.is_empty() => Some(list(values)),
        Test::OneOfBooleans(values) => (values.len() == 1).then(|| if values[0] { "Oui" } else { "Non" }.to_owned()),
        _ => None,
    });
    let text = listed.or_else(|| words::expected(field)).unwrap_or_else(|| field.column.kind.in_french().to_owned());
    cut(&text, EXPECTED)
}

fn fill(sheet: &mut Worksheet, rules: &Rules, guide: &[ColumnGuide], period: Span, lists: &mut Vec<Vec<Value>>) -> Result<()> {
    let head = Format::new().set_bold().set_num_format("@").set_border(FormatBorder::Thin).set_align(FormatAlign::VerticalCenter);
    let required = head.clone().set_background_color("#1F3864").set_font_color("#FFFFFF");
    let optional = head.set_background_color("#D9E1F2").set_font_color("#000000");
    sheet.set_freeze_panes(1, 0).map_err(failed)?;
    sheet.set_row_height(0, 24).map_err(failed)?;
    for (i, (field, words)) in rules.fields().iter().zip(guide).enumerate() {
        let at = column(i)?;
        let cells = match field.column.kind {
            ColumnKind::String | ColumnKind::Boolean => "@",
            ColumnKind::Integer => "0",
            ColumnKind::Number => "General",
            ColumnKind::Date => DAY,
            ColumnKind::Datetime => INSTANT,
        };
        #[expect(clippy::cast_precision_loss, reason = "a width, between 12 and 40")]
        let width = words.name.chars().count().saturating_add(4).clamp(12, 40) as f64;
        sheet.set_column_width(at, width).map_err(failed)?;
        sheet.set_column_format(at, &Format::new().set_num_format(cells)).map_err(failed)?;
        sheet.write_string_with_format(0, at, &words.name, if words.required { &required } else { &optional }).map_err(failed)?;
        let note = Note::new(about(words)).set_author("Retex").add_author_prefix(false).set_width(320).set_height(120);
        sheet.insert_note(0, at, &note).map_err(failed)?;
        let validation = validation(field, words, period, lists)?;
        sheet.add_data_validation(1, at, LAST_ROW, at, &validation).map_err(failed)?;
    }
    Ok(())
}

/// Whether a column is required, what it is and what it expects, on lines of their own.
fn about(words: &ColumnGuide) -> String {
    let mut lines = vec![if words.required { "Obligatoire." } else { "Facultatif." }.to_owned()];
    lines.extend(words.title.clone());
    lines.extend(words.description.clone());
    lines.push(asked(words));
    lines.extend(example(words));
    cut(&lines.join("\n"), 2000)
}

fn asked(words: &ColumnGuide) -> String {
    format!("Attendu\u{a0}: {}.", words.expected.trim_end_matches('.'))
}

/// The example, where what is expected does not say it.
fn example(words: &ColumnGuide) -> Option<String> {
    words.example.as_ref().filter(|e| !words.expected.contains(e.as_str())).map(|e| format!("Exemple\u{a0}: {e}"))
}

/// What a spreadsheet offers and refuses in the cells of a column. It is a help: the check says what counts.
fn validation(field: &Field, words: &ColumnGuide, period: Span, lists: &mut Vec<Vec<Value>>) -> Result<DataValidation> {
    let mut rule = DataValidation::new();
    let (mut message, mut style) = (asked(words), DataValidationErrorStyle::Stop);
    if let Some(values) = choices(field) {
        rule = list(rule, values, lists)?;
    } else if field.mixed || !field.several.is_empty() {
        rule = rule.allow_any_value();
    } else {
        match field.column.kind {
            ColumnKind::Integer => rule = rule.allow_whole_number_formula(between(limits(field), ("-999999999999999", "999999999999999"))),
            ColumnKind::Number => rule = rule.allow_decimal_number_formula(between(limits(field), ("-1E+300", "1E+300"))),
            ColumnKind::Date | ColumnKind::Datetime => {
                let mut limits = limits(field);
                if limits == (None, None) {
                    // Nothing forbids another day: the spreadsheet only asks whether it is meant.
                    limits = (Some(serial(days(period.start))), Some(serial(days(period.end) + last_instant(field.column.kind))));
                    style = DataValidationErrorStyle::Warning;
                    let span = format!("{} au {}", period.start.format("%d/%m/%Y"), period.end.format("%d/%m/%Y"));
                    message = format!("Écrivez une date. L'expérimentation va du {span}\u{a0}: gardez celle-ci si elle est juste.");
                }
                rule = rule.allow_date_formula(between(limits, ("1", "2958465")));
            }
            ColumnKind::String | ColumnKind::Boolean => match lengths(field) {
                (None, None) => rule = rule.allow_any_value(),
                (low, high) => {
                    let bound = |n: Option<u64>, default: &str| n.map_or_else(|| default.to_owned(), |n| n.to_string());
                    let limits = (Some(bound(low, "0")), Some(bound(high, "32767")));
                    rule = rule.allow_text_length_formula(between(limits, ("0", "32767")));
                }
            },
        }
    }
    let title = if words.required { "Obligatoire" } else { "Facultatif" };
    let prompt: Vec<String> = words.title.iter().map(|t| format!("{t}.")).chain([asked(words)]).chain(example(words)).collect();
    rule.set_error_style(style)
        .set_input_title(title)
        .and_then(|r| r.set_input_message(cut(&prompt.join(" "), 255)))
        .and_then(|r| r.set_error_title("Valeur à vérifier"))
        .and_then(|r| r.set_error_message(cut(&message, 255)))
        .map_err(failed)
}

/// The only values of a column, if they are few enough to be listed.
fn choices(field: &Field) -> Option<Vec<Value>> {
    let (yes, no) = truths(field);
    let listed = field.checks.iter().find_map(|check| match (&check.test, field.column.kind) {
        (Test::OneOfTexts { list, .. }, ColumnKind::String) => Some(list.iter().cloned().map(Value::Text).collect()),
        (Test::OneOfNumbers(bounds, _), ColumnKind::Integer | ColumnKind::Number) => {
            Some(bounds.iter().map(|b| Value::Number(b.as_f64())).collect())
        }
        (Test::OneOfBooleans(list), _) => Some(list.iter().map(|&t| Value::Text(if t { yes.clone() } else { no.clone() })).collect()),
        _ => None,
    });
    let listed = listed.or_else(|| (field.column.kind == ColumnKind::Boolean).then(|| vec![Value::Text(yes), Value::Text(no)]));
    listed.filter(|values: &Vec<Value>| !values.is_empty())
}

/// The words of true and false.
fn truths(field: &Field) -> (String, String) {
    let words = match &field.read {
        Read::Boolean(Some(words)) => words.yes.first().cloned().zip(words.no.first().cloned()),
        _ => None,
    };
    words.unwrap_or_else(|| ("Oui".to_owned(), "Non".to_owned()))
}

/// A drop-down list, in the validation itself or in the hidden sheet where it is too long or holds what separates values.
fn list(rule: DataValidation, values: Vec<Value>, lists: &mut Vec<Vec<Value>>) -> Result<DataValidation> {
    let plain: Option<Vec<&str>> = values
        .iter()
        .map(|v| match v {
            Value::Text(text) if !text.contains([',', '"', '\n']) && text.trim() == text && !text.starts_with('=') => Some(text.as_str()),
            _ => None,
        })
        .collect();
    if let Some(plain) = plain.filter(|list| list.join(",").encode_utf16().count() <= INLINE) {
        return rule.allow_list_strings(&plain).map_err(failed);
    }
    let letters = letter(lists.len());
    let formula = format!("={LISTS}!${letters}$1:${letters}${}", values.len());
    lists.push(values);
    Ok(rule.allow_list_formula(Formula::new(formula)))
}

/// Lowest and greatest value, as a formula writes them.
fn limits(field: &Field) -> (Option<String>, Option<String>) {
    let whole = matches!(field.column.kind, ColumnKind::Integer | ColumnKind::Date);
    // For whole values, more than 2 is 3 or more; for others the check itself tells the limit apart.
    let step = |bound: Bound, by: i64| match bound {
        Bound::Int(n) if whole => Bound::Int(n.saturating_add(by)),
        other => other,
    };
    let (mut low, mut high) = (None, None);
    for check in &field.checks {
        match check.test {
            Test::Minimum(b) => low = Some(b),
            Test::Maximum(b) => high = Some(b),
            Test::ExclusiveMinimum(b) => low = Some(step(b, 1)),
            Test::ExclusiveMaximum(b) => high = Some(step(b, -1)),
            _ => {}
        }
    }
    let text = |bound: Bound| match field.column.kind {
        ColumnKind::Date => serial(bound.as_f64()),
        ColumnKind::Datetime => serial(bound.as_f64() / 86_400e6),
        _ => match bound {
            Bound::Int(n) => n.to_string(),
            Bound::Float(x) => x.to_string(),
        },
    };
    (low.map(text), high.map(text))
}

fn lengths(field: &Field) -> (Option<u64>, Option<u64>) {
    let (mut low, mut high) = (None, None);
    for check in &field.checks {
        match check.test {
            Test::MinLength(n) => low = Some(n),
            Test::MaxLength(n) => high = Some(n),
            _ => {}
        }
    }
    (low, high)
}

/// Between two limits; `default` where there is none, for a spreadsheet then still asks for the type.
fn between(limits: (Option<String>, Option<String>), default: (&str, &str)) -> DataValidationRule<Formula> {
    let formula = |limit: Option<String>, default: &str| Formula::new(limit.unwrap_or_else(|| default.to_owned()));
    DataValidationRule::Between(formula(limits.0, default.0), formula(limits.1, default.1))
}

#[expect(clippy::cast_precision_loss, reason = "days of a calendar")]
fn days(day: NaiveDate) -> f64 {
    day.signed_duration_since(NaiveDate::default()).num_days() as f64
}

/// What is left of a day after midnight, where hours count.
fn last_instant(kind: ColumnKind) -> f64 {
    if kind == ColumnKind::Datetime { 0.99999 } else { 0.0 }
}

/// Days since 1970-01-01 as workbooks count them.
fn serial(days: f64) -> String {
    (days + 25_569.0).to_string()
}

fn write_guide(book: &mut Workbook, dataset: &Dataset, guide: &[ColumnGuide], data: &str) -> Result<()> {
    let sheet = book.add_worksheet().set_name(GUIDE).map_err(failed)?;
    let title = Format::new().set_bold().set_font_size(14);
    let wrap = Format::new().set_text_wrap().set_align(FormatAlign::Top).set_num_format("@").set_border(FormatBorder::Thin);
    let name = wrap.clone().set_bold();
    let head = wrap.clone().set_bold().set_background_color("#D9E1F2");
    let write = |sheet: &mut Worksheet, at: usize, i: usize, text: &str, format: &Format| -> Result<()> {
        sheet.write_string_with_format(row(at)?, column(i)?, cut(text, sheets::MAX_CELL), format).map(|_| ()).map_err(failed)
    };
    write(sheet, 0, 0, &dataset.title, &title)?;
    let plain = Format::new();
    if let Some(description) = &dataset.description {
        write(sheet, 1, 0, description, &plain)?;
    }
    let how = format!(
        "Remplissez la feuille «\u{a0}{data}\u{a0}», une ligne par élément, sans changer les titres. Les titres sur fond sombre sont obligatoires. La colonne «\u{a0}Exemple\u{a0}» se lit de haut en bas comme une ligne complète."
    );
    write(sheet, 2, 0, &how, &plain)?;
    let heads = ["Colonne", "Intitulé", "Description", "Type", "Attendu", "Obligatoire", "Donnée personnelle", "Exemple"];
    for (i, (text, width)) in heads.iter().zip([24, 28, 44, 16, 44, 12, 20, 24]).enumerate() {
        write(sheet, 4, i, text, &head)?;
        sheet.set_column_width(column(i)?, width).map_err(failed)?;
    }
    for (at, words) in (5..).zip(guide) {
        let required = if words.required { "oui" } else { "non" };
        let personal = if words.personal.is_empty() { "non" } else { words.personal };
        let texts = [
            words.title.as_deref().unwrap_or_default(),
            words.description.as_deref().unwrap_or_default(),
            words.kind,
            &sentence(&words.expected),
            required,
            personal,
            words.example.as_deref().unwrap_or_default(),
        ];
        write(sheet, at, 0, &words.name, &name)?;
        for (i, text) in (1..).zip(texts) {
            write(sheet, at, i, text, &wrap)?;
        }
    }
    sheet.set_freeze_panes(5, 1).map_err(failed)?;
    Ok(())
}

fn write_lists(book: &mut Workbook, lists: &[Vec<Value>]) -> Result<()> {
    let sheet = book.add_worksheet().set_name(LISTS).map_err(failed)?;
    sheet.set_hidden(true);
    let look = Look::new(&Format::new());
    for (i, values) in lists.iter().enumerate() {
        for (at, value) in values.iter().enumerate() {
            value.write(sheet, row(at)?, column(i)?, &look)?;
        }
    }
    Ok(())
}

/// One value per column, none where nothing sure can be shown; together they pass the check as one row.
fn examples(rules: &Rules, period: Span) -> Vec<Option<Value>> {
    let declared: Vec<Option<Value>> =
        rules.fields().iter().map(|field| field.example.as_deref().and_then(|text| value(field, text))).collect();
    // Dates that are made up follow those of the schema: a closing is not before an opening.
    let latest = declared.iter().flatten().filter_map(|v| match v {
        Value::Day(day) => Some(*day),
        Value::Instant(instant) => Some(instant.date()),
        _ => None,
    });
    let day = latest.max().unwrap_or(period.start);
    let mut values: Vec<Option<Value>> =
        rules.fields().iter().zip(&declared).map(|(field, declared)| declared.clone().or_else(|| made_up(rules, field, day))).collect();
    let optional = |i: usize| !is_required(rules, &rules.fields()[i]);
    // First what does not fit its own column, then what is made up and may be left out, then all that may be.
    for attempt in 0..3 {
        let faults = faults(rules, &values);
        if faults.is_empty() {
            break;
        }
        let at_fault: Vec<usize> =
            (0..values.len()).filter(|&i| faults.iter().any(|f| f.as_deref() == Some(rules.columns()[i].name.as_str()))).collect();
        for (i, value) in values.iter_mut().enumerate() {
            let of_no_column = attempt > 0 || at_fault.is_empty();
            if at_fault.contains(&i) || (of_no_column && optional(i) && (attempt == 2 || declared[i].is_none())) {
                *value = None;
            }
        }
    }
    values
}

/// The columns of what the check says of a row.
fn faults(rules: &Rules, values: &[Option<Value>]) -> Vec<Option<String>> {
    let cell = |value: &Option<Value>| {
        let (text, origin) = value.as_ref().map_or((String::new(), Origin::Absent), Value::decoded);
        let mut cells = Cells::default();
        cells.push(&text, origin);
        cells
    };
    let source = Source { format: "xlsx", epoch: Some("serial-1900"), ..Source::default() };
    let head = Head::of_sheet(source, 1, rules.columns().iter().map(|c| c.name.clone()).collect());
    let table = Table { head: Arc::new(head), columns: values.iter().map(cell).collect(), rows: vec![2], ..Table::default() };
    let nothing = |name: &str| rules.columns().iter().zip(values).any(|(c, v)| c.name == name && v.is_none());
    let found = validate::validate(&table, rules, 100).errors.into_iter().map(|e| e.column);
    // Leaving a column out that is out already would not help.
    found.filter(|column| column.as_deref().is_none_or(|name| !nothing(name))).collect()
}

/// A declared example as a cell holds it.
fn value(field: &Field, text: &str) -> Option<Value> {
    let as_text = || Some(Value::Text(text.to_owned())).filter(|_| !text.is_empty());
    match &field.read {
        Read::Text => as_text(),
        Read::Integer { .. } | Read::Number { .. } => {
            text.trim().replace(',', ".").parse().ok().filter(|n: &f64| n.is_finite()).map(Value::Number).or_else(as_text)
        }
        Read::Boolean(words) => match read::boolean(text, words.as_ref()) {
            Ok(_) if words.is_some() => as_text(),
            Ok(truth) => Some(Value::Text(if truth { "Oui" } else { "Non" }.to_owned())),
            Err(_) => None,
        },
        Read::Date(dates) => day(text, dates).map(Value::Day).or_else(as_text),
        Read::Datetime(dates) => instant(text, dates).map(Value::Instant).or_else(as_text),
    }
}

fn day(text: &str, dates: &Dates) -> Option<NaiveDate> {
    read::day(text, dates).or_else(|_| read::day(text, &Dates::Detect)).ok().map(|(day, _)| day)
}

fn instant(text: &str, dates: &Dates) -> Option<NaiveDateTime> {
    read::instant(text, dates).or_else(|_| read::instant(text, &Dates::Any)).ok().map(|(instant, _)| instant)
}

/// A value for a column that gives no example: what its schema lists or names, a limit, a day. A text is only made up where a row needs
/// one, for it would teach nothing.
fn made_up(rules: &Rules, field: &Field, day: NaiveDate) -> Option<Value> {
    if let Some(first) = choices(field).and_then(|values| values.into_iter().next()) {
        return Some(first);
    }
    let (mut low, mut high) = (None, None);
    for check in &field.checks {
        match &check.test {
            Test::Format(format) => {
                let said = format.expected().split_once("par exemple ").map(|(_, example)| example)?;
                let example = said.split(" ou ").next().and_then(|e| e.split(" (").next())?;
                return Some(Value::Text(example.to_owned()));
            }
            Test::Pattern { .. } => return None,
            Test::Minimum(b) => low = Some(*b),
            Test::Maximum(b) => high = Some(*b),
            Test::ExclusiveMinimum(b) => low = Some(Bound::Float(b.as_f64() + 1.0)),
            _ => {}
        }
    }
    match field.column.kind {
        ColumnKind::Integer | ColumnKind::Number => Some(Value::Number(low.or(high).map_or(1.0, Bound::as_f64))),
        ColumnKind::Date => Some(Value::Day(day)),
        ColumnKind::Datetime => day.and_hms_opt(9, 0, 0).map(Value::Instant),
        ColumnKind::Boolean => None,
        ColumnKind::String if is_required(rules, field) => {
            let (low, high) = lengths(field);
            let length = usize::try_from(low.unwrap_or(0).max(5).min(high.unwrap_or(u64::MAX)).min(200)).ok()?;
            Some(Value::Text("texte".chars().cycle().take(length).collect()))
        }
        ColumnKind::String => None,
    }
}
