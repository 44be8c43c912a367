//! `retex check` on real files: the verdicts of the official Table Schemas' own examples, the files of csv-spectrum, csv-detective,
//! qsv-sniffer and calamine, crafted workbooks, and what town halls get wrong.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use retex::{
    convention::{Convention, rules::Rules},
    deposit::{
        check::{Checked, check_file},
        decode::{self, Expected, Origin, Table},
        report::CheckReport,
    },
};
use serde_json::{Value as Json, json};

use crate::pipeline::typed;

fn shared(path: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../shared")).join(path)
}

fn case(path: &str) -> PathBuf {
    shared("cases").join(path)
}

fn schema(path: &Path) -> Rules {
    let json: Json = serde_json::from_str(&fs::read_to_string(path).expect("readable")).expect("JSON");
    Rules::from_schema(&json).unwrap_or_else(|f| panic!("{f:?}"))
}

fn rules(json: &Json) -> Rules {
    Rules::from_schema(json).unwrap_or_else(|f| panic!("{f:?}"))
}

fn demandes() -> Rules {
    let mut convention = Convention::load_file(&shared("design/convention.example.yaml")).unwrap_or_else(|e| panic!("{:?}", e.faults));
    convention.rules.shift_remove("demandes").expect("a dataset")
}

fn check(content: impl AsRef<[u8]>, rules: &Rules) -> Checked {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("fichier");
    fs::write(&path, content).expect("written");
    check_file(&path, "fichier", rules, 1000)
}

fn places(report: &CheckReport) -> Vec<(String, u64, String)> {
    report.errors.iter().map(|e| (e.code.clone(), e.row.unwrap_or_default(), e.column.clone().unwrap_or_default())).collect()
}

fn retex(arguments: &[&str]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_retex")).args(arguments).output().expect("run")
}

fn read(path: &str) -> Table {
    decode::read(&case(path), Expected::default()).unwrap_or_else(|e| panic!("{path}: {e:?}"))
}

/// Verdicts of frictionless 5.21.0 in `cases/MANIFEST.tsv`: (code, row, column).
#[test]
fn official_schemas_give_their_verdicts() {
    let verdict = |folder: &str, file: &str| {
        let rules = schema(&case(&format!("{folder}/schema.json")));
        let checked = check_file(&case(&format!("{folder}/{file}")), file, &rules, 1000);
        let warnings: Vec<_> = checked.report.warnings.iter().map(|w| (w.code.clone(), w.row, w.column.clone())).collect();
        assert_eq!(checked.report.valid, checked.report.stats.errors == 0);
        (places(&checked.report), warnings)
    };
    let at = |code: &str, row: u64, column: &str| (code.to_owned(), row, column.to_owned());
    let warned = |row: u64, column: &str| ("custom_check".to_owned(), Some(row), Some(column.to_owned()));

    assert_eq!(verdict("ts-stationnement", "exemple-valide.csv"), (vec![], vec![]));
    let (errors, warnings) = verdict("ts-stationnement", "exemple-invalide.csv");
    assert_eq!(errors, [at("pattern", 2, "id"), at("enum", 2, "tarif_pmr")]);
    assert_eq!(warnings, [warned(2, "num_siret")], "Validata's own check is said, and does not refuse");

    let (errors, warnings) = verdict("ts-covoiturage", "exemple-valide.csv");
    assert_eq!((errors, warnings), (vec![], vec![warned(2, "horaires")]));
    let (errors, warnings) = verdict("ts-covoiturage", "exemple-invalide.csv");
    assert_eq!(errors, [at("type", 3, "date_maj")], "24-06-2019 is not %Y-%m-%d");
    assert_eq!(warnings, [warned(2, "horaires"), warned(3, "horaires")]);
}

