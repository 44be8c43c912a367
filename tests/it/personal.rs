//! Personal data that nobody declared: the file waits for its depositor's word, and no value of it is shown.

use retex::{
    app::App,
    convention::{perimeter::Role, personal::PersonalKind},
    deposit::{self, report::CheckReport},
    error::Kind,
    jobs::work,
    retention,
    store::{
        Page,
        deposits::{Deposit, DepositState},
    },
};
use serde_json::json;

use crate::{
    ground::{Ground, on_both_engines},
    hub::{MONTREUIL, code, file, import, settle, someone},
};

on_both_engines!(a_file_waits_until_its_depositor_has_looked, what_nobody_confirms_is_erased, what_is_declared_waits_for_nobody);

/// The heating sample with a column for remarks, and Montreuil's file of February with this remark on its first row.
async fn convention(ground: &Ground, declared: bool) {
    import(&ground.app, "chauffage", |json| {
        let dataset = &mut json["datasets"]["releves"];
        dataset["schema"]["properties"]["remarque"] = json!({"type": ["string", "null"], "maxLength": 200});
        if declared {
            dataset["personal_data"]["remarque"] = json!("direct");
            json["uses"]["open_data"] = json!([]);
        }
    })
    .await;
}

fn with_remark(remark: &str) -> Vec<u8> {
    let whole = file("chauffage", "93048/releves/releves_2026-02.csv");
    let mut lines: Vec<Vec<u8>> = whole.split(|b| *b == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line).to_vec()).collect();
    for (n, line) in lines.iter_mut().enumerate().filter(|(_, line)| !line.is_empty()) {
        line.extend(match n {
            0 => b";remarque".to_vec(),
            1 => format!(";{remark}").into_bytes(),
            _ => b";".to_vec(),
        });
    }
    lines.join(&b'\n')
}

async fn report(app: &App, deposit: &Deposit) -> CheckReport {
    serde_json::from_str(&app.store.deposit_report(deposit.id).await.unwrap().unwrap()).unwrap()
}

async fn a_file_waits_until_its_depositor_has_looked(ground: &Ground) {
    let app = &ground.app;
    convention(ground, false).await;
    let agent = someone(ground, Role::Contributor, Some(MONTREUIL)).await;
    let bytes = with_remark("Rappeler au 06 12 34 56 78");
    let held = settle(app, &agent, "2026-02", "février.csv", &bytes).await;
    assert_eq!((held.state, held.table_key.as_ref()), (DepositState::AwaitingConfirmation, None));
    let said = report(app, &held).await;
    assert!(said.valid && said.errors.is_empty());
    let found = &said.personal[0];
    assert_eq!((found.column.as_str(), found.kind, found.count), ("remarque", PersonalKind::Phone, 1));
    assert_eq!((found.cells[0].row, found.cells[0].masked.as_str()), (Some(2), "Rappeler au …78"));
    let stored = app.store.deposit_report(held.id).await.unwrap().unwrap();
    assert!(!stored.contains("06 12") && !stored.contains("34 56"), "no value is kept in the report: {stored}");
    assert!(app.store.current_deposits(held.convention_id).await.unwrap().is_empty(), "nothing counts yet");

    let letters = app.store.mails(Page::ALL).await.unwrap();
    let letter = letters.iter().find(|m| m.kind == "deposit_held").expect("its depositor is told");
    assert_eq!(
        (letter.account_id, letter.unique_key.as_deref()),
        (Some(agent.account), Some(format!("deposit_held/{}/{}", held.id, agent.account).as_str()))
    );
    assert!(letter.letter.contains("\"remarque\"") && letter.letter.contains("2026-04-11"), "{}", letter.letter);

    let analyst = someone(ground, Role::Analyst, None).await;
    let seen = deposit::report(app, &analyst, held.id).await.unwrap().unwrap();
    assert!(seen.personal.iter().all(|f| f.cells.is_empty()), "what stands around it is its site's alone");

    // The same file again is the same deposit; a colleague elsewhere, an analyst and an empty reason confirm nothing.
    assert_eq!(settle(app, &agent, "2026-02", "février.csv", &bytes).await.id, held.id);
    let stranger = someone(ground, Role::Contributor, Some("219200029")).await;
    assert_eq!(code(deposit::confirm(app, &stranger, held.id, "Rien").await).0, Kind::NotFound);
    assert_eq!(code(deposit::confirm(app, &analyst, held.id, "Rien").await).0, Kind::Forbidden);
    assert_eq!(code(deposit::confirm(app, &agent, held.id, " ").await).1, "reason_required");
    deposit::confirm(app, &agent, held.id, "Le numéro d'une chaudière").await.unwrap();
    work::run_due(app).await.unwrap();
    let accepted = app.store.deposit(held.id).await.unwrap().unwrap();
    assert_eq!((accepted.state, accepted.confirmed_by), (DepositState::Accepted, Some(agent.account)));
    assert_eq!(report(app, &accepted).await.personal.len(), 1, "what was confirmed is still said");
    assert_eq!(code(deposit::confirm(app, &agent, held.id, "Encore").await), (Kind::Conflict, "deposit_state"));

    // A corrected file takes its place without a question.
    let corrected = settle(app, &agent, "2026-02", "février, corrigé.csv", &with_remark("Rappeler la mairie")).await;
    assert_eq!(corrected.state, DepositState::Accepted);
    assert_eq!(app.store.deposit(held.id).await.unwrap().unwrap().state, DepositState::Superseded);
}

async fn what_nobody_confirms_is_erased(ground: &Ground) {
    let app = &ground.app;
    convention(ground, false).await;
    let agent = someone(ground, Role::Contributor, Some(MONTREUIL)).await;
    let held = settle(app, &agent, "2026-02", "février.csv", &with_remark("jeanne.durand@exemple.fr")).await;
    assert_eq!(held.state, DepositState::AwaitingConfirmation);
    app.clock.advance(chrono::TimeDelta::days(31));
    retention::round(app).await.unwrap();
    let gone = app.store.deposit(held.id).await.unwrap().unwrap();
    assert_eq!((gone.state, gone.original_key), (DepositState::AwaitingConfirmation, None));
    assert_eq!(code(deposit::confirm(app, &agent, held.id, "Rien").await), (Kind::Conflict, "file_gone"));
}

async fn what_is_declared_waits_for_nobody(ground: &Ground) {
    convention(ground, true).await;
    let agent = someone(ground, Role::Contributor, Some(MONTREUIL)).await;
    let sent = settle(&ground.app, &agent, "2026-02", "février.csv", &with_remark("06 12 34 56 78")).await;
    assert_eq!(sent.state, DepositState::Accepted);
    assert!(report(&ground.app, &sent).await.personal.is_empty());

    // The Métropole's people learn of a fault in such a column, and not what stands there; its site reads its own file whole.
    let refused = settle(&ground.app, &agent, "2026-03", "mars.csv", &with_remark(&"Madame Durand ".repeat(20))).await;
    assert_eq!(refused.state, DepositState::Rejected);
    let analyst = someone(ground, Role::Analyst, None).await;
    let fault = |report: &CheckReport| report.errors.iter().find(|e| e.column.as_deref() == Some("remarque")).unwrap().clone();
    let own = deposit::report(&ground.app, &agent, refused.id).await.unwrap().unwrap();
    assert!(fault(&own).value.unwrap().contains("Durand"));
    let theirs = deposit::report(&ground.app, &analyst, refused.id).await.unwrap().unwrap();
    assert_eq!((fault(&theirs).row, fault(&theirs).value), (Some(2), None));
    assert!(!serde_json::to_string(&theirs).unwrap().contains("Durand"));
}
