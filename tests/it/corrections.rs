//! What is done with a deposit that was read wrong, refused or replaced: read otherwise, mended, compared with the one before it.

use axum::http::Method;
use chrono::TimeDelta;
use regex::Regex;
use retex::{
    app::App,
    convention::{document::Reading, perimeter::Role},
    deposit::{
        self, Accepted, Slot,
        correct::{self, CellChange},
        differences::{self, DepositDifferences},
        parquet, reading,
        report::CheckReport,
    },
    error::Kind,
    jobs::work,
    lake::Key,
    retention,
    store::{
        Page,
        audit::AuditFilter,
        deposits::{Deposit, DepositState},
    },
    verify,
};
use rust_xlsxwriter::{ExcelDateTime, Format, Workbook};
use serde_json::{Value as Json, json};

use crate::{
    ground::{Ground, on_both_engines},
    hub::{CHAUFFAGE, MONTREUIL, body, code, file, import, settle, someone},
    hub_api::{call, token},
    mail_pages::{get, post, session},
};

on_both_engines!(
    a_file_that_was_read_wrong_is_read_as_its_depositor_says,
    another_reading_of_the_same_bytes_is_another_result,
    safe_faults_are_mended_and_all_else_stays,
    what_cannot_be_mended_safely_is_left_to_a_person,
    corrected_values_go_when_the_file_goes,
    two_deposits_are_compared_as_they_are_read,
);

const HEADER: &str = "batiment;usage;jour;semaine;surface_m2;energie_kwh;temperature_interieure;temperature_exterieure;occupe;plaintes";
const STRANGER: &str = "219200029";

/// The heating sample, with a telephone number that the convention declares.
async fn convention(ground: &Ground) {
    import(&ground.app, "chauffage", |json| {
        let dataset = &mut json["datasets"]["releves"];
        dataset["schema"]["properties"]["telephone"] = json!({"type": ["string", "null"], "pattern": "^0[0-9]{9}$"});
        dataset["personal_data"]["telephone"] = json!("direct");
        json["uses"]["open_data"] = json!([]);
    })
    .await;
}

async fn report(app: &App, deposit: &Deposit) -> CheckReport {
    serde_json::from_str(&app.store.deposit_report(deposit.id).await.unwrap().unwrap()).unwrap()
}

async fn settled(app: &App, accepted: Accepted) -> Deposit {
    assert!(!accepted.already);
    work::run_due(app).await.unwrap();
    app.store.deposit(accepted.deposit.id).await.unwrap().unwrap()
}

async fn original(app: &App, deposit: &Deposit) -> Vec<u8> {
    let key: Key = deposit.original_key.as_deref().unwrap().parse().unwrap();
    app.lake.get(&key).await.unwrap().to_vec()
}

fn macintosh(text: &str) -> Vec<u8> {
    text.chars().flat_map(|c| if c == 'é' { vec![0x8E] } else { c.to_string().into_bytes() }).collect()
}

fn encoded(name: &str) -> Reading {
    Reading { encoding: Some(name.to_owned()), ..Reading::default() }
}

