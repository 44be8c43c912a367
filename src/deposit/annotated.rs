//! The depositor's own file with what is wrong in it: the rows as they were read, coloured cells with a note on each, and a sheet that
//! lists everything. Cells stand where they stood, so that what the report calls F12 is F12 here too.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use rust_xlsxwriter::{Format, FormatAlign, FormatBorder, Note, Workbook, Worksheet};

use super::{
    decode::{self, Expected, Table},
    export::{ERROR, WARNING},
    find,
    list::unseen,
    reading,
    report::{CellFault, CheckReport, RuleCount, SourceError, without_values},
    sheets::{self, LAST_ROW, Look, Value, column, cut, failed, row, sheet_name},
    validate::{self, Validated, header::letter},
};
use crate::{
    access::Actor,
    app::App,
    convention::{register, rules::Rules},
    error::{Error, Kind, Result},
    ids::DepositId,
    store::deposits::Deposit,
    words::{count, plural},
};

/// Most rows of an annotated file.
pub const MAX_ROWS: usize = 100_000;
/// Most cells of an annotated file, which is made in memory.
const MAX_CELLS: usize = 2_000_000;
/// Most faults that are listed.
const MAX_FAULTS: usize = 50_000;
/// Most cells with a note: spreadsheets draw each as a shape.
const MAX_NOTES: usize = 5_000;
/// Name of the sheet that lists everything.
const LIST: &str = "Ce qui ne va pas";

/// What an annotated file is made from.
pub struct Source<'a> {
    /// The original.
    pub path: &'a Path,
    /// As the depositor named it.
    pub name: &'a str,
    /// Of the dataset.
    pub dataset: &'a str,
    /// What it is checked against.
    pub rules: &'a Rules,
    /// Declared columns whose values this reader may not see.
    pub hidden: &'a [String],
    /// What its check said, and the counts. A file that has faults of its own shows them by itself; of one that has none, this is what a
    /// look beyond it found, such as keys of another file.
    pub beside: (&'a [CellFault], &'a [RuleCount]),
    /// Most rows.
    pub rows: usize,
}

/// The annotated file of a deposit, as this person may read it. A site's people read their own file whole; for the Métropole's, columns
/// that are personal data stay blank, as in everything that leaves the rows.
///
/// # Errors
/// Those of [`find`]; `not_checked` before the check; `file_gone` once the file is not kept any more; `not_a_table` where none could be read.
pub async fn annotated(app: &App, actor: &Actor, id: DepositId) -> Result<(Deposit, Vec<u8>)> {
    let deposit = find(app, actor, id).await?;
    if !deposit.state.is_decided() {
        return Err(Error::new(Kind::Conflict, "not_checked", "Ce fichier est en cours de contrôle\u{a0}: attendez sa fin."));
    }
    let gone = || Error::new(Kind::Conflict, "file_gone", "Ce fichier n'est plus gardé\u{a0}: il ne peut pas être annoté.");
    let original = deposit.original_key.clone().ok_or_else(gone)?;
    let report: CheckReport = match app.store.deposit_report(id).await? {
        Some(text) => serde_json::from_str(&text).map_err(Error::internal)?,
        None => return Err(gone()),
    };
    let registered = register::version(app, deposit.convention_id).await?;
    let convention = registered.convention;
    let imposed = reading::imposed(&deposit)?;
    let agreed = reading::rules(&convention, &deposit.dataset, None)?;
    let hidden = unseen(app, actor, &deposit, &agreed).await?;
    drop(agreed);
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("original");
    app.lake.fetch_to(&original.parse()?, &path).await?;
    let (name, dataset) = (deposit.file_name.clone(), deposit.dataset.clone());
    let bytes = tokio::task::spawn_blocking(move || {
        let rules = reading::rules(&convention, &dataset, imposed.as_ref())?;
        let beside = (report.errors.as_slice(), report.by_rule.as_slice());
        let source = Source { path: &path, name: &name, dataset: &dataset, rules: &rules, hidden: &hidden, beside, rows: MAX_ROWS };
        annotate(&source)
    })
    .await
    .map_err(Error::internal)??;
    Ok((deposit, bytes))
}

/// Reads the original again as the check does, and writes it with what is wrong.
///
/// # Errors
/// `not_a_table` where no table could be read.
pub fn annotate(source: &Source<'_>) -> Result<Vec<u8>> {
    let rules = source.rules;
    let names: Vec<String> = rules.columns().iter().map(|c| c.name.clone()).collect();
    let table = decode::read(source.path, Expected { columns: &names, reading: Some(rules.reading()) }).map_err(unread)?;
    let checked = validate::validate(&table, rules, MAX_FAULTS);
    let beside = if checked.error_count == 0 { source.beside } else { (&[][..], &[][..]) };
    Sheet::new(&Source { beside, ..*source }, &table, &checked).build()
}