/// `location_coordinates` and `newlines_crlf` are left out: their JSON does not match their CSV.
#[test]
fn csv_spectrum_is_read_to_its_json() {
    let mut seen = 0;
    for entry in fs::read_dir(case("csv-spectrum")).expect("a folder").map(|e| e.expect("an entry").path()) {
        let name = entry.file_stem().and_then(|s| s.to_str()).expect("a name").to_owned();
        if entry.extension().is_none_or(|e| e != "csv") || ["location_coordinates", "newlines_crlf"].contains(&name.as_str()) {
            continue;
        }
        let table = decode::read(&entry, Expected::default()).unwrap_or_else(|e| panic!("{name}: {e:?}"));
        let rows: Vec<Json> = (0..table.height())
            .map(|row| {
                table
                    .head
                    .names
                    .iter()
                    .zip(&table.columns)
                    .map(|(n, c)| (n.clone(), Json::from(c.get(row))))
                    .collect::<serde_json::Map<_, _>>()
                    .into()
            })
            .collect();
        let oracle: Json = serde_json::from_str(&fs::read_to_string(entry.with_extension("json")).expect("an oracle")).expect("JSON");
        assert_eq!(Json::from(rows), oracle, "{name}");
        seen += 1;
    }
    assert_eq!(seen, 10);
}

#[test]
fn crafted_workbooks_are_refused_at_once() {
    for (file, code) in [("xlsx-two-corners.xlsx", "too_wide"), ("xlsx-inflate-256MiB.xlsx", "too_large")] {
        let (file, start) = (case("attack").join(file), Instant::now());
        let mut command = Command::new("/usr/bin/time");
        let measured = Path::new("/usr/bin/time").exists();
        if measured {
            command.args(["-f", "%M", env!("CARGO_BIN_EXE_retex")]);
        } else {
            command = Command::new(env!("CARGO_BIN_EXE_retex"));
        }
        let output = command
            .args(["check", "--format", "json", "--schema"])
            .arg(case("ts-covoiturage/schema.json"))
            .arg(&file)
            .output()
            .expect("run");
        assert!(start.elapsed() < Duration::from_secs(2), "{file:?} took {:?}", start.elapsed());
        assert_eq!(output.status.code(), Some(2), "{file:?}");
        let said: Json = serde_json::from_slice(&output.stdout).expect("JSON alone on stdout");
        assert_eq!((&said["valid"], said["source_error"]["code"].as_str()), (&json!(false), Some(code)));
        if measured {
            let stderr = String::from_utf8_lossy(&output.stderr);
            let kilobytes: u64 = stderr.lines().last().and_then(|l| l.trim().parse().ok()).unwrap_or_else(|| panic!("{stderr}"));
            assert!(kilobytes < 300_000, "{file:?} took {kilobytes} KB");
        }
    }
}

#[test]
fn protected_workbooks_are_refused_in_words() {
    for file in ["pass_protected.xlsx", "pass_protected.ods"] {
        let error = decode::read(&case("calamine").join(file), Expected::default()).expect_err("protected");
        assert_eq!(error.code, "encrypted", "{file}");
        assert!(error.message.contains("mot de passe"));
    }
    // The reader of this one has panicked in older versions: whatever it says, this process lives.
    let _ = decode::read(&case("calamine/malformed_format.xls"), Expected::default());
}

/// A body that breaks off midway, and bytes that change on the way: an error or a table, never a dead or stuck process.
#[test]
fn damaged_workbooks_are_refused_or_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("f");
    let mut state = 0x2545_F491u32;
    let mut random = move |below: usize| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as usize % below
    };
    for file in ["csv-detective/file.xlsx", "csv-detective/file.ods", "calamine/malformed_format.xls"] {
        let whole = fs::read(case(file)).expect("readable");
        for cut in [9, 100, whole.len() / 2, whole.len() - 1] {
            fs::write(&path, &whole[..cut]).expect("written");
            let outcome = decode::read(&path, Expected::default());
            assert!(outcome.is_err() || file.ends_with("xls"), "{file} cut at {cut}");
        }
        for _ in 0..12 {
            let mut bytes = whole.clone();
            for _ in 0..8 {
                let at = random(bytes.len());
                bytes[at] = u8::try_from(random(256)).expect("a byte");
            }
            fs::write(&path, &bytes).expect("written");
            let start = Instant::now();
            if let Err(error) = decode::read(&path, Expected::default()) {
                assert!(!error.message.is_empty() && error.code != "interrupted", "{error:?}");
            }
            assert!(start.elapsed() < Duration::from_secs(10));
        }
    }
}

