//! What a town hall downloads: workbooks to fill in, data dictionaries, the report of a check as CSV, and its own file annotated.

use std::{
    fs,
    io::{Cursor, Read},
    process::Command,
};

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use calamine::{Data, Reader, Xlsx};
use retex::{
    convention::{
        Convention,
        document::{Dataset, Span},
        rules::Rules,
    },
    deposit::{
        annotated::{self, Source},
        check::{Checked, check_file},
        dictionary, export,
        report::CheckReport,
        template::{self, Rows},
    },
    jobs::work,
};
use serde_json::{Value as Json, json};

use crate::http::{Hub, MONTREUIL, read, samples};

const SAMPLES: [&str; 3] = ["tri-demandes", "depots-sauvages", "chauffage"];

fn convention(sample: &str) -> Convention {
    Convention::load_file(&samples(sample).join("convention.yaml")).unwrap_or_else(|e| panic!("{e} {:?}", e.faults))
}

fn span() -> Span {
    Span { start: "2026-09-01".parse().unwrap(), end: "2026-12-31".parse().unwrap() }
}

fn check(bytes: &[u8], rules: &Rules) -> Checked {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("fichier");
    fs::write(&path, bytes).unwrap();
    check_file(&path, "fichier", rules, 1000)
}

/// Sheets of a workbook, as rows of texts from its first cell on.
fn book(bytes: &[u8]) -> Vec<(String, Vec<Vec<String>>)> {
    let mut book = Xlsx::new(Cursor::new(bytes.to_vec())).unwrap();
    let names = book.sheet_names();
    let sheet = |name: String| {
        let range = book.worksheet_range(&name).unwrap();
        let (height, width) = range.end().map_or((0, 0), |(r, c)| (r + 1, c + 1));
        let cell = |r, c| match range.get_value((r, c)) {
            Some(Data::Empty) | None => String::new(),
            Some(value) => value.to_string(),
        };
        let rows = (0..height).map(|r| (0..width).map(|c| cell(r, c)).collect()).collect();
        (name, rows)
    };
    names.into_iter().map(sheet).collect()
}

/// One part of a workbook.
fn part(bytes: &[u8], name: &str) -> String {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut text = String::new();
    archive.by_name(name).unwrap_or_else(|e| panic!("{name}: {e}")).read_to_string(&mut text).unwrap();
    text
}

/// All parts of a workbook.
fn parts(bytes: &[u8]) -> String {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut all = String::new();
    for i in 0..archive.len() {
        archive.by_index(i).unwrap().read_to_string(&mut all).unwrap();
    }
    all
}

fn dataset(schema: Json) -> (Dataset, Rules) {
    let dataset: Dataset = serde_json::from_value(json!({"title": "Essai", "schema": schema})).unwrap();
    let rules = Rules::from_schema(&dataset.schema).unwrap_or_else(|f| panic!("{f:?}"));
    (dataset, rules)
}

#[test]
fn a_template_filled_with_its_example_is_accepted() {
    for sample in SAMPLES {
        let convention = convention(sample);
        for (name, dataset) in &convention.document.datasets {
            let rules = &convention.rules[name];
            let make = |rows| template::workbook(name, dataset, rules, convention.document.period, rows).unwrap();
            let (empty, filled) = (make(Rows::None), make(Rows::Example));
            assert_eq!(empty, make(Rows::None), "{name}: the same bytes for the same convention");
            let report = check(&filled, rules).report;
            assert!(report.valid && report.stats.rows == 1, "{sample} {name}: {report:?}");
            // Nothing is required of a sheet that nobody has filled in, and the guide is never taken for data.
            let report = check(&empty, rules).report;
            assert_eq!((report.valid, report.stats.rows, report.file.sheet.as_deref()), (true, 0, Some(name.as_str())), "{report:?}");

            let names: Vec<&str> = rules.columns().iter().map(|c| c.name.as_str()).collect();
            let sheets = book(&empty);
            assert_eq!((sheets[0].0.as_str(), sheets[1].0.as_str()), (name.as_str(), "Guide"));
            assert_eq!(sheets[0].1.concat(), names, "the header alone, word for word");
            let told: Vec<&str> = sheets[1].1[5..].iter().map(|row| row[0].as_str()).collect();
            assert_eq!(told, names);
            for (row, column) in sheets[1].1[5..].iter().zip(rules.columns()) {
                assert!(!row[3].is_empty() && !row[4].is_empty(), "{row:?}");
                assert!(row[5] == "oui" || row[5] == "non", "{row:?}");
                assert!(row[5] == "non" || !row[7].is_empty(), "a required column has an example: {row:?} {column:?}");
            }
        }
    }
}