fn unread(error: SourceError) -> Error {
    Error::new(Kind::Conflict, "not_a_table", format!("Ce fichier n'a pas pu être lu, et ne peut donc pas être annoté. {}", error.message))
}

/// One thing that is said of the file.
struct Remark {
    fault: CellFault,
    severity: &'static str,
    /// Row and column in the annotated sheet, from zero, where there is such a cell.
    row: Option<u32>,
    column: Option<u16>,
}

struct Sheet<'a> {
    source: &'a Source<'a>,
    table: &'a Table,
    checked: &'a Validated,
    /// What is between the row of the file and that of the sheet: a format without a header row gets one.
    shift: u64,
    /// The rows that are written.
    rows: usize,
    remarks: Vec<Remark>,
}

impl<'a> Sheet<'a> {
    fn new(source: &'a Source<'a>, table: &'a Table, checked: &'a Validated) -> Self {
        let rows = table.height().min(source.rows).min(MAX_CELLS / table.head.names.len().max(1));
        let shift = u64::from(table.head.header_row.is_none());
        let mut sheet = Self { source, table, checked, shift, rows, remarks: Vec::new() };
        let errors = checked.errors.iter().chain(source.beside.0).map(|f| (f, ERROR));
        let all = errors.chain(checked.warnings.iter().map(|f| (f, WARNING)));
        sheet.remarks = all.map(|(fault, severity)| sheet.remark(fault, severity)).collect();
        sheet
    }

    fn remark(&self, fault: &CellFault, severity: &'static str) -> Remark {
        let named = || self.table.head.names.iter().position(|n| Some(n) == fault.column.as_ref());
        let position = fault.column_letter.as_deref().and_then(position).or_else(named);
        Remark {
            row: fault.row.and_then(|r| self.row(r)),
            column: position.and_then(|p| u16::try_from(p).ok()),
            fault: self.masked(fault),
            severity,
        }
    }

    /// A row of the file in the sheet, from zero.
    fn row(&self, physical: u64) -> Option<u32> {
        let row = u32::try_from((physical + self.shift).checked_sub(1)?).ok()?;
        (row <= LAST_ROW).then_some(row)
    }

    fn header_row(&self) -> u32 {
        self.table.head.header_row.and_then(|r| self.row(r)).unwrap_or(0)
    }

    /// Without the values that this reader may not see, nor any sentence that may quote one.
    fn masked(&self, fault: &CellFault) -> CellFault {
        let groups = self.checked.by_rule.iter().chain(self.source.beside.1);
        without_values(fault, groups, self.source.hidden)
    }

    /// Whether the values of a column are shown: those of no column that is not declared, and of none that this reader may not see.
    fn shows(&self, position: usize) -> bool {
        let name = &self.table.head.names[position];
        self.source.rules.columns().iter().any(|c| c.name == *name) && !self.source.hidden.contains(name)
    }

    fn build(&self) -> Result<Vec<u8>> {
        let mut book = sheets::workbook(self.source.name)?;
        let agreed = self.source.rules.reading().sheet.as_deref();
        let name = sheet_name(agreed.or(self.table.head.source.sheet.as_deref()).unwrap_or(self.source.dataset), &[LIST]);
        let sheet = book.add_worksheet().set_name(&name).map_err(failed)?;
        self.data(sheet)?;
        self.list(&mut book, &name)?;
        book.save_to_buffer().map_err(failed)
    }

