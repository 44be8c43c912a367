//! A convention's life in the hub: opened, signed party by party, amended, taken back, ended.

use chrono::TimeDelta;
use retex::{
    access::Actor,
    app::App,
    convention::{
        Convention,
        agreement::State,
        perimeter::Role,
        register::{self, SignatureForm},
    },
    error::{Error, Kind, Result},
    ids::Siren,
    jobs::{daily, work},
    lake::Key,
    store::{Page, audit::AuditFilter, conventions::ConventionHead, signatures::Means},
};
use serde_json::{Value as Json, json};

use crate::{
    ground::{Ground, form, on_both_engines, signatory},
    hub::{CHAUFFAGE, MONTREUIL, sample, someone},
};

on_both_engines!(
    each_party_signs_that_very_version,
    what_may_not_be_signed_is_refused,
    a_signature_on_paper_is_recorded_by_an_officer,
    a_version_that_binds_nobody_is_taken_back,
    an_amendment_holds_for_those_who_signed_it,
    the_metropole_ends_it_early,
    two_officers_and_two_signatories_at_once,
    letters_follow_the_acts,
    what_was_imported_before_holds_for_all,
);

const OTHER: &str = "219200631";

fn document(change: impl FnOnce(&mut Json)) -> Json {
    let mut json = Convention::load_file(&sample("chauffage").join("convention.yaml")).unwrap().json;
    change(&mut json);
    json
}

fn siren(text: &str) -> Siren {
    text.parse().unwrap()
}

fn code<T>(result: Result<T>) -> (Kind, &'static str) {
    let error: Error = result.err().expect("refused");
    assert!(!error.message.is_empty());
    (error.kind, error.code)
}

async fn open(ground: &Ground, change: impl FnOnce(&mut Json)) -> (Actor, ConventionHead) {
    let officer = someone(ground, Role::Officer, None).await;
    let head = register::open(&ground.app, &officer, document(change)).await.unwrap();
    (officer, head)
}

async fn sign(app: &App, head: &ConventionHead, site: Option<&str>) -> Result<()> {
    app.clock.advance(TimeDelta::seconds(1));
    let actor = signatory(app, site.map(siren).as_ref()).await;
    register::sign(app, &actor, head.id, form(&head.sha256)).await.map(drop)
}

async fn states(app: &App) -> [Option<State>; 2] {
    let agreed = register::agreement(app, CHAUFFAGE).await.unwrap();
    [MONTREUIL, OTHER].map(|s| agreed.state_for(&siren(s), app.clock.today()))
}

async fn acts(app: &App) -> Vec<String> {
    let (rows, _) = app.store.audit(&AuditFilter::default(), Page::ALL).await.unwrap();
    rows.into_iter().rev().map(|row| row.act).filter(|act| act.starts_with("convention.")).collect()
}

async fn each_party_signs_that_very_version(ground: &Ground) {
    let app = &ground.app;
    let (_, head) = open(ground, |_| {}).await;
    assert_eq!(states(app).await, [Some(State::OpenForSignature); 2]);
    sign(app, &head, Some(MONTREUIL)).await.unwrap();
    assert_eq!(states(app).await, [Some(State::OpenForSignature); 2], "the Métropole has not signed");
    sign(app, &head, None).await.unwrap();
    assert_eq!(states(app).await, [Some(State::InForce), Some(State::OpenForSignature)], "one slow council blocks nobody else");
    let kept = app.store.signatures(CHAUFFAGE).await.unwrap();
    assert_eq!(kept.len(), 2);
    let (site, metropole) = (&kept[0], &kept[1]);
    assert_eq!((site.party.as_str(), site.sha256.as_str(), site.means), (MONTREUIL, head.sha256.as_str(), Means::Hub));
    assert_eq!((site.second_factor.as_deref(), site.quality.as_str(), site.deed_reference.as_str()), (Some("totp"), "Maire", "2026-041"));
    assert!(metropole.account_id.is_some() && metropole.party.as_str() == "200054781");
    assert_eq!(acts(app).await, ["convention.open", "convention.sign", "convention.sign"]);
    assert!(retex::audit::verify(&app.store).await.unwrap().is_empty());
}