#[test]
fn a_template_offers_and_limits_what_the_schema_does() {
    let convention = convention("tri-demandes");
    let (dataset, rules) = (&convention.document.datasets["demandes"], &convention.rules["demandes"]);
    let bytes = template::workbook("demandes", dataset, rules, convention.document.period, Rows::None).unwrap();
    let sheet = part(&bytes, "xl/worksheets/sheet1.xml").replace('>', ">\n");
    let from = sheet.find("<dataValidations").unwrap();
    let to = sheet.find("</dataValidations>").unwrap();
    insta::assert_snapshot!("validations", &sheet[from..to]);
    let guide: Vec<String> = book(&bytes)[1].1.iter().map(|row| row.join(" | ")).collect();
    insta::assert_snapshot!("guide", guide.join("\n"));
    assert!(sheet.contains("state=\"frozen\""));
    // Required headers do not look like the others, and say so in a note.
    assert!(part(&bytes, "xl/comments1.xml").contains("Obligatoire."));
}

#[test]
fn a_template_holds_whatever_a_schema_declares() {
    let many: Vec<String> = (0..60).map(|i| format!("valeur n° {i}, longue")).collect();
    let (dataset, rules) = dataset(json!({ "fields": [
        { "name": "code", "type": "string", "constraints": { "required": true, "minLength": 2, "maxLength": 3 } },
        { "name": "choix", "type": "string", "constraints": { "enum": many } },
        { "name": "taux", "type": "number", "constraints": { "enum": [0.5, 1.5] } },
        { "name": "grand", "type": "integer", "constraints": { "minimum": 5_000_000_000i64 } },
        { "name": "ouvert", "type": "boolean", "trueValues": ["ouvert"], "falseValues": ["fermé"] },
        { "name": "jour", "type": "date", "format": "%d/%m/%Y", "constraints": { "minimum": "01/01/2020", "maximum": "31/12/2020" } },
        { "name": "heure", "type": "datetime", "example": "2026-09-14T10:00:00" },
        { "name": "motif", "type": "string", "constraints": { "pattern": "[A-Z]{4}" } },
        { "name": "faux", "type": "integer", "example": "aucun" },
        { "name": "siret", "type": "string", "format": "siret", "constraints": { "required": true } },
        { "name": "=1+1", "type": "string", "title": "x".repeat(400), "description": "y".repeat(4000) },
    ] }));
    for name in ["Guide", "listes", "a/b[c]:d*e?", "", &"n".repeat(60)] {
        let make = |rows| template::workbook(name, &dataset, &rules, span(), rows).unwrap();
        let report = check(&make(Rows::Example), &rules).report;
        assert!(report.valid && report.stats.rows == 1, "{name:?}: {report:?}");
        let sheets = book(&make(Rows::Example));
        assert_eq!(sheets.iter().map(|s| s.0.as_str()).collect::<Vec<_>>()[1..], ["Guide", "Listes"]);
        assert_eq!(sheets[2].1.len(), 60, "a list that is long, or holds commas, stands on a sheet");
        assert_eq!(sheets[2].1[1][1], "1.5");
        assert_eq!(sheets[0].1[1][7], "", "nothing is made up for a pattern");
        assert_eq!(sheets[0].1[1][8], "", "an example that the check refuses is left out");
        assert_eq!(sheets[0].1[1][4], "ouvert");
    }
    let bytes = template::workbook("essai", &dataset, &rules, span(), Rows::None).unwrap();
    let sheet = part(&bytes, "xl/worksheets/sheet1.xml");
    assert!(!sheet.contains("<f>"), "no cell is a formula");
    assert!(sheet.contains("Listes!$A$1:$A$60") && sheet.contains("<formula1>5000000000</formula1>"), "{sheet}");
    assert!(sheet.contains("<formula1>43831</formula1>") && sheet.contains("\"ouvert,fermé\""), "{sheet}");
    assert!(part(&bytes, "xl/workbook.xml").contains("state=\"hidden\""));
}

