//! What signatures, amendments and an early end change for deposits, evaluations, pages and the API.

use axum::http::{Method, StatusCode};
use chrono::TimeDelta;
use retex::{
    access::Actor,
    app::App,
    convention::{Convention, perimeter::Role, register},
    deposit::{self, Slot, WouldRefuse},
    error::{Error, Kind, Result},
    evaluation::{self, result::Verdict},
    jobs::work,
    report::{self, Format},
    store::{
        conventions::ConventionHead,
        deposits::{Deposit, DepositState},
    },
};
use serde_json::{Value as Json, json};

use crate::{
    ground::{Ground, agreed, form, on_both_engines, signatory},
    hub::{CHAUFFAGE, MONTREUIL, body, file, sample, someone},
    hub_api::{call, token},
};

on_both_engines!(
    nothing_is_sent_nor_read_before_both_have_signed,
    a_deposit_keeps_the_version_that_it_was_checked_under,
    an_amendment_says_what_it_would_refuse_and_changes_nothing,
    what_is_added_after_the_signature_is_exploratory,
    an_early_end_closes_deposits_and_lets_the_evaluation_be_locked,
    a_program_follows_and_manages_the_signatures,
);

/// A site whose files are text, as those of Montreuil.
const OTHER: &str = "219103264";
const JANUARY: &str = "93048/releves/releves_2026-01_v2.csv";
const FEBRUARY: &str = "93048/releves/releves_2026-02.csv";

fn document(change: impl FnOnce(&mut Json)) -> Json {
    let mut json = Convention::load_file(&sample("chauffage").join("convention.yaml")).unwrap().json;
    change(&mut json);
    json
}

fn code<T>(result: Result<T>) -> (Kind, &'static str) {
    let error: Error = result.err().expect("refused");
    (error.kind, error.code)
}

async fn sign(app: &App, head: &ConventionHead, sites: &[Option<&str>]) {
    for site in sites {
        app.clock.advance(TimeDelta::seconds(1));
        let actor = signatory(app, site.map(|s| s.parse().unwrap()).as_ref()).await;
        register::sign(app, &actor, head.id, form(&head.sha256)).await.unwrap();
    }
}

async fn send(app: &App, actor: &Actor, period: &str, bytes: &[u8]) -> Result<Deposit> {
    app.clock.advance(TimeDelta::seconds(1));
    let slot = Slot {
        convention: CHAUFFAGE.into(),
        site: None,
        dataset: "releves".into(),
        period: Some(period.parse().unwrap()),
        file_name: format!("releves_{period}.csv"),
    };
    let accepted = deposit::accept(app, actor, slot, body(bytes)).await?;
    work::run_due(app).await?;
    Ok(app.store.deposit(accepted.deposit.id).await?.expect("it is there"))
}

async fn nothing_is_sent_nor_read_before_both_have_signed(ground: &Ground) {
    let app = &ground.app;
    let head = register::import(app, document(|_| {})).await.unwrap();
    let [agent, other] = [someone(ground, Role::Contributor, Some(MONTREUIL)).await, someone(ground, Role::Contributor, Some(OTHER)).await];
    let analyst = someone(ground, Role::Analyst, None).await;
    assert_eq!(code(send(app, &agent, "2026-02", &file("chauffage", FEBRUARY)).await), (Kind::Conflict, "not_signed"));
    assert_eq!(code(evaluation::latest(app, &analyst, CHAUFFAGE).await), (Kind::Conflict, "not_signed"));
    assert_eq!(code(report::build(app, &analyst, CHAUFFAGE, Format::Html).await), (Kind::Conflict, "not_signed"));
    sign(app, &head, &[None, Some(MONTREUIL)]).await;
    let sent = send(app, &agent, "2026-02", &file("chauffage", FEBRUARY)).await.unwrap();
    assert_eq!((sent.state, sent.convention_id), (DepositState::Accepted, head.id));
    assert_eq!(
        code(send(app, &other, "2026-02", &file("chauffage", FEBRUARY)).await),
        (Kind::Conflict, "not_signed"),
        "its council is slow"
    );
    let snapshot = evaluation::latest(app, &analyst, CHAUFFAGE).await.unwrap().unwrap();
    assert_eq!(snapshot.evaluation.provenance.deposits.len(), 1);
    let plan = snapshot.evaluation.convention.signed_plan.unwrap();
    assert_eq!((plan.version, plan.convention_sha256 == head.sha256, plan.sha256.len()), (1, true, 64));
}

