//! The hub's paths from end to end, without pages: accounts, deposits, evaluation, answers, report; on SQLite with a folder and on
//! PostgreSQL with S3.

use std::{io, path::PathBuf, sync::Arc};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use futures::stream;
use retex::{
    access::{self, Actor, NewAccount},
    app::App,
    config::Config,
    convention::{
        Convention,
        perimeter::Role,
        register::{self, Registered},
    },
    deposit::{self, Accepted, Slot, check_only, folder, parquet, report::CheckReport},
    error::{Error, Kind, Result},
    evaluation::{self, answers, evaluate, result::Evaluation},
    jobs::work,
    lake::{Key, Prefix},
    report::{self, Format},
    store::{
        Page,
        audit::AuditFilter,
        deposits::{Deposit, DepositFilter, DepositState},
    },
    territory,
};
use serde_json::{Value as Json, json};

use crate::ground::{Ground, agreed};

macro_rules! on_both_hubs {
    ($($name:ident),* $(,)?) => {
        mod sqlite_and_folder {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let ground = crate::ground::Ground::sqlite().await;
                super::$name(&ground).await;
                ground.close().await;
            })*
        }
        mod postgres_and_s3 {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                let Some(ground) = crate::ground::Ground::postgres_and_s3().await else { return };
                super::$name(&ground).await;
                ground.close().await;
            })*
        }
    };
}

on_both_hubs!(
    a_session_opens_lives_and_ends,
    too_many_tries_stop_one_address_for_one_account_and_a_while,
    a_token_is_good_until_it_ends_or_is_revoked,
    a_wrong_account_is_refused,
    a_file_is_received_checked_and_counts,
    the_same_bytes_are_one_deposit,
    a_refused_file_is_told_cell_by_cell,
    a_column_outside_the_perimeter_leaves_no_value_behind,
    a_key_in_two_files_of_a_site_is_refused,
    what_may_not_be_sent_is_refused_and_leaves_nothing,
    a_check_without_deposit_keeps_nothing,
    a_check_that_dies_is_given_up_and_can_be_sent_again,
    a_hostile_name_is_only_a_name,
    snapshots_follow_the_deposits_and_the_final_one_is_the_last,
    a_site_sees_its_own_results_and_no_name_of_others,
    small_cells_are_withheld_from_other_sites,
    a_new_version_makes_the_snapshot_again,
    answers_are_written_by_one_person_at_a_time,
);

pub const CHAUFFAGE: &str = "chauffage-2026";
pub const TRI: &str = "tri-demandes-2026";
pub const MONTREUIL: &str = "219300480";
const FEBRUARY: &str = "93048/releves/releves_2026-02.csv";
const MARCH: &str = "93048/releves/releves_2026-03.csv";

pub fn sample(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/samples")).join(name)
}

pub fn file(sample_name: &str, path: &str) -> Vec<u8> {
    std::fs::read(sample(sample_name).join("deposits").join(path)).unwrap()
}

/// Opens the convention of a sample, changed by `change`, and signs it for each party.
pub async fn import(app: &App, name: &str, change: impl FnOnce(&mut Json)) -> Registered {
    let mut json = Convention::load_file(&sample(name).join("convention.yaml")).unwrap().json;
    change(&mut json);
    let head = agreed(app, json).await;
    if head.version == 1 {
        // The letters; what is computed again under an amendment is for the tests to run.
        work::run_due(app).await.unwrap();
    }
    register::find(app, &head.name).await.unwrap()
}

/// Someone, without a password.
pub async fn someone(ground: &Ground, role: Role, site: Option<&str>) -> Actor {
    let account = ground.account(site.unwrap_or("200054781")).await;
    let site = site.map(|s| s.parse().unwrap());
    Actor {
        account,
        name: "Camille".into(),
        email: "c@exemple.fr".into(),
        role,
        site,
        csrf: String::new(),
        token: None,
        session: None,
        second_factor: None,
        scope: None,
    }
}

fn slot(convention: &str, dataset: &str, period: &str, name: &str) -> Slot {
    Slot {
        convention: convention.into(),
        site: None,
        dataset: dataset.into(),
        period: (!period.is_empty()).then(|| period.parse().unwrap()),
        file_name: name.into(),
    }
}

pub fn body(bytes: &[u8]) -> impl futures::Stream<Item = io::Result<Bytes>> + Send + use<> {
    stream::iter(bytes.chunks(1000).map(|c| Ok(Bytes::copy_from_slice(c))).collect::<Vec<_>>())
}

async fn send(app: &App, actor: &Actor, slot: Slot, bytes: &[u8]) -> Result<Accepted> {
    app.clock.advance(TimeDelta::seconds(1));
    deposit::accept(app, actor, slot, body(bytes)).await
}

/// Sends a file of the heating sample and has it checked.
pub async fn settle(app: &App, actor: &Actor, period: &str, name: &str, bytes: &[u8]) -> Deposit {
    let accepted = send(app, actor, slot(CHAUFFAGE, "releves", period, name), bytes).await.unwrap();
    work::run_due(app).await.unwrap();
    app.store.deposit(accepted.deposit.id).await.unwrap().unwrap()
}

async fn receipt(app: &App, deposit: &Deposit) -> CheckReport {
    serde_json::from_str(&app.store.deposit_report(deposit.id).await.unwrap().unwrap()).unwrap()
}

async fn all(app: &App) -> Vec<Deposit> {
    app.store.deposits(&DepositFilter::default(), Page::ALL).await.unwrap().0
}

pub fn code<T>(result: Result<T>) -> (Kind, &'static str) {
    let error: Error = result.err().expect("refused");
    assert!(!error.message.is_empty());
    (error.kind, error.code)
}

pub fn new(email: &str, role: Role, site: Option<&str>, password: &str) -> NewAccount {
    let site = site.map(|s| s.parse().unwrap());
    NewAccount { email: email.into(), name: "Ada\0 Morel\n".into(), role, site, password: password.into() }
}

pub const PASSWORD: &str = "un mot de passe";