async fn what_may_not_be_signed_is_refused(ground: &Ground) {
    let app = &ground.app;
    let (officer, head) = open(ground, |_| {}).await;
    let site = siren(MONTREUIL);
    let actor = signatory(app, Some(&site)).await;
    let with = |change: fn(&mut SignatureForm)| {
        let mut form = form(&head.sha256);
        change(&mut form);
        form
    };
    let signed = async |actor: &Actor, form: SignatureForm| register::sign(app, actor, head.id, form).await;
    for (change, expected) in [
        ((|f| f.sha256 = "0".repeat(64)) as fn(&mut SignatureForm), (Kind::Conflict, "old_hash")),
        (|f| f.second_factor = None, (Kind::Forbidden, "second_factor_required")),
        (|f| f.deed_date = "2026-03-13".parse().unwrap(), (Kind::Invalid, "deed_date_future")),
        (|f| f.name = " \0\n".to_owned(), (Kind::Invalid, "signature_incomplete")),
        (|f| f.deed_reference = String::new(), (Kind::Invalid, "signature_incomplete")),
    ] {
        assert_eq!(code(signed(&actor, with(change)).await), expected);
    }
    let contributor = someone(ground, Role::Contributor, Some(MONTREUIL)).await;
    assert_eq!(code(signed(&contributor, form(&head.sha256)).await), (Kind::Forbidden, "not_signatory"));
    assert_eq!(code(signed(&officer, form(&head.sha256)).await), (Kind::Forbidden, "not_signatory"));
    let stranger = signatory(app, Some(&siren("217500016"))).await;
    assert_eq!(code(signed(&stranger, form(&head.sha256)).await), (Kind::NotFound, "not_found"));
    signed(&actor, form(&head.sha256)).await.unwrap();
    assert_eq!(code(signed(&actor, form(&head.sha256)).await), (Kind::Conflict, "already_signed"), "twice");
    // The document's faults are located, and only officers open one.
    let bad = register::open(app, &officer, json!({"retex": 1})).await.unwrap_err();
    assert!(bad.kind == Kind::Invalid && !bad.faults.is_empty());
    for role in [Role::Analyst, Role::Administrator, Role::DataProtectionOfficer] {
        assert!(register::open(app, &someone(ground, role, None).await, document(|_| {})).await.is_err(), "{role:?}");
    }
    assert!(register::open(app, &contributor, document(|_| {})).await.is_err());
    // After its last day it is too late.
    app.clock.advance(TimeDelta::days(60));
    assert_eq!(code(sign(app, &head, None).await), (Kind::Conflict, "convention_over"));
}

async fn a_signature_on_paper_is_recorded_by_an_officer(ground: &Ground) {
    let app = &ground.app;
    let (officer, head) = open(ground, |_| {}).await;
    sign(app, &head, None).await.unwrap();
    let (site, scan) = (siren(MONTREUIL), Key::original(&siren(MONTREUIL), &"a".repeat(64)).unwrap());
    let record = async |actor: &Actor, party: &Siren, means| {
        register::record_paper(app, actor, head.id, party, means, form(&head.sha256), &scan).await
    };
    let analyst = someone(ground, Role::Analyst, None).await;
    assert_eq!(code(record(&analyst, &site, Means::Paper).await), (Kind::Forbidden, "role_not_allowed"));
    assert_eq!(code(record(&officer, &siren("217500016"), Means::Paper).await), (Kind::Forbidden, "not_a_party"));
    assert_eq!(code(record(&officer, &site, Means::Hub).await), (Kind::Invalid, "means"));
    app.clock.advance(TimeDelta::seconds(1));
    let kept = record(&officer, &site, Means::Paper).await.unwrap();
    assert_eq!((kept.means, kept.recorded_by, kept.account_id), (Means::Paper, Some(officer.account), None));
    assert_eq!(kept.second_factor, None, "nobody's second factor was there");
    assert_eq!(code(record(&officer, &site, Means::Parapheur).await), (Kind::Conflict, "already_signed"));
    assert_eq!(states(app).await, [Some(State::InForce), Some(State::OpenForSignature)]);
    assert!(app.store.named_keys().await.unwrap().contains(&scan.to_string()), "the sweep leaves the scan");
    assert_eq!(acts(app).await.last().map(String::as_str), Some("convention.record_signature"));
}

