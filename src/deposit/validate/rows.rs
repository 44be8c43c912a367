//! What takes several cells to judge: keys, references, the convention's predicates, and what stays with the row validator.

use jsonschema::error::ValidationErrorKind as Kind;
use polars::prelude::{DataFrame, IntoLazy};
use serde_json::{Map, Value as Json};

use super::{
    column::{Column, State, Values, instant_text, to_day, to_instant},
    faults::{Faults, Problem, Rest},
    keys::{Fingerprint, Repeated},
    words,
};
use crate::{
    convention::{
        column::ColumnKind,
        rules::{Field, Key, Rules},
    },
    deposit::decode::Origin,
    territory,
};

/// What a key needs on each row: primary keys that are not filled, and rows that [`super::keys`] found to repeat another.
pub fn keys(rules: &Rules, columns: &[Option<Column<'_>>], lines: &[u64], repeated: Option<&Repeated>, faults: &mut Faults) {
    for (i, key) in rules.keys().iter().enumerate() {
        let Some(parts) = parts(key, columns) else { continue };
        for (row, line) in lines.iter().enumerate() {
            if let Some(first) = repeated.and_then(|r| r.first(i, *line)) {
                faults.add(row, key.columns.first().copied(), Problem::Duplicate(i, first));
            }
            if !key.primary || parts.iter().any(|part| part.states[row] == State::Bad) {
                continue;
            }
            if let Some(part) = parts.iter().position(|part| part.states[row] != State::Good) {
                let position = key.columns[part];
                let told = rules.columns()[position].required && !rules.columns()[position].nullable;
                if !told {
                    faults.add(row, Some(position), Problem::KeyMissing(i));
                }
            }
        }
    }
}

/// Gives the fingerprint of each key of each row that has one to `take`, with the key's position and the row's.
pub fn fingerprints(rules: &Rules, columns: &[Option<Column<'_>>], height: usize, mut take: impl FnMut(usize, usize, Fingerprint)) {
    let mut text = String::new();
    for (i, key) in rules.keys().iter().enumerate() {
        let Some(parts) = parts(key, columns) else { continue };
        for row in 0..height {
            if parts.iter().any(|part| part.states[row] != State::Good) {
                continue;
            }
            text.clear();
            for part in &parts {
                part.key_text(row, &mut text);
                text.push('\u{1f}');
            }
            take(i, row, Fingerprint::of(&text));
        }
    }
}

/// The columns of a key; none where one of them is not in the file.
fn parts<'c, 't>(key: &Key, columns: &'c [Option<Column<'t>>]) -> Option<Vec<&'c Column<'t>>> {
    key.columns.iter().map(|&c| columns[c].as_ref()).collect()
}

/// Codes that the territory list does not hold.
pub fn references(rules: &Rules, columns: &[Option<Column<'_>>], faults: &mut Faults) {
    for (i, reference) in rules.references().iter().enumerate().filter(|(_, r)| r.territory) {
        for &position in &reference.columns {
            let Some(column) = &columns[position] else { continue };
            for (row, state) in column.states.iter().enumerate() {
                if *state == State::Good && territory::by_code(column.cells.get(row).trim()).is_none() {
                    faults.add(row, Some(position), Problem::Reference(i));
                }
            }
        }
    }
}

/// Rows on which a predicate of the convention is false; where it is unknown, or fails to compute, it passes. One that reads a column of
/// `unsure` is not judged: that column is in the file under another name, or has to be, and its cells are not really empty.
pub fn predicates(rules: &Rules, frame: &DataFrame, unsure: &[&str], faults: &mut Faults) {
    for (i, predicate) in rules.predicates().iter().enumerate() {
        if predicate.expression.columns.iter().any(|c| unsure.contains(&c.as_str())) {
            continue;
        }
        let position = |name: &String| rules.columns().iter().position(|c| &c.name == name);
        // The cell to look at: the column that the predicate names first.
        let place = |name: &&String| predicate.expression.sql.find(name.as_str()).unwrap_or(usize::MAX);
        let field = predicate.expression.columns.iter().min_by_key(place).and_then(position);
        let selected = frame.clone().lazy().select([predicate.expression.expr.clone().alias("ok")]).collect();
        let Ok(selected) = selected else {
            tracing::error!(rule = predicate.id, "a checked predicate did not compute");
            continue;
        };
        let Some(ok) = selected.columns().first().and_then(|c| c.bool().ok()) else { continue };
        for (row, value) in ok.iter().enumerate().take(frame.height()) {
            if value == Some(false) {
                faults.add(row, field, Problem::Predicate(i));
            }
        }
    }
}

/// What the row validator finds; a cell that is already known to be bad is not told again.
pub fn rest(rules: &Rules, columns: &[Option<Column<'_>>], height: usize, strict: bool, faults: &mut Faults) {
    let Some(validator) = rules.row_validator() else { return };
    let fields = rules.fields();
    for row in 0..height {
        let mut object = Map::new();
        for (field, column) in fields.iter().zip(columns) {
            if let Some(value) = column.as_ref().and_then(|c| c.json(row, field, strict)) {
                object.insert(field.column.name.clone(), value);
            }
        }
        let object = Json::Object(object);
        if validator.is_valid(&object) {
            continue;
        }
        for error in validator.iter_errors(&object) {
            let at = error.instance_path().as_str();
            let mut name = at.strip_prefix('/').map(|s| s.replace("~1", "/").replace("~0", "~"));
            if let Kind::Required { property } = error.kind() {
                name = property.as_str().map(str::to_owned);
            }
            let position = name.and_then(|n| fields.iter().position(|f| f.column.name == n));
            let bad = position.and_then(|p| columns[p].as_ref()).is_some_and(|c| c.states[row] == State::Bad);
            if !bad {
                let (code, message) = words::rest(error.kind(), position.map(|p| fields[p].column.name.as_str()));
                let pointer = error.schema_path().as_str().to_owned();
                faults.add(row, position, Problem::Rest(Box::new(Rest { code, pointer, message })));
            }
        }
    }
}

impl Column<'_> {
    /// The value as a part of a key: equal values have equal texts.
    fn key_text(&self, row: usize, into: &mut String) {
        use std::fmt::Write;
        let _ = match &self.values {
            Values::Text => {
                into.push_str(self.cells.get(row));
                Ok(())
            }
            Values::Int(v) => write!(into, "{}", v[row]),
            Values::Float(v) => write!(into, "{}", v[row] + 0.0),
            Values::Bool(v) => write!(into, "{}", v[row]),
        };
    }

    /// The value as JSON; none where the property is absent.
    pub fn json(&self, row: usize, field: &Field, strict: bool) -> Option<Json> {
        let text = self.cells.get(row);
        match self.states[row] {
            State::Absent => None,
            State::Missing => field.column.nullable.then_some(Json::Null),
            State::Bad => Some(Json::from(text)),
            State::Good => Some(match (&self.values, field.column.kind) {
                (Values::Text, _) if !field.several.is_empty() => several(text, self.cells.origin(row), &field.several, strict),
                (Values::Text, _) => Json::from(text),
                (Values::Int(v), ColumnKind::Date) => to_day(v[row]).map(|d| d.to_string()).into(),
                (Values::Int(v), ColumnKind::Datetime) => to_instant(v[row]).map(zoned).into(),
                (Values::Int(v), _) => v[row].into(),
                (Values::Float(v), _) => v[row].into(),
                (Values::Bool(v), _) => v[row].into(),
            }),
        }
    }
}

/// A local hour of Paris with its offset, as RFC 3339 wants it.
fn zoned(local: chrono::NaiveDateTime) -> String {
    use chrono::TimeZone;
    let zoned = chrono_tz::Europe::Paris.from_local_datetime(&local).earliest();
    zoned.map_or_else(|| format!("{}Z", instant_text(local)), |t| t.to_rfc3339())
}

/// A cell of a column with several types, as the first that it fits.
fn several(text: &str, origin: Origin, types: &[String], strict: bool) -> Json {
    let has = |name: &str| types.iter().any(|t| t == name);
    let number = !strict || origin == Origin::Number;
    if number && (has("integer") || has("number")) {
        if let Ok(i) = text.parse::<i64>() {
            return i.into();
        }
        if let Some(f) = text.replace(',', ".").parse::<f64>().ok().filter(|f| f.is_finite()) {
            return f.into();
        }
    }
    if has("boolean")
        && (!strict || origin == Origin::Boolean)
        && let Ok(b) = super::read::boolean(text, None)
    {
        return b.into();
    }
    text.into()
}