async fn a_session_opens_lives_and_ends(ground: &Ground) {
    let app = &ground.app;
    let id = access::create_account(app, None, new(" Ada@Exemple.FR ", Role::Officer, None, PASSWORD)).await.unwrap();
    let opened = access::sign_in(app, "ADA@exemple.fr", PASSWORD, "::1").await.unwrap().opened().unwrap();
    assert_eq!((opened.actor.account, opened.actor.name.as_str()), (id, "Ada Morel"));
    let again = access::session(app, &opened.token).await.unwrap().unwrap();
    assert_eq!(again.csrf, opened.actor.csrf);
    for (email, password) in
        [("ada@exemple.fr", "un autre mot de passe"), ("autre@exemple.fr", PASSWORD), ("a\0@exemple.fr", PASSWORD), ("", "")]
    {
        assert_eq!(code(access::sign_in(app, email, password, "::1").await), (Kind::Unauthenticated, "sign_in"), "{email:?}");
    }
    assert!(access::session(app, "autre").await.unwrap().is_none());
    // In use, it lives on; left alone, it ends.
    for _ in 0..3 {
        app.clock.advance(access::SESSION - TimeDelta::minutes(1));
        assert!(access::session(app, &opened.token).await.unwrap().is_some());
    }
    app.clock.advance(access::SESSION);
    assert!(access::session(app, &opened.token).await.unwrap().is_none());
    // Signing out ends this one only.
    let (one, two) = (
        access::sign_in(app, "ada@exemple.fr", PASSWORD, "").await.unwrap().opened().unwrap(),
        access::sign_in(app, "ada@exemple.fr", PASSWORD, "").await.unwrap().opened().unwrap(),
    );
    access::sign_out(app, &one.token).await.unwrap();
    assert!(access::session(app, &one.token).await.unwrap().is_none());
    assert!(access::session(app, &two.token).await.unwrap().is_some());
    // A new password ends them all.
    access::set_password(app, None, id, "un nouveau mot de passe").await.unwrap();
    assert!(access::session(app, &two.token).await.unwrap().is_none());
    assert_eq!(code(access::sign_in(app, "ada@exemple.fr", PASSWORD, "").await).1, "sign_in");
    // A disabled account loses sessions and tokens at once.
    let account = app.store.account(id).await.unwrap().unwrap();
    let three = access::sign_in(app, "ada@exemple.fr", "un nouveau mot de passe", "").await.unwrap().opened().unwrap();
    let (_, token) =
        access::create_token(app, None, &account, access::NewToken { name: "dépôts de nuit".into(), ..Default::default() }).await.unwrap();
    access::set_disabled(app, None, id, true).await.unwrap();
    assert!(access::session(app, &three.token).await.unwrap().is_none());
    assert_eq!(code(access::bearer(app, &token).await), (Kind::Unauthenticated, "token"));
    assert_eq!(code(access::sign_in(app, "ada@exemple.fr", "un nouveau mot de passe", "").await).1, "sign_in");
    access::set_disabled(app, None, id, false).await.unwrap();
    assert!(access::session(app, &three.token).await.unwrap().is_none(), "an ended session stays ended");
    assert_eq!(code(access::bearer(app, &token).await), (Kind::Unauthenticated, "token"), "and a token that was closed with the account");
    access::sign_in(app, "ada@exemple.fr", "un nouveau mot de passe", "").await.unwrap().opened().unwrap();
}

async fn too_many_tries_stop_one_address_for_one_account_and_a_while(ground: &Ground) {
    let app = &ground.app;
    for email in ["ada@exemple.fr", "bea@exemple.fr"] {
        access::create_account(app, None, new(email, Role::Officer, None, PASSWORD)).await.unwrap();
    }
    // All at once: not one more is verified.
    let tries = (0..14).map(|_| access::sign_in(app, "ada@exemple.fr", "un faux mot de passe", "10.0.0.1"));
    let refused = futures::future::join_all(tries).await.into_iter().map(code).filter(|c| *c == (Kind::TooMany, "sign_in_attempts"));
    assert_eq!(refused.count(), 4);
    assert_eq!(code(access::sign_in(app, "ada@exemple.fr", PASSWORD, "10.0.0.1").await).0, Kind::TooMany, "even with the good one");
    access::sign_in(app, "ada@exemple.fr", PASSWORD, "10.0.0.2").await.expect("nobody is locked out from elsewhere");
    access::sign_in(app, "bea@exemple.fr", PASSWORD, "10.0.0.1").await.expect("nor anybody else from here");
    app.clock.advance(TimeDelta::minutes(15));
    access::sign_in(app, "ada@exemple.fr", PASSWORD, "10.0.0.1").await.expect("after a while");
    // A success forgets the failures before it.
    for _ in 0..2 {
        for _ in 0..6 {
            assert_eq!(code(access::sign_in(app, "ada@exemple.fr", "un faux mot de passe", "10.0.0.3").await).1, "sign_in");
        }
        access::sign_in(app, "ada@exemple.fr", PASSWORD, "10.0.0.3").await.unwrap().opened().unwrap();
    }
}

async fn a_token_is_good_until_it_ends_or_is_revoked(ground: &Ground) {
    let app = &ground.app;
    let account = app.store.account(ground.account(MONTREUIL).await).await.unwrap().unwrap();
    let other = app.store.account(ground.account("219300100").await).await.unwrap().unwrap();
    assert_eq!(
        code(access::create_token(app, None, &account, access::NewToken { name: " \0".into(), ..Default::default() }).await).1,
        "token_name"
    );
    let end = app.clock.now() + TimeDelta::days(2);
    let (ending, secret) =
        access::create_token(app, None, &account, access::NewToken { name: "nuit\0".into(), expires_at: Some(end), ..Default::default() })
            .await
            .unwrap();
    let (lasting, lasting_secret) =
        access::create_token(app, None, &account, access::NewToken { name: "jour".into(), ..Default::default() }).await.unwrap();
    let actor = access::bearer(app, &secret).await.unwrap();
    assert_eq!((actor.token, actor.site.as_ref().map(|s| s.as_str()), actor.csrf.as_str()), (Some(ending), Some(MONTREUIL), ""));
    let kept = app.store.tokens(account.id).await.unwrap();
    assert!(kept.iter().all(|t| !format!("{t:?}").contains(&secret[6..])), "only the hash is kept");
    assert!(kept.iter().any(|t| t.id == ending && t.last_used_at.is_some() && t.name == "nuit"));
    app.clock.advance(TimeDelta::days(2));
    assert_eq!(code(access::bearer(app, &secret).await), (Kind::Unauthenticated, "token"));
    access::bearer(app, &lasting_secret).await.unwrap();
    assert_eq!(code(access::revoke_token(app, None, other.id, lasting).await).0, Kind::NotFound, "of another account");
    access::revoke_token(app, None, account.id, lasting).await.unwrap();
    assert_eq!(code(access::revoke_token(app, None, account.id, lasting).await).0, Kind::NotFound, "twice");
    for gone in [lasting_secret.as_str(), "", "retex_", "\0"] {
        assert_eq!(code(access::bearer(app, gone).await), (Kind::Unauthenticated, "token"));
    }
}