async fn a_deposit_keeps_the_version_that_it_was_checked_under(ground: &Ground) {
    let app = &ground.app;
    let first = agreed(app, document(|_| {})).await;
    let [agent, other] = [someone(ground, Role::Contributor, Some(MONTREUIL)).await, someone(ground, Role::Contributor, Some(OTHER)).await];
    let before = send(app, &agent, "2026-01", &file("chauffage", JANUARY)).await.unwrap();
    // The amendment asks for one column more, which the first files do not have.
    let amended = document(|json| {
        json["datasets"]["releves"]["schema"]["properties"]["consigne"] = json!({"type": ["number", "null"]});
        json["evaluation"]["indicators"][0]["where"] = "energie_kwh IS NOT NULL AND (consigne IS NULL OR consigne > 0)".into();
    });
    let second = register::import(app, amended).await.unwrap();
    sign(app, &second, &[None, Some(MONTREUIL)]).await;
    let after = send(app, &agent, "2026-02", &file("chauffage", FEBRUARY)).await.unwrap();
    let elsewhere = file("chauffage", "91326/releves/chauffage_2026-02.csv");
    let under_the_old = send(app, &other, "2026-02", &elsewhere).await.unwrap();
    let before = app.store.deposit(before.id).await.unwrap().unwrap();
    assert_eq!([&before, &after, &under_the_old].map(|d| d.convention_id), [first.id, second.id, first.id]);
    assert!([&before, &after, &under_the_old].iter().all(|d| d.state == DepositState::Accepted));
    let officer = someone(ground, Role::Officer, None).await;
    let snapshot = evaluation::latest(app, &officer, CHAUFFAGE).await.unwrap().unwrap();
    assert_eq!((snapshot.evaluation.convention.version, snapshot.evaluation.provenance.deposits.len(), snapshot.stale), (2, 3, false));
    let sites = &snapshot.evaluation.indicators[0].sites;
    assert_eq!(sites.len(), 2, "a column that an older table lacks is read as missing");
    assert!(sites.iter().all(|s| s.groups[0].n.is_some_and(|n| n > 0)));
}

async fn an_amendment_says_what_it_would_refuse_and_changes_nothing(ground: &Ground) {
    let app = &ground.app;
    let narrow = |json: &mut Json| json["datasets"]["releves"]["schema"]["properties"]["surface_m2"]["maximum"] = 100.into();
    assert_eq!(deposit::would_refuse(app, document(narrow)).await.unwrap(), WouldRefuse::default(), "there is no convention yet");
    agreed(app, document(|_| {})).await;
    let agent = someone(ground, Role::Contributor, Some(MONTREUIL)).await;
    let kept = send(app, &agent, "2026-02", &file("chauffage", FEBRUARY)).await.unwrap();
    let found = deposit::would_refuse(app, document(narrow)).await.unwrap();
    assert_eq!((found.checked, found.left_out, found.refused.len()), (1, 0, 1));
    assert_eq!((found.refused[0].number.as_str(), found.refused[0].site.as_str()), (kept.number.as_str(), MONTREUIL));
    assert!(found.refused[0].reasons[0].contains("surface_m2"), "{:?}", found.refused);
    assert!(found.in_french().unwrap().starts_with("Les nouveaux schémas refuseraient 1 dépôt accepté sur 1."));
    let same = deposit::would_refuse(app, document(|json| json["title"] = "Autre".into())).await.unwrap();
    assert!(same.refused.is_empty() && same.in_french().unwrap().contains("acceptent"));
    let without = document(|json| drop(json["parties"]["sites"].as_array_mut().unwrap().remove(0)));
    assert_eq!(deposit::would_refuse(app, without).await.unwrap().left_out, 1);
    agreed(app, document(narrow)).await;
    work::run_due(app).await.unwrap();
    assert_eq!(app.store.deposit(kept.id).await.unwrap().unwrap().state, DepositState::Accepted);
    let bad = deposit::would_refuse(app, json!({"retex": 1})).await.unwrap_err();
    assert!(!bad.faults.is_empty());
}