async fn a_file_that_was_read_wrong_is_read_as_its_depositor_says(ground: &Ground) {
    let app = &ground.app;
    convention(ground).await;
    let agent = session(app, "agent@exemple.fr", Role::Contributor, Some(MONTREUIL)).await;
    let actor = &agent.actor;
    let bytes = macintosh(&format!("{HEADER}\r\nB001;école;02/02/2026;pilotée;1132;199,5;19,5;7,2;Oui;0\r\n"));
    let refused = settle(app, actor, "2026-02", "relevés.csv", &bytes).await;
    assert_eq!(refused.state, DepositState::Rejected);
    assert_ne!(report(app, &refused).await.file.encoding.as_deref(), Some("macintosh"), "the guess is wrong");

    // Saying nothing is the deposit that there is; what cannot be read so is refused; others neither read nor learn of it.
    assert!(reading::read_again(app, actor, refused.id, Reading::default()).await.unwrap().already);
    for wrong in [
        encoded("klingon"),
        Reading { decimal: Some("x".into()), ..Reading::default() },
        Reading { delimiter: Some("ab".into()), ..Reading::default() },
        Reading { dates: vec!["mm/dd".into()], ..Reading::default() },
        Reading { sheet: Some("x".repeat(101)), ..Reading::default() },
    ] {
        assert_eq!(code(reading::read_again(app, actor, refused.id, wrong).await), (Kind::Invalid, "reading"));
    }
    let (stranger, analyst) = (someone(ground, Role::Contributor, Some(STRANGER)).await, someone(ground, Role::Analyst, None).await);
    assert_eq!(code(reading::read_again(app, &stranger, refused.id, encoded("macintosh")).await).0, Kind::NotFound);
    assert_eq!(code(reading::read_again(app, &analyst, refused.id, encoded("macintosh")).await).0, Kind::Forbidden);

    // The page asks, and the same bytes are a new deposit that says how it was read.
    let (status, _, page) = get(app, &agent, &format!("/depots/{}", refused.id)).await;
    assert_eq!(status, 200);
    assert!(page.contains("Ce fichier a été mal lu\u{a0}?") && page.contains("name=\"encoding\""), "{page}");
    let form = format!("csrf={}&encoding=macintosh&delimiter=&decimal=&dates=", actor.csrf);
    let (status, headers, _) = post(app, &agent, &format!("/depots/{}/lecture", refused.id), &form).await;
    assert_eq!(status, 303);
    work::run_due(app).await.unwrap();
    let id = headers["location"].to_str().unwrap().rsplit('/').next().unwrap().parse().unwrap();
    let read: Deposit = app.store.deposit(id).await.unwrap().unwrap();
    assert_eq!((read.state, read.reading.as_deref()), (DepositState::Accepted, Some("{\"encoding\":\"macintosh\"}")));
    assert_eq!((&read.original_key, &read.sha256), (&refused.original_key, &refused.sha256), "the very same bytes");
    assert_ne!(read.number, refused.number);
    assert_eq!(report(app, &read).await.file.encoding.as_deref(), Some("macintosh"));
    let (_, _, page) = get(app, &agent, &format!("/depots/{id}")).await;
    assert!(page.contains("Lecture demandée par le déposant") && page.contains("Encodage macintosh"), "{page}");
    let filter = AuditFilter { act: Some("deposit.receive".into()), object: Some(format!("deposit/{id}")), ..AuditFilter::default() };
    let (trail, _) = app.store.audit(&filter, Page::ALL).await.unwrap();
    assert!(format!("{:?}", trail[0]).contains("macintosh"), "{trail:?}");

    // The same again is the same.
    let again = reading::read_again(app, actor, refused.id, encoded(" MacIntosh ")).await.unwrap();
    assert!(again.already && again.deposit.id == id);
    assert!(verify::verify(app, Vec::new()).await.unwrap().problems.is_empty());

    // A program says it with the file, or afterwards.
    let program = token(ground, Role::Contributor, Some(MONTREUIL)).await;
    let sent = format!("/deposits?convention={CHAUFFAGE}&dataset=releves&period=2026-03&name=a.csv&encoding=macintosh");
    let (status, _, answer) = call(
        app,
        &program,
        Method::POST,
        &sent,
        macintosh(&format!("{HEADER}\r\nB001;école;02/03/2026;pilotée;1132;199,5;19,5;7,2;Oui;0\r\n")),
    )
    .await;
    assert_eq!(status, 202, "{}", String::from_utf8_lossy(&answer));
    let answer: Json = serde_json::from_slice(&answer).unwrap();
    assert_eq!(answer["reading"], json!({"encoding": "macintosh"}));
    work::run_due(app).await.unwrap();
    let (_, _, seen) = call(app, &program, Method::GET, &format!("/deposits/{}", answer["id"].as_str().unwrap()), Vec::new()).await;
    assert_eq!(serde_json::from_slice::<Json>(&seen).unwrap()["state"], "accepted");
    let path = format!("/deposits/{}/reading", refused.id);
    let (status, _, answer) = call(app, &program, Method::POST, &path, br#"{"encoding": "macintosh", "decimal": ","}"#.to_vec()).await;
    assert_eq!(status, 202, "{}", String::from_utf8_lossy(&answer));
    let (status, _, answer) = call(app, &program, Method::POST, &path, br#"{"encodage": "macintosh"}"#.to_vec()).await;
    assert_eq!(status, 422, "{}", String::from_utf8_lossy(&answer));
    let (status, _, answer) = call(app, &program, Method::POST, &sent.replace("macintosh", "klingon"), b"a;b\r\n".to_vec()).await;
    assert_eq!((status, serde_json::from_slice::<Json>(&answer).unwrap()["code"].as_str()), (422, Some("reading")));
}

async fn another_reading_of_the_same_bytes_is_another_result(ground: &Ground) {
    let app = &ground.app;
    convention(ground).await;
    let agent = someone(ground, Role::Contributor, Some(MONTREUIL)).await;
    let bytes = file("chauffage", "93048/releves/releves_2026-02.csv");
    let first = settle(app, &agent, "2026-02", "relevés.csv", &bytes).await;
    assert_eq!(first.state, DepositState::Accepted);
    let before = app.store.latest_evaluation(first.convention_id).await.unwrap().unwrap().head;
    app.clock.advance(TimeDelta::seconds(1));
    let comma = Reading { decimal: Some(",".into()), ..Reading::default() };
    let second = settled(app, reading::read_again(app, &agent, first.id, comma).await.unwrap()).await;
    assert_eq!(second.state, DepositState::Accepted);
    assert_eq!(app.store.deposit(first.id).await.unwrap().unwrap().superseded_by, Some(second.id));
    assert!(second.sha256 == first.sha256 && second.content_sha256() != first.content_sha256());
    // What was computed from the first reading is not taken for what is computed from the second.
    let after = app.store.latest_evaluation(first.convention_id).await.unwrap().unwrap().head;
    assert_eq!(after.number, before.number + 1);
    // What stands no more is not read again.
    assert_eq!(code(reading::read_again(app, &agent, first.id, encoded("utf-8")).await), (Kind::Conflict, "deposit_state"));
    assert!(verify::verify(app, Vec::new()).await.unwrap().problems.is_empty());
}

/// Faults that have a safe answer, among cells that must stay as they are.
fn faulty() -> String {
    let rows = [
        "B001 ;\"école; \"\"A\"\"\";02/02/2026;pilotee;1132;1 199,5;19,5;7,2;Oui;0;06 12 34 56 78",
        "B002;=SOMME(A1);03.02.2026;habituelle;1132;412.5;19,5;-7,2;non;;",
        "B003;@usage;2026-02-04;pilotée;1132;0,5;19;7;1;3;0612345678",
    ];
    format!("{HEADER};telephone\r\n{}\r\n", rows.join("\r\n"))
}

fn change(row: u64, letter: &str, column: &str, before: &str, after: &str) -> CellChange {
    CellChange { row, column: column.into(), column_letter: letter.into(), before: Some(before.into()), after: Some(after.into()) }
}

async fn safe_faults_are_mended_and_all_else_stays(ground: &Ground) {
    let app = &ground.app;
    convention(ground).await;
    let agent = session(app, "agent@exemple.fr", Role::Contributor, Some(MONTREUIL)).await;
    let actor = &agent.actor;
    let refused = settle(app, actor, "2026-02", "relevés v1.csv", faulty().as_bytes()).await;
    assert_eq!(refused.state, DepositState::Rejected);
    let (_, plan) = correct::plan(app, actor, refused.id).await.unwrap();
    let changes = [
        change(2, "A", "batiment", "B001 ", "B001"),
        change(2, "D", "semaine", "pilotee", "pilotée"),
        // Masked as in the report, where a value that nobody should read twice is.
        change(2, "K", "telephone", "…78", "…78"),
        change(3, "C", "jour", "03.02.2026", "2026-02-03"),
        change(3, "F", "energie_kwh", "412.5", "412,5"),
    ];
    assert_eq!(plan.changes, changes);
    assert_eq!((plan.remaining_count, plan.is_cut), (0, false), "{:?}", plan.remaining);

    // Nobody else may, nor learns of it.
    let (stranger, analyst) = (someone(ground, Role::Contributor, Some(STRANGER)).await, someone(ground, Role::Analyst, None).await);
    assert_eq!(code(correct::plan(app, &stranger, refused.id).await).0, Kind::NotFound);
    assert_eq!(code(correct::correct(app, &stranger, refused.id).await).0, Kind::NotFound);
    assert_eq!(code(correct::correct(app, &analyst, refused.id).await).0, Kind::Forbidden);

    // By the pages: the button, what changes, the new deposit and its receipt.
    let (_, _, page) = get(app, &agent, &format!("/depots/{}", refused.id)).await;
    assert!(page.contains(&format!("href=\"/depots/{}/correction\"", refused.id)), "{page}");
    let path = format!("/depots/{}/correction", refused.id);
    let (status, _, page) = get(app, &agent, &path).await;
    assert_eq!(status, 200);
    assert!(page.contains("5\u{a0}cases changent, et rien ne reste à corriger") && page.contains("B001␣</span>"), "{page}");
    assert!(!page.contains("06 12") && !page.contains("0612345678"), "{page}");
    insta::assert_snapshot!("correction", said(&page));
    let (status, headers, _) = post(app, &agent, &path, &format!("csrf={}", actor.csrf)).await;
    assert_eq!(status, 303);
    work::run_due(app).await.unwrap();
    let id = headers["location"].to_str().unwrap().rsplit('/').next().unwrap().parse().unwrap();
    let mended: Deposit = app.store.deposit(id).await.unwrap().unwrap();
    assert_eq!((mended.state, mended.file_name.as_str()), (DepositState::Accepted, "relevés v1 (corrigé).csv"));
    assert_eq!((mended.corrected_from, mended.rows), (Some(refused.id), Some(3)));
    let expected = format!(
        "\u{feff}{HEADER};telephone\r\n{}\r\n{}\r\n{}\r\n",
        "B001;\"école; \"\"A\"\"\";02/02/2026;pilotée;1132;1 199,5;19,5;7,2;Oui;0;0612345678",
        "B002;=SOMME(A1);2026-02-03;habituelle;1132;412,5;19,5;-7,2;non;;",
        "B003;@usage;2026-02-04;pilotée;1132;0,5;19;7;1;3;0612345678",
    );
    assert_eq!(String::from_utf8(original(app, &mended).await).unwrap(), expected);
    assert_eq!(correct::changes(app, actor, id).await.unwrap().changes, changes);
    let (_, _, page) = get(app, &agent, &format!("/depots/{id}")).await;
    assert!(
        page.contains("Fichier corrigé par la plateforme") && page.contains(&refused.number) && page.contains("5\u{a0}cases corrigées"),
        "{page}"
    );
    assert!(!page.contains("Lecture demandée par le déposant") && !page.contains("mal lu"), "the hub knows how it wrote it: {page}");
    let (status, _, csv) = get(app, &agent, &format!("/depots/{id}/corrections.csv")).await;
    assert!(status == 200 && csv.contains("3;F;energie_kwh;412.5;412,5\r\n"), "{csv}");
    let filter = AuditFilter { act: Some("deposit.receive".into()), object: Some(format!("deposit/{id}")), ..AuditFilter::default() };
    let (trail, _) = app.store.audit(&filter, Page::ALL).await.unwrap();
    assert!(format!("{:?}", trail[0]).contains(&refused.number), "{trail:?}");

    // Mending it again is the same deposit; what is accepted is not mended.
    assert!(correct::correct(app, actor, refused.id).await.unwrap().already);
    assert_eq!(code(correct::plan(app, actor, id).await), (Kind::Conflict, "deposit_state"));

    // The Métropole learns which cells changed, and no value of a column that holds personal data.
    let theirs = correct::changes(app, &analyst, id).await.unwrap().changes;
    assert_eq!((theirs[0].before.as_deref(), theirs[2].before.as_deref(), theirs[2].after.as_deref()), (Some("B001 "), None, None));
    assert_eq!(code(correct::changes(app, &stranger, id).await).0, Kind::NotFound);

    // By the API.
    let program = token(ground, Role::Contributor, Some(MONTREUIL)).await;
    let (status, _, answer) = call(app, &program, Method::GET, &format!("/deposits/{}/correction", refused.id), Vec::new()).await;
    assert_eq!((status, serde_json::from_slice::<Json>(&answer).unwrap()["changes"].as_array().map(Vec::len)), (200, Some(5)));
    let (status, _, answer) = call(app, &program, Method::POST, &format!("/deposits/{}/correction", refused.id), Vec::new()).await;
    let answer: Json = serde_json::from_slice(&answer).unwrap();
    assert_eq!((status, answer["corrected_from"].as_str()), (200, Some(refused.id.to_string().as_str())));
    let (_, _, answer) = call(app, &program, Method::GET, &format!("/deposits/{id}/changes"), Vec::new()).await;
    assert_eq!(serde_json::from_slice::<Json>(&answer).unwrap()["changes"][1]["after"], "pilotée");
    let (_, _, answer) = call(app, &program, Method::GET, &format!("/deposits/{}/changes", refused.id), Vec::new()).await;
    assert_eq!(serde_json::from_slice::<Json>(&answer).unwrap(), json!({"corrected_from": null, "changes": []}));
    assert!(verify::verify(app, Vec::new()).await.unwrap().problems.is_empty());
}

async fn what_cannot_be_mended_safely_is_left_to_a_person(ground: &Ground) {
    let app = &ground.app;
    convention(ground).await;
    let agent = someone(ground, Role::Contributor, Some(MONTREUIL)).await;
    let refused = async |name: &str, rows: &str| {
        let deposit = settle(app, &agent, "2026-02", name, format!("{HEADER}\r\n{rows}").as_bytes()).await;
        assert_eq!(deposit.state, DepositState::Rejected, "{rows}");
        deposit.id
    };
    let good = "B001;école;02/02/2026;pilotée;1132;199,5;19,5;7,2;Oui;0\r\n";
    // What has no safe answer stays, and the mended file says so.
    let half = refused("a.csv", &format!("{good}B002;école;02/02/2026;pilotee;1132;beaucoup;19,5;7,2;Oui;0\r\n")).await;
    let (_, plan) = correct::plan(app, &agent, half).await.unwrap();
    assert_eq!((plan.changes.len(), plan.remaining_count), (1, 1));
    assert_eq!(plan.remaining[0].column.as_deref(), Some("energie_kwh"));
    let mended = settled(app, correct::correct(app, &agent, half).await.unwrap()).await;
    assert_eq!(mended.state, DepositState::Rejected);
    let none = refused("b.csv", "B002;école;02/02/2026;pilotée;1132;beaucoup;19,5;7,2;Oui;0\r\n").await;
    assert_eq!(code(correct::plan(app, &agent, none).await), (Kind::Conflict, "nothing_to_correct"));
    // A line that lacks cells lacks them still; one that has too many cannot be written again.
    let short = refused("c.csv", &format!("{good}B002;école;02/02/2026;pilotee;1132;1;19,5;7,2\r\n")).await;
    let (_, plan) = correct::plan(app, &agent, short).await.unwrap();
    assert_eq!(plan.remaining.iter().map(|r| r.code.as_str()).collect::<Vec<_>>(), ["ragged_row"]);
    let long = refused("d.csv", &format!("{good}B002;école;02/02/2026;pilotee;1132;1;19,5;7,2;Oui;0;de trop\r\n")).await;
    assert_eq!(code(correct::plan(app, &agent, long).await), (Kind::Conflict, "not_correctable"));
    // A key becomes the key of another line: that is said, not hidden.
    let twice = refused("e.csv", &format!("{good} B001;école;02/02/2026;pilotée;1132;1;19,5;7,2;Oui;0\r\n")).await;
    let (_, plan) = correct::plan(app, &agent, twice).await.unwrap();
    assert_eq!((plan.changes.len(), plan.remaining[0].code.as_str()), (1, "duplicate_key"));
    // A file that programs write is mended by its program.
    let line = json!({"batiment": "B001", "jour": "2026-02-02", "semaine": "pilotee", "surface_m2": 1132}).to_string();
    let lines = settle(app, &agent, "2026-02", "f.jsonl", line.as_bytes()).await;
    assert_eq!(
        (lines.state, code(correct::plan(app, &agent, lines.id).await)),
        (DepositState::Rejected, (Kind::Conflict, "not_correctable"))
    );
}

/// A workbook with the types that a spreadsheet has; `mended` as a person would have mended it.
fn workbook(mended: bool) -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let day = Format::new().set_num_format("dd/mm/yyyy");
    let choose = |wrong: &'static str, right: &'static str| if mended { right } else { wrong };
    sheet.write(0, 0, "Relevés de février").unwrap();
    for (i, name) in HEADER.split(';').enumerate() {
        sheet.write(2, u16::try_from(i).unwrap(), name).unwrap();
    }
    let date = |d: u8| ExcelDateTime::from_ymd(2026, 2, d).unwrap();
    sheet.write(3, 0, choose(" B001", "B001")).unwrap();
    sheet.write(3, 1, "=SOMME(A1)").unwrap();
    sheet.write_with_format(3, 2, date(1), &day).unwrap();
    sheet.write(3, 3, choose("habituele", "habituelle")).unwrap();
    for (column, number) in [(4, 1132.0), (5, 0.1), (6, 19.25), (7, -3.5), (9, 0.0)] {
        sheet.write(3, column, number).unwrap();
    }
    sheet.write(3, 8, true).unwrap();
    // The number of a day, which a spreadsheet shows when the cell has lost its format.
    sheet.write(5, 0, "B002").unwrap();
    if mended {
        sheet.write_with_format(5, 2, date(2), &day).unwrap();
    } else {
        sheet.write(5, 2, 46055).unwrap();
    }
    sheet.write(5, 3, "pilotée").unwrap();
    sheet.write(5, 4, 20).unwrap();
    // Text among numbers, as an export leaves it.
    sheet.write(5, 5, "1 234,5").unwrap();
    sheet.write(5, 6, 1e-7).unwrap();
    sheet.write(5, 7, -24.999_999_999_999_996).unwrap();
    sheet.write(5, 8, "Non").unwrap();
    book.save_to_buffer().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mended_workbook_is_the_table_that_a_person_would_have_made() {
    let ground = Ground::sqlite().await;
    let app = &ground.app;
    import(app, "chauffage", |_| {}).await;
    let agent = someone(&ground, Role::Contributor, Some(MONTREUIL)).await;
    let refused = settle(app, &agent, "2026-02", "relevés.xlsx", &workbook(false)).await;
    assert_eq!(refused.state, DepositState::Rejected, "{:?}", report(app, &refused).await.source_error);
    let (_, plan) = correct::plan(app, &agent, refused.id).await.unwrap();
    let expected = [
        change(4, "A", "batiment", " B001", "B001"),
        change(4, "D", "semaine", "habituele", "habituelle"),
        change(6, "C", "jour", "46055", "2026-02-02"),
    ];
    assert_eq!((plan.changes.as_slice(), plan.remaining_count), (expected.as_slice(), 0), "{:?}", plan.remaining);
    let mended = settled(app, correct::correct(app, &agent, refused.id).await.unwrap()).await;
    assert_eq!(mended.state, DepositState::Accepted, "{:?}", report(app, &mended).await.errors);
    app.clock.advance(TimeDelta::seconds(1));
    let by_hand = settle(app, &agent, "2026-02", "relevés v2.xlsx", &workbook(true)).await;
    assert_eq!(by_hand.state, DepositState::Accepted, "{:?}", report(app, &by_hand).await.errors);
    let mut tables = Vec::new();
    for (i, deposit) in [&mended, &by_hand].into_iter().enumerate() {
        let path = ground.folder().join(format!("{i}.parquet"));
        app.lake.fetch_to(&deposit.table_key.as_deref().unwrap().parse().unwrap(), &path).await.unwrap();
        tables.push(parquet::read(&path, None).unwrap());
    }
    assert!(tables[0].equals_missing(&tables[1]), "{:?}\n{:?}", tables[0], tables[1]);
    let (_, _, found) = differences::differences(app, &agent, by_hand.id, Some(mended.id)).await.unwrap();
    assert!(found.is_same && found.rows_before == 2, "a workbook and its text are one: {found:?}");
    let (_, _, found) = differences::differences(app, &agent, mended.id, Some(refused.id)).await.unwrap();
    assert!(!found.is_same);
}

async fn corrected_values_go_when_the_file_goes(ground: &Ground) {
    let app = &ground.app;
    convention(ground).await;
    let agent = someone(ground, Role::Contributor, Some(MONTREUIL)).await;
    let rows = faulty().replace("habituelle;1132", "habituelle;beaucoup");
    let refused = settle(app, &agent, "2026-02", "relevés.csv", rows.as_bytes()).await;
    let mended = settled(app, correct::correct(app, &agent, refused.id).await.unwrap()).await;
    assert_eq!(mended.state, DepositState::Rejected);
    assert!(app.store.deposit_changes(mended.id).await.unwrap().unwrap().contains("pilotee"));
    assert!(!app.store.deposit_changes(mended.id).await.unwrap().unwrap().contains("0612345678"), "masked as in the report");
    app.clock.advance(TimeDelta::days(31));
    retention::round(app).await.unwrap();
    assert_eq!(app.store.deposit_changes(mended.id).await.unwrap(), None);
    let receipt = correct::changes(app, &agent, mended.id).await.unwrap();
    assert_eq!((receipt.corrected_from, receipt.changes.len()), (Some(refused.id), 0));
    assert_eq!(code(correct::plan(app, &agent, refused.id).await), (Kind::Conflict, "file_gone"));
    assert_eq!(code(reading::read_again(app, &agent, refused.id, encoded("utf-8")).await), (Kind::Conflict, "file_gone"));
    assert_eq!(code(differences::differences(app, &agent, mended.id, Some(refused.id)).await), (Kind::Conflict, "file_gone"));

    // What counted loses them at the end of its retention, with the name of its sheet.
    let refused = settle(app, &agent, "2026-02", "relevés.csv", faulty().as_bytes()).await;
    let mended = settled(app, correct::correct(app, &agent, refused.id).await.unwrap()).await;
    assert_eq!(mended.state, DepositState::Accepted);
    let mut tx = app.store.begin().await.unwrap();
    tx.purge_deposit(mended.id, None).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(app.store.deposit_changes(mended.id).await.unwrap(), None);
    assert_eq!(app.store.deposit(mended.id).await.unwrap().unwrap().reading, None);
}

async fn two_deposits_are_compared_as_they_are_read(ground: &Ground) {
    let app = &ground.app;
    convention(ground).await;
    let agent = session(app, "agent@exemple.fr", Role::Contributor, Some(MONTREUIL)).await;
    let actor = &agent.actor;
    let send = async |name: &str, bytes: &[u8]| settle(app, actor, "2026-02", name, bytes).await;
    let first = send(
        "v1.csv",
        format!(
            "{HEADER};telephone\r\nB001;école;02/02/2026;pilotée;1132;1,5;19,5;7,2;Oui;0;0612345678\r\nB002;école;02/02/2026;pilotée;1132;2,50;19,5;7,2;Oui;0;0612345678\r\nB003;école;02/02/2026;pilotée;1132;3;19,5;7,2;Non;0;\r\n"
        )
        .as_bytes(),
    )
    .await;
    assert_eq!(first.state, DepositState::Accepted);
    assert_eq!(code(differences::differences(app, actor, first.id, None).await), (Kind::Conflict, "nothing_to_compare"));
    let (status, _, page) = get(app, &agent, &format!("/depots/{}", first.id)).await;
    assert!(status == 200 && !page.contains("Comparer avec le dépôt précédent"));

    // Another order of rows and columns, another encoding, another notation: nothing differs.
    let columns =
        "jour,batiment,telephone,usage,semaine,surface_m2,energie_kwh,temperature_interieure,temperature_exterieure,occupe,plaintes";
    let rows = [
        "2026-02-02,B003,,école,pilotée,1132,3.0,19.5,7.20,non,0",
        "2026-02-02,B001,0612345678,école,pilotée,1132,1.5,19.5,7.2,1,0",
        "2026-02-02,B002,0612345678,école,pilotée,1132,2.5,19.5,7.2,VRAI,0",
    ];
    let text = format!("{columns}\n{}\n", rows.join("\n"));
    let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let second = send("v2.csv", &latin).await;
    assert_eq!(second.state, DepositState::Accepted, "{:?}", report(app, &second).await.errors);
    let (before, _, found) = differences::differences(app, actor, second.id, None).await.unwrap();
    assert_eq!(before.id, first.id, "the one before it");
    assert!(found.is_same && found.key == ["batiment", "jour"] && found.cells.is_empty(), "{found:?}");
    let (status, _, page) = get(app, &agent, &format!("/depots/{}/differences", second.id)).await;
    assert!(status == 200 && page.contains("Rien ne diffère entre ces deux dépôts") && page.contains("se lisent de même"), "{page}");

    // Cells, rows and columns that do differ, in a file that is refused too.
    let third = send(
        "v3.csv",
        format!(
            "{HEADER};telephone\r\nB001;école;02/02/2026;pilotée;1132;1,5;19,5;7,2;Oui;0;0699999999\r\nB003;école;02/02/2026;pilotée;1132;beaucoup;19,5;7,2;Oui;0;\r\nB004;école;02/02/2026;pilotée;1132;3;19,5;7,2;Non;0;\r\n"
        )
        .as_bytes(),
    )
    .await;
    assert_eq!(third.state, DepositState::Rejected);
    let (_, _, found) = differences::differences(app, actor, third.id, Some(second.id)).await.unwrap();
    let summary = |d: &DepositDifferences| {
        let cells: Vec<_> = d
            .cells
            .iter()
            .map(|c| {
                format!(
                    "{}{} {}{} {:?} {:?}",
                    c.letter_before,
                    c.row_before.unwrap(),
                    c.letter_after,
                    c.row_after.unwrap(),
                    c.before,
                    c.after
                )
            })
            .collect();
        let columns: Vec<_> = d.columns.iter().map(|c| (c.column.clone(), c.cells)).collect();
        (cells, columns, (d.added, d.removed, d.changed))
    };
    let expected = (
        vec![
            "C3 K2 Some(\"…78\") Some(\"…99\")".to_owned(),
            "G2 F3 Some(\"3.0\") Some(\"beaucoup\")".to_owned(),
            "J2 I3 Some(\"non\") Some(\"Oui\")".to_owned(),
        ],
        vec![("energie_kwh".to_owned(), 1), ("occupe".to_owned(), 1), ("telephone".to_owned(), 1)],
        (1, 1, 2),
    );
    assert_eq!(summary(&found), expected);
    assert_eq!((found.rows_added[0].row, found.rows_added[0].key.as_deref()), (Some(4), Some("B004, 02/02/2026")));
    assert_eq!((found.rows_removed[0].row, found.rows_removed[0].key.as_deref()), (Some(4), Some("B002, 2026-02-02")));
    let (_, _, back) = differences::differences(app, actor, second.id, Some(third.id)).await.unwrap();
    assert_eq!((back.added, back.removed, back.changed), (1, 1, 2), "the other way round");
    let (status, _, page) = get(app, &agent, &format!("/depots/{}/differences?avec={}", third.id, second.id)).await;
    assert!(status == 200 && page.contains("beaucoup") && page.contains("B004, 02/02/2026") && page.contains("Lignes retirées"), "{page}");
    insta::assert_snapshot!("differences", said(&page));
    let (_, _, page) = get(app, &agent, &format!("/depots/{}", third.id)).await;
    insta::assert_snapshot!("refused_after_others", said(&page));
    assert!(page.contains("Comparer avec le dépôt précédent") && page.contains(&format!("/differences?avec={}", first.id)), "{page}");

    // Whoever reads both compares them, without the values of a column that holds personal data.
    let (stranger, analyst) = (someone(ground, Role::Contributor, Some(STRANGER)).await, someone(ground, Role::Analyst, None).await);
    let (_, _, theirs) = differences::differences(app, &analyst, third.id, Some(second.id)).await.unwrap();
    let phone = theirs.cells.iter().find(|c| c.column == "telephone").unwrap();
    assert_eq!((theirs.changed, &phone.before, &phone.after), (2, &None, &None));
    for before in [None, Some(first.id)] {
        assert_eq!(code(differences::differences(app, &stranger, third.id, before).await).0, Kind::NotFound);
    }
    // Those of another month are no other version of this.
    let march = settle(
        app,
        actor,
        "2026-03",
        "mars.csv",
        format!("{HEADER}\r\nB001;école;02/03/2026;pilotée;1132;1,5;19,5;7,2;Oui;0\r\n").as_bytes(),
    )
    .await;
    assert_eq!(code(differences::differences(app, actor, third.id, Some(march.id)).await), (Kind::Conflict, "other_slot"));
    let program = token(ground, Role::Contributor, Some(MONTREUIL)).await;
    let (status, _, answer) =
        call(app, &program, Method::GET, &format!("/deposits/{}/differences?with={}", third.id, second.id), Vec::new()).await;
    assert_eq!((status, serde_json::from_slice::<Json>(&answer).unwrap()["columns"][0]["column"].as_str()), (200, Some("energie_kwh")));

    // One that is still in control is not compared yet.
    let slot = Slot {
        convention: CHAUFFAGE.into(),
        site: None,
        dataset: "releves".into(),
        period: "2026-02".parse().ok(),
        file_name: "v4.csv".into(),
    };
    let waiting = deposit::accept(app, actor, slot, body(b"a;b\r\n1;2\r\n")).await.unwrap().deposit;
    assert_eq!(code(differences::differences(app, actor, waiting.id, Some(third.id)).await), (Kind::Conflict, "not_checked"));
}

/// What a page says, without what differs from one run to another.
fn said(page: &str) -> String {
    let start = page.find("<main").unwrap();
    let main = &page[start..page.find("</main>").unwrap()];
    let id = Regex::new("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").unwrap();
    let csrf = Regex::new("name=\"csrf\" value=\"[^\"]*\"").unwrap();
    csrf.replace_all(&id.replace_all(main, "ID"), "name=\"csrf\" value=\"CSRF\"").into_owned()
}

/// `retex check` reads a file as it is told to, under a convention or a bare schema.
#[test]
fn the_command_line_reads_as_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (data, schema) = (folder.path().join("a.csv"), folder.path().join("schema.json"));
    std::fs::write(&data, macintosh("nom;jour;valeur\nété;01/02/26;1.5\n")).unwrap();
    let properties = json!({"nom": {"enum": ["été"]}, "jour": {"type": "string", "format": "date"}, "valeur": {"type": "number"}});
    std::fs::write(&schema, json!({"type": "object", "properties": properties}).to_string()).unwrap();
    let check = |more: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_retex"))
            .args(["check", data.to_str().unwrap(), "--schema", schema.to_str().unwrap(), "--format", "json"])
            .args(more)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr))
    };
    assert_eq!(check(&[]).0, Some(1));
    let (status, said) = check(&["--encoding", "macintosh", "--dates", "dd/mm/yy,iso", "--delimiter", ";", "--decimal", "."]);
    assert_eq!(status, Some(0), "{said}");
    assert!(said.contains("\"encoding\": \"macintosh\"") && said.contains("dd/mm/yy"), "{said}");
    let (status, said) = check(&["--encoding", "macintosh", "--dates", "dd/mm/yy", "--decimal", ","]);
    assert!(status == Some(1) && said.contains("valeur"), "{said}");
    let (status, said) = check(&["--encoding", "klingon"]);
    assert!(status == Some(2) && said.contains("encodage"), "{said}");
}
