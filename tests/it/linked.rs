//! What a file is asked beyond itself: values that stand in another dataset, days that are told of, rows of its own period and site.

use retex::{
    app::App,
    convention::{Convention, perimeter::Role},
    deposit::{self, Slot, report::CheckReport},
    jobs::work,
    store::deposits::{Deposit, DepositState},
};
use serde_json::{Value as Json, json};

use crate::{
    ground::{Ground, on_both_engines},
    hub::{CHAUFFAGE, MONTREUIL, body, file, import, sample, settle, someone},
};

on_both_engines!(
    values_stand_in_the_other_datasets_files,
    a_dataset_may_refer_to_itself,
    days_without_a_row_are_told,
    rows_of_another_period_are_refused,
    rows_of_another_party_are_told,
);

async fn report(app: &App, deposit: &Deposit) -> CheckReport {
    serde_json::from_str(&app.store.deposit_report(deposit.id).await.unwrap().unwrap()).unwrap()
}

/// The heating sample's file, line by line in UTF-8, without the header.
fn lines(path: &str) -> (String, Vec<String>) {
    let bytes = file("chauffage", path);
    let text: String = bytes.iter().map(|b| char::from(*b)).collect();
    let mut lines = text.lines().map(str::to_owned);
    (lines.next().unwrap(), lines.collect())
}

fn text(header: &str, lines: &[String]) -> Vec<u8> {
    format!("{header}\n{}\n", lines.join("\n")).into_bytes()
}

const FEBRUARY: &str = "93048/releves/releves_2026-02.csv";
const MARCH: &str = "93048/releves/releves_2026-03.csv";

/// Sends the list of buildings, a file for the whole time.
async fn buildings(app: &App, agent: &retex::access::Actor, names: impl Iterator<Item = u32>) -> Deposit {
    let bytes = format!("code\n{}", names.map(|n| format!("B{n:03}\n")).collect::<String>());
    let slot =
        Slot { convention: CHAUFFAGE.into(), site: None, dataset: "batiments".into(), period: None, file_name: "batiments.csv".into() };
    app.clock.advance(chrono::TimeDelta::seconds(1));
    let sent = deposit::accept(app, agent, slot, body(bytes.as_bytes())).await.unwrap().deposit;
    work::run_due(app).await.unwrap();
    app.store.deposit(sent.id).await.unwrap().unwrap()
}