/// A dataset says the same in both languages: the same columns, and the same verdict on files.
#[test]
fn a_dictionary_compiles_to_the_same_columns_and_verdicts() {
    let shape = |rules: &Rules| {
        rules.columns().iter().map(|c| (c.name.clone(), c.kind, c.required && !c.nullable, c.title.clone())).collect::<Vec<_>>()
    };
    for sample in SAMPLES {
        let convention = convention(sample);
        for (name, dataset) in &convention.document.datasets {
            let rules = &convention.rules[name];
            for schema in [dictionary::table_schema(dataset, rules), dictionary::json_schema(dataset, rules)] {
                let again = Rules::from_schema(&schema).unwrap_or_else(|f| panic!("{sample} {name}: {f:?}\n{schema:#}"));
                assert_eq!(shape(&again), shape(rules), "{sample} {name}");
                assert!(schema["title"].is_string() && schema["$schema"].is_string(), "{sample} {name}");
            }
            let text = dictionary::markdown(&convention.document, name, dataset, rules, "Un fichier par mois.");
            assert!(rules.columns().iter().all(|c| text.contains(&format!("| {} |", c.name.replace('_', "\\_")))), "{text}");
        }
    }
    let convention = convention("tri-demandes");
    let (dataset, rules) = (&convention.document.datasets["demandes"], &convention.rules["demandes"]);
    insta::assert_snapshot!(
        "dictionary",
        dictionary::markdown(&convention.document, "demandes", dataset, rules, "Un fichier par mois.").replace('\u{a0}', "~")
    );
    insta::assert_snapshot!("table_schema", serde_json::to_string_pretty(&dictionary::table_schema(dataset, rules)).unwrap());
    let other = Rules::from_schema(&dictionary::table_schema(dataset, rules)).unwrap();
    let signed = Rules::from_schema(&dataset.schema).unwrap();
    let places = |rules: &Rules, with_format: bool| -> Vec<_> {
        let errors = check(BAD.as_bytes(), rules).report.errors;
        let kept = errors.into_iter().filter(|e| with_format || e.code != "format");
        kept.map(|e| (e.code, e.row, e.column)).collect()
    };
    // But for the French forms of text, which Table Schema has no word for, and keys, which its descriptor holds.
    let keys = |all: Vec<(String, Option<u64>, Option<String>)>| {
        all.into_iter().filter(|e| e.0 != "duplicate_key" && e.0 != "reference").collect::<Vec<_>>()
    };
    assert_eq!(keys(places(&other, true)), keys(places(&signed, false)));
    assert!(places(&signed, true).len() > places(&signed, false).len());
}

/// One row is good; the others hold a formula, a bad identifier, a bad day, a value out of its list, a bad code, too great a note, an
/// empty cell, a closing before its opening, and a key that is there twice.
const BAD: &str = "\u{feff}id_demande;code_insee;date_depot;date_cloture;bras;agent;categorie;reorientee;satisfaction
D000001;93048;01/09/2026;11/09/2026;assistant;A0117;=1+1;Non;3
X1;93048;31/02/2026;;temoins;A0118;-3,5;Oui;9
D000003;00000;02/09/2026;01/09/2026;temoin;;Voirie;Non;
D000001;93048;03/09/2026;;temoin;A0118;@cmd;;
";

fn annotate(bytes: &[u8], rules: &Rules, hidden: &[String], rows: usize) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("original");
    fs::write(&path, bytes).unwrap();
    let source = Source { path: &path, name: "demandes.csv", dataset: "demandes", rules, hidden, beside: (&[], &[]), rows };
    annotated::annotate(&source).unwrap()
}

fn places(report: &CheckReport) -> Vec<(String, Option<u64>, Option<String>)> {
    report.errors.iter().map(|e| (e.code.clone(), e.row, e.column_letter.clone())).collect()
}

