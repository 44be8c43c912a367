//! From a file or a JSON value to a checked [`Convention`]: read, inline, validate, deserialise, compile, check what the
//! schema cannot say. Each step gathers every fault that it can see before it gives up.

use std::path::Path;

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::{
    Convention, canonical, checks,
    document::Document,
    messages::{counted, pointer},
    plan,
    rules::Rules,
    source, validate,
};
use crate::error::{Error, Fault, Result};

/// Reads a convention from a file; see [`Convention::load_file`].
pub(super) fn file(path: &Path) -> Result<Convention> {
    let mut json = source::read(path)?;
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let faults = source::inline(&mut json, Some(folder));
    checked(json, faults)
}

/// Reads a self-contained convention; see [`Convention::from_json`].
pub(super) fn json(mut json: Json) -> Result<Convention> {
    let faults = source::inline(&mut json, None);
    checked(json, faults)
}

fn refuse(faults: Vec<Fault>) -> Error {
    let count = counted(faults.len(), "point");
    Error::invalid("convention_invalid", format!("La convention comporte {count} à corriger.")).with_faults(faults)
}

fn checked(json: Json, mut faults: Vec<Fault>) -> Result<Convention> {
    if faults.is_empty() {
        faults = validate::validate(&json);
    }
    if !faults.is_empty() {
        return Err(refuse(faults));
    }
    // The schema leaves nothing to serde; should it, the reader is told so rather than served an internal error.
    let document: Document = serde_json::from_value(json.clone())
        .map_err(|e| refuse(vec![Fault::new("", "document", "Le document n'a pas la forme attendue.")]).with_source(e))?;

    let (rules, mut faults) = compile(&document);
    faults.extend(checks::document(&document, &rules));
    let (indicators, of_plan) = plan::check(&document, &rules);
    faults.extend(of_plan);
    if !faults.is_empty() {
        return Err(refuse(faults));
    }
    let sha256 = canonical::sha256(&json);
    Ok(Convention { document, json, sha256, rules, indicators })
}

/// The row rules of each dataset; a dataset with faults has none, and what depends on it is not checked.
pub(super) fn compile(document: &Document) -> (IndexMap<String, Rules>, Vec<Fault>) {
    let mut rules = IndexMap::new();
    let mut faults = Vec::new();
    for (name, dataset) in &document.datasets {
        match Rules::from_dataset(name, dataset) {
            Ok(compiled) => drop(rules.insert(name.clone(), compiled)),
            Err(found) => {
                faults.extend(found.into_iter().map(|f| Fault { pointer: format!("/datasets/{}{}", pointer(name), f.pointer), ..f }));
            }
        }
    }
    (rules, faults)
}