async fn values_stand_in_the_other_datasets_files(ground: &Ground) {
    let app = &ground.app;
    import(app, "chauffage", |json| {
        json["datasets"]["batiments"] = json!({
            "title": "Bâtiments suivis",
            "schema": {"type": "object", "additionalProperties": false, "required": ["code"], "properties": {"code": {"type": "string"}}},
            "primary_key": ["code"],
        });
        json["datasets"]["releves"]["foreign_keys"] =
            json!([{"fields": ["batiment"], "reference": "batiments", "reference_fields": ["code"]}]);
    })
    .await;
    let agent = someone(ground, Role::Contributor, Some(MONTREUIL)).await;
    // Nothing to compare with yet: accepted, and its receipt says what was not verified.
    let (header, rows) = lines(FEBRUARY);
    let early = settle(app, &agent, "2026-02", "février.csv", &text(&header, &rows)).await;
    assert_eq!(early.state, DepositState::Accepted);
    let said = report(app, &early).await;
    let warning = said.warnings.iter().find(|w| w.code == "reference_unchecked").unwrap();
    assert!(warning.message.contains("Bâtiments suivis") && warning.message.contains("Déposez-le"), "{}", warning.message);
    assert_eq!((said.file.compared.len(), said.file.compared[0].verified, said.file.compared[0].deposits.len()), (1, false, 0));

    // The list comes, without the last building: what was accepted stays so.
    let list = buildings(app, &agent, 1..=13).await;
    assert_eq!(list.state, DepositState::Accepted);
    assert_eq!(app.store.deposit(early.id).await.unwrap().unwrap(), early);

    // From now on it is asked for; a blank line does not shift what is said.
    let (header, mut rows) = lines(MARCH);
    rows.insert(3, String::new());
    let bytes = text(&header, &rows);
    let refused = settle(app, &agent, "2026-03", "mars.csv", &bytes).await;
    assert_eq!(refused.state, DepositState::Rejected);
    let said = report(app, &refused).await;
    let wrong: Vec<u64> = (2..).zip(&rows).filter(|(_, line)| line.starts_with("B014;")).map(|(n, _)| n).collect();
    assert_eq!(said.errors.iter().map(|e| e.row.unwrap()).collect::<Vec<_>>(), wrong);
    assert!(
        said.errors.iter().all(|e| e.code == "reference" && e.column.as_deref() == Some("batiment") && e.value.as_deref() == Some("B014"))
    );
    assert!(said.errors[0].message.contains("«\u{a0}B014\u{a0}» ne figure dans aucun de vos fichiers «\u{a0}Bâtiments suivis\u{a0}»"));
    assert_eq!(
        (said.stats.errors as usize, said.stats.rows_invalid as usize, said.by_rule[0].count as usize),
        (wrong.len(), wrong.len(), wrong.len())
    );
    assert_eq!((said.file.compared[0].verified, &said.file.compared[0].deposits), (true, &vec![list.number.clone()]));
    // Checking without depositing says the same.
    let slot = Slot {
        convention: CHAUFFAGE.into(),
        site: None,
        dataset: "releves".into(),
        period: "2026-03".parse().ok(),
        file_name: "mars.csv".into(),
    };
    let only = deposit::check_only(app, &agent, slot, body(&bytes)).await.unwrap();
    assert_eq!((only.valid, &only.errors), (false, &said.errors));
    // The annotated file shows it too.
    let (_, annotated) = deposit::annotated::annotated(app, &agent, refused.id).await.unwrap();
    let mut book: calamine::Xlsx<_> = calamine::open_workbook_from_rs(std::io::Cursor::new(annotated)).unwrap();
    let range = calamine::Reader::worksheet_range(&mut book, "Ce qui ne va pas").unwrap();
    assert!(range.rows().flatten().any(|cell| cell.to_string().contains("B014")), "{range:?}");

    // Sent again, it is the same answer as long as nothing else has changed; once the list is completed, the same bytes pass.
    assert_eq!(settle(app, &agent, "2026-03", "mars.csv", &bytes).await.id, refused.id);
    let list = buildings(app, &agent, 1..=14).await;
    let accepted = settle(app, &agent, "2026-03", "mars.csv", &text(&header, &rows)).await;
    assert_eq!(accepted.state, DepositState::Accepted);
    let said = report(app, &accepted).await;
    assert_eq!((said.file.compared[0].verified, &said.file.compared[0].deposits), (true, &vec![list.number]));
    // What was not verified is, once it is sent again.
    let (header, early_rows) = lines(FEBRUARY);
    let again = settle(app, &agent, "2026-02", "février.csv", &text(&header, &early_rows)).await;
    assert_eq!((again.state, again.id == early.id), (DepositState::Accepted, false));
    assert!(report(app, &again).await.file.compared[0].verified);
    assert_eq!(settle(app, &agent, "2026-02", "février.csv", &text(&header, &early_rows)).await.id, again.id, "and then it is known");
    // Another site's list is not this one's.
    let other = someone(ground, Role::Contributor, Some("219200631")).await;
    let theirs = settle(app, &other, "2026-03", "mars.csv", &text(&header, &rows)).await;
    assert!(!report(app, &theirs).await.file.compared[0].verified);
}