#[test]
fn dates_of_workbooks_are_real_cells_of_either_epoch() {
    let table = read("calamine/date_1904.xlsx");
    assert_eq!(table.head.source.epoch, Some("serial-1904"));
    let cells: Vec<_> = table.columns.iter().flat_map(|c| (0..c.len()).map(|r| (c.get(r).to_owned(), c.origin(r)))).collect();
    let dates: Vec<_> = std::iter::once(table.head.names[0].as_str()).chain(cells.iter().map(|(t, _)| t.as_str())).collect();
    // The values of calamine's own test of this file; read from 1900 they would be four years and a day earlier.
    assert_eq!(dates[..3], ["2021-01-01", "2021-01-02", "255:10:10"]);
}

#[test]
fn a_workbook_is_read_at_its_table() {
    let expected = ["Date de la cérémonie".to_owned()];
    let table = decode::read(&case("csv-detective/file.ods"), Expected { columns: &expected, reading: None }).expect("readable");
    assert!(table.head.names.contains(&expected[0]), "{:?}", table.head.names);
    let at = table.head.names.iter().position(|n| *n == expected[0]).expect("there");
    assert_eq!(table.columns[at].iter().collect::<Vec<_>>(), ["29/05/2012"; 3], "text cells in this file");
    assert_eq!(table.columns[0].origin(0), Origin::Number);

    // REI: a notice first, and title rows above the header of the data.
    let sheet = |expected: &[&str]| {
        let expected: Vec<String> = expected.iter().map(|s| (*s).to_owned()).collect();
        let table = decode::read(&case("csv-detective/file.xlsx"), Expected { columns: &expected, reading: None }).expect("readable");
        (table.head.source.sheet.clone().expect("a sheet"), table.head.header_row, table.head.names.clone())
    };
    insta::assert_debug_snapshot!("rei_workbook", sheet(&["dep", "DEPDIR", "DDC"]));
}

#[test]
fn cells_of_a_workbook_keep_their_types() {
    use rust_xlsxwriter::{ExcelDateTime, Format as Style, Workbook};
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("demandes.xlsx");
    let mut book = Workbook::new();
    book.add_worksheet().set_name("Notice").and_then(|s| s.write(0, 0, "Lisez-moi")).expect("a notice");
    let sheet = book.add_worksheet();
    let day = Style::new().set_num_format("dd/mm/yyyy");
    sheet.write(0, 0, "Demandes de mars").expect("a title");
    for (i, name) in HEADER.split(';').enumerate() {
        sheet.write(2, u16::try_from(i).expect("few"), name).expect("a header");
    }
    let date = |d: u8| ExcelDateTime::from_ymd(2026, 3, d).expect("a day");
    sheet.write(3, 0, "D004217").and_then(|s| s.write(3, 1, 94028)).and_then(|s| s.write_with_format(3, 2, date(12), &day)).expect("cells");
    sheet.write(3, 4, "assistant").and_then(|s| s.write(3, 6, 4)).expect("cells");
    sheet
        .write(5, 0, "D004218")
        .and_then(|s| s.write(5, 2, 46093))
        .and_then(|s| s.write(5, 4, "temoin"))
        .and_then(|s| s.write(5, 6, 4.5))
        .expect("cells");
    book.save(&path).expect("saved");

    let (report, table) = typed(fs::read(&path).expect("bytes"), &demandes());
    let file = &report.file;
    assert_eq!(
        (file.sheet.as_deref(), file.header_row, file.dates.as_slice()),
        (Some("Sheet2"), Some(3), ["serial-1900".to_owned()].as_slice())
    );
    assert_eq!(places(&report), [("type".into(), 6, "date_depot".into()), ("type".into(), 6, "satisfaction".into())]);
    assert_eq!(report.errors[0].suggestion.as_deref(), Some("2026-03-12"), "the number of a day");
    let table = table.expect("typed");
    assert_eq!(table.column("code_insee").and_then(|c| c.get(0).map(|v| v.str_value().into_owned())).expect("text"), "94028");
    assert_eq!(table.column("date_depot").and_then(|c| c.get(0).map(|v| v.to_string())).expect("a day"), "2026-03-12");
}