#[test]
fn an_annotated_file_says_each_fault_in_its_cell() {
    let convention = convention("tri-demandes");
    let rules = &convention.rules["demandes"];
    let report = check(BAD.as_bytes(), rules).report;
    let bytes = annotate(BAD.as_bytes(), rules, &[], annotated::MAX_ROWS);
    assert_eq!(bytes, annotate(BAD.as_bytes(), rules, &[], annotated::MAX_ROWS), "the same bytes for the same file");
    let sheets = book(&bytes);
    assert_eq!(sheets.iter().map(|s| s.0.as_str()).collect::<Vec<_>>(), ["demandes", "Ce qui ne va pas"]);
    // The rows as they were written, each cell in its place.
    let written: Vec<Vec<&str>> = BAD.trim_start_matches('\u{feff}').lines().map(|l| l.split(';').collect()).collect();
    assert_eq!(sheets[0].1, written);
    assert!(!part(&bytes, "xl/worksheets/sheet1.xml").contains("<f>"), "no cell is a formula");
    // Whoever corrects this file rather than the first one finds the same faults in it.
    assert_eq!(places(&check(&bytes, rules).report), places(&report));

    let list: Vec<String> = sheets[1].1.iter().map(|row| row.join(" | ").replace('\u{a0}', "~")).collect();
    insta::assert_snapshot!("list", list.join("\n"));
    let comments = part(&bytes, "xl/comments1.xml");
    for fault in report.errors.iter().filter(|e| e.column_letter.is_some()) {
        let cell = format!("ref=\"{}{}\"", fault.column_letter.as_ref().unwrap(), fault.row.unwrap());
        let message = fault.message.replace('&', "&amp;");
        assert!(comments.contains(&cell) && comments.contains(&message), "{cell} {message}\n{comments}");
    }
    assert_eq!(comments.matches("ref=\"D4\"").count() + comments.matches("ref=\"A4\"").count(), 1, "a fault of a row stands at its start");
    assert!(part(&bytes, "xl/styles.xml").contains("FFFFC7CE"), "bad cells are coloured");
}

#[test]
fn an_annotated_file_keeps_what_its_format_says() {
    use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
    let rules = &convention("tri-demandes").rules["demandes"];
    let mut original = Workbook::new();
    let sheet = original.add_worksheet().set_name("Données d'octobre").unwrap();
    sheet.write(0, 0, "Demandes d'octobre").unwrap();
    for (i, name) in (0..).zip(rules.columns()) {
        sheet.write(3, i, &name.name).unwrap();
    }
    let day = Format::new().set_num_format("dd/mm/yyyy");
    sheet.write(4, 0, "D000001").unwrap().write(4, 1, 93048).unwrap();
    sheet.write_with_format(4, 2, ExcelDateTime::from_ymd(2026, 10, 2).unwrap(), &day).unwrap();
    sheet.write(4, 4, "temoin").unwrap().write(4, 5, "A0117").unwrap().write(4, 7, true).unwrap().write(4, 8, 4.5).unwrap();
    let original = original.save_to_buffer().unwrap();
    let first = check(&original, rules).report;
    assert_eq!(places(&first), [("type".to_owned(), Some(5), Some("I".to_owned()))], "{first:?}");

    let bytes = annotate(&original, rules, &[], annotated::MAX_ROWS);
    let again = check(&bytes, rules).report;
    assert_eq!(places(&again), places(&first));
    assert_eq!(again.file.dates, ["serial-1900"], "a day is a day");
    let mut book = Xlsx::new(Cursor::new(bytes)).unwrap();
    let range = book.worksheet_range("Données d'octobre").unwrap();
    assert_eq!(range.get_value((4, 1)), Some(&Data::Float(93048.0)));
    assert_eq!(range.get_value((4, 7)), Some(&Data::Bool(true)));
    assert_eq!(range.get_value((4, 8)), Some(&Data::Float(4.5)));
    assert!(matches!(range.get_value((4, 2)), Some(Data::DateTime(_))));

    // One object per line has no row of titles: one is added, and the list says so.
    let lines = b"{\"id_demande\":\"X\",\"date_depot\":\"2026-10-02\",\"bras\":\"temoin\",\"agent\":\"A0117\",\"satisfaction\":4}\n";
    let sheets = self::book(&annotate(lines, rules, &[], annotated::MAX_ROWS));
    assert_eq!(sheets[0].1[0][0], "id_demande");
    assert_eq!(sheets[0].1[1][0], "X");
    let list = sheets[1].1.concat().join(" ");
    assert!(list.contains("ligne de titres") && list.contains("A2"), "{list}");
}

