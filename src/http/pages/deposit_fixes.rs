//! What the page of a deposit offers beside its report: to read the file otherwise, to mend it, to look at those before it.

use askama::Template;
use axum::{
    extract::{Path, State as Extract},
    response::{IntoResponse, Redirect},
};

use super::{
    convention_acts::attachment,
    deposit_report::{date_format, encoding},
};
use crate::{
    access::Actor,
    app::App,
    convention::document::Reading,
    deposit::{
        self,
        correct::{self, CellChange},
        differences, export, reading,
        report::CheckReport,
    },
    error::{Error, Result},
    http::{
        failure::{PageResult, html},
        load, present,
        state::{Fields, Posted, Signed, who},
        view::{Fact, Markup, Page, State},
        words,
    },
    store::deposits::{Deposit, DepositState},
};

/// Changed cells that a page shows; all are in the CSV and in the API.
const SHOWN: usize = 1000;

/// What stands beside the report of a deposit.
#[derive(Debug, Default)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Beside {
    pub correct_href: Option<String>,
    pub reading: Option<ReadingForm>,
    pub corrected: Option<Corrected>,
    pub compare_href: Option<String>,
    pub history: Vec<Earlier>,
}

/// The form that says how a file is to be read.
#[derive(Debug)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct ReadingForm {
    pub action: String,
    pub csrf: String,
    pub choices: Vec<Choice>,
    pub asked: Vec<Asked>,
    pub rare_said: bool,
    pub sheet: Option<String>,
    pub open: bool,
}

/// One thing that is written.
#[derive(Debug)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Asked {
    pub name: &'static str,
    pub label: &'static str,
    pub value: String,
    pub hint: Option<String>,
    pub number: bool,
}

impl Asked {
    fn words(name: &'static str, label: &'static str, words: &[String], hint: &str) -> Self {
        Self { name, label, value: words.join("\u{a0}; "), hint: Some(hint.to_owned()), number: false }
    }
}

/// One thing that is chosen: value, words, whether it is chosen.
#[derive(Debug)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Choice {
    pub name: &'static str,
    pub label: &'static str,
    pub options: Vec<(String, String, bool)>,
    pub rare: bool,
}

/// What the hub changed to make a file.
#[derive(Debug)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Corrected {
    pub from_href: String,
    pub from: String,
    pub count: String,
    pub rows: Vec<ChangeRow>,
    pub more: Option<String>,
    pub csv_href: String,
}

/// A changed cell.
#[derive(Debug)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct ChangeRow {
    pub place: String,
    pub column: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// Another deposit of the same slot.
#[derive(Debug)]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct Earlier {
    pub number: String,
    pub href: String,
    pub received: String,
    pub badge: Markup,
    pub current: bool,
    pub compare_href: Option<String>,
}

/// All of it, as this person may have it.
pub async fn beside(app: &App, actor: &Actor, deposit: &Deposit, report: Option<&CheckReport>) -> Result<Beside> {
    let href = format!("/depots/{}", deposit.id);
    let may = load::deposits(actor) && deposit.original_key.is_some();
    let refused = report.filter(|_| may && deposit.state == DepositState::Rejected && deposit.bytes <= correct::MAX_BYTES);
    let open = may && reading::is_open(deposit.state) && deposit.corrected_from.is_none();
    let imposed = reading::imposed(deposit)?.unwrap_or_default();
    let history = differences::history(app, deposit).await?;
    let comparable = |d: &Deposit| d.original_key.is_some() && d.state.is_decided() && d.bytes <= differences::MAX_BYTES;
    let with = |d: &Deposit| format!("{href}/differences?avec={}", d.id);
    Ok(Beside {
        correct_href: refused.filter(|r| correct::is_proposed(r)).map(|_| format!("{href}/correction")),
        reading: report.filter(|_| open).and_then(|report| form(report, &imposed, format!("{href}/lecture"), actor.csrf.clone())),
        corrected: corrected(app, actor, deposit).await?,
        compare_href: differences::previous(&history, deposit).filter(|d| comparable(d) && comparable(deposit)).map(with),
        history: if history.len() < 2 {
            Vec::new()
        } else {
            let one = |d: &Deposit| Earlier {
                number: d.number.clone(),
                href: format!("/depots/{}", d.id),
                received: words::moment(d.created_at),
                badge: present::deposit_badge(d.state),
                current: d.id == deposit.id,
                compare_href: (d.id != deposit.id && comparable(d) && comparable(deposit)).then(|| with(d)),
            };
            history.iter().map(one).collect()
        },
    })
}

