//! Lays a view out as PDF/UA-1 with typst. The view goes in as JSON, and charts as SVG: what people wrote is data, never markup.

use std::{collections::BTreeMap, sync::LazyLock};

use serde_json::{Value as Json, json};
use typst::{
    World,
    foundations::{Bytes, Dict, IntoValue, Smart},
};
use typst_as_lib::{TypstEngine, TypstTemplateMainFile, typst_kit_options::TypstKitFontOptions};
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

use super::{
    View,
    charts::{Theme, parts},
};
use crate::error::{Error, Result};

/// Height of the tallest chart that a page holds under an indicator's heading and conclusion, in the chart's units.
const CHART_HEIGHT: f64 = 730.0;

/// The template and the fonts, read once. Only the fonts of the program are used, so that every machine gives the same bytes.
static ENGINE: LazyLock<TypstEngine<TypstTemplateMainFile>> = LazyLock::new(|| {
    TypstEngine::builder()
        .main_file(("report.typ", include_str!("templates/report.typ")))
        .search_fonts_with(TypstKitFontOptions::new().include_system_fonts(false).include_embedded_fonts(true))
        .build()
});

pub(super) fn render(view: &View) -> Result<Vec<u8>> {
    let mut data = json!({
        "view": view,
        "charts": view.results.iter().map(|r| if r.sites.is_empty() { Vec::new() } else { parts(r, Theme::Print, CHART_HEIGHT) }).collect::<Vec<_>>(),
    });
    let replaced = ENGINE.with_world(|world| make_printable(world, &mut data)).map_err(Error::internal)?;
    data["replaced"] = Json::Bool(replaced);
    let bytes = serde_json::to_vec(&data).map_err(Error::internal)?;
    let mut inputs = Dict::new();
    inputs.insert("data".into(), Bytes::new(bytes).into_value());
    let document = ENGINE.compile_with_input(inputs).output.map_err(|e| failed(&e))?;
    let options = PdfOptions {
        ident: Smart::Custom(format!(
            "retex/{}/{}",
            view.title,
            view.provenance.facts.iter().map(|f| f.text.as_str()).collect::<Vec<_>>().join("/")
        )),
        creator: Smart::Custom(Some("Retex".to_owned())),
        timestamp: None,
        standards: PdfStandards::new(&[PdfStandard::Ua_1]).map_err(|e| failed(&e))?,
        ..PdfOptions::default()
    };
    typst_pdf::pdf(&document, &options).map_err(|e| failed(&e))
}

pub(super) fn failed(cause: &impl std::fmt::Debug) -> Error {
    Error::internal(format!("typst: {cause:?}"))
}

/// Puts «▢» for every character that no font of the program holds: PDF/UA forbids a missing glyph, and a report with one
/// unknown sign is better than none. Says whether there was any.
pub(super) fn make_printable(world: &dyn World, data: &mut Json) -> bool {
    let book = world.book();
    let mut known: BTreeMap<char, bool> = BTreeMap::new();
    let mut holds = |c: char| {
        *known.entry(c).or_insert_with(|| {
            c == '\n' || !is_private(c) && (0..).map_while(|i| book.info(i)).any(|font| font.coverage.contains(c as u32))
        })
    };
    replace(data, &mut holds)
}

fn replace(data: &mut Json, holds: &mut impl FnMut(char) -> bool) -> bool {
    match data {
        Json::String(text) => {
            if text.chars().all(|c| !is_mark(c) && holds(c)) {
                return false;
            }
            *text = text.chars().filter(|c| !is_mark(*c)).map(|c| if holds(c) { c } else { '▢' }).collect();
            true
        }
        // Not `any`: every string is to be visited.
        Json::Array(items) => items.iter_mut().fold(false, |found, item| replace(item, holds) | found),
        Json::Object(fields) => fields.values_mut().fold(false, |found, item| replace(item, holds) | found),
        Json::Null | Json::Bool(_) | Json::Number(_) => false,
    }
}

/// Signs that mean what each font wants them to.
fn is_private(c: char) -> bool {
    matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..)
}

/// Signs that only change the one before (joiners, variation selectors, directions, the byte order mark).
fn is_mark(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}