async fn a_dataset_may_refer_to_itself(ground: &Ground) {
    let app = &ground.app;
    import(app, "chauffage", |json| {
        let dataset = &mut json["datasets"]["releves"];
        dataset["schema"]["properties"]["voisin"] = json!({"type": ["string", "null"], "pattern": "^B[0-9]{3}$"});
        dataset["foreign_keys"] = json!([{"fields": ["voisin"], "reference": "releves", "reference_fields": ["batiment"]}]);
    })
    .await;
    let agent = someone(ground, Role::Contributor, Some(MONTREUIL)).await;
    let with = |path: &str, neighbour: &str| {
        let (header, rows) = lines(path);
        let rows: Vec<String> = rows.iter().enumerate().map(|(n, row)| format!("{row};{}", if n == 0 { neighbour } else { "" })).collect();
        text(&format!("{header};voisin"), &rows)
    };
    let own = settle(app, &agent, "2026-02", "février.csv", &with(FEBRUARY, "B002")).await;
    assert_eq!(own.state, DepositState::Accepted, "its own rows count");
    assert!(report(app, &own).await.warnings.iter().all(|w| w.code != "reference_unchecked"));
    let nowhere = settle(app, &agent, "2026-03", "mars.csv", &with(MARCH, "B999")).await;
    assert_eq!(nowhere.state, DepositState::Rejected);
    assert_eq!(report(app, &nowhere).await.errors.iter().map(|e| (e.code.as_str(), e.row)).collect::<Vec<_>>(), [("reference", Some(2))]);
}

async fn daily(app: &App, every: &str) {
    import(app, "chauffage", |json| json["datasets"]["releves"]["coverage"] = json!({"date": "jour", "every": every})).await;
}

async fn days_without_a_row_are_told(ground: &Ground) {
    let app = &ground.app;
    daily(app, "day").await;
    let agent = someone(ground, Role::Contributor, Some(MONTREUIL)).await;
    let (header, rows) = lines(FEBRUARY);
    let whole = settle(app, &agent, "2026-02", "février.csv", &text(&header, &rows)).await;
    assert_eq!((whole.state, report(app, &whole).await.warnings.len()), (DepositState::Accepted, 0));
    let without = |days: &[&str]| rows.iter().filter(|row| !days.iter().any(|day| row.contains(day))).cloned().collect::<Vec<_>>();
    let holes = without(&["10/02/2026", "11/02/2026", "28/02/2026"]);
    let gappy = settle(app, &agent, "2026-02", "février.csv", &text(&header, &holes)).await;
    assert_eq!(gappy.state, DepositState::Accepted, "a warning refuses nothing");
    let said = report(app, &gappy).await;
    assert_eq!(said.stats.warnings, 1);
    assert_eq!((said.warnings[0].code.as_str(), said.warnings[0].column.as_deref()), ("missing_days", Some("jour")));
    let days = "Aucune ligne pour 3\u{a0}jours\u{a0}: du 10\u{a0}février 2026 au 11\u{a0}février 2026, le 28\u{a0}février 2026.";
    assert!(said.warnings[0].message.replace('\u{202f}', "\u{a0}").starts_with(days), "{}", said.warnings[0].message);
    // It is the 12th of March: what is still to come is not missing, what the experiment does not cover neither (it begins on 5 January).
    let (header, rows) = lines(MARCH);
    let early: Vec<String> = rows.iter().filter(|r| (1..=11).any(|d| r.contains(&format!("{d:02}/03/2026")))).cloned().collect();
    let running = settle(app, &agent, "2026-03", "mars.csv", &text(&header, &early)).await;
    assert!(report(app, &running).await.warnings.iter().all(|w| w.code != "missing_days"));
    let (header, rows) = lines("93048/releves/releves_2026-01_v2.csv");
    let first = settle(app, &agent, "2026-01", "janvier.csv", &text(&header, &rows)).await;
    assert_eq!((first.state, report(app, &first).await.warnings.len()), (DepositState::Accepted, 0));
}