#[test]
fn an_annotated_file_is_cut_and_says_so() {
    let rules = &convention("tri-demandes").rules["demandes"];
    let bytes = annotate(BAD.as_bytes(), rules, &[], 2);
    let sheets = book(&bytes);
    assert_eq!(sheets[0].1.len(), 4, "the header, two rows, and what is said below");
    assert!(sheets[0].1[3][0].starts_with("Feuille coupée"), "{:?}", sheets[0].1[3]);
    let list = sheets[1].1.concat().join(" ");
    assert!(list.contains("seules les 2 premières lignes sur 4 y sont"), "{list}");
    assert!(list.contains("Voirie") || list.contains("00000"), "what is not shown is listed all the same: {list}");
    assert!(!check(&bytes, rules).report.valid, "a part is never taken for the whole");
    // A file that has nothing wrong, cut: what is said below refuses it.
    let good: String = "id_demande;date_depot;bras;agent\n".to_owned()
        + &(0..9).map(|i| format!("D00000{i};01/09/2026;temoin;A0117\n")).collect::<String>();
    assert!(check(good.as_bytes(), rules).report.valid);
    assert!(!check(&annotate(good.as_bytes(), rules, &[], 5), rules).report.valid);
    let whole = book(&annotate(good.as_bytes(), rules, &[], 9));
    assert_eq!(whole[1].1[1][0], "Rien n'est à corriger dans ce fichier.");
}

#[test]
fn an_annotated_file_shows_no_value_that_may_not_be_seen() {
    let rules = &convention("tri-demandes").rules["demandes"];
    let bad = BAD.replace("A0117", "Z9999").replace("A0118", "DUPONT");
    assert!(parts(&annotate(bad.as_bytes(), rules, &[], 100)).contains("Z9999"));
    let all = parts(&annotate(bad.as_bytes(), rules, &["agent".to_owned(), "id_demande".to_owned()], 100));
    for value in ["Z9999", "DUPONT", "D000001", "X1"] {
        assert!(!all.contains(value), "{value}");
    }
    assert!(all.contains("Voirie") && all.contains("agent"));
    // A column that nobody agreed to share, with or without a header.
    let outside = "id_demande;date_depot;bras;agent;nom_usager;\nD000001;01/09/2026;temoin;A0117;DURAND;MARTIN\n";
    let all = parts(&annotate(outside.as_bytes(), rules, &[], 100));
    assert!(all.contains("nom_usager") && !all.contains("DURAND") && !all.contains("MARTIN"));
    // A line of data in place of the header.
    let all = parts(&annotate(b"DURAND;MARTIN\nPETIT;ROUX\n", rules, &[], 100));
    assert!(["DURAND", "MARTIN", "PETIT", "ROUX"].iter().all(|name| !all.contains(name)));
}