/// The form, with what was detected first; none for a format that leaves nothing to detect.
fn form(report: &CheckReport, imposed: &Reading, action: String, csrf: String) -> Option<ReadingForm> {
    let file = &report.file;
    let (text, book) = match file.format.as_deref() {
        Some("csv") => (true, false),
        Some("xlsx" | "xls" | "ods") => (false, true),
        Some(_) => return None,
        // What could not be read may be either.
        None => (true, true),
    };
    let mut choices = Vec::new();
    let mut add = |name, label, detected: Option<String>, imposed: Option<&str>, all: &[(&str, &str)]| {
        let detected = detected.filter(|_| imposed.is_none()).map(|d| format!(" (lu\u{a0}: {d})")).unwrap_or_default();
        let unsaid = match name {
            "thousands" => "Rien d'autre".to_owned(),
            "percent" => "Selon ce que la colonne attend".to_owned(),
            _ => format!("Reconnu dans le fichier{detected}"),
        };
        let mut options = vec![(String::new(), unsaid, imposed.is_none())];
        options.extend(all.iter().map(|(value, words)| ((*value).to_owned(), (*words).to_owned(), imposed == Some(*value))));
        if let Some(other) = imposed.filter(|i| all.iter().all(|(value, _)| value != i)) {
            options.push((other.to_owned(), other.to_owned(), true));
        }
        choices.push(Choice { name, label, options, rare: matches!(name, "quote" | "thousands" | "percent") });
    };
    if text {
        add(
            "encoding",
            "Encodage des accents",
            file.encoding.as_deref().map(|e| encoding(e).to_owned()),
            imposed.encoding.as_deref(),
            &ENCODINGS,
        );
        add(
            "delimiter",
            "Séparateur des colonnes",
            file.delimiter.as_deref().map(|d| delimiter(d).to_owned()),
            imposed.delimiter.as_deref(),
            &DELIMITERS,
        );
    }
    add("decimal", "Décimales des nombres", file.decimal.as_deref().map(|d| decimal(d).to_owned()), imposed.decimal.as_deref(), &DECIMALS);
    let dates = (!file.dates.is_empty()).then(|| file.dates.iter().map(|d| notation(d)).collect::<Vec<_>>().join("\u{a0}; "));
    let kept = (!imposed.dates.is_empty()).then(|| imposed.dates.join(","));
    add("dates", "Dates", dates, kept.as_deref(), &DATES);
    if text {
        let detected = file.quote.as_deref().or(file.format.as_deref().map(|_| "\"")).map(|q| of(&QUOTES, q).to_owned());
        add("quote", "Textes", detected, imposed.quote.as_deref(), &QUOTES);
    }
    add("thousands", "Milliers séparés, outre les espaces, par", None, imposed.thousands.as_deref(), &THOUSANDS);
    add("percent", "«\u{a0}95\u{a0}%\u{a0}» vaut", None, imposed.percent.as_deref(), &PERCENTS);
    let asked = vec![
        Asked {
            name: "header_row",
            label: "Ligne des titres",
            value: imposed.header_row.map(|row| row.to_string()).unwrap_or_default(),
            hint: file.header_row.filter(|_| imposed.header_row.is_none()).map(|row| format!("Lu\u{a0}: ligne {row}.")),
            number: true,
        },
        Asked::words("missing", "Mots d'une case vide", &imposed.missing, "Séparés par des points-virgules\u{a0}: NA\u{a0}; n.d."),
        Asked::words("yes", "Mots qui disent oui", &imposed.yes, "Avec ceux qui disent non, si ce ne sont pas les mots habituels."),
        Asked::words("no", "Mots qui disent non", &imposed.no, "Séparés par des points-virgules."),
    ];
    let sheet = book.then(|| imposed.sheet.clone().or_else(|| file.sheet.clone()).unwrap_or_default());
    let rare_said = [&imposed.quote, &imposed.thousands, &imposed.percent].iter().any(|said| said.is_some())
        || [&imposed.missing, &imposed.yes, &imposed.no].iter().any(|words| !words.is_empty());
    Some(ReadingForm { rare_said, action, csrf, choices, asked, sheet, open: report.source_error.is_some() })
}

const ENCODINGS: [(&str, &str); 5] = [
    ("utf-8", "UTF-8"),
    ("windows-1252", "Windows-1252 (Excel français)"),
    ("iso-8859-15", "ISO-8859-15 (Latin-9)"),
    ("utf-16le", "UTF-16"),
    ("macintosh", "Mac ancien (Mac OS Roman)"),
];
const DELIMITERS: [(&str, &str); 4] = [(";", "point-virgule"), (",", "virgule"), ("tab", "tabulation"), ("|", "barre verticale")];
const DECIMALS: [(&str, &str); 2] = [(",", "virgule (12,5)"), (".", "point (12.5)")];
const DATES: [(&str, &str); 5] = [
    ("dd/mm/yyyy", "jour/mois/année (12/03/2026)"),
    ("dd/mm/yy", "jour/mois/année sur deux chiffres (12/03/26)"),
    ("iso", "année-mois-jour (2026-03-12)"),
    ("serial-1900", "numéro de jour d'un tableur (46093)"),
    ("serial-1904", "numéro de jour d'un tableur sur Mac ancien (44631)"),
];