async fn what_is_added_after_the_signature_is_exploratory(ground: &Ground) {
    let app = &ground.app;
    let first = agreed(app, document(|_| {})).await;
    let agent = someone(ground, Role::Contributor, Some(MONTREUIL)).await;
    let officer = someone(ground, Role::Officer, None).await;
    send(app, &agent, "2026-02", &file("chauffage", FEBRUARY)).await.unwrap();
    agreed(
        app,
        document(|json| {
            let indicators = json["evaluation"]["indicators"].as_array_mut().unwrap();
            indicators[0]["target"] = json!({"effect": -0.01});
            indicators[1]["title"] = "Consommation moyenne, dite autrement".into();
            let mut added = indicators[0].clone();
            added["id"] = "ajoute".into();
            indicators.push(added);
        }),
    )
    .await;
    work::run_due(app).await.unwrap();
    let snapshot = evaluation::latest(app, &officer, CHAUFFAGE).await.unwrap().unwrap();
    assert_eq!((snapshot.evaluation.convention.version, snapshot.stale), (2, false));
    assert_eq!(snapshot.evaluation.convention.signed_plan.as_ref().map(|p| p.convention_sha256.as_str()), Some(first.sha256.as_str()));
    let of = |id: &str| snapshot.evaluation.indicators.iter().find(|i| i.id == id).unwrap();
    let why = |id: &str| of(id).exploratory.as_ref().map(|r| r.code.clone());
    assert_eq!(why("energie_surface").as_deref(), Some("changed_after_signature"));
    assert_eq!(why("ajoute").as_deref(), Some("added_after_signature"));
    assert_eq!(why("energie_batiment"), None, "its words alone were mended");
    assert_eq!((of("ajoute").verdict, of("energie_batiment").verdict), (Verdict::None, Verdict::Provisional));
    let html = String::from_utf8(report::build(app, &officer, CHAUFFAGE, Format::Html).await.unwrap().bytes).unwrap();
    assert!(html.contains("Exploratoire") && html.contains("Plan d'évaluation tel que signé"));
    // Locked, it concludes nothing either.
    app.clock.advance(TimeDelta::days(30));
    evaluation::lock(app, &officer, CHAUFFAGE).await.unwrap();
    let last = evaluation::latest(app, &officer, CHAUFFAGE).await.unwrap().unwrap();
    let verdict = |id: &str| last.evaluation.indicators.iter().find(|i| i.id == id).unwrap().verdict;
    assert!(last.head.is_final);
    assert_eq!(
        (verdict("energie_surface"), verdict("ajoute"), verdict("energie_batiment")),
        (Verdict::None, Verdict::None, Verdict::NotEvaluable)
    );
}

async fn an_early_end_closes_deposits_and_lets_the_evaluation_be_locked(ground: &Ground) {
    let app = &ground.app;
    agreed(app, document(|_| {})).await;
    let agent = someone(ground, Role::Contributor, Some(MONTREUIL)).await;
    let officer = someone(ground, Role::Officer, None).await;
    send(app, &agent, "2026-02", &file("chauffage", FEBRUARY)).await.unwrap();
    register::terminate(app, &officer, CHAUFFAGE, app.clock.today(), "Le prestataire se retire.").await.unwrap();
    work::run_due(app).await.unwrap();
    assert_eq!(code(evaluation::lock(app, &officer, CHAUFFAGE).await), (Kind::Conflict, "period_not_over"));
    app.clock.advance(TimeDelta::days(1));
    // The month that was cut short is still due, and late ones can be sent until the corrections end.
    assert_eq!(send(app, &agent, "2026-01", &file("chauffage", JANUARY)).await.unwrap().state, DepositState::Accepted);
    evaluation::lock(app, &officer, CHAUFFAGE).await.unwrap();
    app.clock.advance(TimeDelta::days(60));
    assert_eq!(code(send(app, &agent, "2026-03", &file("chauffage", FEBRUARY)).await), (Kind::Conflict, "deposits_closed"));
}

