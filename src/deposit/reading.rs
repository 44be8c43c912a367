//! How a file is read where its depositor says otherwise than what was detected: the same bytes again, as a new deposit, under the
//! convention's rules with that reading over the one that the parties agreed on.

use std::ops::Deref;

use super::{Accepted, Sending, Slot, accept, allow, find};
use crate::{
    access::Actor,
    app::App,
    convention::{Convention, document::Reading, rules::Rules},
    error::{Error, Fault, Kind, Result},
    ids::DepositId,
    store::deposits::{Deposit, DepositState},
};

/// Longest name of a sheet or an encoding, in characters.
const NAME: usize = 100;
/// Most words of an empty cell, of true or of false.
const WORDS: usize = 20;
/// Most notations of dates.
const NOTATIONS: usize = 3;

/// The rules of a dataset: as the convention has them, or under a reading of their own.
pub enum Ruled<'c> {
    /// As the convention has them.
    Agreed(&'c Rules),
    /// Compiled again under a reading.
    Imposed(Box<Rules>),
}

impl Deref for Ruled<'_> {
    type Target = Rules;

    fn deref(&self) -> &Rules {
        match self {
            Self::Agreed(rules) => rules,
            Self::Imposed(rules) => rules,
        }
    }
}

/// The rules of a dataset under a reading that its depositor imposed, if any.
///
/// # Errors
/// `reading` where it is none: an unknown encoding, a mark that is no decimal mark.
pub fn rules<'c>(convention: &'c Convention, dataset: &str, reading: Option<&Reading>) -> Result<Ruled<'c>> {
    match reading {
        Some(reading) => Ok(Ruled::Imposed(Box::new(compiled(convention, dataset, reading)?))),
        None => convention.rules.get(dataset).map(Ruled::Agreed).ok_or_else(missing),
    }
}

/// The rules of a dataset compiled again under a reading, which leaves to the agreed one what it does not say.
///
/// # Errors
/// As [`rules`].
pub fn compiled(convention: &Convention, dataset: &str, reading: &Reading) -> Result<Rules> {
    let mut declared = convention.document.datasets.get(dataset).cloned().ok_or_else(missing)?;
    declared.reading = Some(over(reading, declared.reading.take().unwrap_or_default()));
    Rules::from_dataset(dataset, &declared).map_err(refused)
}

fn missing() -> Error {
    Error::internal("the dataset left the convention")
}

/// The reading of a person's form or program as it is kept; none where nothing is imposed. The dataset must be the convention's.
///
/// # Errors
/// `reading`, with what may be written.
pub fn stated(convention: &Convention, dataset: &str, reading: Option<Reading>) -> Result<Option<Reading>> {
    let Some(reading) = reading.map(plain).filter(|r| *r != Reading::default()) else { return Ok(None) };
    let long = |text: &Option<String>| text.as_ref().is_some_and(|t| t.chars().count() > NAME);
    if long(&reading.sheet) || long(&reading.encoding) || reading.dates.len() > NOTATIONS {
        let message = format!("Donnez un nom de {NAME} caractères au plus, et {NOTATIONS} notations de dates au plus.");
        return Err(Error::invalid("reading", message));
    }
    let too_many = |words: &Vec<String>| words.len() > WORDS || words.iter().any(|w| w.chars().count() > NAME);
    if [&reading.missing, &reading.yes, &reading.no].into_iter().any(too_many) {
        let message = format!("Donnez {WORDS} mots au plus, de {NAME} caractères au plus chacun.");
        return Err(Error::invalid("reading", message));
    }
    compiled(convention, dataset, &reading)?;
    Ok(Some(reading))
}

/// The reading that a deposit's depositor imposed.
pub fn imposed(deposit: &Deposit) -> Result<Option<Reading>> {
    deposit.reading.as_deref().map(serde_json::from_str).transpose().map_err(Error::internal)
}

/// One reading over another: what the first leaves open, the second says.
pub fn over(reading: &Reading, agreed: Reading) -> Reading {
    let reading = reading.clone();
    let first = |said: Vec<String>, agreed: Vec<String>| if said.is_empty() { agreed } else { said };
    Reading {
        decimal: reading.decimal.or(agreed.decimal),
        dates: first(reading.dates, agreed.dates),
        encoding: reading.encoding.or(agreed.encoding),
        delimiter: reading.delimiter.or(agreed.delimiter),
        sheet: reading.sheet.or(agreed.sheet),
        header_row: reading.header_row.or(agreed.header_row),
        quote: reading.quote.or(agreed.quote),
        thousands: reading.thousands.or(agreed.thousands),
        percent: reading.percent.or(agreed.percent),
        missing: first(reading.missing, agreed.missing),
        yes: first(reading.yes, agreed.yes),
        no: first(reading.no, agreed.no),
    }
}