const QUOTES: [(&str, &str); 3] =
    [("\"", "entre guillemets doubles (\")"), ("'", "entre apostrophes (')"), ("none", "sans rien autour d'eux")];
const THOUSANDS: [(&str, &str); 3] = [(".", "un point (1.234)"), (",", "une virgule (1,234)"), ("'", "une apostrophe (1'234)")];
const PERCENTS: [(&str, &str); 2] = [("share", "0,95"), ("number", "95")];

/// The words of a choice; itself where it is none of them.
fn of<'a>(all: &[(&str, &'a str)], value: &'a str) -> &'a str {
    all.iter().find(|(v, _)| *v == value).map_or(value, |(_, words)| *words)
}

fn delimiter(value: &str) -> &str {
    of(&DELIMITERS, if value == "\t" { "tab" } else { value })
}

fn decimal(value: &str) -> &str {
    of(&DECIMALS, value)
}

fn notation(name: &str) -> String {
    DATES.iter().find(|(n, _)| *n == name).map_or_else(|| date_format(name), |(_, words)| (*words).to_owned())
}

/// What a receipt says of a reading that its depositor imposed.
pub(super) fn imposed(deposit: &Deposit) -> Option<Fact> {
    // The hub itself says how what it wrote is read.
    let reading = reading::imposed(deposit).ok().flatten().filter(|_| deposit.corrected_from.is_none())?;
    let listed = |words: &[String]| words.iter().map(|w| format!("«\u{a0}{w}\u{a0}»")).collect::<Vec<_>>().join(" ou ");
    let quoted = |sheet: String| format!("feuille «\u{a0}{sheet}\u{a0}»");
    let parts = [
        reading.encoding.map(|e| format!("encodage {}", encoding(&e))),
        reading.delimiter.map(|d| format!("colonnes séparées par {}", delimiter(&d))),
        reading.decimal.map(|d| format!("décimales avec {}", decimal(&d))),
        (!reading.dates.is_empty()).then(|| format!("dates {}", reading.dates.join(" ou "))),
        reading.sheet.map(quoted),
        reading.header_row.map(|row| format!("titres à la ligne {row}")),
        reading.quote.map(|q| format!("textes {}", of(&QUOTES, &q))),
        reading.thousands.map(|t| format!("milliers séparés par {}", of(&THOUSANDS, &t))),
        reading.percent.map(|p| format!("«\u{a0}95\u{a0}%\u{a0}» lu {}", of(&PERCENTS, &p))),
        (!reading.missing.is_empty()).then(|| format!("vide écrit {}", listed(&reading.missing))),
        (!reading.yes.is_empty()).then(|| format!("oui écrit {}, non écrit {}", listed(&reading.yes), listed(&reading.no))),
    ];
    let said: Vec<String> = parts.into_iter().flatten().collect();
    Some(("Lecture demandée par le déposant".to_owned(), words::sentence(&said.join("\u{a0}; "))))
}

async fn corrected(app: &App, actor: &Actor, deposit: &Deposit) -> Result<Option<Corrected>> {
    let Some(from) = deposit.corrected_from else { return Ok(None) };
    let (source, receipt) = (deposit::find(app, actor, from).await?, correct::changes(app, actor, deposit.id).await?);
    Ok(Some(Corrected {
        from_href: format!("/depots/{from}"),
        from: format!("{} ({})", source.file_name, source.number),
        count: words::plural(receipt.changes.len() as u64, "case corrigée", "cases corrigées"),
        more: more(receipt.changes.len()),
        rows: rows(&receipt.changes),
        csv_href: format!("/depots/{}/corrections.csv", deposit.id),
    }))
}

fn rows(changes: &[CellChange]) -> Vec<ChangeRow> {
    let row = |c: &CellChange| ChangeRow {
        place: format!("{}{}", c.column_letter, c.row),
        column: c.column.clone(),
        before: c.before.as_deref().map(with_blanks),
        after: c.after.as_deref().map(with_blanks),
    };
    changes.iter().take(SHOWN).map(row).collect()
}

/// A value whose blanks at either end are seen: often they are all that changes.
fn with_blanks(value: &str) -> String {
    let inner = value.trim();
    if inner.is_empty() {
        return value.chars().map(|_| '␣').collect();
    }
    let blanks = |part: &str| "␣".repeat(part.chars().count());
    let start = value.len() - value.trim_start().len();
    format!("{}{inner}{}", blanks(&value[..start]), blanks(&value[start + inner.len()..]))
}