async fn rows_of_another_period_are_refused(ground: &Ground) {
    let app = &ground.app;
    daily(app, "week").await;
    let agent = someone(ground, Role::Contributor, Some(MONTREUIL)).await;
    let (header, mut rows) = lines(FEBRUARY);
    rows[4] = rows[4].replace("/02/2026", "/03/2026");
    rows[9] = rows[9].replace("/02/2026", "/12/2025");
    let refused = settle(app, &agent, "2026-02", "février.csv", &text(&header, &rows)).await;
    assert_eq!(refused.state, DepositState::Rejected);
    let said = report(app, &refused).await;
    let told: Vec<_> = said.errors.iter().map(|e| (e.code.as_str(), e.row, e.column.as_deref(), e.value.as_deref())).collect();
    assert_eq!(
        told,
        [("outside_period", Some(6), Some("jour"), Some("05/03/2026")), ("outside_period", Some(11), Some("jour"), Some("10/12/2025"))]
    );
    assert!(said.errors[0].message.contains("du 5\u{a0}mars 2026"), "{}", said.errors[0].message);
    // A whole week without a row, from Monday to Sunday; the ends of the month ask for none.
    let (header, rows) = lines(FEBRUARY);
    let left = |row: &&String| {
        !["01/02", "09/02", "10/02", "11/02", "12/02", "13/02", "14/02", "15/02"].iter().any(|d| row.contains(&format!("{d}/2026")))
    };
    let rows: Vec<String> = rows.iter().filter(left).cloned().collect();
    let gappy = settle(app, &agent, "2026-02", "février.csv", &text(&header, &rows)).await;
    let said = report(app, &gappy).await;
    assert_eq!((gappy.state, said.warnings.len(), said.warnings[0].code.as_str()), (DepositState::Accepted, 1, "missing_weeks"));
    assert!(said.warnings[0].message.contains("celle du 9\u{a0}février 2026"), "{}", said.warnings[0].message);
}

async fn rows_of_another_party_are_told(ground: &Ground) {
    let app = &ground.app;
    import(app, "chauffage", |json| {
        let dataset = &mut json["datasets"]["releves"];
        dataset["schema"]["properties"]["commune"] = json!({"type": "string"});
        dataset["foreign_keys"] = json!([{"fields": ["commune"], "reference": "territory"}]);
    })
    .await;
    let agent = someone(ground, Role::Contributor, Some(MONTREUIL)).await;
    let (header, rows) = lines(FEBRUARY);
    // Its own, a party's by INSEE code and by SIREN, and Bondy, which takes no part.
    let codes = ["93048", "92063", "219200631", "93010"];
    let rows: Vec<String> = rows.iter().enumerate().map(|(n, row)| format!("{row};{}", codes.get(n).unwrap_or(&"93048"))).collect();
    let told = settle(app, &agent, "2026-02", "février.csv", &text(&format!("{header};commune"), &rows)).await;
    assert_eq!(told.state, DepositState::Accepted);
    let said = report(app, &told).await;
    let cells: Vec<_> = said.warnings.iter().map(|w| (w.code.as_str(), w.row, w.column.as_deref(), w.value.as_deref())).collect();
    assert_eq!(
        cells,
        [("other_site", Some(3), Some("commune"), Some("92063")), ("other_site", Some(4), Some("commune"), Some("219200631"))]
    );
    assert!(
        said.warnings[0].message.contains("2\u{a0}lignes portent") && said.warnings[0].message.contains("Rueil-Malmaison"),
        "{}",
        said.warnings[0].message
    );
}

#[test]
fn a_convention_names_a_column_of_dates() {
    let faults = |coverage: Json| {
        let mut json = Convention::load_file(&sample("chauffage").join("convention.yaml")).unwrap().json;
        json["datasets"]["releves"]["coverage"] = coverage;
        Convention::from_json(json).map(|_| ()).map_err(|e| e.faults.into_iter().map(|f| (f.pointer, f.code)).collect::<Vec<_>>())
    };
    let at = |code: &str| Err(vec![("/datasets/releves/coverage/date".to_owned(), code.to_owned())]);
    assert_eq!(faults(json!({"date": "jour", "every": "day"})), Ok(()));
    assert_eq!(faults(json!({"date": "plaintes", "every": "day"})), at("coverage_date"));
    assert_eq!(faults(json!({"date": "jours", "every": "week"})), at("unknown_column"));
    assert!(faults(json!({"date": "jour", "every": "hour"})).is_err());
}
