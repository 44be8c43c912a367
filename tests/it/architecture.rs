//! The directions of `use`, read from the sources: what the architecture promises, so that it stays true.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use regex::Regex;

/// Modules from the lowest to the highest. A module uses only lower ranks; equal ranks do not know each other.
const RANKS: &[&[&str]] = &[
    &["error", "clock", "config"],
    &["ids"],
    &["words"],
    &["store", "lake"],
    &["statistics", "territory", "signature", "openid"],
    &["convention"],
    &["audit"],
    &["app"],
    &["mail"],
    &["access", "backup", "verify"],
    &["indicator", "track"],
    &["deposit", "sharing"],
    &["retention"],
    &["evaluation"],
    &["report"],
    &["jobs"],
    &["http"],
    &["cli"],
    &["main", "lib"],
];

/// The shared state is for entry functions: these compute on what they are given.
const PURE: &[&str] = &["convention", "statistics", "territory", "signature"];

/// The hub's register of conventions stands with the document that it keeps, and is the entry to it: it may know the shared state, which
/// in turn keeps what the register has compiled.
const ENTRY: [&str; 2] = ["convention/register", "convention/draft"];

fn sources() -> Vec<(PathBuf, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.to_str().is_some_and(|p| p.ends_with(".rs") && !p.ends_with("tests.rs")) {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    found.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("a source");
        (path.strip_prefix(&root).expect("below src").to_owned(), code(&text))
    };
    found.into_iter().map(read).collect()
}

/// The code alone: without comment lines and without the tests at the end, which may reach anywhere.
fn code(text: &str) -> String {
    let mut code = String::new();
    for line in text.lines().take_while(|line| *line != "#[cfg(test)]") {
        let comment = line.trim_start().starts_with("//");
        code += if comment { "" } else { line.split(" // ").next().unwrap_or(line) };
        code.push('\n');
    }
    code
}

fn module_of(path: &Path) -> String {
    let first = path.components().next().expect("a component").as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

fn rank(module: &str) -> usize {
    RANKS.iter().position(|names| names.contains(&module)).unwrap_or_else(|| panic!("`{module}` has no rank: give it one in RANKS"))
}

/// The names at the top of a group of `use`: `a::{b, c}, d}` gives `a` and `d`.
fn heads(group: &str) -> Vec<String> {
    let (mut depth, mut heads) = (0, vec![String::new()]);
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(String::new()),
            c if depth == 0 => heads.last_mut().expect("one at least").push(c),
            _ => {}
        }
    }
    heads
}

/// The top-level modules that this code names: `crate::x`, `crate::{x::…, y}`, `super::…::x` up to the root.
fn used(path: &Path, code: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for hit in Regex::new(r"\b(?:crate|retex)::").expect("a regex").find_iter(code) {
        let rest = &code[hit.end()..];
        found.extend(rest.strip_prefix('{').map_or_else(|| vec![rest.to_owned()], heads));
    }
    let first_word = |s: String| s.trim_start().chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect::<String>();
    let mut found: BTreeSet<String> = found.into_iter().map(first_word).collect();
    let depth = path.components().count() - usize::from(path.ends_with("mod.rs"));
    for hit in Regex::new(r"\b((?:super::)+)([a-z_]+)").expect("a regex").captures_iter(code) {
        if hit[1].matches("super").count() >= depth {
            found.insert(hit[2].to_owned());
        }
    }
    let known: BTreeSet<_> = RANKS.iter().copied().flatten().copied().collect();
    found.retain(|name| known.contains(name.as_str()));
    found
}

#[test]
fn modules_use_only_lower_ones() {
    let mut faults = Vec::new();
    for (path, code) in sources() {
        let module =
            if path.to_str().is_some_and(|p| ENTRY.iter().any(|e| p.starts_with(e))) { "access".to_owned() } else { module_of(&path) };
        for other in used(&path, &code).into_iter().filter(|other| *other != module) {
            if rank(&other) >= rank(&module) || (other == "app" && PURE.contains(&module.as_str())) {
                faults.push(format!("{}: {module} → {other}", path.display()));
            }
        }
    }
    assert!(faults.is_empty(), "uses that go up or sideways:\n{}", faults.join("\n"));
}