#[test]
fn an_optional_value_written_with_any_of_is_read_as_its_type() {
    let rules = rules(&json!({ "properties": {
        "jour": { "anyOf": [{ "type": "string", "format": "date" }, { "type": "null" }] },
        "choix": { "oneOf": [{ "type": "null" }, { "enum": ["a", "b"] }] },
    } }));
    assert!(rules.row_validator().is_none());
    let checked = check("jour;choix\n25/03/2026;a\n;\n2026-02-30;c\n", &rules);
    assert_eq!(places(&checked.report), [("no_such_date".into(), 4, "jour".into()), ("enum".into(), 4, "choix".into())]);
}

#[test]
fn leading_zeros_stay_and_ragged_rows_are_told() {
    let table = read("csv-detective/b_test_file.csv");
    assert_eq!(table.columns[0].iter().next(), Some("01"));
    let checked = check_file(
        &case("csv-detective/b_test_file.csv"),
        "b",
        &rules(
            &json!({ "properties": { "code_departement": { "type": "string", "pattern": "^[0-9]{2}$" }, "partly_empty": { "type": ["integer", "null"] } } }),
        ),
        10,
    );
    assert!(checked.report.valid, "{:?}", checked.report.errors);
    assert_eq!(
        checked.report.columns.iter().map(|c| (c.name.as_str(), c.nulls)).collect::<Vec<_>>(),
        [("code_departement", 0), ("partly_empty", 3)]
    );

    let checked = check_file(&case("csv-detective/c_test_file.csv"), "c", &rules(&json!({ "properties": { "columnB": {} } })), 10);
    assert_eq!(places(&checked.report), [("ragged_row".to_owned(), 2, String::new())]);

    let table = read("csv-detective/a_test_file.csv");
    assert_eq!((table.head.header_row, table.repeated_headers.as_slice(), table.rows[0]), (Some(1), [2, 3].as_slice(), 4));
    assert_eq!((table.height() + table.repeated_headers.len() + 1, table.head.source.delimiter), (404 + 3, Some(';')));
}

#[test]
fn sniffer_files_are_told_apart() {
    let table = read("qsv-sniffer/test-latin1-semicolon.csv");
    assert_eq!((table.head.source.encoding.as_deref(), table.head.source.delimiter), (Some("windows-1252"), Some(';')));
    assert!(table.columns.iter().flat_map(decode::Cells::iter).any(|c| c == "Jordânia"));

    let day = rules(
        &json!({ "properties": { "starttime": { "type": "string", "format": "date" }, "letter": {}, "number": { "type": "integer" } } }),
    );
    let checked = check_file(&case("qsv-sniffer/dmy-test.csv"), "dmy", &day, 10);
    assert!(checked.report.valid, "{:?}", checked.report.errors);
    assert_eq!(checked.report.file.dates, ["dd/mm/yyyy"]);
    assert_eq!(checked.report.columns[0].min.as_deref(), Some("2013-08-08"));
}

const HEADER: &str = "id_demande;code_insee;date_depot;date_cloture;bras;categorie;satisfaction;agent";

fn lines(rows: &[&str]) -> String {
    format!("{HEADER}\r\n{}\r\n", rows.join("\r\n"))
}

