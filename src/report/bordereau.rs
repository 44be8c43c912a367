//! The list of elimination as PDF/UA-1: what the archives stamp.

use serde::Serialize;
use serde_json::json;

use super::{french, pdf};
use crate::{
    error::Result,
    retention::list::{Line, List},
};

/// One object, in words.
#[derive(Serialize)]
struct Row {
    position: i64,
    number: String,
    file: String,
    dataset: String,
    kind: &'static str,
    bytes: String,
    received: String,
    sha256: String,
}

/// The objects of one site.
#[derive(Serialize)]
struct Group {
    site: String,
    rows: Vec<Row>,
}

/// Lays a list out; the same list gives the same bytes.
///
/// # Errors
/// A defect of the template.
pub fn bordereau(list: &List) -> Result<Vec<u8>> {
    let purge = &list.purge;
    let mut groups: Vec<Group> = Vec::new();
    for line in &list.lines {
        let site = format!("{} (SIREN {})", line.site_name, line.site);
        match groups.last_mut().filter(|g| g.site == site) {
            Some(group) => group.rows.push(row(line)),
            None => groups.push(Group { site, rows: vec![row(line)] }),
        }
    }
    let count = list.lines.len() as u64;
    let data = json!({
        "number": purge.number,
        "title": list.title,
        "convention": purge.convention,
        "facts": [
            ["Service versant", "Métropole du Grand Paris, programme Appropriation"],
            ["Convention", format!("{} ({})", list.title, purge.convention)],
            ["Structures", list.scope],
            ["Établi le", day(purge.made_at)],
            ["Motif", if purge.removal_id.is_some() { "Retrait anticipé accordé à la structure" } else { "Durée d’utilité administrative échue" }],
            ["Élimination à partir du", french::date(purge.due_on)],
            ["Contenu", format!("{}, {}", french::count(count, "fichier", "fichiers"), size(list.bytes()))],
            ["Empreinte de la liste", purge.list_sha256],
        ],
        "groups": groups,
    });
    pdf::compile("bordereau.typ", data, &format!("retex/bordereau/{}/{}", purge.number, purge.list_sha256))
}

fn row(line: &Line) -> Row {
    Row {
        position: line.position,
        number: line.number.clone(),
        file: line.file_name.clone(),
        dataset: line.period.as_ref().map_or_else(|| line.dataset.clone(), |p| format!("{}, {p}", line.dataset)),
        kind: line.kind_name(),
        bytes: size(line.bytes.unsigned_abs()),
        received: day(line.received_at),
        sha256: line.sha256.clone(),
    }
}

fn day(at: chrono::DateTime<chrono::Utc>) -> String {
    french::date(at.with_timezone(&chrono_tz::Europe::Paris).date_naive())
}

fn size(bytes: u64) -> String {
    french::count(bytes, "octet", "octets")
}