async fn a_program_follows_and_manages_the_signatures(ground: &Ground) {
    let app = &ground.app;
    let officer = token(ground, Role::Officer, None).await;
    let [agent, stranger] =
        [token(ground, Role::Contributor, Some(MONTREUIL)).await, token(ground, Role::Contributor, Some("217500016")).await];
    let post = async |token: &str, path: &str, body: Json| {
        let (status, _, bytes) = call(app, token, Method::POST, path, body.to_string().into_bytes()).await;
        (status, serde_json::from_slice::<Json>(&bytes).unwrap())
    };
    let get = async |token: &str, path: &str| {
        let (status, _, bytes) = call(app, token, Method::GET, path, Vec::new()).await;
        (status, serde_json::from_slice::<Json>(&bytes).unwrap())
    };
    let ok = StatusCode::OK.as_u16();
    let (status, checked) = post(&officer, "/convention-checks", document(|_| {})).await;
    assert_eq!((status, &checked["would_refuse"]["checked"]), (ok, &json!(0)));
    let (status, opened) = post(&officer, "/conventions", document(|_| {})).await;
    assert_eq!(
        (status, &opened["state"], &opened["versions"][0]["unsigned"].as_array().unwrap().len()),
        (201, &json!("open_for_signature"), &7)
    );
    for (token, path, body, expected) in [
        (&agent, "/conventions", document(|_| {}), (404, "not_found")),
        (&officer, "/conventions", json!({"retex": 1}), (422, "convention_invalid")),
        (&officer, "/conventions/chauffage-2026/termination", json!({"on": "2026-03-20"}), (422, "json")),
        (&officer, "/conventions/chauffage-2026/termination", json!({"on": "2026-03-20", "reason": "x"}), (409, "nothing_to_end")),
        (&agent, "/conventions/chauffage-2026/termination", json!({"on": "2026-03-20", "reason": "x"}), (403, "role_not_allowed")),
        (&stranger, "/conventions/chauffage-2026/termination", json!({"on": "2026-03-20", "reason": "x"}), (404, "not_found")),
        (&officer, "/conventions/autre/termination", json!({"on": "2026-03-20", "reason": "x"}), (404, "not_found")),
        (&officer, "/conventions/chauffage-2026/versions/2/withdrawal", json!({"reason": "x"}), (404, "not_found")),
        (&officer, "/conventions/chauffage-2026/versions/x/withdrawal", json!({"reason": "x"}), (404, "not_found")),
    ] {
        let (status, said) = post(token, path, body).await;
        assert_eq!((status, said["code"].as_str().unwrap()), expected, "{path}");
    }
    let (status, withdrawn) =
        post(&officer, "/conventions/chauffage-2026/versions/1/withdrawal", json!({"reason": "Erreur de date."})).await;
    assert_eq!(
        (status, &withdrawn["state"], &withdrawn["versions"][0]["withdrawn_reason"]),
        (ok, &json!("withdrawn"), &json!("Erreur de date."))
    );
    assert_eq!(get(&agent, "/conventions/chauffage-2026/agreement").await.0, 404, "taken back, it is no longer the site's to know");
    post(&officer, "/conventions", document(|_| {})).await;
    let head = register::find(app, CHAUFFAGE).await.unwrap().head;
    sign(app, &head, &[None, Some(MONTREUIL)]).await;
    let (_, read) = get(&agent, "/conventions/chauffage-2026/agreement").await;
    assert_eq!(
        (&read["state"], &read["sites"][0]["state"], &read["sites"][3]["state"]),
        (&json!("in_force"), &json!("in_force"), &json!("open_for_signature"))
    );
    let signature = &read["versions"][1]["signatures"][0];
    assert_eq!((&signature["party"], &signature["sha256"], &signature["means"]), (&json!("200054781"), &json!(head.sha256), &json!("hub")));
    assert_eq!(get(&agent, "/conventions/chauffage-2026/versions/2").await.1["id"], CHAUFFAGE);
    assert_eq!(get(&stranger, "/conventions/chauffage-2026/agreement").await, get(&stranger, "/conventions/autre/agreement").await);
    let (status, ended) =
        post(&officer, "/conventions/chauffage-2026/termination", json!({"on": "2026-03-20", "reason": "Le prestataire se retire."})).await;
    assert_eq!(
        (status, &ended["last_day"], &ended["terminated"]["reason"]),
        (ok, &json!("2026-03-20"), &json!("Le prestataire se retire."))
    );
}