#[test]
fn a_file_as_a_town_hall_writes_it_is_accepted() {
    let rules = demandes();
    let text = lines(&["D004217;94028;12/03/2026;27/03/2026;assistant;Voirie;4;A0012", "D004218;;02/03/2026;;temoin;État civil;;"]);
    let latin = encoding_rs::WINDOWS_1252.encode(&text).0.into_owned();
    for (content, encoding) in
        [(latin, "windows-1252"), (text.clone().into_bytes(), "utf-8"), (format!("\u{feff}{text}").into_bytes(), "utf-8-bom")]
    {
        let (report, table) = typed(content, &rules);
        assert!(report.valid, "{:?}", report.errors);
        let file = &report.file;
        assert_eq!(
            (file.encoding.as_deref(), file.delimiter.as_deref(), file.dates.as_slice()),
            (Some(encoding), Some(";"), ["dd/mm/yyyy".to_owned()].as_slice())
        );
        let table = table.expect("a table");
        assert_eq!((table.height(), table.width()), (2, 8));
        assert_eq!(table.column("date_depot").and_then(|c| c.get(0).map(|v| v.to_string())).expect("a day"), "2026-03-12");
    }
}

/// Issue 2, « Bad input »: one line per bad file with what is said of it.
#[test]
fn bad_input_is_said_in_french_with_a_stable_code() {
    let rules = demandes();
    let good = "D004217;94028;12/03/2026;27/03/2026;assistant;Voirie;4;A0012";
    let mut mixed = lines(&[good, "D004218;94028;12/03/2026;;temoin;État civil;;"]).into_bytes();
    mixed.extend_from_slice(b"D004219;94028;12/03/2026;;temoin;R\xe9seaux;;\r\n");
    let with = |from: &str, to: &str| lines(&[good]).replacen(from, to, 1).into_bytes();
    let row = |text: &str| lines(&[good, text]).into_bytes();
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("vide", vec![]),
        ("blancs", b"\r\n \r\n".to_vec()),
        ("binaire", vec![0, 1, 2, 3, 0, 255]),
        ("pdf", b"%PDF-1.7 ...".to_vec()),
        ("page web", b"<!DOCTYPE html><html><table></table></html>".to_vec()),
        (
            "zip",
            include_bytes!("../../Cargo.toml").iter().fold(b"PK\x03\x04".to_vec(), |mut v, b| {
                v.push(*b);
                v
            }),
        ),
        ("parquet tronque", b"PAR1 rien".to_vec()),
        ("json", b"[{\"id_demande\": \"D000001\"}]".to_vec()),
        ("jsonl coupe", b"{\"id_demande\": \"D000001\"}\n{\"id_dem".to_vec()),
        ("encodages meles", mixed),
        ("guillemet ouvert", row("D004218;94028;12/03/2026;;temoin;\"Voirie;;")),
        ("titres seuls", format!("{HEADER}\r\n").into_bytes()),
        ("sans titres", format!("{good}\r\n").into_bytes()),
        ("titre mal ecrit", with("satisfaction", "satisfacton")),
        ("titre obligatoire mal ecrit", with("date_depot", "date_dépôt")),
        ("titre en double", with(";categorie;", ";bras;")),
        ("titre vide", with(";categorie;", ";;")),
        ("hors perimetre", lines(&[good]).replace("agent\r", "agent;nom_usager\r").replace("A0012", "A0012;DUPONT Jeanne").into_bytes()),
        ("ligne trop longue", row("D004218;94028;12/03/2026;;temoin;Voirie;4;A0012;reste")),
        ("ligne trop courte", row("D004218;94028;12/03/2026")),
        ("date inexistante", row("D004218;94028;30/02/2026;;temoin;;;")),
        ("date illisible", row("D004218;94028;hier;;temoin;;;")),
        ("mois hors bornes", row("D004218;94028;03/25/2026;;temoin;;;")),
        ("note hors bornes", row("D004218;94028;12/03/2026;;temoin;;6;")),
        ("note a virgule", row("D004218;94028;12/03/2026;;temoin;;3,5;")),
        ("note infinie", row("D004218;94028;12/03/2026;;temoin;;NaN;")),
        ("bras inconnu", row("D004218;94028;12/03/2026;;témoin ;;;")),
        ("identifiant", row("4218;94028;12/03/2026;;temoin;;;")),
        ("identifiant espace", row("D 004218;94028;12/03/2026;;temoin;;;")),
        ("identifiant vide", row(";94028;12/03/2026;;temoin;;;")),
        ("cle en double", row("D004217;94028;12/03/2026;;temoin;;;")),
        ("commune hors territoire", row("D004218;13055;12/03/2026;;temoin;;;")),
        ("code postal", row("D004218;2A;12/03/2026;;temoin;;;")),
        ("regle", row("D004218;94028;12/03/2026;11/03/2026;temoin;;;")),
        ("lignes blanches et titres repetes", lines(&["", HEADER, good, ";;;;;;;", &good.replace("D004217", "D004218")]).into_bytes()),
    ];
    let mut said = String::new();
    for (name, content) in cases {
        let checked = check(&content, &rules);
        let report = checked.report;
        said += &format!("## {name} : {}\n", if report.valid { "valide" } else { "refusé" });
        if let Some(error) = &report.source_error {
            said += &format!("   [{}] {}\n", error.code, error.message);
            assert!(typed(content, &rules).1.is_none());
        }
        for e in report.errors.iter().chain(&report.warnings) {
            let place = format!("{}{}", e.column_letter.as_deref().unwrap_or("-"), e.row.map_or_else(String::new, |r| r.to_string()));
            let value = e.value.as_ref().map_or_else(String::new, |v| format!(" valeur={v:?}"));
            let fix = e.suggestion.as_ref().map_or_else(String::new, |v| format!(" proposition={v:?}"));
            said += &format!("   [{}] {place}{value}{fix} {}\n", e.code, e.message);
        }
        assert_eq!(report.valid, report.source_error.is_none() && report.errors.is_empty());
        assert!(!serde_json::to_string(&report).expect("JSON").contains("DUPONT"), "a value outside the perimeter is never shown");
    }
    for (name, path) in [("dossier", Path::new("/")), ("absent", Path::new("/n'existe/pas.csv"))] {
        let error = decode::read(path, Expected::default()).expect_err("refused");
        said += &format!("## {name} : refusé\n   [{}] {}\n", error.code, error.message);
    }
    insta::assert_snapshot!(said);
}