    fn data(&self, sheet: &mut Worksheet) -> Result<()> {
        let looks = Looks::new();
        let marks = self.marks();
        let (header, table) = (self.header_row(), self.table);
        // A first line that is no header is data: none of it is shown.
        let lost = self.remarks.iter().any(|r| r.fault.code == "missing_header");
        let shown: Vec<bool> = (0..table.head.names.len()).map(|i| self.shows(i)).collect();
        for (i, name) in table.head.names.iter().enumerate() {
            let at = column(i)?;
            sheet.set_column_width(at, 16).map_err(failed)?;
            sheet.set_column_format(at, &looks.plain.text).map_err(failed)?;
            let look = marks.look(&looks, (header, at), &looks.head);
            let text = if lost { String::new() } else { cut(name, sheets::MAX_CELL) };
            sheet.write_string_with_format(header, at, text, &look.text).map_err(failed)?;
        }
        let mut last = header;
        for (i, &physical) in table.rows.iter().enumerate().take(self.rows) {
            let Some(row) = self.row(physical) else { break };
            last = last.max(row);
            for (position, cells) in table.columns.iter().enumerate() {
                let at = column(position)?;
                let look = marks.look(&looks, (row, at), &looks.plain);
                let text = if shown[position] { cells.get(i) } else { "" };
                // A cell with nothing in it and nothing to say of it is not written.
                if !text.is_empty() || !std::ptr::eq(look, &looks.plain) {
                    Value::read(text, cells.origin(i)).write(sheet, row, at, look)?;
                }
            }
        }
        if self.rows < table.height() && last < LAST_ROW {
            // On a row of its own, so that the sheet is not deposited as if it were the whole file: the check would refuse this line.
            let text = format!("Feuille coupée\u{a0}: {} Corrigez votre fichier d'origine.", self.cut_rows());
            sheet.write_string_with_format(last + 1, 0, text, &looks.error.text).map_err(failed)?;
        }
        for (&(row, at), texts) in marks.notes.iter().filter(|((row, _), _)| *row <= last).take(MAX_NOTES) {
            let note = Note::new(cut(&texts.join("\n"), 2000)).set_author("Retex").add_author_prefix(false).set_width(320).set_height(110);
            sheet.insert_note(row, at, &note).map_err(failed)?;
        }
        if header < LAST_ROW {
            sheet.set_freeze_panes(header + 1, 0).map_err(failed)?;
        }
        Ok(())
    }

    fn marks(&self) -> Marks {
        let mut marks = Marks::default();
        let header = self.header_row();
        for remark in &self.remarks {
            let Some(row) = remark.row else { continue };
            let at = (row, remark.column.unwrap_or(0));
            if remark.column.is_some() || row == header {
                let severity = marks.cells.entry(at).or_insert(remark.severity);
                if remark.severity == ERROR {
                    *severity = ERROR;
                }
            } else if remark.severity == ERROR {
                marks.rows.insert(row);
            }
            marks.notes.entry(at).or_default().push(said(&remark.fault));
        }
        marks
    }

    fn cut_rows(&self) -> String {
        format!("seules les {} premières lignes sur {} y sont.", count(self.rows as u64), count(self.table.height() as u64))
    }

    fn list(&self, book: &mut Workbook, data: &str) -> Result<()> {
        let sheet = book.add_worksheet().set_name(LIST).map_err(failed)?;
        let plain = Format::new().set_num_format("@");
        let wrap = plain.clone().set_text_wrap().set_align(FormatAlign::Top).set_border(FormatBorder::Thin);
        let head = wrap.clone().set_bold().set_background_color("#D9E1F2");
        let title = plain.clone().set_bold().set_font_size(14);
        let mut line = 0;
        let mut say = |sheet: &mut Worksheet, text: &str, format: &Format| -> Result<()> {
            sheet.write_string_with_format(line, 0, cut(text, sheets::MAX_CELL), format).map_err(failed)?;
            line += 1;
            Ok(())
        };
        say(sheet, self.source.name, &title)?;
        for text in self.summary(data) {
            say(sheet, &text, &plain)?;
        }
        line += 1;
        let heads =
            ["Case", "Ligne du fichier", "Colonne", "Valeur lue", "Ce qui ne va pas", "Attendu", "Correction proposée", "Gravité", "Code"];
        for (i, (text, width)) in heads.iter().zip([10, 14, 22, 24, 60, 40, 24, 14, 20]).enumerate() {
            sheet.write_string_with_format(line, column(i)?, *text, &head).map_err(failed)?;
            sheet.set_column_width(column(i)?, width).map_err(failed)?;
        }
        sheet.set_freeze_panes(line + 1, 0).map_err(failed)?;
        for (i, remark) in self.remarks.iter().enumerate() {
            let fault = &remark.fault;
            let place = match (remark.column, remark.row) {
                (Some(column), Some(row)) => format!("{}{}", letter(column.into()), row + 1),
                (Some(column), None) => letter(column.into()),
                _ => String::new(),
            };
            let physical = fault.row.map(|r| r.to_string()).unwrap_or_default();
            let of = |text: &Option<String>| text.clone().unwrap_or_default();
            let texts = [
                place,
                physical,
                of(&fault.column),
                of(&fault.value),
                fault.message.clone(),
                of(&fault.expected),
                of(&fault.suggestion),
                remark.severity.to_owned(),
                fault.code.clone(),
            ];
            for (at, text) in texts.iter().enumerate() {
                let row = line + 1 + row(i)?;
                sheet.write_string_with_format(row, column(at)?, cut(text, sheets::MAX_CELL), &wrap).map_err(failed)?;
            }
        }
        Ok(())
    }