async fn a_wrong_account_is_refused(ground: &Ground) {
    let app = &ground.app;
    let create =
        async |email: &str, role, site, password: &str| code(access::create_account(app, None, new(email, role, site, password)).await).1;
    for email in
        ["", "ada", "@exemple.fr", "ada@exemple", "a da@exemple.fr", "ada\0@exemple.fr", &format!("{}@exemple.fr", "a".repeat(300))]
    {
        assert_eq!(create(email, Role::Officer, None, PASSWORD).await, "email", "{email:?}");
    }
    assert_eq!(create("a@exemple.fr", Role::Officer, None, "onze caract").await, "password_short");
    assert_eq!(create("a@exemple.fr", Role::Contributor, None, PASSWORD).await, "site_required");
    assert_eq!(create("a@exemple.fr", Role::Contributor, Some("123456789"), PASSWORD).await, "unknown_site");
    assert_eq!(create("a@exemple.fr", Role::Analyst, Some(MONTREUIL), PASSWORD).await, "site_not_expected");
    access::create_account(app, None, new("a@exemple.fr", Role::Contributor, Some(MONTREUIL), PASSWORD)).await.unwrap();
    assert_eq!(create("A@exemple.fr", Role::Officer, None, PASSWORD).await, "email_taken");
    assert_eq!(app.store.account_count().await.unwrap(), 1);
}

async fn a_file_is_received_checked_and_counts(ground: &Ground) {
    let app = &ground.app;
    let registered = import(app, "chauffage", |_| {}).await;
    let agent = someone(ground, Role::Contributor, Some(MONTREUIL)).await;
    let bytes = file("chauffage", FEBRUARY);
    let accepted = send(app, &agent, slot(CHAUFFAGE, "releves", "2026-02", "relevés.csv"), &bytes).await.unwrap();
    assert_eq!((accepted.already, accepted.deposit.state), (false, DepositState::Received));
    assert_eq!(accepted.deposit.bytes, bytes.len() as i64);
    assert_eq!(work::run_due(app).await.unwrap(), 2, "the check, then the snapshot");
    let first = app.store.deposit(accepted.deposit.id).await.unwrap().unwrap();
    assert_eq!(first.state, DepositState::Accepted);
    let report = receipt(app, &first).await;
    assert!(report.valid && report.stats.rows == first.rows.unwrap() as u64 && report.file.name == "relevés.csv");
    let path = ground.folder().join("table.parquet");
    let key: Key = first.table_key.as_deref().unwrap().parse().unwrap();
    app.lake.fetch_to(&key, &path).await.unwrap();
    assert_eq!(parquet::read(&path, None).unwrap().height() as i64, first.rows.unwrap());
    let metadata = parquet::metadata(&path).unwrap();
    for (name, value) in [
        ("retex.number", first.number.as_str()),
        ("retex.site", MONTREUIL),
        ("retex.period", "2026-02"),
        ("retex.sha256", &first.sha256),
        ("retex.convention_sha256", &registered.head.sha256),
    ] {
        assert!(metadata.contains(&(name.to_owned(), value.to_owned())), "{name} in {metadata:?}");
    }
    let original: Key = first.original_key.as_deref().unwrap().parse().unwrap();
    assert_eq!(app.lake.get(&original).await.unwrap(), bytes);
    assert!(app.lake.list(&Prefix::Uploads).await.unwrap().is_empty());

    // Checking a decided deposit again changes nothing.
    deposit::process(app, first.id).await.unwrap();
    assert_eq!(app.store.deposit(first.id).await.unwrap().unwrap(), first);

    // A correction takes its place.
    let corrected = [bytes.as_slice(), b"\r\n"].concat();
    let second = settle(app, &agent, "2026-02", "relevés v2.csv", &corrected).await;
    assert_eq!(second.state, DepositState::Accepted);
    let superseded = app.store.deposit(first.id).await.unwrap().unwrap();
    assert_eq!((superseded.state, superseded.superseded_by), (DepositState::Superseded, Some(second.id)));

    // Taking it back says why, and is counted.
    let before = app.store.latest_evaluation(registered.head.id).await.unwrap().unwrap().head.number;
    assert_eq!(code(deposit::withdraw(app, &agent, second.id, " \0\n").await).1, "reason_required");
    assert_eq!(code(deposit::withdraw(app, &agent, second.id, &"a".repeat(3000)).await).1, "reason_too_long");
    let stranger = someone(ground, Role::Contributor, Some("219200631")).await;
    assert_eq!(code(deposit::withdraw(app, &stranger, second.id, "erreur").await), (Kind::NotFound, "not_found"));
    assert_eq!(code(deposit::withdraw(app, &agent, first.id, "erreur").await), (Kind::Conflict, "deposit_state"));
    let signatory = someone(ground, Role::Signatory, Some(MONTREUIL)).await;
    assert_eq!(code(deposit::withdraw(app, &signatory, second.id, "erreur").await).0, Kind::Forbidden);
    deposit::withdraw(app, &agent, second.id, "mauvais\0 bâtiment").await.unwrap();
    assert_eq!(code(deposit::withdraw(app, &agent, second.id, "encore").await), (Kind::Conflict, "deposit_state"));
    work::run_due(app).await.unwrap();
    let withdrawn = app.store.deposit(second.id).await.unwrap().unwrap();
    assert_eq!((withdrawn.state, withdrawn.reason.as_deref()), (DepositState::Withdrawn, Some("mauvais bâtiment")));
    let after = app.store.latest_evaluation(registered.head.id).await.unwrap().unwrap();
    assert_eq!(after.head.number, before + 1);
    assert!(serde_json::from_str::<Evaluation>(&after.body).unwrap().provenance.deposits.is_empty());

    // Nothing counts any more: the superseded file can be sent again.
    let third = settle(app, &agent, "2026-02", "relevés.csv", &bytes).await;
    assert!(third.id != first.id && third.state == DepositState::Accepted);
    assert!(retex::audit::verify(&app.store).await.unwrap().is_empty());
}