#[test]
fn dates_that_read_both_ways_are_said() {
    let day = rules(&json!({ "properties": { "jour": { "type": "string", "format": "date" } } }));
    let checked = check("jour\n12/03/2026\n", &day);
    assert!(checked.report.valid);
    assert_eq!(checked.report.file.dates, ["dd/mm/yyyy"]);
    assert_eq!(checked.report.warnings[0].code, "ambiguous_dates");
    assert!(checked.report.warnings[0].message.contains("12 mars 2026"), "{}", checked.report.warnings[0].message);
    // Month first: nothing is guessed, each is refused.
    let checked = check("jour\n03/25/2026\n03/04/2026\n", &day);
    assert_eq!(places(&checked.report), [("type".into(), 2, "jour".into()), ("type".into(), 3, "jour".into())]);
    // A sure date settles the others.
    assert!(check("jour\n25/03/2026\n03/04/2026\n", &day).report.warnings.is_empty());
}

#[test]
fn numbers_and_truth_values_are_read_in_french() {
    let rules = rules(&json!({ "required": ["n"], "properties": { "n": { "type": "number" }, "b": { "type": "boolean" } } }));
    let (report, table) = typed("n;b\n1\u{202f}234,5;Oui\n-3,5;faux\n2;O\n2.5;non\ninf;N\n", &rules);
    assert_eq!(report.file.decimal.as_deref(), Some(","));
    assert_eq!(places(&report), [("type".into(), 5, "n".into()), ("not_finite".into(), 6, "n".into())]);
    assert_eq!(report.errors[0].suggestion.as_deref(), Some("2,5"));
    assert_eq!(table.expect("typed").column("n").expect("n").get(0).expect("value").to_string(), "1234.5");
}