async fn a_version_that_binds_nobody_is_taken_back(ground: &Ground) {
    let app = &ground.app;
    let (officer, first) = open(ground, |_| {}).await;
    sign(app, &first, Some(MONTREUIL)).await.unwrap();
    let again = |title: &'static str| document(move |json| json["title"] = title.into());
    assert_eq!(code(register::open(app, &officer, again("Autre")).await), (Kind::Conflict, "version_open"));
    assert_eq!(register::open(app, &officer, document(|_| {})).await.unwrap().id, first.id, "the same document is the same version");
    assert_eq!(code(register::withdraw(app, &officer, first.id, " \0").await).1, "reason_required");
    let signed = signatory(app, None).await;
    assert_eq!(code(register::withdraw(app, &signed, first.id, "erreur").await), (Kind::Forbidden, "role_not_allowed"));
    register::withdraw(app, &officer, first.id, "La période est fausse.").await.unwrap();
    assert_eq!(code(register::withdraw(app, &officer, first.id, "encore").await), (Kind::Conflict, "version_withdrawn"));
    let agreed = register::agreement(app, CHAUFFAGE).await.unwrap();
    assert_eq!(agreed.state(app.clock.today()), State::Withdrawn);
    assert_eq!(agreed.versions()[0].head.withdrawn_reason.as_deref(), Some("La période est fausse."));
    assert_eq!(code(register::sign(app, &signed, first.id, form(&first.sha256)).await), (Kind::Conflict, "version_withdrawn"));
    // The very same document can be opened again, and then binds.
    let second = register::open(app, &officer, document(|_| {})).await.unwrap();
    assert_eq!((second.version, second.sha256 == first.sha256), (2, true));
    assert_eq!(states(app).await, [Some(State::OpenForSignature); 2], "what was signed before counts no more");
    for site in [None, Some(MONTREUIL)] {
        sign(app, &second, site).await.unwrap();
    }
    assert_eq!(code(register::withdraw(app, &officer, second.id, "trop tard").await), (Kind::Conflict, "version_binding"));
}

async fn an_amendment_holds_for_those_who_signed_it(ground: &Ground) {
    let app = &ground.app;
    let (officer, first) = open(ground, |_| {}).await;
    for site in [None, Some(MONTREUIL), Some(OTHER)] {
        sign(app, &first, site).await.unwrap();
    }
    let second = register::open(app, &officer, document(|json| json["title"] = "Chauffage, précisé".into())).await.unwrap();
    let open = register::agreement(app, CHAUFFAGE).await.unwrap();
    assert_eq!((open.open().unwrap().head.version, open.reference(app.clock.today()).head.version), (2, 1), "the first still holds");
    assert_eq!(code(sign(app, &first, Some("219400330")).await), (Kind::Conflict, "old_hash"), "the old version is not the one to sign");
    for site in [None, Some(MONTREUIL)] {
        sign(app, &second, site).await.unwrap();
    }
    let agreed = register::agreement(app, CHAUFFAGE).await.unwrap();
    let holds = |s: &str| agreed.in_force_for(&siren(s), app.clock.today()).unwrap().head.version;
    assert_eq!((holds(MONTREUIL), holds(OTHER), agreed.reference(app.clock.today()).head.version), (2, 1, 2));
}

async fn the_metropole_ends_it_early(ground: &Ground) {
    let app = &ground.app;
    let (officer, head) = open(ground, |_| {}).await;
    let end = async |actor: &Actor, on: &str, why: &str| register::terminate(app, actor, CHAUFFAGE, on.parse().unwrap(), why).await;
    assert_eq!(code(end(&officer, "2026-03-20", "x").await), (Kind::Conflict, "nothing_to_end"));
    for site in [None, Some(MONTREUIL)] {
        sign(app, &head, site).await.unwrap();
    }
    assert_eq!(code(end(&officer, "2026-03-20", "").await).1, "reason_required");
    for wrong in ["2026-03-11", "2026-03-29", "2027-01-01"] {
        let refused = end(&officer, wrong, "x").await.unwrap_err();
        assert_eq!((refused.code, refused.faults[0].pointer.as_str()), ("termination_date", "/on"), "{wrong}");
    }
    assert_eq!(code(end(&signatory(app, None).await, "2026-03-20", "x").await), (Kind::Forbidden, "role_not_allowed"));
    end(&officer, "2026-03-20", "Le prestataire se retire.").await.unwrap();
    assert_eq!(code(end(&officer, "2026-03-21", "x").await), (Kind::Conflict, "already_terminated"));
    assert_eq!(states(app).await, [Some(State::InForce), Some(State::Terminated)]);
    assert_eq!(code(sign(app, &head, Some(OTHER)).await), (Kind::Conflict, "convention_terminated"));
    assert_eq!(code(register::open(app, &officer, document(|j| j["title"] = "Autre".into())).await).1, "convention_terminated");
    app.clock.advance(TimeDelta::days(9));
    assert_eq!(states(app).await, [Some(State::Terminated); 2]);
    let agreed = register::agreement(app, CHAUFFAGE).await.unwrap();
    assert_eq!(agreed.terminated.map(|t| t.reason).as_deref(), Some("Le prestataire se retire."));
}