async fn the_same_bytes_are_one_deposit(ground: &Ground) {
    let app = &ground.app;
    import(app, "chauffage", |_| {}).await;
    let agent = someone(ground, Role::Contributor, Some(MONTREUIL)).await;
    let bytes = Arc::new(file("chauffage", FEBRUARY));
    let sent = (0..6).map(|i| {
        let (app, agent, bytes) = (app.clone(), agent.clone(), bytes.clone());
        tokio::spawn(async move {
            deposit::accept(&app, &agent, slot(CHAUFFAGE, "releves", "2026-02", &format!("{i}.csv")), body(&bytes)).await
        })
    });
    let answers: Vec<Accepted> = futures::future::join_all(sent).await.into_iter().map(|a| a.unwrap().unwrap()).collect();
    assert_eq!(answers.iter().filter(|a| !a.already).count(), 1);
    assert_eq!(all(app).await.len(), 1);
    assert!(answers.iter().all(|a| a.deposit.id == answers[0].deposit.id));
    work::run_due(app).await.unwrap();
    let again = send(app, &agent, slot(CHAUFFAGE, "releves", "2026-02", "x.csv"), &bytes).await.unwrap();
    assert!(again.already && again.deposit.state == DepositState::Accepted && again.deposit.id == answers[0].deposit.id);
    assert!(app.lake.list(&Prefix::Uploads).await.unwrap().is_empty());
    let original: Key = again.deposit.original_key.unwrap().parse().unwrap();
    assert!(app.lake.exists(&original).await.unwrap());
}

async fn a_refused_file_is_told_cell_by_cell(ground: &Ground) {
    let app = &ground.app;
    import(app, "chauffage", |_| {}).await;
    let agent = someone(ground, Role::Contributor, Some(MONTREUIL)).await;
    let bytes = file("chauffage", "93048/releves/releves_2026-01_v1.csv");
    let refused = settle(app, &agent, "2026-01", "releves_2026-01_v1.csv", &bytes).await;
    let report = receipt(app, &refused).await;
    assert_eq!((refused.state, report.errors.len()), (DepositState::Rejected, 3));
    assert!(report.errors.iter().all(|e| e.row.is_some() && e.column.as_deref() == Some("energie_kwh") && e.value.is_some()));
    assert!(refused.table_key.is_none() && app.lake.exists(&refused.original_key.as_deref().unwrap().parse().unwrap()).await.unwrap());
    assert!(app.store.current_deposits(refused.convention_id).await.unwrap().is_empty());
    // The same file is answered with the same receipt, but judged again under a new version of the convention.
    let slot = || slot(CHAUFFAGE, "releves", "2026-01", "x.csv");
    assert_eq!(send(app, &agent, slot(), &bytes).await.unwrap().deposit.id, refused.id);
    import(app, "chauffage", |json| json["title"] = "Chauffage, corrigé".into()).await;
    assert!(!send(app, &agent, slot(), &bytes).await.unwrap().already);
    work::run_due(app).await.unwrap();
    let good = settle(app, &agent, "2026-01", "v2.csv", &file("chauffage", "93048/releves/releves_2026-01_v2.csv")).await;
    assert_eq!(good.state, DepositState::Accepted);
}

async fn a_column_outside_the_perimeter_leaves_no_value_behind(ground: &Ground) {
    let app = &ground.app;
    app.clock.advance(TimeDelta::days(220));
    import(app, "tri-demandes", |_| {}).await;
    let agent = someone(ground, Role::Contributor, Some("219200508")).await;
    let bytes = file("tri-demandes", "92050/demandes/GRC_2026-09.csv");
    let mut ids = Vec::new();
    for period in ["2026-09", "2026-10"] {
        ids.push(send(app, &agent, slot(TRI, "demandes", period, "GRC.csv"), &bytes).await.unwrap().deposit.id);
    }
    let key: Key = app.store.deposit(ids[0]).await.unwrap().unwrap().original_key.unwrap().parse().unwrap();
    deposit::process(app, ids[0]).await.unwrap();
    assert!(app.lake.exists(&key).await.unwrap(), "the other deposit still needs these bytes");
    deposit::process(app, ids[1]).await.unwrap();
    assert!(!app.lake.exists(&key).await.unwrap(), "destroyed at once");
    assert!(app.lake.list(&Prefix::All).await.unwrap().is_empty());
    for id in ids {
        let deposit = app.store.deposit(id).await.unwrap().unwrap();
        let text = app.store.deposit_report(id).await.unwrap().unwrap();
        assert_eq!((deposit.state, deposit.original_key), (DepositState::Rejected, None));
        assert!(text.contains("nom_usager") && text.contains("outside_perimeter"));
        for value in ["DUPONT", "MARTIN", "D060320", "A0610"] {
            assert!(!text.contains(value), "{value} in {text}");
        }
    }
    let (trail, _) = app.store.audit(&AuditFilter::default(), Page::ALL).await.unwrap();
    assert!(trail.iter().any(|row| row.act == "deposit.reject" && row.detail.contains("\"erased\":true")));
    assert!(!format!("{trail:?}").contains("DUPONT"));
    let database = app.config.data.join("retex.db");
    for name in [database.clone(), database.with_added_extension("-wal"), app.config.data.join("retex.db-wal")] {
        let bytes = std::fs::read(name).unwrap_or_default();
        assert!(!bytes.windows(6).any(|w| w == b"DUPONT"));
    }
    // The same bytes again: the same answer.
    let again = send(app, &agent, slot(TRI, "demandes", "2026-09", "GRC.csv"), &bytes).await.unwrap();
    assert!(again.already && app.lake.list(&Prefix::All).await.unwrap().is_empty());
}

async fn a_key_in_two_files_of_a_site_is_refused(ground: &Ground) {
    let app = &ground.app;
    import(app, "chauffage", |_| {}).await;
    let agent = someone(ground, Role::Contributor, Some(MONTREUIL)).await;
    let february = file("chauffage", FEBRUARY);
    settle(app, &agent, "2026-02", "février.csv", &february).await;
    let refused = settle(app, &agent, "2026-03", "mars.csv", &february).await;
    let report = receipt(app, &refused).await;
    assert_eq!((refused.state, report.valid, report.by_rule[0].code.as_str()), (DepositState::Rejected, false, "repeated_key"));
    assert_eq!(report.stats.errors, report.stats.rows);
    assert_eq!(report.file.name, "mars.csv");
    assert!(
        report.errors[0].message.contains("février.csv") && report.errors[0].message.contains("D-2026-000001"),
        "{:?}",
        report.errors[0]
    );
    // Another site may use the same keys, and a correction repeats those that it replaces.
    let neighbour = someone(ground, Role::Contributor, Some("219200631")).await;
    assert_eq!(settle(app, &neighbour, "2026-03", "mars.csv", &february).await.state, DepositState::Accepted);
    let corrected = [february.as_slice(), b"\r\n"].concat();
    assert_eq!(settle(app, &agent, "2026-02", "février v2.csv", &corrected).await.state, DepositState::Accepted);
    assert_eq!(settle(app, &agent, "2026-03", "mars.csv", &file("chauffage", MARCH)).await.state, DepositState::Accepted);
}