fn more(all: usize) -> Option<String> {
    let left = all.saturating_sub(SHOWN) as u64;
    (left > 0).then(|| format!("et {}.", words::plural(left, "autre", "autres")))
}

/// The page that asks before a file is mended.
#[derive(Template)]
#[template(path = "deposit_correction.html")]
#[expect(missing_docs, reason = "each field is named after the place it fills in the template")]
pub struct CorrectionPage {
    pub page: Page,
    pub file: String,
    pub count: String,
    pub rows: Vec<ChangeRow>,
    pub more: Option<String>,
    pub cut: bool,
    pub remaining: Vec<(String, String)>,
    pub remaining_count: String,
    pub action: String,
    pub csrf: String,
    pub back: String,
}

/// `GET /depots/{id}/correction`: what would change, and what stays.
pub async fn correction(Extract(app): Extract<App>, Signed(actor): Signed, Path(id): Path<String>) -> PageResult {
    let found = load::deposit(&app, &actor, &id).await?;
    let (deposit, plan) = correct::plan(&app, &actor, found.id).await?;
    let href = format!("/depots/{}", deposit.id);
    html(CorrectionPage {
        page: Page::new("Corriger et déposer à nouveau", who(&actor), "deposits")
            .under("Dépôts", "/depots")
            .under(&deposit.file_name, &href),
        file: deposit.file_name.clone(),
        count: words::plural(plan.changes.len() as u64, "case change", "cases changent"),
        rows: rows(&plan.changes),
        more: more(plan.changes.len()),
        cut: plan.is_cut,
        remaining: plan.remaining.iter().map(|r| (r.message.clone(), words::plural(r.count, "fois", "fois"))).collect(),
        remaining_count: words::plural(
            plan.remaining_count,
            "problème reste à corriger à la main",
            "problèmes restent à corriger à la main",
        ),
        action: format!("{href}/correction"),
        csrf: actor.csrf.clone(),
        back: href,
    })
}

/// `POST /depots/{id}/correction`.
pub async fn correct(Extract(app): Extract<App>, Path(id): Path<String>, Posted(actor, _): Posted) -> PageResult {
    let found = load::deposit(&app, &actor, &id).await?;
    go(&correct::correct(&app, &actor, found.id).await?)
}

/// `POST /depots/{id}/lecture`: the same file again, read as the form says.
pub async fn read_again(Extract(app): Extract<App>, Path(id): Path<String>, Posted(actor, fields): Posted) -> PageResult {
    let found = load::deposit(&app, &actor, &id).await?;
    go(&reading::read_again(&app, &actor, found.id, stated(&fields, &found)?).await?)
}

fn go(accepted: &deposit::Accepted) -> PageResult {
    let again = if accepted.already { "?deja=1" } else { "" };
    Ok(Redirect::to(&format!("/depots/{}{again}", accepted.deposit.id)).into_response())
}

fn stated(fields: &Fields, deposit: &Deposit) -> Result<Reading> {
    let text = |name: &str| Some(fields.get(name).to_owned()).filter(|t| !t.trim().is_empty());
    let imposed = reading::imposed(deposit)?.unwrap_or_default();
    // The form shows the sheet that was read: leaving it there imposes none.
    let sheet = text("sheet").filter(|s| imposed.sheet.is_some() || s != fields.get("sheet_read"));
    let dates = text("dates").iter().flat_map(|d| d.split(',')).map(str::to_owned).collect();
    let words = |name: &str| fields.get(name).split(';').map(str::to_owned).collect();
    let header_row = text("header_row")
        .map(|row| row.trim().parse())
        .transpose()
        .map_err(|_| Error::invalid("reading", "La ligne des titres est un nombre\u{a0}: écrivez par exemple 3."))?;
    Ok(Reading {
        encoding: text("encoding"),
        delimiter: text("delimiter"),
        decimal: text("decimal"),
        dates,
        sheet,
        header_row,
        quote: text("quote"),
        thousands: text("thousands"),
        percent: text("percent"),
        missing: words("missing"),
        yes: words("yes"),
        no: words("no"),
    })
}

/// `GET /depots/{id}/corrections.csv`: every cell that was changed, as a French spreadsheet opens it.
pub async fn changes_csv(Extract(app): Extract<App>, Signed(actor): Signed, Path(id): Path<String>) -> PageResult {
    let deposit = load::deposit(&app, &actor, &id).await?;
    let receipt = correct::changes(&app, &actor, deposit.id).await?;
    if receipt.corrected_from.is_none() {
        return Err(load::absent().into());
    }
    let out = export::changes(&receipt.changes);
    Ok(attachment(&format!("{}-corrections", deposit.number), "csv", "text/csv; charset=utf-8", out))
}