    /// What is said above the list: how much is wrong, and what is not there.
    fn summary(&self, data: &str) -> Vec<String> {
        let beside: u64 = self.source.beside.1.iter().map(|r| r.count).sum();
        let (errors, warnings) = (self.checked.error_count + beside, self.checked.warning_count);
        let mut lines = vec![match errors {
            0 => "Rien n'est à corriger dans ce fichier.".to_owned(),
            n => format!(
                "{}. Sur la feuille «\u{a0}{data}\u{a0}», chaque case en cause est colorée et porte une note.",
                plural(n, "problème à corriger", "problèmes à corriger")
            ),
        }];
        if warnings > 0 {
            lines.push(format!("{}, sans effet sur l'acceptation.", plural(warnings, "avertissement", "avertissements")));
        }
        if self.rows < self.table.height() {
            lines.push(format!("La feuille «\u{a0}{data}\u{a0}» est coupée\u{a0}: {}", self.cut_rows()));
        }
        let listed = self.remarks.iter().filter(|r| r.severity == ERROR).count() as u64;
        if listed < errors {
            lines.push(format!("Cette liste est coupée\u{a0}: elle dit les {} premiers problèmes.", count(listed)));
        }
        if self.marks().notes.len() > MAX_NOTES {
            lines.push(format!("Seules les {} premières cases portent une note\u{a0}; toutes sont colorées.", count(MAX_NOTES as u64)));
        }
        if self.shift > 0 {
            lines.push("Ce format n'a pas de ligne de titres\u{a0}: elle a été ajoutée, et les lignes descendent d'un rang.".to_owned());
        }
        if (0..self.table.head.names.len()).any(|i| !self.shows(i)) {
            lines.push("Les colonnes qui ne sont pas prévues, ou que vous ne pouvez pas lire, restent vides.".to_owned());
        }
        lines
    }
}

/// Where colours and notes go.
#[derive(Default)]
struct Marks {
    cells: BTreeMap<(u32, u16), &'static str>,
    /// Rows that are wrong as a whole.
    rows: BTreeSet<u32>,
    notes: BTreeMap<(u32, u16), Vec<String>>,
}

impl Marks {
    fn look<'l>(&self, looks: &'l Looks, at: (u32, u16), usual: &'l Look) -> &'l Look {
        match self.cells.get(&at) {
            Some(&ERROR) => &looks.error,
            Some(_) => &looks.warning,
            None if self.rows.contains(&at.0) => &looks.bad_row,
            None => usual,
        }
    }
}

struct Looks {
    plain: Look,
    head: Look,
    error: Look,
    warning: Look,
    bad_row: Look,
}

impl Looks {
    fn new() -> Self {
        let colour = |colour: &str| Format::new().set_background_color(colour);
        Self {
            plain: Look::new(&Format::new()),
            head: Look::new(&colour("#D9E1F2").set_bold()),
            error: Look::new(&colour("#FFC7CE").set_font_color("#9C0006").set_border(FormatBorder::Thin)),
            warning: Look::new(&colour("#FFEB9C").set_border(FormatBorder::Thin)),
            bad_row: Look::new(&colour("#FCE4D6")),
        }
    }
}

/// A fault as a note says it.
fn said(fault: &CellFault) -> String {
    let mut text = fault.message.clone();
    if let Some(expected) = fault.expected.as_ref().filter(|e| !text.contains(e.as_str())) {
        text.push_str(&format!("\nAttendu\u{a0}: {expected}."));
    }
    if let Some(suggestion) = &fault.suggestion {
        text.push_str(&format!("\nCorrection proposée\u{a0}: {suggestion}"));
    }
    text
}

/// The position of a column from its letters.
fn position(letters: &str) -> Option<usize> {
    let mut position = 0usize;
    for c in letters.chars() {
        let digit = c.is_ascii_uppercase().then(|| c as usize - 'A' as usize + 1)?;
        position = position.checked_mul(26)?.checked_add(digit)?;
    }
    position.checked_sub(1)
}

#[cfg(test)]
mod tests {
    #[test]
    fn letters_give_back_their_position() {
        for at in [0, 25, 26, 51, 52, 701, 702] {
            assert_eq!(super::position(&super::letter(at)), Some(at));
        }
        assert_eq!(super::position(""), None);
        assert_eq!(super::position("é"), None);
    }
}