async fn what_may_not_be_sent_is_refused_and_leaves_nothing(ground: &Ground) {
    let app = &ground.app;
    import(app, "chauffage", |_| {}).await;
    let agent = someone(ground, Role::Contributor, Some(MONTREUIL)).await;
    let bytes = file("chauffage", FEBRUARY);
    let good = || slot(CHAUFFAGE, "releves", "2026-02", "a.csv");
    let of = |site: &str| Slot { site: Some(site.parse().unwrap()), ..good() };
    let absent = code(send(app, &agent, slot("autre", "releves", "2026-02", "a.csv"), &bytes).await);
    assert_eq!(absent, (Kind::NotFound, "not_found"));
    for (slot, expected) in [
        (slot("a\0b", "releves", "2026-02", "a.csv"), absent),
        (of("219200631"), absent),
        (of("219300100"), absent),
        (slot(CHAUFFAGE, "autre\0", "2026-02", "a.csv"), (Kind::Invalid, "unknown_dataset")),
        (slot(CHAUFFAGE, "releves", "", "a.csv"), (Kind::Invalid, "period_required")),
        (slot(CHAUFFAGE, "releves", "2026-04", "a.csv"), (Kind::Invalid, "period_outside")),
    ] {
        assert_eq!(code(send(app, &agent, slot.clone(), &bytes).await), expected, "{slot:?}");
    }
    let messages = [of("219200631"), of("219300100"), slot("autre", "releves", "2026-02", "a.csv")];
    let mut told = Vec::new();
    for slot in messages {
        told.push(send(app, &agent, slot, &bytes).await.unwrap_err().message);
    }
    assert!(told.iter().all(|m| *m == told[0]), "what is not theirs is told like what is not there: {told:?}");
    for (role, site) in [(Role::Signatory, Some(MONTREUIL)), (Role::Officer, None), (Role::Administrator, None)] {
        let person = someone(ground, role, site).await;
        assert_eq!(code(send(app, &person, of(MONTREUIL), &bytes).await).0, Kind::Forbidden, "{role}");
    }
    assert_eq!(code(send(app, &agent, good(), b"").await), (Kind::Invalid, "empty_file"));
    let broken = stream::iter([Ok(Bytes::from_static(b"batiment;usage\n")), Err(io::Error::other("connection reset"))]);
    assert_eq!(code(deposit::accept(app, &agent, good(), broken).await), (Kind::Invalid, "upload_interrupted"));
    let small = App { config: Arc::new(Config { max_upload: 5000, ..Config::clone(&app.config) }), ..app.clone() };
    assert_eq!(code(send(&small, &agent, good(), &bytes).await), (Kind::TooLarge, "too_large"));
    assert_eq!(code(check_only(&small, &agent, good(), body(&bytes)).await), (Kind::TooLarge, "too_large"));

    // A dataset that is sent once has no months.
    import(app, "chauffage", |json| {
        json["id"] = "chauffage-une-fois".into();
        json["datasets"]["releves"]["periodicity"] = "once".into();
    })
    .await;
    let once = |period| slot("chauffage-une-fois", "releves", period, "a.csv");
    assert_eq!(code(send(app, &agent, once("2026-02"), &bytes).await), (Kind::Invalid, "period_not_expected"));

    // Before the first day and after the corrections.
    import(app, "tri-demandes", |_| {}).await;
    assert_eq!(code(send(app, &agent, slot(TRI, "demandes", "2026-09", "a.csv"), &bytes).await), (Kind::Conflict, "not_started"));
    app.clock.advance(TimeDelta::days(60));
    assert_eq!(code(send(app, &agent, good(), &bytes).await), (Kind::Conflict, "deposits_closed"));

    assert!(all(app).await.is_empty());
    assert!(app.lake.list(&Prefix::All).await.unwrap().is_empty());
    assert_eq!(work::run_due(app).await.unwrap(), 0);
}

async fn a_check_without_deposit_keeps_nothing(ground: &Ground) {
    let app = &ground.app;
    import(app, "chauffage", |_| {}).await;
    let agent = someone(ground, Role::Contributor, Some(MONTREUIL)).await;
    let check = async |bytes: &[u8]| check_only(app, &agent, slot(CHAUFFAGE, "releves", "2026-01", "a.csv"), body(bytes)).await.unwrap();
    let report = check(&file("chauffage", "93048/releves/releves_2026-01_v1.csv")).await;
    assert_eq!((report.valid, report.errors.len()), (false, 3));
    assert!(check(&file("chauffage", "93048/releves/releves_2026-01_v2.csv")).await.valid);
    assert!(check(b"").await.source_error.is_some());
    assert!(check(&[0, 159, 146, 150, 0, 1]).await.source_error.is_some());
    let broken = stream::iter([Ok(Bytes::from_static(b"a;b\n")), Err(io::Error::other("reset"))]);
    let refused = check_only(app, &agent, slot(CHAUFFAGE, "releves", "2026-01", "a.csv"), broken).await;
    assert_eq!(code(refused), (Kind::Invalid, "upload_interrupted"));
    let stranger = someone(ground, Role::Contributor, Some("219300100")).await;
    let refused = check_only(app, &stranger, slot(CHAUFFAGE, "releves", "2026-01", "a.csv"), body(b"a")).await;
    assert_eq!(code(refused).0, Kind::NotFound);
    assert!(all(app).await.is_empty() && app.lake.list(&Prefix::All).await.unwrap().is_empty());
}