async fn two_officers_and_two_signatories_at_once(ground: &Ground) {
    let app = &ground.app;
    let officer = someone(ground, Role::Officer, None).await;
    let titles = ["Un", "Deux", "Trois", "Quatre"];
    let opened =
        futures::future::join_all(titles.map(|title| register::open(app, &officer, document(|json| json["title"] = title.into())))).await;
    let heads: Vec<_> = opened.iter().filter_map(|o| o.as_ref().ok()).collect();
    assert_eq!(heads.len(), 1, "one is opened, the others are told");
    assert_eq!(opened.iter().filter(|o| o.as_ref().is_err_and(|e| e.code == "version_open")).count(), 3);
    let site = siren(MONTREUIL);
    let [a, b] = [signatory(app, Some(&site)).await, signatory(app, Some(&site)).await];
    let signed = futures::future::join_all([&a, &b].map(|actor| register::sign(app, actor, heads[0].id, form(&heads[0].sha256)))).await;
    assert_eq!(signed.iter().filter(|s| s.is_ok()).count(), 1);
    assert!(signed.iter().any(|s| s.as_ref().is_err_and(|e| e.code == "already_signed")));
}

async fn letters_follow_the_acts(ground: &Ground) {
    let app = &ground.app;
    let site = siren(MONTREUIL);
    let [metropole, signs] = [signatory(app, None).await, signatory(app, Some(&site)).await];
    let stranger = signatory(app, Some(&siren("217500016"))).await;
    let agent = ground.account(MONTREUIL).await;
    let (officer, head) = open(ground, |json| json["period"] = json!({"start": "2026-03-16", "end": "2026-05-20"})).await;
    let told = async |kind: &str| {
        let mails = app.store.mails(Page::ALL).await.unwrap();
        mails.into_iter().filter(|m| m.kind == kind).map(|m| m.account_id.unwrap()).collect::<Vec<_>>()
    };
    let asked = told("signature_requested").await;
    assert!(asked.len() == 2 && asked.contains(&metropole.account) && asked.contains(&signs.account));
    for actor in [&metropole, &signs] {
        register::sign(app, actor, head.id, form(&head.sha256)).await.unwrap();
    }
    assert_eq!(told("in_force").await, [], "its first day has not come");
    daily::run(app).await.unwrap();
    assert_eq!(told("in_force").await, []);
    app.clock.advance(TimeDelta::days(4));
    for _ in 0..2 {
        daily::run(app).await.unwrap();
    }
    let in_force = told("in_force").await;
    assert!(in_force.contains(&agent) && in_force.contains(&signs.account) && !in_force.contains(&stranger.account));
    assert_eq!(in_force.iter().filter(|a| **a == agent).count(), 1, "once");
    assert_eq!(told("convention_ending").await, []);
    app.clock.advance(TimeDelta::days(40));
    daily::run(app).await.unwrap();
    assert!(told("convention_ending").await.contains(&agent));
    register::terminate(app, &officer, CHAUFFAGE, app.clock.today(), "Le prestataire se retire.").await.unwrap();
    assert_eq!(told("convention_ending").await.iter().filter(|a| **a == agent).count(), 2, "and why it ends now");
    work::run_due(app).await.unwrap();
}

async fn what_was_imported_before_holds_for_all(ground: &Ground) {
    let app = &ground.app;
    open(ground, |_| {}).await;
    ground.raw("UPDATE conventions SET state = 'imported'").await;
    assert_eq!(states(app).await, [Some(State::InForce); 2]);
    let agreed = register::agreement(app, CHAUFFAGE).await.unwrap();
    assert!(agreed.open().is_none() && app.store.signatures(CHAUFFAGE).await.unwrap().is_empty(), "no signature is made up");
}