/// But for the derive of `sqlx::Type`, which says that an id is a text in a row.
#[test]
fn sql_is_in_the_store_alone() {
    let sql = Regex::new(
        r"\bsqlx::([a-z]|[A-SU-Z])|\b(INSERT INTO|DELETE FROM|CREATE TABLE|ALTER TABLE)\b|\bSELECT\b[^;]{1,200}\bFROM\b|\bUPDATE \w+ SET\b",
    )
    .expect("a regex");
    only_in("store", &sql);
}

#[test]
fn objects_are_in_the_lake_alone() {
    only_in("lake", &Regex::new(r"\bobject_store\b").expect("a regex"));
}

#[test]
fn the_web_framework_is_in_http_alone() {
    only_in("http", &Regex::new(r"\b(axum|axum_extra|tower_http)::").expect("a regex"));
}

/// Pages and API read data through the functions of the domain that ask the perimeter (`deposit::find`, `evaluation::latest` …), never
/// from the database or the lake themselves.
#[test]
fn http_reads_data_through_the_perimeter() {
    let direct = Regex::new(
        r"\bstore\s*\.\s*(deposits?|current_deposits|same_deposit|deposit_\w+|evaluations?|latest_evaluation|summaries|rex|rex_of|conventions?|convention_\w+|newest_convention|signatures|termination)\(|\blake\s*\.\s*(get|fetch\w*|list|read\w*|meta)\(",
    )
    .expect("a regex");
    assert!(
        direct.is_match("app.store.deposit_report(id)")
            && direct.is_match("app\n.store\n.rex(a, b)")
            && !direct.is_match("store.account(id)")
    );
    let of_http = sources().into_iter().filter(|(path, _)| module_of(path) == "http");
    let faults: Vec<_> =
        of_http.filter_map(|(path, code)| direct.find(&code).map(|m| format!("{}: {}", path.display(), m.as_str()))).collect();
    assert!(faults.is_empty(), "reads beside the perimeter:\n{}", faults.join("\n"));
}

/// Two shapes of one name would be one in the API's document, and one of them would be described wrongly.
#[test]
fn every_shape_of_the_api_has_its_own_name() {
    let shape = Regex::new(r"derive\([^)]*ToSchema[^)]*\)\](?:\s*#\[[^\n]*\])*\s*pub(?:\([^)]*\))? (?:struct|enum) (\w+)").unwrap();
    let mut seen = BTreeSet::new();
    let mut twice = Vec::new();
    for (_, code) in sources() {
        twice.extend(shape.captures_iter(&code).map(|c| c[1].to_owned()).filter(|name| !seen.insert(name.clone())));
    }
    assert!(seen.len() > 30, "{seen:?}");
    assert!(twice.is_empty(), "{twice:?}");
}

fn only_in(module: &str, what: &Regex) {
    let elsewhere = sources().into_iter().filter(|(path, _)| module_of(path) != module);
    let faults: Vec<_> =
        elsewhere.filter_map(|(path, code)| what.find(&code).map(|m| format!("{}: {}", path.display(), m.as_str()))).collect();
    assert!(faults.is_empty(), "outside {module}:\n{}", faults.join("\n"));
}

#[test]
fn the_reader_of_uses_sees_them() {
    let names = |path: &str, code: &str| used(Path::new(path), code).into_iter().collect::<Vec<_>>().join(" ");
    assert_eq!(
        names("http/mod.rs", "use crate::{app::App, store, error::{Error, Result}};\nfn f() { crate::lake::put() }"),
        "app error lake store"
    );
    assert_eq!(names("store/jobs.rs", "use super::super::http::router;"), "http");
    assert_eq!(names("deposit/check.rs", "use super::report::CheckReport;"), "", "a sibling of the same folder");
    assert_eq!(names("deposit/mod.rs", "use super::report::build;"), "report");
    assert_eq!(names("main.rs", "use retex::cli;"), "cli");
}