async fn a_check_that_dies_is_given_up_and_can_be_sent_again(ground: &Ground) {
    let app = &ground.app;
    import(app, "chauffage", |_| {}).await;
    let agent = someone(ground, Role::Contributor, Some(MONTREUIL)).await;
    let bytes = file("chauffage", FEBRUARY);
    let sent = send(app, &agent, slot(CHAUFFAGE, "releves", "2026-02", "a.csv"), &bytes).await.unwrap().deposit;
    // The process dies in the middle of each try.
    let mut tries = 0;
    loop {
        let now = app.clock.now();
        let job = app.store.claim_job("mort", now, now + TimeDelta::minutes(1)).await.unwrap().expect("it is tried again");
        tries += 1;
        app.clock.advance(TimeDelta::minutes(2));
        if job.attempts == job.max_attempts {
            break;
        }
    }
    assert!(tries > 1);
    work::run_due(app).await.unwrap();
    let given_up = app.store.deposit(sent.id).await.unwrap().unwrap();
    assert_eq!(given_up.state, DepositState::Rejected);
    let error = receipt(app, &given_up).await.source_error.expect("told why");
    assert_eq!(error.code, "check_failed");
    assert!(error.message.contains("de notre fait"), "{}", error.message);
    assert_eq!(app.store.failed_jobs(10).await.unwrap().len(), 1);
    // «Réessayez»: the same file is then a new deposit.
    assert_eq!(settle(app, &agent, "2026-02", "a.csv", &bytes).await.state, DepositState::Accepted);

    // A file that is no longer there cannot be checked by trying again.
    let lost = send(app, &agent, slot(CHAUFFAGE, "releves", "2026-03", "b.csv"), &file("chauffage", MARCH)).await.unwrap().deposit;
    app.lake.delete(&lost.original_key.as_deref().unwrap().parse().unwrap()).await.unwrap();
    work::run_due(app).await.unwrap();
    let lost = app.store.deposit(lost.id).await.unwrap().unwrap();
    assert_eq!((lost.state, receipt(app, &lost).await.source_error.unwrap().code.as_str()), (DepositState::Rejected, "check_failed"));
}

async fn a_hostile_name_is_only_a_name(ground: &Ground) {
    let app = &ground.app;
    import(app, "chauffage", |_| {}).await;
    let agent = someone(ground, Role::Contributor, Some(MONTREUIL)).await;
    let long = "é".repeat(10_000) + ".csv";
    let cases = [
        ("../../../etc/passwd\0.csv", "passwd.csv"),
        ("C:\\données\\relevés 2026-02.csv", "relevés 2026-02.csv"),
        ("\0\n", "fichier"),
        ("<img src=x onerror=alert(1)>.csv", "<img src=x onerror=alert(1)>.csv"),
        (long.as_str(), &"é".repeat(200)),
    ];
    let bytes = file("chauffage", FEBRUARY);
    for (i, (name, kept)) in cases.into_iter().enumerate() {
        let deposit = settle(app, &agent, "2026-02", name, &[bytes.as_slice(), "\n".repeat(i).as_bytes()].concat()).await;
        assert_eq!((deposit.state, deposit.file_name.as_str()), (DepositState::Accepted, kept));
        assert_eq!(receipt(app, &deposit).await.file.name, kept);
    }
}

/// Sends every file of the heating sample, each by its site; those that are refused too.
pub async fn send_all(ground: &Ground, convention: &str) {
    let app = &ground.app;
    let dir = sample("chauffage").join("deposits");
    let sorted = |dir: PathBuf| {
        let mut paths: Vec<_> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
        paths.sort();
        paths
    };
    for site in sorted(dir) {
        let organisation = territory::by_code(site.file_name().unwrap().to_str().unwrap()).unwrap();
        let agent = someone(ground, Role::Contributor, Some(organisation.siren.as_str())).await;
        for path in sorted(site.join("releves")) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let period = retex::ids::Period::in_name(&name);
            let slot = Slot { period, ..slot(convention, "releves", "", &name) };
            send(app, &agent, slot, &std::fs::read(path).unwrap()).await.unwrap();
        }
    }
}

fn at(time: &str) -> DateTime<Utc> {
    time.parse().unwrap()
}

/// Moves the clock past the experiment's last day.
pub fn after_the_end(app: &App) {
    app.clock.advance(at("2026-04-02T08:00:00Z") - app.clock.now());
}