/// One spelling per reading, so that the same reading is the same deposit; an empty field imposes nothing.
fn plain(reading: Reading) -> Reading {
    let text = |text: Option<String>| text.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
    let delimiter = reading.delimiter.filter(|d| !d.is_empty()).map(|d| if d == "\t" { "tab".to_owned() } else { d.trim().to_owned() });
    let mut dates: Vec<String> = reading.dates.into_iter().map(|d| d.trim().to_lowercase()).filter(|d| !d.is_empty()).collect();
    dates.dedup();
    let words = |list: Vec<String>| -> Vec<String> {
        let mut kept: Vec<String> = list.into_iter().map(|w| w.trim().to_owned()).filter(|w| !w.is_empty()).collect();
        kept.sort();
        kept.dedup();
        kept
    };
    Reading {
        decimal: text(reading.decimal),
        dates,
        encoding: text(reading.encoding).map(|e| e.to_lowercase()),
        delimiter: delimiter.filter(|d| !d.is_empty()),
        sheet: text(reading.sheet).map(|s| s.chars().filter(|c| !c.is_control()).collect()),
        header_row: reading.header_row,
        quote: text(reading.quote),
        thousands: text(reading.thousands),
        percent: text(reading.percent),
        missing: words(reading.missing),
        yes: words(reading.yes),
        no: words(reading.no),
    }
}

fn refused(faults: Vec<Fault>) -> Error {
    let message = faults.iter().map(|f| f.message.as_str()).collect::<Vec<_>>().join(" ");
    Error::invalid("reading", format!("Cette façon de lire n'est pas possible. {message}")).with_faults(faults)
}

/// Whether a deposit in this state may be read otherwise: one that was decided and that still stands.
pub fn is_open(state: DepositState) -> bool {
    matches!(state, DepositState::Accepted | DepositState::AwaitingConfirmation | DepositState::Rejected)
}

/// Deposits the bytes of a deposit again, to be read as its depositor says. Nothing becomes of the first one until the new one counts.
///
/// # Errors
/// As [`find`] and [`allow`]; `deposit_state` for one that is not decided or stands no more; `file_gone`; `reading`.
pub async fn read_again(app: &App, actor: &Actor, id: DepositId, reading: Reading) -> Result<Accepted> {
    let deposit = find(app, actor, id).await?;
    let slot = Slot::of(&deposit);
    allow(app, actor, &slot).await?;
    if !is_open(deposit.state) {
        let message = "Ce dépôt est en cours de contrôle, ou ne compte plus\u{a0}: il ne peut pas être relu.";
        return Err(Error::new(Kind::Conflict, "deposit_state", message));
    }
    let gone = || Error::new(Kind::Conflict, "file_gone", "Ce fichier n'est plus gardé\u{a0}: déposez-le à nouveau.");
    let key = deposit.original_key.as_deref().ok_or_else(gone)?.parse()?;
    // Through the same door as any other body: it ends under the key that it already has.
    let (_, bytes) = app.lake.stream(&key).await?;
    accept(app, actor, Sending { slot, reading: Some(reading), correction: None }, bytes).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_has_one_spelling_and_leaves_open_what_it_does_not_say() {
        let some = |text: &str| Some(text.to_owned());
        let said = plain(Reading {
            decimal: some(" "),
            dates: vec![" ISO ".to_owned(), String::new()],
            encoding: some(" Windows-1252"),
            delimiter: some("\t"),
            sheet: some(" Fé\u{0}vrier "),
            missing: vec![" n.d. ".to_owned(), "NA".to_owned(), "NA".to_owned()],
            ..Reading::default()
        });
        let kept = Reading {
            decimal: None,
            dates: vec!["iso".to_owned()],
            encoding: some("windows-1252"),
            delimiter: some("tab"),
            sheet: some("Février"),
            missing: vec!["NA".to_owned(), "n.d.".to_owned()],
            ..Reading::default()
        };
        assert_eq!(said, kept);
        let agreed = Reading { decimal: some(","), delimiter: some(";"), ..Reading::default() };
        assert_eq!(over(&said, agreed), Reading { decimal: some(","), ..kept });
    }
}