#[test]
fn what_relates_columns_is_checked_row_by_row() {
    let rules = rules(&json!({
        "properties": { "etat": { "enum": ["clos", "ouvert"] }, "cloture": { "type": ["string", "null"], "format": "date" }, "n": { "type": ["integer", "string"], "maximum": 9 } },
        "if": { "properties": { "etat": { "const": "clos" } } },
        "then": { "properties": { "cloture": { "type": "string" } } },
    }));
    let checked = check("etat;cloture;n\nclos;2026-03-12;5\nclos;;texte\nouvert;;12\n", &rules);
    assert_eq!(places(&checked.report), [("type".into(), 3, "cloture".into()), ("maximum".into(), 4, "n".into())]);
}

#[test]
fn a_rule_on_a_column_that_is_missing_from_a_wrong_header_is_not_judged() {
    let mut json = Convention::load_file(&shared("design/convention.example.yaml")).unwrap_or_else(|e| panic!("{:?}", e.faults)).json;
    json["datasets"]["demandes"]["rules"] =
        json!([{"id": "cloture-dite", "check": "bras <> 'assistant' OR date_cloture IS NOT NULL", "message": "Dites quand c'est clos."}]);
    let codes = |json: &Json, text: &str| {
        let mut convention = Convention::from_json(json.clone()).unwrap_or_else(|e| panic!("{:?}", e.faults));
        let rules = convention.rules.shift_remove("demandes").expect("a dataset");
        check(text, &rules).report.errors.into_iter().map(|e| e.code).collect::<Vec<_>>()
    };
    let misspelt = "id_demande;date_depot;bras;date_clotur\nD004217;2026-03-12;assistant;2026-03-14\n";
    assert_eq!(codes(&json, misspelt), ["outside_perimeter"], "no false fault on each row");
    // A column that may be left out, and is, is empty on every row: the rule says so.
    let left_out = "id_demande;date_depot;bras\nD004217;2026-03-12;assistant\n";
    assert_eq!(codes(&json, left_out), ["rule"]);
    // Left aside under another name, it is not judged either.
    json["datasets"]["demandes"]["schema"]["additionalProperties"] = json!(true);
    assert_eq!(codes(&json, misspelt), [""; 0]);
}

#[test]
fn the_limit_bounds_the_list_and_not_the_count() {
    let rules = rules(&json!({ "properties": { "a": { "type": "integer" }, "b": { "type": "integer" } } }));
    let text = format!("a;b\n{}", "x;y\n".repeat(50));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("f.csv");
    fs::write(&path, text).expect("written");
    let report = check_file(&path, "f.csv", &rules, 3).report;
    assert_eq!((report.stats.errors, report.stats.rows_invalid, report.stats.rows), (100, 50, 50));
    assert_eq!(places(&report), [("type".into(), 2, "a".into()), ("type".into(), 2, "b".into()), ("type".into(), 3, "a".into())]);
    assert_eq!(report.by_rule.iter().map(|r| r.count).collect::<Vec<_>>(), [50, 50]);
}