async fn snapshots_follow_the_deposits_and_the_final_one_is_the_last(ground: &Ground) {
    let app = &ground.app;
    let registered = import(app, "chauffage", |_| {}).await;
    let id = registered.head.id;
    let officer = someone(ground, Role::Officer, None).await;
    let analyst = someone(ground, Role::Analyst, None).await;
    let agent = someone(ground, Role::Contributor, Some(MONTREUIL)).await;
    assert!(evaluation::latest(app, &officer, CHAUFFAGE).await.unwrap().is_none());
    assert_eq!(code(report::build(app, &analyst, CHAUFFAGE, Format::Html).await), (Kind::Conflict, "no_deposit"));
    settle(app, &agent, "2026-02", "a.csv", &file("chauffage", FEBRUARY)).await;
    assert_eq!(evaluation::latest(app, &officer, CHAUFFAGE).await.unwrap().unwrap().head.number, 1);
    evaluation::refresh(app, id).await.unwrap();
    assert_eq!(app.store.evaluations(id).await.unwrap().len(), 1, "nothing changed, nothing new");
    send_all(ground, CHAUFFAGE).await;
    let waiting = app.store.undecided_deposits(id).await.unwrap();
    assert_eq!(waiting, 19, "all but the one that was there");
    assert_eq!(code(evaluation::lock(app, &officer, CHAUFFAGE).await), (Kind::Conflict, "period_not_over"));
    after_the_end(app);
    assert_eq!(code(evaluation::lock(app, &officer, CHAUFFAGE).await), (Kind::Conflict, "computing"));
    work::run_due(app).await.unwrap();
    let latest = app.store.latest_evaluation(id).await.unwrap().unwrap();
    assert_eq!(app.store.evaluations(id).await.unwrap().len() as i64, latest.head.number);

    // The very bytes that the command line gives on the same files.
    let convention = &registered.convention;
    let tables = folder::read(&sample("chauffage").join("deposits"), convention, |_, _| {}).unwrap();
    let same = |is_final| serde_json::to_string(&evaluate(convention, 1, &tables.accepted, is_final)).unwrap();
    // Only the hub knows what was signed.
    let unsigned = |body: &str| {
        let mut evaluation: retex::evaluation::result::Evaluation = serde_json::from_str(body).unwrap();
        assert!(evaluation.convention.signed_plan.take().is_some());
        serde_json::to_string(&evaluation).unwrap()
    };
    assert_eq!(unsigned(&latest.body), same(false));

    // The report says so too.
    let html = String::from_utf8(report::build(app, &analyst, CHAUFFAGE, Format::Html).await.unwrap().bytes).unwrap();
    assert!(html.contains("Pilotage du chauffage"));
    for (role, site) in
        [(Role::Contributor, Some(MONTREUIL)), (Role::Signatory, None), (Role::DataProtectionOfficer, None), (Role::Administrator, None)]
    {
        let person = someone(ground, role, site).await;
        assert_eq!(code(report::build(app, &person, CHAUFFAGE, Format::Pdf).await).0, Kind::Forbidden, "{role}");
        assert_eq!(code(evaluation::lock(app, &person, CHAUFFAGE).await).0, Kind::Forbidden, "{role}");
        if site.is_none() {
            assert_eq!(code(evaluation::latest(app, &person, CHAUFFAGE).await).0, Kind::Forbidden, "{role}");
        }
    }
    assert_eq!(code(evaluation::lock(app, &analyst, CHAUFFAGE).await).0, Kind::Forbidden);
    assert_eq!(code(evaluation::lock(app, &officer, "autre").await).0, Kind::NotFound);

    // Two officers at once: one locks it.
    let (one, two) = tokio::join!(evaluation::lock(app, &officer, CHAUFFAGE), evaluation::lock(app, &officer, CHAUFFAGE));
    assert_eq!([one.is_ok(), two.is_ok()].iter().filter(|ok| **ok).count(), 1);
    assert_eq!(code(evaluation::lock(app, &officer, CHAUFFAGE).await), (Kind::Conflict, "already_final"));
    let locked = app.store.latest_evaluation(id).await.unwrap().unwrap();
    assert_eq!((locked.head.is_final, locked.head.number), (true, latest.head.number + 1));
    assert_eq!(unsigned(&locked.body), same(true));

    // What comes later is refused, and says so; taking back what counted changes nothing.
    let late = send(app, &agent, slot(CHAUFFAGE, "releves", "2026-02", "tard.csv"), b"batiment\n").await;
    assert_eq!(code(late), (Kind::Conflict, "evaluation_final"));
    let counted = app.store.current_deposits(id).await.unwrap().into_iter().find(|d| d.site.as_str() == MONTREUIL).unwrap();
    deposit::withdraw(app, &agent, counted.id, "trop tard").await.unwrap();
    work::run_due(app).await.unwrap();
    import(app, "chauffage", |json| json["title"] = "Chauffage, autre titre".into()).await;
    work::run_due(app).await.unwrap();
    let seen = evaluation::latest(app, &officer, CHAUFFAGE).await.unwrap().unwrap();
    assert_eq!((seen.head, seen.stale), (locked.head, false));
    let built = report::build(app, &officer, CHAUFFAGE, Format::Html).await.unwrap();
    assert!(built.file_name.ends_with("definitive.html"), "{}", built.file_name);
    let html = String::from_utf8(built.bytes).unwrap();
    assert!(!html.contains("autre titre"), "a report names the version that it was made under");
}

/// The whole sample, decided, under the sample's convention changed by `change`.
async fn whole(ground: &Ground, change: impl FnOnce(&mut Json)) -> Registered {
    let registered = import(&ground.app, "chauffage", change).await;
    after_the_end(&ground.app);
    send_all(ground, CHAUFFAGE).await;
    work::run_due(&ground.app).await.unwrap();
    registered
}

async fn a_site_sees_its_own_results_and_no_name_of_others(ground: &Ground) {
    let app = &ground.app;
    let registered = whole(ground, |json| {
        json["uses"]["comparison"]["sites"] = "anonymous".into();
        json["disclosure"]["minimum_cell"] = 1.into();
    })
    .await;
    let officer = someone(ground, Role::Officer, None).await;
    let everything = evaluation::latest(app, &officer, CHAUFFAGE).await.unwrap().unwrap().evaluation;
    let mut names_of = Vec::new();
    for party in &registered.convention.document.parties.sites {
        let agent = someone(ground, Role::Contributor, Some(party.siren.as_str())).await;
        let seen = evaluation::latest(app, &agent, CHAUFFAGE).await.unwrap().unwrap().evaluation;
        let text = serde_json::to_string(&seen).unwrap();
        for other in registered.convention.document.parties.sites.iter().filter(|o| o.siren != party.siren) {
            assert!(!text.contains(other.siren.as_str()), "{} is told {}", party.siren, other.siren);
            assert!(!text.contains(&registered.convention.site_name(&other.siren)), "{} is told {}", party.siren, other.siren);
        }
        for (full, shown) in everything.indicators.iter().zip(&seen.indicators) {
            let own = |e: &retex::evaluation::result::IndicatorResult| e.sites.iter().find(|s| s.site.siren == party.siren).cloned();
            assert_eq!(
                own(full).map(|s| (s.groups, s.effect.estimate)),
                own(shown).map(|s| (s.groups, s.effect.estimate)),
                "own values, always"
            );
            assert_eq!(full.sites.len(), shown.sites.len());
            // One name for one site in all indicators, whoever reads.
            names_of.extend(shown.sites.iter().filter(|s| s.site.siren != party.siren).map(|s| s.site.name.clone()));
        }
    }
    names_of.sort();
    names_of.dedup();
    assert_eq!(names_of.len(), 6, "one lasting name each: {names_of:?}");
    compared_page_tells_sites_apart(ground).await;
    let stranger = someone(ground, Role::Contributor, Some("219300100")).await;
    assert_eq!(code(evaluation::latest(app, &stranger, CHAUFFAGE).await), (Kind::NotFound, "not_found"));
}

/// The page of the comparison shows each nameless site its own values.
async fn compared_page_tells_sites_apart(ground: &Ground) {
    let id = ground.account(MONTREUIL).await;
    let mut account = ground.app.store.account(id).await.unwrap().unwrap();
    account.password_hash = Some(access::password::hash(&ground.app.clock, PASSWORD).await.unwrap());
    let mut tx = ground.app.store.begin().await.unwrap();
    tx.update_account(&account).await.unwrap();
    tx.commit().await.unwrap();
    let cookie = access::sign_in(&ground.app, &account.email, PASSWORD, "").await.unwrap().opened().unwrap().token;
    let request = axum::http::Request::get(format!("/experimentations/{CHAUFFAGE}/comparer")).header("cookie", format!("retex={cookie}"));
    let response =
        tower::ServiceExt::oneshot(retex::http::router::router(ground.app.clone()), request.body(axum::body::Body::empty()).unwrap());
    let html = axum::body::to_bytes(response.await.unwrap().into_body(), usize::MAX).await.unwrap();
    let html = String::from_utf8(html.to_vec()).unwrap();
    let rows: Vec<&str> = html.split("<tr").filter(|row| row.contains("Collectivité ")).collect();
    assert!(rows.len() >= 5, "{html}");
    let cells = |row: &str| row.split("<td").skip(1).collect::<String>();
    let distinct: std::collections::HashSet<String> = rows.iter().map(|row| cells(row)).collect();
    assert_eq!(distinct.len(), rows.len(), "{rows:?}");
}