#[test]
fn the_report_as_csv_runs_nothing() {
    let rules = &convention("tri-demandes").rules["demandes"];
    let bad = BAD.replace("temoins", "=cmd|' /C calc'!A0").replace("X1", "-3,5");
    let report = check(bad.as_bytes(), rules).report;
    let text = export::csv(&report);
    assert!(text.starts_with("\u{feff}Règle;Code;Ligne;Lettre;Colonne;Valeur;Message;Suggestion;Attendu;Gravité\r\n"));
    let lines: Vec<&str> = text.trim_end().split("\r\n").collect();
    assert_eq!(lines.len(), 1 + report.errors.len() + report.warnings.len());
    assert!(text.contains(";'=cmd|' /C calc'!A0;") && text.contains(";-3,5;"), "{text}");
    assert!(lines[1..].iter().all(|l| l.split(';').all(|c| !c.trim_start_matches('"').starts_with(['=', '@', '+']))), "{text}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    fs::write(&path, bad).unwrap();
    let cut = export::csv(&check_file(&path, "f", rules, 2).report);
    assert!(cut.contains(";not_listed;") && cut.contains("Seuls les 2 premiers sont listés"), "{cut}");
    let unread = export::csv(&check(b"%PDF-1.7", rules).report);
    assert!(unread.contains(";unknown_format;"), "{unread}");
}

async fn ask(hub: &Hub, who: &str, path: &str) -> (StatusCode, String, Vec<u8>) {
    let request = Request::get(path).header(header::COOKIE, format!("retex=session-{who}")).body(Body::empty()).unwrap();
    let response = hub.send(request).await;
    let (status, headers) = (response.status(), response.headers().clone());
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let kind = headers.get(header::CONTENT_TYPE).map(|v| v.to_str().unwrap().to_owned()).unwrap_or_default();
    if status.is_success() {
        assert!(headers[header::CONTENT_DISPOSITION].to_str().unwrap().starts_with("attachment; filename="), "{path}");
    }
    (status, kind, bytes.to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn templates_and_dictionaries_are_for_those_who_know_the_convention() {
    let hub = Hub::with(&["tri-demandes"]).await;
    let base = "/experimentations/tri-demandes-2026/jeux";
    let (_, page) = hub.get("contributor", "/experimentations/tri-demandes-2026/convention").await;
    let (_, form) = hub.get("contributor", "/depots/nouveau?cible=tri-demandes-2026/demandes/2026-11").await;
    for (file, kind, start) in [
        ("modele.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", &b"PK"[..]),
        ("modele.csv", "text/csv; charset=utf-8", "\u{feff}id_demande;".as_bytes()),
        ("dictionnaire.md", "text/markdown; charset=utf-8", b"# Demandes"),
        ("table-schema.json", "application/json", b"{"),
        ("schema.json", "application/schema+json", b"{"),
    ] {
        for who in ["contributor", "signatory", "analyst", "officer", "administrator", "data_protection_officer"] {
            let (status, found, bytes) = ask(&hub, who, &format!("{base}/demandes/{file}")).await;
            assert_eq!((status, found.as_str()), (StatusCode::OK, kind), "{who} {file}");
            assert!(bytes.starts_with(start), "{file}: {}", String::from_utf8_lossy(&bytes[..20]));
        }
        for (who, path) in [("stranger", "demandes"), ("contributor", "aucun"), ("nobody", "demandes")] {
            let (status, ..) = ask(&hub, who, &format!("{base}/{path}/{file}")).await;
            assert_eq!(status, if who == "nobody" { StatusCode::SEE_OTHER } else { StatusCode::NOT_FOUND }, "{who} {file}");
        }
        assert!(page.contains(&format!("{base}/demandes/{file}")), "{file} is linked on the convention's page");
    }
    assert!(form.contains(&format!("{base}/demandes/modele.xlsx")) && form.contains(&format!("{base}/demandes/modele.csv")));
    assert!(form.contains(&format!("{base}/demandes/dictionnaire.md")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_file_is_given_back_annotated() {
    let hub = Hub::with(&["tri-demandes"]).await;
    let deposit = async |period: &str, body: &str| -> String {
        let request = Request::post(format!(
            "/api/v1/deposits?convention=tri-demandes-2026&dataset=demandes&period={period}&name=demandes.csv&site={MONTREUIL}"
        ))
        .header(header::AUTHORIZATION, "Bearer token-contributor")
        .body(Body::from(body.to_owned()))
        .unwrap();
        let (status, text) = read(hub.send(request).await).await;
        assert!(status.is_success(), "{text}");
        let json: Json = serde_json::from_str(&text).unwrap();
        let id = json["deposit"]["id"].as_str().or(json["id"].as_str()).unwrap_or_else(|| panic!("{text}")).to_owned();
        format!("/depots/{id}")
    };
    let place = deposit("2026-11", BAD).await;
    assert_eq!(ask(&hub, "contributor", &format!("{place}/annote.xlsx")).await.0, StatusCode::CONFLICT, "before the check");
    work::run_due(&hub.ground.app).await.unwrap();
    let (_, page) = hub.get("contributor", &place).await;
    for file in ["annote.xlsx", "rapport.csv", "rapport.json"] {
        assert!(page.contains(&format!("href=\"{place}/{file}\"")), "{file}: {page}");
    }
    for who in ["contributor", "signatory", "analyst", "officer"] {
        let (status, kind, bytes) = ask(&hub, who, &format!("{place}/annote.xlsx")).await;
        assert_eq!(status, StatusCode::OK, "{who}: {}", String::from_utf8_lossy(&bytes));
        assert!(kind.ends_with("spreadsheetml.sheet"));
        assert_eq!(book(&bytes)[0].1.len(), 5, "{who}");
        // The agents' pseudonyms are personal data: they stay with their site.
        assert_eq!(parts(&bytes).contains("A0118"), matches!(who, "contributor" | "signatory"), "{who}");
        let (status, kind, bytes) = ask(&hub, who, &format!("{place}/rapport.csv")).await;
        assert_eq!((status, kind.as_str()), (StatusCode::OK, "text/csv; charset=utf-8"), "{who}");
        assert!(bytes.starts_with("\u{feff}Règle;".as_bytes()));
    }
    for who in ["stranger", "administrator", "data_protection_officer"] {
        for file in ["annote.xlsx", "rapport.csv"] {
            assert_eq!(ask(&hub, who, &format!("{place}/{file}")).await.0, StatusCode::NOT_FOUND, "{who} {file}");
        }
    }
    // A column outside the perimeter: the bytes are gone, and there is nothing to annotate.
    let outside = deposit("2026-10", "id_demande;date_depot;bras;agent;nom_usager\nD000001;01/10/2026;temoin;A0117;DURAND\n").await;
    work::run_due(&hub.ground.app).await.unwrap();
    assert_eq!(ask(&hub, "contributor", &format!("{outside}/annote.xlsx")).await.0, StatusCode::CONFLICT);
    let (_, page) = hub.get("contributor", &outside).await;
    assert!(!page.contains("annote.xlsx") && page.contains("rapport.csv"));
    // What is no table cannot be annotated either.
    let pdf = deposit("2026-12", "%PDF-1.7 un document").await;
    work::run_due(&hub.ground.app).await.unwrap();
    let (status, _, body) = ask(&hub, "contributor", &format!("{pdf}/annote.xlsx")).await;
    assert_eq!(status, StatusCode::CONFLICT);
    assert!(String::from_utf8_lossy(&body).contains("document PDF"));
}

/// The API gives the same files as the pages, and so does the command.
#[tokio::test(flavor = "multi_thread")]
async fn the_api_and_the_command_give_the_same_files() {
    let hub = Hub::with(&["tri-demandes"]).await;
    let api = async |who: &str, path: &str| {
        let request =
            Request::get(format!("/api/v1{path}")).header(header::AUTHORIZATION, format!("Bearer token-{who}")).body(Body::empty());
        let response = hub.send(request.unwrap()).await;
        let kind = response.headers()[header::CONTENT_TYPE].to_str().unwrap().to_owned();
        (response.status(), kind, axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec())
    };
    let command = |arguments: &[&str]| {
        let convention = samples("tri-demandes").join("convention.yaml");
        let output = Command::new(env!("CARGO_BIN_EXE_retex")).arg("template").arg(convention).args(arguments).output().unwrap();
        (output.status.code(), output.stdout, String::from_utf8(output.stderr).unwrap())
    };
    for (page, file, format) in [
        ("modele.csv", "template.csv", "csv"),
        ("dictionnaire.md", "dictionary.md", "md"),
        ("table-schema.json", "table-schema.json", "table-schema"),
        ("schema.json", "schema.json", "json-schema"),
        ("modele.xlsx", "template.xlsx", "xlsx"),
    ] {
        let shown = ask(&hub, "contributor", &format!("/experimentations/tri-demandes-2026/jeux/demandes/{page}")).await;
        let given = api("contributor", &format!("/conventions/tri-demandes-2026/datasets/demandes/{file}")).await;
        let (code, printed, said) = command(&["demandes", "--format", format]);
        assert_eq!((code, said.as_str(), shown.0, given.0), (Some(0), "", StatusCode::OK, StatusCode::OK), "{file}");
        assert_eq!(shown.1, given.1, "{file}");
        if format == "xlsx" {
            assert_eq!((book(&shown.2), book(&printed)), (book(&given.2), book(&given.2)));
        } else {
            assert_eq!((&shown.2, &printed), (&given.2, &given.2), "{file}");
        }
        assert_eq!(api("stranger", &format!("/conventions/tri-demandes-2026/datasets/demandes/{file}")).await.0, StatusCode::NOT_FOUND);
    }
    for wrong in ["demandes/autre.csv", "autre/template.csv"] {
        assert_eq!(
            api("contributor", &format!("/conventions/tri-demandes-2026/datasets/{wrong}")).await.0,
            StatusCode::NOT_FOUND,
            "{wrong}"
        );
    }
    for (arguments, wanted) in [(&["--format", "csv"][..], "dataset_missing"), (&["autre"][..], "dataset_unknown")] {
        let (code, printed, said) = command(arguments);
        assert_eq!((code, printed.len(), said.contains(wanted)), (Some(2), 0, true), "{said}");
    }
    let out = hub.ground.folder().join("modele.csv");
    assert_eq!(command(&["demandes", "--format", "csv", "--out", out.to_str().unwrap()]).1.len(), 0);
    assert_eq!(fs::read(out).unwrap(), command(&["demandes", "--format", "csv"]).1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_is_given_by_the_api_and_the_command_too() {
    let hub = Hub::with(&["tri-demandes"]).await;
    let folder = hub.ground.folder();
    let (file, csv, xlsx) = (folder.join("demandes.csv"), folder.join("rapport.csv"), folder.join("annoté.xlsx"));
    fs::write(&file, BAD).unwrap();
    let convention = samples("tri-demandes").join("convention.yaml");
    let run = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_retex"));
        command.arg("check").arg(&file).arg("--convention").arg(&convention).args(["--dataset", "demandes"]).args(more).output().unwrap()
    };
    let output = run(&["--csv", csv.to_str().unwrap(), "--annotated", xlsx.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    let report = fs::read_to_string(&csv).unwrap();
    assert!(report.starts_with("\u{feff}Règle;"), "{report}");
    assert_eq!(book(&fs::read(&xlsx).unwrap())[0].1.len(), 5);
    for option in ["--csv", "--annotated"] {
        let refused = run(&[option, file.to_str().unwrap()]);
        assert_eq!(refused.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&refused.stderr).contains("output_is_input"));
    }
    assert_eq!(fs::read_to_string(&file).unwrap(), BAD, "the file itself is never written over");

    let call = async |who: &str, request: axum::http::request::Builder, body: &str| {
        let request = request.header(header::AUTHORIZATION, format!("Bearer token-{who}")).body(Body::from(body.to_owned()));
        let response = hub.send(request.unwrap()).await;
        (response.status(), axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec())
    };
    let address =
        format!("/api/v1/deposits?convention=tri-demandes-2026&dataset=demandes&period=2026-11&name=demandes.csv&site={MONTREUIL}");
    let (_, sent) = call("contributor", Request::post(address), BAD).await;
    let place = format!("/api/v1/deposits/{}", serde_json::from_slice::<Json>(&sent).unwrap()["id"].as_str().unwrap());
    let get = async |who: &str, file: &str| call(who, Request::get(format!("{place}/{file}")), "").await;
    assert_eq!(get("contributor", "report.csv").await.0, StatusCode::NOT_FOUND, "before the check");
    assert_eq!(get("contributor", "annotated.xlsx").await.0, StatusCode::CONFLICT, "before the check");
    work::run_due(&hub.ground.app).await.unwrap();
    assert_eq!(get("contributor", "report.csv").await, (StatusCode::OK, report.into_bytes()));
    for who in ["contributor", "officer"] {
        let (status, bytes) = get(who, "annotated.xlsx").await;
        assert_eq!((status, parts(&bytes).contains("A0118")), (StatusCode::OK, who == "contributor"), "{who}");
    }
    for who in ["stranger", "administrator"] {
        for file in ["report.csv", "annotated.xlsx"] {
            assert_eq!(get(who, file).await.0, StatusCode::NOT_FOUND, "{who} {file}");
        }
    }
}