#[test]
fn the_command_keeps_its_exit_codes_and_its_stdout() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        fs::write(&path, content).expect("written");
        path.display().to_string()
    };
    let schema = file("s.json", r#"{"properties": {"a": {"type": "integer"}}, "required": ["a"]}"#);
    let bad_schema = file("bad.json", r#"{"properties": {"a": {"type": "integer", "format": "siret2"}}}"#);
    let (good, bad) = (file("good.csv", "a\n1\n"), file("bad.csv", "a\n1\nx\n"));
    let parquet = folder.path().join("out.parquet").display().to_string();
    let example = shared("design/convention.example.yaml").display().to_string();

    let run = |arguments: &[&str]| {
        let output = retex(arguments);
        let json: Json = serde_json::from_slice(&output.stdout).unwrap_or(Json::Null);
        (output.status.code(), json, String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, json, _) = run(&["check", &good, "--schema", &schema, "--format", "json"]);
    assert_eq!(
        (code, &json["valid"], &json["stats"]["rows"], &json["schema"]["kind"]),
        (Some(0), &json!(true), &json!(1), &json!("json-schema"))
    );
    let (code, json, _) = run(&["check", &bad, "--schema", &schema, "--format", "json", "--parquet", &parquet]);
    assert_eq!((code, &json["errors"][0]["row"], &json["errors"][0]["column_letter"]), (Some(1), &json!(3), &json!("A")));
    assert_eq!(retex::deposit::parquet::read(Path::new(&parquet), None).expect("a table").height(), 1, "valid rows only");
    let (code, json, _) = run(&["check", "/absent.csv", "--schema", &schema, "--format", "json"]);
    assert_eq!(
        (code, json),
        (
            Some(2),
            json!({ "valid": false, "source_error": { "code": "not_found", "message": "Ce fichier n'existe pas\u{a0}: vérifiez son nom et son dossier." } })
        )
    );
    let (code, json, _) = run(&["check", &good, "--schema", &bad_schema, "--format", "json"]);
    assert_eq!((code, &json["schema_errors"][0]["pointer"]), (Some(2), &json!("/properties/a/format")));
    let (code, json, _) = run(&["check", &good, "--convention", &bad_schema, "--format", "json"]);
    assert_eq!((code, json["convention_errors"].is_array()), (Some(2), true));
    let (code, json, _) = run(&["check", &good, "--convention", &example, "--format", "json"]);
    assert_eq!((code, &json["convention_errors"][0]["code"]), (Some(2), &json!("dataset_missing")));
    let (code, json, _) = run(&["check", &good, "--convention", &example, "--dataset", "demandes", "--format", "json"]);
    assert_eq!((code, &json["schema"]["id"]), (Some(1), &json!("tri-demandes-2026/demandes")));
    assert_eq!(run(&["check", &good]).0, Some(2), "a schema or a convention is needed");
    let (code, _, text) = run(&["check", &bad, "--schema", &schema]);
    assert_eq!(code, Some(1));
    insta::assert_snapshot!("text", text);
}

#[test]
fn the_typed_table_never_takes_the_place_of_the_file_and_the_verdict_is_said_without_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("jours.csv");
    std::fs::write(&file, "jour\n2026-03-12\n").unwrap();
    let schema = folder.path().join("schema.json");
    std::fs::write(&schema, r#"{"fields": [{"name": "jour", "type": "date"}]}"#).unwrap();
    let run = |out: &std::path::Path| {
        retex(&[
            "check",
            file.to_str().unwrap(),
            "--schema",
            schema.to_str().unwrap(),
            "--format",
            "json",
            "--parquet",
            out.to_str().unwrap(),
        ])
    };
    let same = run(&file);
    assert_eq!(same.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&same.stderr).contains("parquet_is_input"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "jour\n2026-03-12\n");

    let nowhere = run(&folder.path().join("absent/table.parquet"));
    assert_eq!(nowhere.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&nowhere.stderr).contains("table_not_written"));
    let report: serde_json::Value = serde_json::from_slice(&nowhere.stdout).unwrap();
    assert_eq!(report["valid"], true);

    let good = run(&folder.path().join("table.parquet"));
    assert_eq!(good.status.code(), Some(0));
    assert!(folder.path().join("table.parquet").exists());
}

#[test]
fn what_is_no_ordinary_file_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let schema = folder.path().join("schema.json");
    std::fs::write(&schema, r#"{"fields": [{"name": "jour", "type": "date"}]}"#).unwrap();
    let output = retex(&["check", "/dev/zero", "--schema", schema.to_str().unwrap(), "--format", "json"]);
    assert_eq!(output.status.code(), Some(2));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["source_error"]["code"], "not_a_file");
}