async fn small_cells_are_withheld_from_other_sites(ground: &Ground) {
    let app = &ground.app;
    whole(ground, |json| json["disclosure"]["minimum_cell"] = 1000.into()).await;
    let agent = someone(ground, Role::Contributor, Some(MONTREUIL)).await;
    let seen = evaluation::latest(app, &agent, CHAUFFAGE).await.unwrap().unwrap().evaluation;
    assert!(!seen.indicators.is_empty());
    for indicator in &seen.indicators {
        assert!(indicator.pooled.random.is_none() && indicator.pooled.fixed.is_none() && indicator.pooled.reason.is_some());
        for site in &indicator.sites {
            let own = site.site.siren.as_str() == MONTREUIL;
            assert_eq!(site.groups.iter().any(|g| g.n.is_some()), own);
            assert!(own || site.effect.estimate.is_none() && site.groups.iter().all(|g| g.mean.is_none() && g.period.is_none()));
            assert!(site.effect.weight.is_none());
        }
    }
    // A new version that compares nothing shows each site itself, of the older snapshot too.
    import(app, "chauffage", |json| {
        json["uses"].as_object_mut().unwrap().remove("comparison");
        json["evaluation"]["indicators"].as_array_mut().unwrap().remove(0);
    })
    .await;
    let seen = evaluation::latest(app, &agent, CHAUFFAGE).await.unwrap().unwrap();
    assert!(seen.stale && seen.evaluation.indicators.iter().all(|i| i.sites.iter().all(|s| s.site.siren.as_str() == MONTREUIL)));
    assert!(!serde_json::to_string(&seen.evaluation).unwrap().contains("219200631"));
}

async fn a_new_version_makes_the_snapshot_again(ground: &Ground) {
    let app = &ground.app;
    let first = import(app, "chauffage", |_| {}).await;
    let agent = someone(ground, Role::Contributor, Some(MONTREUIL)).await;
    let officer = someone(ground, Role::Officer, None).await;
    settle(app, &agent, "2026-02", "a.csv", &file("chauffage", FEBRUARY)).await;
    assert_eq!(import(app, "chauffage", |_| {}).await.head, first.head, "the same document is the same version");
    let second = import(app, "chauffage", |json| json["title"] = "Chauffage, précisé".into()).await;
    assert_eq!((second.head.version, second.head.name.as_str()), (2, CHAUFFAGE));
    assert!(evaluation::latest(app, &officer, CHAUFFAGE).await.unwrap().unwrap().stale);
    assert_eq!(code(report::build(app, &officer, CHAUFFAGE, Format::Html).await), (Kind::Conflict, "computing"));
    work::run_due(app).await.unwrap();
    let snapshot = evaluation::latest(app, &officer, CHAUFFAGE).await.unwrap().unwrap();
    assert_eq!((snapshot.stale, snapshot.head.number, snapshot.evaluation.convention.version), (false, 2, 2));
    report::build(app, &officer, CHAUFFAGE, Format::Html).await.unwrap();
    assert_eq!(evaluation::numbered(app, &officer, CHAUFFAGE, 1).await.unwrap().unwrap().head.number, 1);
    assert!(evaluation::numbered(app, &officer, CHAUFFAGE, 3).await.unwrap().is_none());
    let bad = register::import(app, json!({"retex": 1})).await.unwrap_err();
    assert!(bad.kind == Kind::Invalid && !bad.faults.is_empty());
}

async fn answers_are_written_by_one_person_at_a_time(ground: &Ground) {
    let app = &ground.app;
    import(app, "chauffage", |_| {}).await;
    let site = MONTREUIL.parse().unwrap();
    let agent = someone(ground, Role::Contributor, Some(MONTREUIL)).await;
    let analyst = someone(ground, Role::Analyst, None).await;
    settle(app, &agent, "2026-02", "a.csv", &file("chauffage", FEBRUARY)).await;
    let of = |json: Json| json.as_object().unwrap().clone();
    let write = async |actor: &Actor, seen, json: Json, submit| answers::write(app, actor, CHAUFFAGE, &site, seen, of(json), submit).await;
    let words = "Nos régisseurs l'ont adopté\u{0}.";
    assert_eq!(write(&agent, 0, json!({"benefices": words}), false).await.unwrap(), 1);
    assert_eq!(code(write(&agent, 0, json!({}), false).await), (Kind::Conflict, "rex_changed"), "an unseen version");
    assert_eq!(code(write(&agent, 7, json!({}), false).await), (Kind::Conflict, "rex_changed"));
    assert_eq!(code(write(&analyst, 1, json!({}), false).await).0, Kind::Forbidden);
    let stranger = someone(ground, Role::Contributor, Some("219200631")).await;
    assert_eq!(code(write(&stranger, 1, json!({}), false).await).0, Kind::NotFound);
    let missing = write(&agent, 1, json!({"benefices": words}), true).await.unwrap_err();
    assert!(missing.faults.iter().any(|f| f.pointer == "/services" && f.code == "required"), "{:?}", missing.faults);
    let html = async || String::from_utf8(report::build(app, &analyst, CHAUFFAGE, Format::Html).await.unwrap().bytes).unwrap();
    assert!(!html().await.contains("adopté"), "a draft stays with its site");
    let complete: Json = serde_json::from_slice(&std::fs::read(sample("chauffage").join("rex/93048.json")).unwrap()).unwrap();
    assert_eq!(write(&agent, 1, complete["answers"].clone(), true).await.unwrap(), 2);
    assert!(html().await.contains("Quatorze bâtiments suivis"));
    assert_eq!(code(write(&agent, 2, json!({}), false).await), (Kind::Conflict, "rex_submitted"), "no draft takes them out of the report");
    assert_eq!(write(&agent, 2, complete["answers"].clone(), true).await.unwrap(), 3, "but they can be corrected");
    let read = answers::read(app, &agent, CHAUFFAGE, &site).await.unwrap();
    assert_eq!(read.answers, of(complete["answers"].clone()));
    assert_eq!(code(answers::read(app, &stranger, CHAUFFAGE, &site).await.map(drop)).0, Kind::NotFound);
}
